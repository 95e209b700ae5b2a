//! The command line as a person meets it: help, environment, exit codes, completions.

use std::fs;
use std::path::Path;

use crate::common::namespace::Folder;
use crate::common::run::{teem, teem_with};
use crate::common::torrent::Torrent;

const COMMANDS: [&str; 26] = [
    "share",
    "get",
    "seed",
    "create",
    "edit",
    "show",
    "verify",
    "track",
    "daemon",
    "config",
    "add",
    "list",
    "top",
    "why",
    "pause",
    "resume",
    "remove",
    "set",
    "limits",
    "announce",
    "events",
    "feed",
    "token",
    "state",
    "completions",
    "man",
];

fn with_torrent(name: &str) -> (Folder, Torrent) {
    let folder = Folder::new(name);
    fs::write(folder.0.join("content"), vec![7; 40_000]).expect("the folder is writable");
    let torrent = Torrent::create(&folder.0, "content", 16 << 10, &["http://tracker.example/announce"]);
    (folder, torrent)
}

/// Row 69 of bad input: what is wrong in options or variables is refused with its name, and so is a folder that cannot be written to.
#[test]
fn row_69_what_is_wrong_in_options_is_named() {
    let (folder, _) = with_torrent("row_69");
    for (wrong, named) in [
        (&["get", "content.torrent", "--no-such-key", "1"][..], "--no-such-key"),
        (&["get", "content.torrent", "--down", "fast"], "--down"),
        (&["get", "content.torrent", "--listen", ":70000"], "--listen"),
        (&["get", "content.torrent", "--transport", "pigeon"], "--transport"),
    ] {
        let ran = teem(&folder.0, wrong).ended(2);
        assert!(ran.err.contains(named), "{wrong:?}: {}", ran.err);
    }
    let ran = teem_with(&folder.0, &["get", "content.torrent"], &[("TEEM_DOWN", "fast")], b"").ended(2);
    assert!(ran.err.contains("fast"), "{}", ran.err);
    let ran = teem(&folder.0, &["get", "content.torrent", "-o", "content/within"]).ended(3);
    assert!(ran.err.contains("content/within"), "{}", ran.err);
}

#[test]
fn help_names_every_option_and_its_variable_but_no_value() {
    let folder = Folder::new("help");
    let top = teem(&folder.0, &["--help"]).ended(0);
    for command in COMMANDS {
        assert!(top.out.contains(&format!("\n  {command} ")), "{command} is not in:\n{}", top.out);
        let plain = teem(&folder.0, &[command, "--help"]).ended(0).out;
        let unwrapped = plain.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut vars = Vec::new();
        for line in plain.lines().filter(|line| is_option(line)) {
            let long =
                line.split("--").nth(1).and_then(|rest| rest.split([' ', '[']).next()).expect("each has a long name");
            let var = format!("TEEM_{}", long.to_uppercase().replace('-', "_"));
            assert!(unwrapped.contains(&format!("[env: {var}]")), "--{long} has no variable {var}:\n{plain}");
            vars.push(var);
        }
        assert_eq!(vars == ["TEEM_NO_SANDBOX"], command == "completions", "{command}: {vars:?}");
        let secrets: Vec<(&str, &str)> = vars.iter().map(|var| (var.as_str(), "s3cr3t")).collect();
        let told = teem_with(&folder.0, &[command, "--help"], &secrets, b"").ended(0).out;
        assert!(!told.contains("s3cr3t"), "{command} --help prints a value:\n{told}");
    }
}

fn is_option(line: &str) -> bool {
    let line = line.trim_start();
    (line.starts_with("--") || line.starts_with("-o, ")) && !line.contains("--help")
}

