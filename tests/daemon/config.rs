//! The file of the daemon, and what it and a manager of services say to each other.

use std::fs;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::home::{Home, Manager, is_there, signal, wait_event};
use crate::common::process::Process;
use crate::common::run::{teem, teem_with};
use serde_json::{Value, json};

/// Value and origin of a key.
fn holds(shown: &[Value], key: &str) -> (Value, String) {
    let setting = shown.iter().find(|setting| setting["key"] == key).unwrap_or_else(|| panic!("{key}: {shown:?}"));
    (setting["value"].clone(), setting["origin"].as_str().expect("a word").to_owned())
}

fn shown(home: &Home) -> Vec<Value> {
    home.run(&["config", "show", "--json"]).ended(0).lines()
}

#[test]
fn the_file_is_printed_checked_and_refused_with_its_line() {
    let home = Home::new("config-check");
    let printed = teem(home.at(), &["config", "init"]).ended(0).out;
    fs::write(home.at().join("printed.toml"), &printed).expect("the folder is writable");
    teem(home.at(), &["config", "check", "printed.toml"]).ended(0);
    assert!(teem(home.at(), &["config", "check"]).ended(3).err.contains("config init"));
    for (line, word) in [("upp = 1", "upp"), ("up = 'fast'", "fast"), ("[quue]", "quue")] {
        fs::write(home.at().join("wrong.toml"), format!("{printed}\n{line}\n")).expect("the folder is writable");
        let refused = teem(home.at(), &["config", "check", "wrong.toml", "--json"]).ended(1);
        assert_eq!(refused.class(), "config");
        let at = format!("line {}", printed.lines().count() + 2);
        assert!(refused.err.contains(&at) && refused.err.contains(word), "{}", refused.err);
        let daemon = teem(home.at(), &["daemon", "--config", "wrong.toml"]).ended(2);
        assert!(daemon.err.contains(&at), "{}", daemon.err);
    }
    assert!(teem(home.at(), &["daemon", "--config", "absent.toml"]).ended(2).err.contains("absent.toml"));
    // Without a daemon: what one would have. The usual place is looked at.
    fs::create_dir_all(home.at().join("config/teem")).expect("the folder is writable");
    fs::write(home.at().join("config/teem/daemon.toml"), "up = '3k'\nproxy = 'socks5://me:s3cr3t@127.0.0.1:9'\n")
        .expect("same");
    let vars = [("TEEM_DAEMON", home.named()), ("TEEM_DOWN", "7k".to_owned())];
    let vars: Vec<(&str, &str)> = vars.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let told = teem_with(home.at(), &["config", "show", "--json"], &vars, b"").ended(0);
    assert!(!told.out.contains("s3cr3t") && told.out.contains("socks5://"), "{}", told.out);
    assert_eq!(holds(&told.lines(), "up"), (json!(3000), "file".into()));
    assert_eq!(holds(&told.lines(), "down"), (json!(7000), "environment".into()));
    assert_eq!(holds(&told.lines(), "pex"), (json!(true), "default".into()));
}

#[test]
fn a_reload_takes_all_of_the_file_or_nothing() {
    let home = Home::new("config-reload");
    home.configure("up = '2M'\ndown = '1M'\nconnections = 60");
    let manager = Manager::new(home.at().join("notify"));
    let mut command = home.daemon(&["--down", "5M"]);
    let mut daemon = Home::started(command.env("NOTIFY_SOCKET", home.at().join("notify")));
    assert_eq!(manager.word(), "READY=1");
    let before = shown(&home);
    assert_eq!(holds(&before, "up"), (json!(2_000_000), "file".into()));
    assert_eq!(holds(&before, "down"), (json!(5_000_000), "command_line".into()), "what was typed wins");
    assert_eq!(holds(&before, "connections"), (json!(60), "file".into()));
    let mut reload = |more: &str| {
        home.configure(more);
        signal(&daemon, "-HUP");
        let word = manager.word();
        let now = word.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap_or_else(|| panic!("{word}"));
        assert!(now.parse::<u64>().is_ok_and(|now| now > 0), "{word}");
        let told = wait_event(&mut daemon, "reload");
        assert_eq!(manager.word(), "READY=1");
        (told["ok"] == true, told["text"].as_str().expect("a sentence").to_owned())
    };
    let (ok, why) = reload("up = '3M'\nconectoins = 70");
    assert!(!ok && why.contains("line 5") && why.contains("conectoins"), "{why}");
    assert_eq!(shown(&home), before, "nothing of it");
    let (ok, why) = reload("up = '3M'\npex = false");
    assert!(!ok && why.contains("pex"), "{why}");
    assert_eq!(shown(&home), before, "nothing of it");
    let (ok, why) = reload(&format!("up = '3M'\nfilter = ['{}/none']", home.at().display()));
    assert!(!ok && why.contains("none"), "{why}");
    assert_eq!(shown(&home), before, "nothing of it");
    let (ok, why) = reload("up = '3M'\ndown = '9M'\nconnections = 70");
    assert!(ok, "{why}");
    let after = shown(&home);
    assert_eq!(holds(&after, "up"), (json!(3_000_000), "file".into()));
    assert_eq!(holds(&after, "down"), (json!(5_000_000), "command_line".into()));
    assert_eq!(holds(&after, "connections"), (json!(70), "file".into()));
    assert!(home.list(&[]).is_empty(), "it goes on");
}

