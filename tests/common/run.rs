//! One run of the binary from its start to its end, as in a terminal: what it wrote, and its exit code. Nothing of the
//! environment that the tests run in reaches it, and its saved state lies in the folder that it runs in.

use std::env;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// What came of it.
#[derive(Debug)]
pub struct Ran {
    /// Exit code; -1 when it was killed.
    pub code: i32,
    /// Standard output, bytes that are no UTF-8 replaced.
    pub out: String,
    /// Standard output as it is.
    pub bytes: Vec<u8>,
    /// What came on standard error.
    pub err: String,
}

impl Ran {
    /// All JSON lines of standard output.
    pub fn lines(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
        self.out.lines().map(parse).collect()
    }

    /// The last JSON line.
    #[track_caller]
    pub fn json(&self) -> Value {
        self.lines().pop().unwrap_or_else(|| panic!("nothing on standard output: {}", self.err))
    }

    /// The class of the error that the last line tells.
    #[track_caller]
    pub fn class(&self) -> String {
        let error = &self.json()["error"];
        assert!(error["message"].as_str().is_some_and(|text| text.len() > 10), "a sentence is wanted: {error}");
        error["class"].as_str().unwrap_or_else(|| panic!("no class: {error}")).to_string()
    }

    /// Panics unless it ended so.
    #[track_caller]
    pub fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }
}

/// `teem` with these arguments in `folder`.
pub fn teem(folder: &Path, args: &[&str]) -> Ran {
    teem_with(folder, args, &[], b"")
}

/// The same with environment variables and standard input.
pub fn teem_with(folder: &Path, args: &[&str], vars: &[(&str, &str)], input: &[u8]) -> Ran {
    let mut command = command(folder, args);
    command.envs(vars.iter().copied()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary can be started");
    let mut stdin = child.stdin.take().expect("it was asked for");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(&input); // who does not read it does not want it
    });
    let output = child.wait_with_output().expect("a child can be waited for");
    writer.join().expect("nothing to panic about");
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        bytes: output.stdout,
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The command itself, for those that run on.
pub fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_teem"));
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TEEM_")) {
        command.env_remove(name);
    }
    command.args(args).current_dir(folder).env("HOME", folder).env("XDG_STATE_HOME", folder.join("state"));
    // Tests say nothing to the network that this machine is in. One that wants the DHT takes that away and names its nodes.
    command.env("XDG_CONFIG_HOME", folder.join("config")).env("TEEM_NO_MAP", "1").env("TEEM_NO_LSD", "1");
    command.env("TEEM_NO_DHT", "1");
    command
}
