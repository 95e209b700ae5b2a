//! A child process: its output line by line, its end within a bound, its death with the value.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How often a state that can only be asked for is asked for.
const POLL_EVERY: Duration = Duration::from_millis(40);

/// Lines of a program's output that are shown when a test fails.
const LOG_SHOWN_MAX: usize = 60;
/// Characters of each of them.
const LINE_SHOWN_MAX: usize = 300;

/// How long the last lines of a program may take that has ended.
const LAST_LINES: Duration = Duration::from_secs(10);

/// A running program.
pub struct Process {
    name: String,
    child: Child,
    lines: Receiver<String>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Process {
    /// Starts `command`; its standard output and error are read to the end, so it never blocks on them.
    pub fn start(command: &mut Command) -> Self {
        let name = command.get_program().to_string_lossy().rsplit('/').next().unwrap_or("?").to_string();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        let log = Arc::new(Mutex::new(Vec::new()));
        let (sender, lines) = channel();
        if let Some(out) = child.stdout.take() {
            follow(out, Arc::clone(&log), Some(sender));
        }
        if let Some(err) = child.stderr.take() {
            follow(err, Arc::clone(&log), None);
        }
        Self { name, child, lines, log }
    }

    /// The next line on standard output that `wanted` makes something of.
    pub fn wait_line<T>(&mut self, what: &str, limit: Duration, wanted: impl Fn(&str) -> Option<T>) -> T {
        let end = Instant::now() + limit;
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    if let Some(found) = wanted(&line) {
                        return found;
                    }
                }
                Err(RecvTimeoutError::Timeout) => panic!("{}: no {what} within {limit:?}", self.name),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("{}: ended without {what}: {:?}", self.name, self.child.wait());
                }
            }
        }
    }

    /// The next line on standard output before `end` that `wanted` makes something of, if there is one.
    pub fn poll_line<T>(&mut self, end: Instant, wanted: impl Fn(&str) -> Option<T>) -> Option<T> {
        loop {
            let line = self.lines.recv_timeout(end.saturating_duration_since(Instant::now())).ok()?;
            if let Some(found) = wanted(&line) {
                return Some(found);
            }
        }
    }

    /// Waits for the program to end by itself.
    pub fn wait_exit(&mut self, limit: Duration) -> ExitStatus {
        let what = format!("end of {}", self.name);
        let child = &mut self.child;
        wait_until(&what, limit, || child.try_wait().expect("a child can be waited for"))
    }

    /// Its status when it ends within that time.
    pub fn poll_exit(&mut self, limit: Duration) -> Option<ExitStatus> {
        let end = Instant::now() + limit;
        loop {
            let status = self.child.try_wait().expect("a child can be waited for");
            if status.is_some() || Instant::now() >= end {
                return status;
            }
            std::thread::sleep(POLL_EVERY);
        }
    }

    /// Panics when the program has ended.
    pub fn assert_runs(&mut self) {
        if let Ok(Some(status)) = self.child.try_wait() {
            panic!("{} ended: {status}", self.name);
        }
    }

    /// Asks the program to end, by SIGTERM.
    pub fn terminate(&self) {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().expect("kill can be started");
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// All that it wrote, of a program that has ended: its last lines may come after its end.
    pub fn whole_log(&mut self) -> String {
        let end = Instant::now() + LAST_LINES;
        while self.lines.recv_timeout(end.saturating_duration_since(Instant::now())).is_ok() {}
        self.log()
    }

    /// All that it wrote so far, both streams mixed.
    pub fn log(&self) -> String {
        self.log.lock().expect("no reader panics").join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log.lock().map(|log| log.clone()).unwrap_or_default();
            eprintln!("---- {} wrote ({} lines) ----", self.name, log.len());
            for line in &log[log.len().saturating_sub(LOG_SHOWN_MAX)..] {
                eprintln!("{}", line.chars().take(LINE_SHOWN_MAX).collect::<String>());
            }
        }
    }
}

fn follow(stream: impl Read + Send + 'static, log: Arc<Mutex<Vec<String>>>, lines: Option<Sender<String>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            if let Some(lines) = &lines {
                let _ = lines.send(line.clone());
            }
            if let Ok(mut log) = log.lock() {
                log.push(line);
            }
        }
    });
}

/// Asks `state` again and again until it answers; panics after `limit`.
pub fn wait_until<T>(what: &str, limit: Duration, mut state: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(answer) = state() {
            return answer;
        }
        assert!(Instant::now() < end, "no {what} within {limit:?}");
        std::thread::sleep(POLL_EVERY);
    }
}