#[test]
fn version_and_wrong_words() {
    let folder = Folder::new("words");
    assert!(teem(&folder.0, &["--version"]).ended(0).out.starts_with("teem 0."));
    let nothing = teem(&folder.0, &[]).ended(2);
    assert!(nothing.err.contains("share"), "{}", nothing.err);
    for wrong in [
        &["sahre", "x"][..],
        &["get"],
        &["get", "x", "--nonsense"],
        &["get", "x", "--seed", "--until", "done"],
        &["get", "x", "--timeout", "soon"],
        &["get", "x", "--down", "fast"],
        &["get", "x", "--listen", "nowhere"],
        &["get", "x", "--on-done", "echo 'x"],
        &["share", ".", "--frugal", "--no-granting"],
        &["seed", "x.torrent", "--frugal", "--no-granting"],
        &["create", ".", "--piece-size", "1000"],
        &["create", ".", "--piece-size", "8Ki"],
        &["create", ".", "--piece-size", "32Mi"],
        &["create", ".", "--piece-size", "big"],
        &["create", ".", "--tracker", "gopher://x"],
        &["create", ".", "--kind", "v9"],
        &["create", ".", "-o", "-", "--json"],
        &["edit", "x.torrent"],
        &["edit", "x.torrent", "--tier", "1"],
        &["edit", "x.torrent", "--add-tracker", "http://x/", "--tier", "0"],
        &["edit", "x.torrent", "--add-tracker", "gopher://x"],
        &["edit", "x.torrent", "--add-web-seed", "udp://x:1"],
        &["edit", "x.torrent", "--replace", "one"],
        &["track", "--allow", "xyz"],
        &["completions", "cmd.com"],
        &["state", "nonsense"],
        &["state", "forget"],
        &["man", "nonsense"],
        &["man", "share", "--to", "pages"],
    ] {
        let ran = teem(&folder.0, wrong).ended(2);
        assert!(ran.out.is_empty() || ran.out.starts_with('{'), "{wrong:?}: {}", ran.out);
        assert!(ran.err.len() > 20, "{wrong:?} ends without a word");
    }
}

#[test]
fn exit_codes_of_what_is_whole_refused_or_missing() {
    let (folder, torrent) = with_torrent("codes");
    let at = &folder.0;
    teem(at, &["verify", "content.torrent"]).ended(0);
    let mut bytes = fs::read(at.join("content")).expect("own content");
    bytes[20_000] ^= 1;
    fs::write(at.join("content"), bytes).expect("the folder is writable");
    let damaged = teem(at, &["verify", "content.torrent", "--json"]).ended(1).json();
    assert_eq!(damaged["whole"], false);
    assert_eq!(damaged["damaged"][0]["problem"], "damaged", "{damaged}");
    assert_eq!(damaged["damaged"][0]["ranges"][0], serde_json::json!([16_384, 32_768]), "{damaged}");
    fs::remove_file(at.join("content")).expect("own content");
    let missing = teem(at, &["verify", "content.torrent"]).ended(1);
    assert!(missing.out.contains("missing"), "{}", missing.out);

    fs::write(at.join("bad.torrent"), b"d4:infod4:name1:xee").expect("the folder is writable");
    for command in ["show", "get", "verify", "seed"] {
        let refused = teem(at, &[command, "bad.torrent", "--json"]).ended(1);
        assert_eq!(refused.class(), "bad_piece_length", "{command}");
        let absent = teem(at, &[command, "absent.torrent", "--json"]).ended(3);
        assert_eq!(absent.class(), "file", "{command}");
        assert!(absent.err.contains("absent.torrent"), "{}", absent.err);
    }
    assert_eq!(teem(at, &["create", "absent", "--json"]).ended(3).class(), "local");
    fs::create_dir(at.join("hollow")).expect("the folder is writable");
    let empty = teem(at, &["share", "hollow"]).ended(3);
    assert!(empty.err.contains("nothing to share"), "{}", empty.err);
    let _ = torrent;
}

