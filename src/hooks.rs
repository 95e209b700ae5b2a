//! Programs that the daemon's file has run when a torrent is done (`[[hook]]`): started by a helper outside of the sandbox, begun before that is entered.
//!
//! The helper is this binary again. It reads the file itself, and what comes over its pipe is which of the file's hooks is to run and the facts of a torrent: one that takes
//! the daemon over can choose neither a program nor its arguments, as long as it cannot write to the file, which is looked to. Facts are variables of the environment, so that a
//! name is never an argument nor read by a shell.
use crate::cli::daemon::Daemon;
use crate::config;
use crate::exit::Stop;
use crate::foreign::plain;
use crate::on_done::{read, write};
use crate::progress::Progress;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{self, BufReader};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use teem_daemon::Done;
use teem_daemon::config::{File, HookTable};
use tokio::sync::{Semaphore, mpsc, oneshot};

/// The word that makes this binary the helper; the file follows.
const WORD: &str = "--hooks-helper";
/// Hooks that run at a time.
const AT_ONCE: usize = 4;
/// How often it is looked whether a program has ended: the standard library waits without a limit or not at all.
const LOOK: Duration = Duration::from_millis(50);
/// The number of the first answer, which nobody asked for.
const READY: u64 = 0;
/// What a manager of services told the daemon, and nobody else.
const OWN: [&str; 5] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID"];

#[derive(Serialize, Deserialize)]
enum Ask {
    /// Run a hook of the file, by its place there, with these variables.
    Run { id: u64, hook: usize, facts: Vec<(String, Vec<u8>)> },
    /// Read the file again.
    Reload { id: u64 },
}

/// What became of it: nothing, or why it failed.
#[derive(Serialize, Deserialize)]
struct Answer {
    id: u64,
    failed: Option<String>,
}

/// The other end of the helper.
#[derive(Clone)]
pub(crate) struct Hooks(Arc<Inner>);

struct Inner {
    to: Mutex<ChildStdin>,
    waiting: Mutex<Waiting>,
    /// As the helper has read them.
    hooks: Mutex<Vec<HookTable>>,
    places: Arc<Semaphore>,
}

struct Waiting {
    /// Until somebody waits: nobody reads before, because a sandbox is entered with one thread.
    from: Option<BufReader<ChildStdout>>,
    last: u64,
    answers: HashMap<u64, oneshot::Sender<Option<String>>>,
}

/// Starts the helper, if the file has hooks. Call it before there is a second thread.
pub(crate) fn start(options: &Daemon) -> Result<Option<Hooks>, Stop> {
    let layers = config::layers(options);
    let (Some(path), false) = (&layers.path, layers.file.hook.is_empty()) else { return Ok(None) };
    let failed =
        |e: io::Error| Stop::local(format!("what runs the hooks of {} cannot be started: {e}", path.display()));
    let path = std::fs::canonicalize(path).map_err(failed)?;
    let mut child = Command::new("/proc/self/exe")
        .arg(WORD)
        .arg(&path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(failed(io::ErrorKind::Other.into()));
    };
    let mut from = BufReader::new(from);
    read::<Answer>(&mut from).ok_or_else(|| failed(io::Error::other("it ends at once")))?;
    let waiting = Waiting { from: Some(from), last: READY, answers: HashMap::new() };
    Ok(Some(Hooks(Arc::new(Inner {
        to: Mutex::new(to),
        waiting: Mutex::new(waiting),
        hooks: Mutex::new(layers.file.hook.clone()),
        places: Arc::new(Semaphore::new(AT_ONCE)),
    }))))
}

/// The file, where it lies in one of these folders: what may write there could have any program run.
pub(crate) fn exposed(options: &Daemon, folders: &[PathBuf]) -> Option<PathBuf> {
    let layers = config::layers(options);
    let path = layers.path.as_ref().filter(|_| !layers.file.hook.is_empty())?;
    let path = std::fs::canonicalize(path).ok()?;
    let real = |folder: &PathBuf| std::fs::canonicalize(folder).unwrap_or_else(|_| folder.clone());
    folders.iter().any(|folder| path.starts_with(real(folder))).then_some(path)
}

impl Hooks {
    /// Runs what is to be run for each torrent that is done, until there are no more.
    pub(crate) async fn run(&self, mut done: mpsc::Receiver<Done>) {
        while let Some(done) = done.recv().await {
            let hooks = locked(&self.0.hooks).clone();
            for (at, hook) in hooks.into_iter().enumerate() {
                if hook.label.as_ref().is_some_and(|label| !done.labels.contains(label)) {
                    continue;
                }
                let (all, facts, name) = (self.clone(), facts(&done), done.name.clone());
                tokio::spawn(async move {
                    let Ok(_place) = all.0.places.acquire().await else { return };
                    if let Err(why) = all.ask(|id| Ask::Run { id, hook: at, facts }).await {
                        let program = hook.run.0.first().map_or("?", String::as_str);
                        Progress::new(false).say(&plain(&format!("warning: the hook {program} for {name}: {why}")));
                    }
                });
            }
        }
    }

