//! `teem top` in a terminal of its own: a pseudo-terminal that `script` of util-linux makes.

use std::fs;
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::common::driven::{Driven, READY};
use crate::common::namespace::Folder;
use crate::common::process::wait_until;
use crate::common::run::{command, teem};

/// What takes the terminal's own screen, and gives it back.
const TAKEN: &str = "\x1b[?1049h";
const GIVEN_BACK: &str = "\x1b[?1049l";

/// `teem top` in a terminal of 24 lines and 100 columns.
struct InTerminal {
    script: Child,
    keys: ChildStdin,
    written: Arc<Mutex<Vec<u8>>>,
}

impl InTerminal {
    /// Starts `teem top` as that command would run it, and says its process id before and the terminal's modes after it.
    fn start(teem: &Command) -> Self {
        let program = teem.get_program().to_str().expect("built below a plain path");
        let run = format!("sh -c 'echo pid $$ .; exec \"{program}\" top --sort name'");
        let line = format!("stty rows 24 cols 100; {run}; code=$?; stty -a; exit $code");
        let mut script = Command::new("script");
        script.args(["-qec", &line, "/dev/null"]).current_dir(teem.get_current_dir().expect("it has one"));
        for (name, value) in teem.get_envs() {
            match value {
                Some(value) => script.env(name, value),
                None => script.env_remove(name),
            };
        }
        script.env("TERM", "xterm-256color").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut script = script.spawn().expect("util-linux is there");
        let (keys, mut out) = (script.stdin.take().expect("a pipe"), script.stdout.take().expect("a pipe"));
        let written = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&written);
        std::thread::spawn(move || {
            let mut part = [0; 4096];
            while let Some(count) = out.read(&mut part).ok().filter(|count| *count > 0) {
                all.lock().unwrap().extend_from_slice(&part[..count]);
            }
        });
        Self { script, keys, written }
    }

    fn written(&self) -> String {
        String::from_utf8_lossy(&self.written.lock().unwrap()).into_owned()
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("it reads");
        self.keys.flush().expect("it reads");
    }

    /// Its exit code, once it has ended.
    fn ended(mut self) -> (Option<i32>, String) {
        let code = wait_until("an end", READY, || self.script.try_wait().expect("a child")).code();
        (code, self.written())
    }
}

impl Drop for InTerminal {
    fn drop(&mut self) {
        // Its terminal goes with it, which ends what runs there.
        let _ = self.script.kill().and_then(|()| self.script.wait());
    }
}

#[test]
fn a_table_is_shown_driven_and_taken_away() {
    let driven = Driven::start("top");
    let torrent = driven.complete("a-name-to-look-for");
    driven.run(&["add", &torrent.path.to_string_lossy()]).ended(0);
    let mut teem = command(driven.at(), &["top"]);
    teem.env("TEEM_DAEMON", driven.named());
    let mut top = InTerminal::start(&teem);
    wait_until("the torrent's line", READY, || top.written().contains("a-name-to-look-for").then_some(()));
    top.press("p");
    driven.wait("a pause", &torrent.info_hash, |row| row["state"] == "paused");
    // It is declined, and then it is not.
    top.press("dndy");
    wait_until("a removal", READY, || driven.list().is_empty().then_some(()));
    assert!(driven.root().join("a-name-to-look-for").exists(), "files stay");
    top.press("q");
    let (code, written) = top.ended();
    assert_eq!(code, Some(0), "{written}");
    was_given_back(&written);
}

/// The terminal has its first screen again, and reads lines.
#[track_caller]
fn was_given_back(written: &str) {
    let (_, after) = written.split_once(TAKEN).expect("it was taken");
    let (_, after) = after.split_once(GIVEN_BACK).expect("it was given back");
    assert!([" icanon", " echo "].iter().all(|mode| after.contains(mode)), "{after}");
}

#[test]
fn the_terminal_is_given_back_after_a_signal_and_a_panic() {
    let driven = Driven::start("top_ends");
    for (plant, code) in [("", 143), ("key", 70)] {
        let mut teem = command(driven.at(), &["top"]);
        teem.env("TEEM_DAEMON", driven.named()).env("TEEM_PLANT", plant);
        let mut top = InTerminal::start(&teem);
        // Blanks are on the screen already, and are not written.
        wait_until("an empty table", READY, || top.written().contains("LINK`").then_some(()));
        if plant.is_empty() {
            let written = top.written();
            let pid = written.split_whitespace().nth(1).expect("it was said first");
            assert!(Command::new("kill").args(["-TERM", pid]).status().expect("kill").success());
        } else {
            top.press("s");
        }
        let (ended, written) = top.ended();
        assert_eq!(ended, Some(code), "{written}");
        was_given_back(&written);
        let report = written.find("a fault of the program");
        assert_eq!(report.is_some(), code == 70);
        assert!(report.is_none_or(|report| report > written.find(GIVEN_BACK).unwrap()), "{written:?}");
    }
}

#[test]
fn without_a_daemon_or_a_terminal_it_says_so_and_draws_nothing() {
    let folder = Folder::new("top_alone");
    fs::create_dir(folder.0.join("run")).expect("the folder is writable");
    let mut teem_top = command(&folder.0, &["top"]);
    teem_top.env("TEEM_DAEMON", format!("unix:{}", folder.0.join("run/none.sock").display()));
    let (code, written) = InTerminal::start(&teem_top).ended();
    assert_eq!(code, Some(3), "{written}");
    assert!(written.contains("no daemon runs") && !written.contains(TAKEN), "{written:?}");
    let ran = teem(&folder.0, &["top"]).ended(2);
    assert!(ran.err.contains("teem list"), "{}", ran.err);
    let ran = teem(&folder.0, &["top", "--sort", "colour"]).ended(2);
    assert!(ran.err.contains("down_rate"), "{}", ran.err);
}
