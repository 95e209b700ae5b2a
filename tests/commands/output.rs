//! Output that cannot be written: a full disk, a limit on the size of files, a pipe that nobody reads; on standard output and behind `-o`.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

use std::fs::{self, File};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use crate::common::namespace::Folder;
use crate::common::run::{command, teem, teem_with};

const LINK: &str = "magnet:?xt=urn:btih:c0fda1edafdbdbb96443424e0b3899af7159d10e&tr=http%3A%2F%2F127.0.0.1%3A1%2Fa";

/// Content, its .torrent, and a state folder with something in it.
fn ready(name: &str) -> Folder {
    let folder = Folder::new(name);
    fs::write(folder.0.join("content"), vec![7; 100_000]).unwrap();
    teem(&folder.0, &["create", "content", "--tracker", "http://127.0.0.1:1/a"]).ended(0);
    folder
}

/// Every way to write to standard output, each of which ends by itself.
fn commands() -> Vec<Vec<&'static str>> {
    vec![
        vec!["--help"],
        vec!["--version"],
        vec!["get", "--help"],
        vec!["show", LINK],
        vec!["show", LINK, "--json"],
        vec!["show", "content.torrent", "--files"],
        vec!["create", "content", "-o", "-"],
        vec!["create", "content", "--force"],
        vec!["create", "content", "--force", "--json"],
        vec!["edit", "content.torrent", "--comment", "x"],
        vec!["edit", "content.torrent", "--comment", "y", "--json"],
        vec!["verify", "content.torrent"],
        vec!["verify", "content.torrent", "--json"],
        vec!["state", "path"],
        vec!["state", "path", "--json"],
        vec!["completions", "bash"],
        vec!["man"],
        vec!["man", "--to", "pages"],
        vec!["get", LINK, "--listen", "127.0.0.1:0", "--json"],
        vec!["seed", "content.torrent", "--listen", "127.0.0.1:0", "--json"],
        vec!["share", "content", "--listen", "127.0.0.1:0", "--json"],
        vec!["share", "content", "--listen", "127.0.0.1:0"],
        vec!["track", "--http", "127.0.0.1:0", "--udp", "127.0.0.1:0", "--json"],
    ]
}

fn run(folder: &Path, args: &[&str], out: Stdio) -> (ExitStatus, String) {
    let child = command(folder, args).stdin(Stdio::null()).stdout(out).stderr(Stdio::piped()).spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_full_disk_behind_standard_output_is_local_trouble_for_every_command() {
    let folder = ready("full-output");
    for args in commands() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let (status, err) = run(&folder.0, &args, full.into());
        assert_eq!(status.code(), Some(3), "{args:?}: {err}");
        let said = err.matches("standard output cannot be written").count();
        assert_eq!(said, 1, "{args:?}: {err}");
    }
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    let folder = ready("closed-output");
    for args in commands() {
        if ["get", "seed", "share", "track"].contains(&args[0]) && args.len() > 2 {
            continue; // these go on
        }
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let (status, err) = run(&folder.0, &args, writer.into());
        assert_eq!(status.code(), Some(0), "{args:?}: {err}");
        assert!(!err.contains("standard output"), "{args:?}: {err}");
    }
}

/// The same command under a limit on the size of files, in blocks of 512 or 1024 bytes.
fn limited(folder: &Path, args: &[&str], blocks: u32) -> Command {
    let inner = command(folder, args);
    let mut outer = Command::new("sh");
    outer
        .args(["-c", &format!("ulimit -f {blocks}; exec \"$0\" \"$@\"")])
        .arg(inner.get_program())
        .args(inner.get_args());
    outer.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(folder);
    outer.stdin(Stdio::null()).process_group(0);
    outer
}

#[test]
fn a_limit_on_the_size_of_files_kills_nothing() {
    let folder = ready("limited");
    for args in [&["man"][..], &["completions", "bash"], &["--help"]] {
        let out = File::create(folder.0.join("out")).unwrap();
        let mut limited = limited(&folder.0, args, 1);
        let output = limited.stdout(out).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), output.status.signal()), (Some(3), None), "{args:?}: {err}");
        assert!(err.contains("standard output cannot be written"), "{args:?}: {err}");
    }
    fs::write(folder.0.join("large"), vec![7; 40 << 20]).unwrap();
    let made =
        limited(&folder.0, &["create", "large", "-o", "large.torrent", "--piece-size", "16Ki"], 1).output().unwrap();
    let err = String::from_utf8_lossy(&made.stderr);
    assert_eq!((made.status.code(), made.status.signal()), (Some(3), None), "{err}");
    assert!(err.contains("large.torrent") && !folder.0.join("large.torrent").exists(), "{err}");
    teem(&folder.0, &["create", "large"]).ended(0);
    let got =
        limited(&folder.0, &["get", "large.torrent", "-o", "into", "--listen", "127.0.0.1:0"], 4000).output().unwrap();
    let err = String::from_utf8_lossy(&got.stderr);
    assert_eq!((got.status.code(), got.status.signal()), (Some(3), None), "{err}");
    assert!(err.contains("ulimit -f"), "before a byte is fetched: {err}");
}