    /// Has the helper read the file again; from then on those of `file` hold.
    pub(crate) async fn reload(&self, file: &File) -> Result<(), String> {
        self.ask(|id| Ask::Reload { id }).await?;
        locked(&self.0.hooks).clone_from(&file.hook);
        Ok(())
    }

    async fn ask(&self, what: impl FnOnce(u64) -> Ask) -> Result<(), String> {
        let gone = || "the helper that runs it has ended".to_owned();
        let (tell, told) = oneshot::channel();
        let id = self.wait(tell).map_err(|e| e.to_string())?;
        write(&mut *locked(&self.0.to), &what(id)).map_err(|_| gone())?;
        match told.await {
            Ok(None) => Ok(()),
            Ok(Some(why)) => Err(why),
            Err(_) => Err(gone()),
        }
    }

    fn wait(&self, tell: oneshot::Sender<Option<String>>) -> io::Result<u64> {
        let mut waiting = locked(&self.0.waiting);
        if let Some(from) = waiting.from.take() {
            let all = self.clone();
            thread::Builder::new().name("teem-hooks".into()).spawn(move || all.hear(from))?;
        }
        waiting.last += 1;
        let id = waiting.last;
        waiting.answers.insert(id, tell);
        Ok(id)
    }

    fn hear(&self, mut from: BufReader<ChildStdout>) {
        while let Some(answer) = read::<Answer>(&mut from) {
            if let Some(tell) = locked(&self.0.waiting).answers.remove(&answer.id) {
                let _ = tell.send(answer.failed);
            }
        }
        locked(&self.0.waiting).answers.clear();
    }
}

/// What a program is told of a torrent.
fn facts(done: &Done) -> Vec<(String, Vec<u8>)> {
    // A variable cannot hold a zero byte; one that has it would not be run at all.
    let text = |text: &str| text.replace('\0', "").into_bytes();
    let path = |path: &Path| path.as_os_str().as_bytes().to_vec();
    [
        ("TEEM_EVENT", b"complete".to_vec()),
        ("TEEM_NAME", text(&done.name)),
        ("TEEM_PATH", path(&done.path)),
        ("TEEM_FOLDER", path(&done.folder)),
        ("TEEM_INFOHASH", text(&done.info_hash)),
        ("TEEM_SIZE", text(&done.size.to_string())),
        ("TEEM_LABELS", text(&done.labels.join(","))),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

/// Is the helper, if this process was started as one: until its pipe ends.
pub(crate) fn helped(args: &[OsString]) -> Option<ExitCode> {
    let [_, word, path] = args else { return None };
    if word != WORD {
        return None;
    }
    let path = Path::new(path);
    let Ok(mut file) = File::read(path) else { return Some(ExitCode::FAILURE) };
    if write(&mut io::stdout().lock(), &Answer { id: READY, failed: None }).is_err() {
        return Some(ExitCode::FAILURE);
    }
    let answer = |id, failed| {
        // A daemon that has ended wants no answer.
        let _ = write(&mut io::stdout().lock(), &Answer { id, failed });
    };
    let mut from = io::stdin().lock();
    while let Some(ask) = read::<Ask>(&mut from) {
        match ask {
            Ask::Reload { id } => match File::read(path) {
                Ok(read) => {
                    file = read;
                    answer(id, None);
                }
                Err(e) => answer(id, Some(e.to_string())),
            },
            Ask::Run { id, hook, facts } => {
                let Some(hook) = file.hook.get(hook).cloned() else {
                    answer(id, Some("the file has no such hook".to_owned()));
                    continue;
                };
                let run = move || answer(id, carry_out(&hook, facts).err());
                if let Err(e) = thread::Builder::new().spawn(run) {
                    answer(id, Some(e.to_string()));
                }
            }
        }
    }
    // Not waiting for what runs.
    std::process::exit(0);
}

/// Runs a program to its end, or ends it with all that it started when its time is over.
fn carry_out(hook: &HookTable, facts: Vec<(String, Vec<u8>)>) -> Result<(), String> {
    let (program, arguments) = hook.run.0.split_first().ok_or("it names no program")?;
    let mut command = Command::new(program);
    let facts = facts.into_iter().filter(|(name, _)| name.starts_with("TEEM_"));
    command.args(arguments).envs(facts.map(|(name, value)| (name, OsString::from_vec(value))));
    for own in OWN {
        command.env_remove(own);
    }
    command.stdin(Stdio::null()).stdout(io::stderr()).process_group(0);
    let mut child = command.spawn().map_err(|e| format!("it cannot be run: {e}"))?;
    let end = Instant::now() + hook.time();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("it ended with {status}")),
            Ok(None) if Instant::now() < end => thread::sleep(LOOK),
            Ok(None) => {
                // What it started is of its group; where that cannot be ended, the program alone is.
                let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", child.id())]).status();
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("it was ended after {} s", hook.time().as_secs()));
            }
            Err(e) => return Err(format!("it cannot be waited for: {e}")),
        }
    }
}

fn locked<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}