#[test]
fn what_is_typed_wins_over_the_environment() {
    let (folder, _torrent) = with_torrent("environment");
    let at = &folder.0;
    let show = |vars: &[(&str, &str)], args: &[&str]| {
        teem_with(at, &[&["show", "content.torrent"], args].concat(), vars, b"").ended(0).out
    };
    for yes in ["1", "true", "yes"] {
        assert!(show(&[("TEEM_JSON", yes)], &[]).starts_with('{'), "TEEM_JSON={yes}");
    }
    for no in ["0", "false", "no", ""] {
        assert!(!show(&[("TEEM_JSON", no)], &[]).starts_with('{'), "TEEM_JSON={no}");
    }
    let create = |name: &str, vars: &[(&str, &str)], args: &[&str]| {
        let all = [&["create", "content", "-o", name, "--json"], args].concat();
        teem_with(at, &all, vars, b"").ended(0);
        teem(at, &["show", name, "--json"]).ended(0).json()
    };
    let vars = [("TEEM_PIECE_SIZE", "32Ki"), ("TEEM_COMMENT", "of the variable"), ("TEEM_PRIVATE", "1")];
    let from_vars = create("a.torrent", &vars, &[]);
    assert_eq!(from_vars["piece_length"], 32 << 10);
    assert_eq!(from_vars["comment"], "of the variable");
    assert_eq!(from_vars["private"], true);
    let typed = create("b.torrent", &vars, &["--piece-size", "64Ki", "--comment", "typed"]);
    assert_eq!(typed["piece_length"], 64 << 10);
    assert_eq!(typed["comment"], "typed");
    let several = create("c.torrent", &[("TEEM_TRACKER", "http://a.example/x udp://b.example:1")], &[]);
    assert_eq!(several["trackers"], serde_json::json!(["http://a.example/x", "udp://b.example:1"]));
    let one = create("d.torrent", &[("TEEM_TRACKER", "http://a.example/x")], &["--tracker", "http://c.example/"]);
    assert_eq!(one["trackers"], serde_json::json!(["http://c.example/"]));
}

#[test]
fn sizes_as_people_write_them() {
    let (folder, _torrent) = with_torrent("sizes");
    for (text, bytes) in [("65536", 65_536), ("64Ki", 65_536), ("64KiB", 65_536), ("64ki", 65_536), ("0.5Mi", 524_288)]
    {
        let args = ["create", "content", "--piece-size", text, "--force", "-o", "x.torrent", "--json"];
        assert_eq!(teem(&folder.0, &args).ended(0).json()["piece_length"], bytes, "{text}");
    }
    for rate in ["0", "0/s", "500k", "1.5M/s", "2Mi/s", "100000", "3Gi"] {
        // The rate is read before the link is found to be none.
        teem(&folder.0, &["get", "absent.torrent", "--up", rate, "--down", rate, "--listen", ":0"]).ended(3);
    }
}

#[test]
fn a_link_alone_is_get() {
    let (folder, torrent) = with_torrent("alone");
    let file = fs::read(folder.0.join("content")).expect("own content");
    // Everything is there already, so nobody else is needed.
    for (home, link) in [("one", "../content.torrent"), ("two", &torrent.path.to_string_lossy())] {
        let at = folder.0.join(home);
        fs::create_dir(&at).expect("the folder is writable");
        fs::write(at.join("content"), &file).expect("the folder is writable");
        let ran = teem(&at, &[link, "--json", "--listen", ":0"]).ended(0);
        let lines = ran.lines();
        assert_eq!(lines[0]["event"], "listening", "{lines:?}");
        let done = lines.iter().find(|line| line["event"] == "done").unwrap_or_else(|| panic!("no done: {lines:?}"));
        assert_eq!(done["infohash_v1"], torrent.info_hash.as_str());
        assert_eq!(done["size"], 40_000);
        assert_eq!(done["downloaded"], 0);
    }
    let from_stdin = folder.0.join("three");
    fs::create_dir(&from_stdin).expect("the folder is writable");
    fs::write(from_stdin.join("content"), &file).expect("the folder is writable");
    let bytes = fs::read(&torrent.path).expect("own torrent");
    teem_with(&from_stdin, &["get", "-", "--listen", ":0"], &[], &bytes).ended(0);
}