#[test]
fn what_cannot_be_written_is_refused_before_the_work() {
    let folder = ready("refused");
    let long = format!("{}.torrent", "n".repeat(250));
    fs::create_dir(folder.0.join("a-folder")).unwrap();
    for (out, word) in
        [(&*long, "cannot be written"), ("no/such/x.torrent", "does not exist"), ("a-folder", "is a folder")]
    {
        for args in [&["create", "content", "-o", out][..], &["share", "content", "-o", out, "--listen", "127.0.0.1:0"]]
        {
            let refused = teem(&folder.0, args).ended(3).err;
            assert!(
                refused.contains(word) && !refused.contains("hashing") && !refused.contains("sharing"),
                "{refused}"
            );
        }
    }
    // The name of the content is too long for a .torrent of that name.
    let name = "n".repeat(250);
    fs::write(folder.0.join(&name), b"x").unwrap();
    assert!(teem(&folder.0, &["create", &name]).ended(3).err.contains("-o"));
    teem(&folder.0, &["create", &name, "-o", "short.torrent"]).ended(0);
    fs::write(folder.0.join("a-file"), b"x").unwrap();
    for out in ["a-file", "a-file/below"] {
        let got = teem(&folder.0, &["get", LINK, "-o", out, "--listen", "127.0.0.1:0"]).ended(3).err;
        assert!(got.contains("nothing can be downloaded into it"), "{got}");
    }
    // What is no file is written to as it is.
    let printed = teem(&folder.0, &["create", "content", "-o", "/dev/stdout"]).ended(0);
    assert!(printed.bytes.starts_with(b"d8:announce") || printed.bytes.starts_with(b"d10:created"), "{}", printed.out);
    teem(&folder.0, &["create", "content", "-o", "/dev/full"]).ended(3);
}

#[test]
fn a_state_folder_that_cannot_be_had_is_named_with_the_variable_that_helps() {
    let folder = ready("state-folder");
    fs::write(folder.0.join("file"), b"x").unwrap();
    let args = ["seed", "content.torrent", "--listen", "127.0.0.1:0"];
    let below = folder.0.join("file/state");
    for (name, value) in [("XDG_STATE_HOME", &*below.to_string_lossy()), ("TEEM_STATE_DIR", "/proc/no")] {
        let failed = teem_with(&folder.0, &args, &[(name, value)], b"").ended(3).err;
        assert!(failed.contains("TEEM_STATE_DIR"), "{failed}");
    }
    let mut homeless = command(&folder.0, &["state", "path"]);
    homeless.env_remove("HOME").env_remove("XDG_STATE_HOME").env("STATE_DIRECTORY", "/var/lib/teem:/x");
    let output = homeless.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "/var/lib/teem\n");
    let mut homeless = command(&folder.0, &["state", "path"]);
    homeless.env_remove("HOME").env_remove("XDG_STATE_HOME");
    let output = homeless.output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(said.contains("/.local/state/teem") || said.contains("TEEM_STATE_DIR"), "{said}");
}

#[test]
fn an_answer_of_no_that_could_not_be_written_is_local_trouble() {
    let folder = Folder::new("full-no");
    let (status, err) =
        run(&folder.0, &["show", "--scrape", LINK], File::options().write(true).open("/dev/full").unwrap().into());
    assert!(status.code() == Some(3) && err.contains("standard output cannot be written"), "{status}: {err}");
}

#[test]
fn what_was_typed_or_pasted_moves_no_cursor_when_it_is_repeated() {
    let folder = Folder::new("pasted");
    let odd = "x\u{1b}[2J\u{9b}31m\u{202e}\u{200b}\u{ad}\u{e0041}y";
    for args in
        [&[odd][..], &["show", odd], &["get", odd, "--up", odd], &["edit", odd, "--comment", "x"], &["verify", odd]]
    {
        let (status, err) = run(&folder.0, args, Stdio::piped());
        assert!(!status.success() && err.contains("31m"), "{args:?}: {status}: {err}");
        let bad = |c: char| (c.is_control() && c != '\n') || odd.contains(c) && !c.is_ascii();
        assert!(!err.contains(bad), "{args:?}: {err:?}");
    }
}

/// What was downloaded is nobody else's business: a state folder that others can list is warned of, one that Teem makes is not.
#[test]
fn a_folder_of_saved_state_that_others_can_list_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let folder = ready("listed");
    let state = folder.0.join("kept");
    let get = || {
        let (data, kept) = (folder.0.to_string_lossy(), state.to_string_lossy());
        let args = ["get", "content.torrent", "-o", &data, "--listen", "127.0.0.1:0", "--timeout", "20s"];
        teem_with(&folder.0, &args, &[("TEEM_STATE_DIR", &kept)], b"").ended(0).err
    };
    assert!(!get().contains("others on this machine"), "what Teem makes is its owner's");
    fs::set_permissions(&state, fs::Permissions::from_mode(0o755)).unwrap();
    let said = get();
    assert!(said.contains("others on this machine can list") && said.contains("chmod 700"), "{said}");
}
