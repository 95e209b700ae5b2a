//! The program of `--on-done`, which a process inside the sandbox cannot run: a helper outside does, begun before.
//!
//! The helper is this binary again, with the command as it was typed: what comes over the pipe are the facts of a download and nothing
//! else, so whoever speaks through it can choose neither the program nor its arguments nor other variables. It ends when its pipe does,
//! as it does when its owner is killed; a program that runs then goes on, as it would without a helper.
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::process::{ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use teem_client::policy::{Finished, Hook};
use tokio::sync::oneshot;

/// The word that makes this binary a helper; the command follows.
const WORD: &str = "--on-done-helper";
/// Bytes of one line between the two: a path of 4 KiB as numbers is a tenth of it.
const LINE_MAX: u64 = 256 << 10;
/// The number of the first answer, which nobody asked for.
const READY: u64 = 0;
/// What is said when there is no answer any more.
const GONE: &str = "the helper that runs it has ended";

/// Facts of a download, for the helper.
#[derive(Serialize, Deserialize)]
struct Wish {
    id: u64,
    facts: [Vec<u8>; 4],
}

/// What became of it: nothing, or why it failed.
#[derive(Serialize, Deserialize)]
struct Answer {
    id: u64,
    failed: Option<String>,
}

/// Runs the program of `--on-done`.
#[derive(Clone)]
pub(crate) enum Runner {
    /// By this process.
    Here(Hook),
    /// By a helper.
    Apart(Arc<Helper>),
}

impl Runner {
    /// Runs it to its end.
    pub(crate) async fn run(&self, finished: &Finished) -> Result<(), String> {
        match self {
            Self::Here(hook) => hook.run(finished).await.map_err(|e| e.to_string()),
            Self::Apart(helper) => helper.run(Hook::facts(finished)).await,
        }
    }
}

/// The other end of a helper.
pub(crate) struct Helper {
    to: Mutex<ChildStdin>,
    waiting: Arc<Mutex<Waiting>>,
}

/// Those that wait for an answer.
struct Waiting {
    /// Until the first one is waited for: nobody reads before, because a sandbox is entered with one thread.
    from: Option<BufReader<ChildStdout>>,
    last: u64,
    answers: HashMap<u64, oneshot::Sender<Option<String>>>,
}

impl Helper {
    /// Starts one for this command, as it was typed, and waits until it is there: what cannot be started twice (under some emulators) is known at once.
    pub(crate) fn start(command: &str) -> io::Result<Self> {
        let mut child = Command::new("/proc/self/exe")
            .args([WORD, command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::ErrorKind::Other.into());
        };
        let mut from = BufReader::new(from);
        read::<Answer>(&mut from).ok_or_else(|| io::Error::other("it ends at once"))?;
        let waiting = Waiting { from: Some(from), last: READY, answers: HashMap::new() };
        Ok(Self { to: Mutex::new(to), waiting: Arc::new(Mutex::new(waiting)) })
    }

    async fn run(&self, facts: [OsString; 4]) -> Result<(), String> {
        let (tell, told) = oneshot::channel();
        let id = self.wait(tell).map_err(|e| e.to_string())?;
        let wish = Wish { id, facts: facts.map(OsString::into_vec) };
        // A line is shorter than what a pipe holds, and the helper does nothing but read.
        let sent = write(&mut *locked(&self.to), &wish);
        if sent.is_err() {
            return Err(GONE.to_owned());
        }
        match told.await {
            Ok(None) => Ok(()),
            Ok(Some(why)) => Err(why),
            Err(_) => Err(GONE.to_owned()),
        }
    }

    /// The number under which the answer comes.
    fn wait(&self, tell: oneshot::Sender<Option<String>>) -> io::Result<u64> {
        let mut waiting = locked(&self.waiting);
        if let Some(from) = waiting.from.take() {
            let all = self.waiting.clone();
            std::thread::Builder::new().name("teem-on-done".into()).spawn(move || hear(from, &all))?;
        }
        waiting.last += 1;
        let id = waiting.last;
        waiting.answers.insert(id, tell);
        Ok(id)
    }
}

/// Passes answers on until there are no more; those that wait then are told by the end of their channel.
fn hear(mut from: BufReader<ChildStdout>, waiting: &Mutex<Waiting>) {
    while let Some(answer) = read::<Answer>(&mut from) {
        if let Some(tell) = locked(waiting).answers.remove(&answer.id) {
            // A download that has ended waits no longer.
            let _ = tell.send(answer.failed);
        }
    }
    locked(waiting).answers.clear();
}

/// Is a helper, if this process was started as one: until the pipe ends.
pub(crate) fn helped(args: &[OsString]) -> Option<ExitCode> {
    let [_, word, command] = args else { return None };
    if word != WORD {
        return None;
    }
    let (Ok(hook), Ok(runtime)) =
        (Hook::parse(&command.to_string_lossy()), tokio::runtime::Builder::new_current_thread().build())
    else {
        return Some(ExitCode::FAILURE);
    };
    if write(&mut io::stdout().lock(), &Answer { id: READY, failed: None }).is_err() {
        return Some(ExitCode::FAILURE);
    }
    let mut from = io::stdin().lock();
    while let Some(Wish { id, facts }) = read(&mut from) {
        let hook = hook.clone();
        // Several downloads may be done at once, and none waits for another's program.
        runtime.spawn_blocking(move || {
            let failed = hook.run_with(facts.map(OsString::from_vec)).err().map(|e| e.to_string());
            // An owner that has ended wants no answer.
            let _ = write(&mut io::stdout().lock(), &Answer { id, failed });
        });
    }
    // Not waiting for what runs.
    std::process::exit(0);
}

/// Writes one line.
pub(crate) fn write(to: &mut impl Write, what: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    to.write_all(&line)?;
    to.flush()
}

/// One line; `None` at the end and for what is none.
pub(crate) fn read<T: for<'de> Deserialize<'de>>(from: &mut impl BufRead) -> Option<T> {
    let mut line = Vec::new();
    from.by_ref().take(LINE_MAX).read_until(b'\n', &mut line).ok()?;
    serde_json::from_slice(&line).ok()
}

fn locked<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}
