//! The sandbox of the real binary: what every kind of its threads is refused, what its commands go on doing, and what becomes of it in places
//! that have it in part or not at all.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
#![allow(clippy::unwrap_used)] // helpers of tests are tests

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::content::{self, Shape};
use crate::common::namespace::{Folder, isolated, whole_name};
use crate::common::process::{Process, wait_until};
use crate::common::run::{Ran, command, teem, teem_with};
use crate::common::scripted::{Manner, Scripted};
use crate::common::teem::Teem;
use crate::common::torrent::Torrent;
use crate::common::{PEER_PORT, TEEM_IP};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter,
};

const LIMIT: Duration = Duration::from_secs(60);
const SIZE: u64 = 600_000;
/// Whether files are kept here too: the newest kernels have Landlock, and some are built without.
const NO_LANDLOCK: &str = "it could write anywhere";

/// A folder with content and its torrent, which names no tracker.
fn with_torrent(name: &str) -> Folder {
    let folder = Folder::new(name);
    content::write(&folder.0, "content", Shape::Single, 40_000);
    Torrent::create(&folder.0, "content", 16 << 10, &[]);
    folder
}

/// `get` of what is there already, which ends by itself.
fn get<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["get", "content.torrent", "--listen", "127.0.0.1:0"], more].concat()
}

#[test]
fn a_line_says_what_is_on_and_an_option_turns_it_off() {
    let folder = with_torrent("line");
    let on = teem(&folder.0, &get(&[])).ended(0);
    let lines: Vec<&str> = on.err.lines().filter(|line| line.starts_with("sandbox: ")).collect();
    let [line] = lines[..] else { panic!("one line: {}", on.err) };
    assert!(line.contains("runs no programs") && line.contains("seccomp"), "{line}");
    let state = folder.0.join("state/teem").display().to_string();
    let here = folder.0.display();
    assert!(line.contains(NO_LANDLOCK) || line.contains(&format!("writes only below {here} and {state}")), "{line}");
    let event = |ran: Ran| ran.lines().into_iter().find(|line| line["event"] == "sandbox").unwrap();
    let told = event(teem(&folder.0, &get(&["--json"])).ended(0));
    assert_eq!(
        (&told["on"], &told["seccomp"], &told["no_new_privs"]),
        (&true.into(), &true.into(), &true.into()),
        "{told}"
    );
    for off in [
        teem(&folder.0, &get(&["--no-sandbox"])),
        teem(&folder.0, &[&["--no-sandbox"], &get(&[])[..]].concat()),
        teem_with(&folder.0, &get(&[]), &[("TEEM_NO_SANDBOX", "1")], b""),
    ] {
        assert!(off.ended(0).err.contains("sandbox: off"));
    }
    assert_eq!(event(teem(&folder.0, &get(&["--json", "--no-sandbox"])).ended(0))["on"], false);
    // Short commands have it without a word.
    for short in [&["show", "content.torrent"][..], &["verify", "content.torrent"], &["state"]] {
        assert!(!teem(&folder.0, short).ended(0).err.contains("sandbox"));
    }
}

#[cfg(debug_assertions)] // the seam is there in debug builds only
#[test]
fn no_kind_of_thread_writes_outside_runs_a_program_or_looks_into_another_process() {
    isolated("no_kind_of_thread_writes_outside_runs_a_program_or_looks_into_another_process", &[], |folder| {
        content::write(folder, "content", Shape::Single, SIZE);
        // Nobody listens there; but a tracker is a question.
        let torrent = Torrent::create(folder, "content", 64 << 10, &["http://198.18.2.9:1/announce"]);
        let seed = Scripted::start("198.18.2.1", "-HO0001-", &torrent, folder, Manner::default());
        let (link, peer, outside) = (torrent.path.to_string_lossy(), seed.address.to_string(), folder.join("outside"));
        let reach = |plant: &str, more: &[&str]| {
            let (home, out) = (folder.join("home"), folder.join("out").to_string_lossy().into_owned());
            let listen = format!("{TEEM_IP}:{PEER_PORT}");
            let args = ["get", &link, "-o", &out, "--listen", &listen, "--peer", &peer, "--seed"];
            let mut command = Teem::command(&home, &[&args, more].concat());
            let mut get = Process::start(command.env("TEEM_PLANT", plant).env("TEEM_REACH", &outside));
            assert_eq!(get.wait_exit(LIMIT).code(), Some(70), "{plant}: {}", get.log());
            let log = get.whole_log();
            for made in [home, folder.join("out")] {
                let _ = fs::remove_dir_all(made);
            }
            let said = log.lines().find(|line| line.starts_with("reached from ")).map(str::to_owned);
            (said.unwrap_or_else(|| panic!("{plant}: {log}")), log.contains(NO_LANDLOCK))
        };
        for plant in ["main", "thread", "task", "engine", "question", "torrent content", "disk content"] {
            let (said, no_landlock) = reach(plant, &[]);
            if no_landlock {
                eprintln!("skipped: this kernel keeps no files");
                assert!(said.contains("ran PermissionDenied"), "{plant}: {said}");
                continue;
            }
            assert!(
                said.ends_with("wrote PermissionDenied, ran PermissionDenied, looked PermissionDenied"),
                "{plant}: {said}"
            );
            assert!(!outside.exists(), "{plant}");
        }
        // Without it each of these can be done, so that the refusals are its own.
        let (said, _) = reach("disk content", &["--no-sandbox"]);
        assert!(said.contains("wrote done, ran done") && outside.exists(), "{said}");
    });
}