#[test]
fn the_watchdog_is_fed_while_the_engine_turns() {
    let home = Home::new("config-watchdog");
    home.configure("");
    let manager = Manager::new(home.at().join("notify"));
    let mut command = home.daemon(&[]);
    command.env("NOTIFY_SOCKET", home.at().join("notify")).env("WATCHDOG_USEC", "200000");
    let _daemon = Home::started(&mut command);
    assert_eq!(manager.word(), "READY=1");
    for _ in 0..3 {
        assert_eq!(manager.word(), "WATCHDOG=1");
    }
}

#[test]
fn a_socket_that_a_manager_opened_is_served_and_left_to_it() {
    let home = Home::new("config-handed");
    home.configure("");
    fs::create_dir(home.at().join("run")).expect("the folder is writable");
    let listener = UnixListener::bind(home.socket()).expect("a socket");
    let daemon = home.daemon(&[]);
    // Descriptor 3 is the first that is handed over.
    let mut command = Command::new("sh");
    command.args(["-c", "exec 3<&0 </dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$0\" \"$@\""]);
    command.arg(daemon.get_program()).args(daemon.get_args()).current_dir(home.at());
    for (name, value) in daemon.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    // Where it would listen by itself is elsewhere.
    command.env("TEEM_DAEMON", format!("unix:{}/other.sock", home.at().display()));
    command.stdin(Stdio::from(std::os::fd::OwnedFd::from(listener))).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut daemon = command.spawn().expect("the binary");
    // The socket is there before the daemon is ready, so a command waits.
    assert!(home.list(&[]).is_empty());
    assert!(!home.at().join("other.sock").exists());
    let ended = Command::new("kill").arg(daemon.id().to_string()).status().expect("kill");
    assert!(ended.success() && daemon.wait().expect("a child").success());
    assert!(home.socket().exists(), "its name is the manager's");
}

#[test]
fn the_units_are_sound_and_confined() {
    let Ok(units) = fs::canonicalize(concat!(env!("CARGO_MANIFEST_DIR"), "/contrib")) else { panic!("contrib") };
    if !is_there("systemd-analyze") {
        return;
    }
    let home = Home::new("config-units");
    // The manual page and the program that the unit names are installed ones.
    let unit = fs::read_to_string(units.join("teem.service")).expect("a unit");
    let unit = unit.replace("/usr/bin/teem", env!("CARGO_BIN_EXE_teem"));
    fs::write(home.at().join("teem.service"), unit).expect("the folder is writable");
    fs::copy(units.join("teem.socket"), home.at().join("teem.socket")).expect("the folder is writable");
    let analyze = |args: &[&str]| {
        let ran = Command::new("systemd-analyze").args(args).current_dir(home.at()).output().expect("systemd-analyze");
        let text = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned();
        (ran.status.success(), text)
    };
    let (ok, said) = analyze(&["verify", "--man=no", "./teem.service", "./teem.socket"]);
    // What other units of this machine lack is not ours.
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("teem.s")).collect();
    assert!(ours.is_empty(), "{said}");
    assert!(ok || !said.is_empty(), "{said}");
    let (ok, said) = analyze(&["security", "--offline=yes", "--threshold=20", "./teem.service"]);
    assert!(ok, "exposed more than 2.0 of 10:\n{said}");
}

#[test]
fn an_empty_root_and_a_user_without_a_name_are_enough() {
    let home = Home::new("config-root");
    let root = home.at().join("root");
    let binary = env!("CARGO_BIN_EXE_teem");
    let linked = Command::new("ldd").arg(binary).output().map(|ran| ran.stdout).unwrap_or_default();
    let linked = String::from_utf8_lossy(&linked).into_owned();
    // What it is linked with lies beside it; one without a C library needs none of that.
    for library in linked.split_whitespace().filter(|word| word.starts_with('/')) {
        let to = root.join(&library[1..]);
        fs::create_dir_all(to.parent().expect("a folder")).expect("the folder is writable");
        fs::copy(library, to).expect("a library");
    }
    for folder in ["state", "content"] {
        fs::create_dir_all(root.join(folder)).expect("the folder is writable");
    }
    fs::copy(binary, root.join("teem")).expect("the folder is writable");
    // As contrib/Containerfile runs it.
    let inside = |args: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--map-user=10001", "--map-group=10001"]).arg(format!("--root={}", root.display())).arg("/teem");
        command.args(args).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("TEEM_STATE_DIR", "/state").env("TEEM_ROOT", "/content").env("TEEM_API", "none");
        command.env("TEEM_DAEMON", "unix:/state/daemon.sock").env("TEEM_LISTEN", "127.0.0.1:0");
        command.env("TEEM_NO_DHT", "1").env("TEEM_NO_LSD", "1").env("TEEM_NO_MAP", "1");
        command
    };
    if !inside(&["--version"]).output().is_ok_and(|ran| ran.status.success()) {
        eprintln!("skipped: no user namespaces");
        return;
    }
    let mut daemon = Process::start(&mut inside(&["daemon", "--json"]));
    wait_event(&mut daemon, "ready");
    let link = format!("magnet:?xt=urn:btih:{}", "ab".repeat(20));
    assert!(inside(&["add", &link, "--paused"]).output().expect("unshare").status.success());
    let listed = inside(&["list", "--json"]).output().expect("unshare").stdout;
    let listed: Value = serde_json::from_slice(&listed).expect("JSON");
    assert_eq!((&listed["state"], &listed["folder"]), (&json!("paused"), &json!("/content")));
    let note = fs::read_to_string(root.join("state/audit.jsonl")).expect("the file");
    assert!(note.contains("\"user\":10001"), "{note}");
    daemon.terminate();
    assert_eq!(daemon.wait_exit(Duration::from_secs(60)).code(), Some(0));
}
