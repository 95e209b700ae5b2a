//! Lists of addresses that nobody is to be met at (`--filter`), read at the start and again at SIGHUP.
use crate::exit::Stop;
use crate::units::Count;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use teem_client::path::Path;
use teem_client::path::filter::{Filter, read};

/// What is to be said of lists that were read again; the view takes it.
static WORDS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// SIGHUP has lists read again.
static REREAD: AtomicBool = AtomicBool::new(false);

/// Keeps out what the lists say.
pub(crate) fn load(path: &Path, files: &[PathBuf]) -> Result<(), Stop> {
    if files.is_empty() {
        return Ok(());
    }
    say(put(path, files).map_err(Stop::local)?);
    Ok(())
}

/// Reads the lists again at each SIGHUP. A list that cannot be used leaves the former in force. To be called in the runtime.
pub(crate) fn reread(path: &Path, files: &[PathBuf]) {
    #[cfg(unix)]
    if !files.is_empty()
        && let Ok(mut hangup) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())
    {
        REREAD.store(true, Ordering::SeqCst);
        let (path, files) = (path.clone(), files.to_vec());
        tokio::spawn(async move {
            while hangup.recv().await.is_some() {
                let (path, files) = (path.clone(), files.clone());
                let put = tokio::task::spawn_blocking(move || put(&path, &files)).await;
                say(match put {
                    Ok(Ok(words)) => words,
                    Ok(Err(why)) => format!("{why}; the former filter stays"),
                    Err(_) => "the filter could not be read again; the former stays".to_owned(),
                });
            }
        });
    }
    #[cfg(not(unix))]
    let _ = (path, files);
}

/// From now on SIGHUP has something read again by others than this.
pub(crate) fn keep_hangup() {
    REREAD.store(true, Ordering::SeqCst);
}

/// Whether SIGHUP has lists read again, and so is no wish to end.
pub(crate) fn is_reread() -> bool {
    REREAD.load(Ordering::SeqCst)
}

/// Reads lists without a word to anybody: what is to be kept out, and what is to be said once it is.
pub(crate) fn look(files: &[PathBuf]) -> Result<(Filter, String), String> {
    let (filter, bad) = read(files).map_err(|e| e.to_string())?;
    let mut words = format!("{} of addresses are kept out", Count(filter.len(), "range"));
    if bad > 0 {
        words +=
            &format!("; {} of the lists are not understood", Count(usize::try_from(bad).unwrap_or(usize::MAX), "line"));
    }
    Ok((filter, words))
}

/// What was not said yet.
pub(crate) fn words() -> Vec<String> {
    std::mem::take(&mut *WORDS.lock().unwrap_or_else(PoisonError::into_inner))
}

fn say(words: String) {
    WORDS.lock().unwrap_or_else(PoisonError::into_inner).push(words);
}

fn put(path: &Path, files: &[PathBuf]) -> Result<String, String> {
    let (filter, words) = look(files)?;
    path.keep_out(filter);
    Ok(words)
}