#[test]
fn every_thread_of_a_running_program_is_filtered() {
    isolated("every_thread_of_a_running_program_is_filtered", &[], |folder| {
        content::write(folder, "content", Shape::Single, SIZE);
        let torrent = Torrent::create(folder, "content", 64 << 10, &["http://198.18.2.9:1/announce"]);
        let mut seed = Teem::seed(&folder.join("home"), &torrent.path, folder);
        seed.wait_line("state seeding", LIMIT, |line| line.contains("\"seeding\"").then_some(()));
        let tasks = fs::read_dir(format!("/proc/{}/task", seed.id())).unwrap();
        let statuses: Vec<String> =
            tasks.map(|task| fs::read_to_string(task.unwrap().path().join("status")).unwrap()).collect();
        assert!(statuses.len() > 3, "host, disk, runtime and main: {statuses:?}");
        for status in statuses {
            for line in ["Seccomp:\t2", "NoNewPrivs:\t1"] {
                assert!(status.contains(line), "{line}: {status}");
            }
        }
    });
}

#[test]
fn the_program_of_on_done_is_outside_and_several_run_at_once() {
    let folder = with_torrent("outside");
    let at = &folder.0;
    content::write(at, "second", Shape::Single, 40_000);
    Torrent::create(at, "second", 16 << 10, &[]);
    fs::create_dir(at.join("elsewhere")).unwrap();
    // Each waits for the other's mark: one after the other neither would end.
    let script = "cd ../elsewhere || exit 9; : > \"$TEEM_NAME\"; n=0; \
                  until [ -e content ] && [ -e second ]; do n=$((n+1)); [ $n -lt 600 ] || exit 8; sleep 0.1; done; echo \"$TEEM_PATH\" > \"$TEEM_NAME\"";
    let hook = format!("sh -c {}", quoted(script));
    let inside = at.join("in");
    fs::create_dir(&inside).unwrap();
    for name in ["content", "second"] {
        fs::rename(at.join(name), inside.join(name)).unwrap();
    }
    let args = ["get", "../content.torrent", "../second.torrent", "--listen", "127.0.0.1:0", "--on-done", &hook];
    let ran = teem_with(&inside, &args, &[("XDG_STATE_HOME", &at.join("state").to_string_lossy())], b"").ended(0);
    assert!(
        ran.err.contains("runs no program but that of --on-done") && !ran.err.contains("teem: --on-done"),
        "{}",
        ran.err
    );
    for name in ["content", "second"] {
        assert_eq!(
            fs::read_to_string(at.join("elsewhere").join(name)).unwrap(),
            format!("{}\n", inside.join(name).display())
        );
    }
    // Its own failure is said as ever.
    let failed =
        teem(&inside, &["get", "../content.torrent", "--listen", "127.0.0.1:0", "--on-done", "false"]).ended(0);
    assert!(failed.err.contains("--on-done: false ended with exit status: 1"), "{}", failed.err);
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[test]
fn the_helper_dies_with_its_owner_and_is_there_for_a_program_alone() {
    isolated("the_helper_dies_with_its_owner_and_is_there_for_a_program_alone", &[], |folder| {
        content::write(folder, "content", Shape::Single, SIZE);
        let torrent = Torrent::create(folder, "content", 64 << 10, &[]);
        let link = torrent.path.to_string_lossy();
        let out = folder.to_string_lossy();
        let get = |more: &[&str]| {
            let listen = format!("{TEEM_IP}:{PEER_PORT}");
            let mut get = Teem::start(
                &folder.join("home"),
                &[&["get", &link, "-o", &out, "--listen", &listen, "--seed"], more].concat(),
            );
            get.wait_event("done", LIMIT);
            get
        };
        let none = get(&[]);
        assert_eq!(helpers(), Vec::<PathBuf>::new());
        drop(none);
        let one = get(&["--on-done", "true"]);
        assert_eq!(helpers().len(), 1);
        // Killed, not asked to end.
        drop(one);
        wait_until("end of the helper", LIMIT, || helpers().is_empty().then_some(()));
    });
}

/// The helpers that run in this namespace.
fn helpers() -> Vec<PathBuf> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| Some(entry.ok()?.path()));
    let command = |process: &PathBuf| fs::read(process.join("cmdline")).unwrap_or_default();
    let word = b"--on-done-helper";
    processes.filter(|process| command(process).windows(word.len()).any(|part| part == word)).collect()
}