#[test]
fn the_hook_is_split_by_quoting_and_told_by_variables() {
    let (folder, torrent) = with_torrent("hook");
    let at = &folder.0;
    fs::create_dir(at.join("with space")).expect("the folder is writable");
    let script =
        "printf '%s\\n' \"$@\" \"$TEEM_NAME\" \"$TEEM_PATH\" \"$TEEM_INFOHASH\" \"$TEEM_SIZE\" > 'with space/told'";
    let hook = format!("sh -c {} zero 'a b' \"c\" d\\ e '$HOME' ';' '*'", quoted(script));
    teem(at, &["get", "content.torrent", "--listen", ":0", "--on-done", &hook]).ended(0);
    let told = fs::read_to_string(at.join("with space/told")).expect("the hook ran");
    let path = at.join("content");
    let size = "40000".to_string();
    let wanted = ["a b", "c", "d e", "$HOME", ";", "*", "content", &path.to_string_lossy(), &torrent.info_hash, &size];
    assert_eq!(told.lines().collect::<Vec<_>>(), wanted);
    let failing = teem(at, &["get", "content.torrent", "--listen", ":0", "--on-done", "/nonexistent/program"]).ended(0);
    assert!(failing.err.contains("/nonexistent/program"), "{}", failing.err);
    let noisy = teem(at, &["get", "content.torrent", "--listen", ":0", "--json", "--on-done", "echo loud"]).ended(0);
    noisy.json(); // what the hook prints does not mix with the JSON lines
    assert!(noisy.err.contains("loud"), "{}", noisy.err);
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[test]
fn completions_of_each_shell() {
    let folder = Folder::new("completions");
    for shell in ["bash", "zsh", "fish"] {
        let script = teem(&folder.0, &["completions", shell]).ended(0).out;
        for word in ["share", "piece-size", "overwrite"] {
            assert!(script.contains(word), "{shell}: {word} is missing");
        }
        parses(shell, &folder.0, &script);
    }
}

/// The shell itself, where it is installed, finds no fault in the script.
fn parses(shell: &str, folder: &Path, script: &str) {
    let path = folder.join(shell);
    fs::write(&path, script).expect("the folder is writable");
    match std::process::Command::new(shell).arg("-n").arg(&path).output() {
        Ok(output) => assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr)),
        Err(_) => eprintln!("skipped: {shell} is not installed"),
    }
}

#[test]
fn man_pages_of_each_command() {
    let folder = Folder::new("man");
    let top = teem(&folder.0, &["man"]).ended(0).out;
    assert!(top.contains(".TH teem 1") && top.contains("share"), "{top}");
    let share = teem_with(&folder.0, &["man", "share"], &[("TEEM_HOST", "s3cr3t")], b"").ended(0).out;
    assert!(share.contains(".TH teem-share 1") && share.contains("TEEM_HOST") && !share.contains("s3cr3t"), "{share}");
    let written = teem(&folder.0, &["man", "--to", "new/pages"]).ended(0).out;
    for command in COMMANDS {
        let name = format!("teem-{command}.1");
        assert!(written.contains(&name), "{written}");
        let page = fs::read_to_string(folder.0.join("new/pages").join(&name)).expect("it was written");
        assert!(page.contains(".SH SYNOPSIS"), "{page}");
    }
    assert_eq!(fs::read_to_string(folder.0.join("new/pages/teem.1")).expect("it was written"), top);
    fs::write(folder.0.join("file"), "").expect("the folder is writable");
    teem(&folder.0, &["man", "--to", "file"]).ended(3);
    // The formatter itself, where it is installed, finds no fault in the page.
    match std::process::Command::new("groff")
        .args(["-man", "-ww", "-z", "new/pages/teem-share.1"])
        .current_dir(&folder.0)
        .output()
    {
        Ok(output) => assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(_) => eprintln!("skipped: groff is not installed"),
    }
}