#[test]
fn files_are_written_where_they_are_asked_for() {
    let folder = with_torrent("written");
    let at = &folder.0;
    for made in ["far/deep", "links", "work"] {
        fs::create_dir_all(at.join(made)).unwrap();
    }
    let work = at.join("work");
    // Relative and absolute, through links, over others, into pipes and devices, and the file that has no name of its own.
    teem(&work, &["create", "../content"]).ended(0);
    assert!(work.join("content.torrent").exists());
    for output in ["../far/deep/x.torrent", "./y.torrent", &at.join("far/z.torrent").to_string_lossy()] {
        teem(&work, &["create", "../content", "-o", output]).ended(0);
        assert!(work.join(output).exists(), "{output}");
        teem(&work, &["create", "../content", "-o", output, "--force"]).ended(0);
    }
    symlink("../far/deep", at.join("links/folder")).unwrap();
    symlink("../content.torrent", at.join("links/file.torrent")).unwrap();
    teem(&work, &["create", "../content", "-o", "../links/folder/linked.torrent"]).ended(0);
    assert!(at.join("far/deep/linked.torrent").exists());
    for device in ["/dev/null", "/dev/stdout"] {
        teem(&work, &["create", "../content", "-o", device]).ended(0);
    }
    assert!(teem(&work, &["create", "../content", "-o", "/dev/stdout"]).ended(0).out.starts_with('d'));
    // The file behind a link, with its mode, and the link stays one.
    let edited = teem(&work, &["edit", "../links/file.torrent", "y.torrent", "--comment", "far"]).ended(0);
    assert_eq!(edited.out.matches(": changed").count(), 2, "{}", edited.out);
    assert!(at.join("links/file.torrent").is_symlink());
    assert!(teem(at, &["show", "content.torrent"]).ended(0).out.contains("far"));
    // Into a folder that is not there, through a link to one, and where the state is elsewhere.
    symlink("far", at.join("to-far")).unwrap();
    fs::copy(at.join("content"), at.join("far/content")).unwrap();
    fs::create_dir(at.join("far/state")).unwrap();
    let elsewhere = [("TEEM_STATE_DIR", "../far/state/new")];
    teem_with(&work, &["get", "../content.torrent", "-o", "../to-far", "--listen", "127.0.0.1:0"], &elsewhere, b"")
        .ended(0);
    assert!(fs::read_dir(at.join("far/state/new")).unwrap().count() > 0, "state was saved");
    let made =
        teem(&work, &["get", "../content.torrent", "-o", "new/folder", "--listen", "127.0.0.1:0", "--timeout", "1s"]);
    made.ended(4);
    assert!(work.join("new/folder").is_dir());
    let forgotten = teem_with(&work, &["state", "forget", "../content.torrent"], &elsewhere, b"").ended(0);
    assert!(forgotten.err.contains("forgotten"), "{}", forgotten.err);
}

/// What a container or a service puts around a program, by what it answers to some calls.
fn around(what: &str) -> Option<BpfProgram> {
    let answer = |error: i32| SeccompAction::Errno(error.unsigned_abs());
    let landlock = [libc::SYS_landlock_create_ruleset, libc::SYS_landlock_add_rule, libc::SYS_landlock_restrict_self];
    let all = |calls: &[libc::c_long]| calls.iter().map(|call| (*call, Vec::new())).collect::<BTreeMap<_, _>>();
    let (calls, action) = match what {
        "old kernel" => (all(&landlock), answer(libc::ENOSYS)),
        "refuses landlock" => (all(&landlock), answer(libc::EPERM)),
        "kills for landlock" => (all(&landlock), SeccompAction::KillProcess),
        "refuses filters" => (all(&[libc::SYS_seccomp]), answer(libc::EPERM)),
        "refuses no_new_privs" => {
            let number = libc::PR_SET_NO_NEW_PRIVS.unsigned_abs().into();
            let asked = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, number).unwrap();
            let rule = SeccompRule::new(vec![asked]).unwrap();
            (BTreeMap::from([(libc::SYS_prctl, vec![rule])]), answer(libc::EPERM))
        }
        _ => return None,
    };
    let here = std::env::consts::ARCH.try_into().unwrap();
    Some(SeccompFilter::new(calls, SeccompAction::Allow, action, here).unwrap().try_into().unwrap())
}

#[test]
fn what_is_not_to_be_had_is_said_and_the_work_is_done() {
    const WITHIN: &str = "TEEM_TEST_WITHIN";
    let test = "what_is_not_to_be_had_is_said_and_the_work_is_done";
    if let Ok(what) = std::env::var(WITHIN) {
        apply_filter(&around(&what).unwrap()).unwrap();
        let at = std::env::current_dir().unwrap();
        panic!("{}", command(&at, &get(&["--on-done", "touch ran"])).exec());
    }
    for (what, said) in [
        (
            "old kernel",
            "runs no program but that of --on-done (seccomp); it could write anywhere: this kernel has no Landlock",
        ),
        ("refuses landlock", "(seccomp); it could write anywhere: this kernel has no Landlock"),
        ("kills for landlock", "none: what confines this process already lets it have none of its own (signal: 31"),
        ("refuses filters", "calls cannot be filtered"),
        ("refuses no_new_privs", "none: "),
    ] {
        let folder = with_torrent("within");
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", &whole_name(test), "--nocapture"]).env(WITHIN, what).current_dir(&folder.0);
        let ran = again.output().unwrap();
        let err = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.code(), Some(0), "{what}: {err}");
        let line = err.lines().find(|line| line.starts_with("sandbox: ")).unwrap_or_else(|| panic!("{what}: {err}"));
        assert!(line.contains(said), "{what}: {line}");
        assert!(err.contains("complete, verified") && !err.contains("teem: "), "{what}: {err}");
        assert!(folder.0.join("ran").exists(), "{what}: {err}");
    }
}

#[test]
fn a_program_is_run_also_where_no_helper_can_be() {
    isolated("a_program_is_run_also_where_no_helper_can_be", &[], |folder| {
        content::write(folder, "content", Shape::Single, 40_000);
        Torrent::create(folder, "content", 16 << 10, &[]);
        let program = command(folder, &get(&["--on-done", "touch ran"]));
        let mut without = Command::new("unshare");
        without.args(["-m", "sh", "-c", "mount -t tmpfs none /proc && exec \"$@\"", "sh"]);
        without.arg(program.get_program()).args(program.get_args()).current_dir(folder);
        without.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut get = Process::start(&mut without);
        assert_eq!(get.wait_exit(LIMIT).code(), Some(0), "{}", get.log());
        let log = get.whole_log();
        assert!(log.contains("sandbox: none: what is to run the program of --on-done cannot be started"), "{log}");
        assert!(folder.join("ran").exists(), "{log}");
    });
}

#[test]
fn a_folder_that_is_another_one_by_now_is_refused_with_what_to_do() {
    let folder = with_torrent("another");
    let at = &folder.0;
    let told = |more: &[&str]| {
        let args = [&["get", "-", "-o", "gone", "--json", "--timeout", "1s", "--listen", "127.0.0.1:0"], more].concat();
        let mut get = command(at, &args);
        let mut get = get.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(get.stdout.take().unwrap()).lines().map(Result::unwrap);
        let inside: serde_json::Value =
            lines.find_map(|line| line.contains("sandbox").then(|| serde_json::from_str(&line).unwrap())).unwrap();
        let _ = fs::remove_dir(at.join("gone"));
        // What is to be done comes only now.
        get.stdin.take().unwrap().write_all(&fs::read(at.join("content.torrent")).unwrap()).unwrap();
        let last = lines.last().unwrap();
        (get.wait().unwrap().code(), last, inside["landlock"].is_null())
    };
    let (code, last, no_landlock) = told(&[]);
    if !no_landlock {
        assert!(
            code == Some(3) && last.contains("permission denied") && last.contains("--no-sandbox"),
            "{code:?} {last}"
        );
        assert!(!at.join("gone").exists());
    }
    let (code, last, _) = told(&["--no-sandbox"]);
    assert!(code == Some(4) && at.join("gone").exists(), "made anew: {code:?} {last}");
}

#[test]
fn a_command_that_cannot_begin_says_so_as_ever() {
    let folder = with_torrent("cannot");
    let at = &folder.0;
    fs::write(at.join("file"), "x").unwrap();
    let no_state = [("TEEM_STATE_DIR", "file")];
    for args in [&get(&[])[..], &["seed", "content.torrent"], &["share", "content", "--listen", "127.0.0.1:0"]] {
        let ran = teem_with(at, args, &no_state, b"").ended(3);
        assert!(ran.err.contains("TEEM_STATE_DIR") && !ran.err.contains("sandbox"), "{args:?}: {}", ran.err);
    }
    let into = teem(at, &get(&["-o", "file"])).ended(3);
    assert!(into.err.contains("it is no folder"), "{}", into.err);
    let json = teem(at, &get(&["-o", "file", "--json"])).ended(3);
    assert_eq!(json.class(), "local");
    let missing = teem(at, &["create", "content", "-o", "nowhere/x.torrent"]).ended(3);
    assert!(missing.err.contains("nowhere"), "{}", missing.err);
}
