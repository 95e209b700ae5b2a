//! What the kernel refuses inside, asked of the kernel itself: each test goes inside in a process of its own.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // helpers of tests are tests

use nix::errno::Errno;
use nix::mount::MsFlags;
use nix::sched::CloneFlags;
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::{Pid, Uid};
use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, IoSliceMut, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use teem_sandbox::{Ground, Inside, enter, is_filtered};

/// Names the test that a child is to carry out.
const CHILD: &str = "TEEM_SANDBOX_TEST";

/// Does a test's work in a process that ends with it.
fn alone(test: &str, work: impl FnOnce(&Path)) {
    if let Some(folder) = std::env::var_os(CHILD) {
        return work(&PathBuf::from(folder));
    }
    let folder = std::env::temp_dir().join(format!("teem-{test}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(CHILD, &folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout).into_owned() + &String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
    fs::remove_dir_all(folder).unwrap();
}

/// Inside, with `name` below the folder to be written in. False where this kernel keeps no files.
fn keeps_files(folder: &Path, name: &str) -> bool {
    let mut ground = Ground::default();
    ground.folders.push(folder.join(name));
    match enter(&ground) {
        Inside { files: Ok(_), no_new_privs: true, .. } => true,
        inside => {
            assert!(!has_landlock(), "{inside:?}");
            eprintln!("skipped: {inside:?}");
            false
        }
    }
}

/// Whether this kernel keeps files at all.
fn has_landlock() -> bool {
    fs::read_to_string("/sys/kernel/security/lsm").is_ok_and(|all| all.contains("landlock"))
}

fn refused<T: std::fmt::Debug>(done: std::io::Result<T>) {
    assert_eq!(done.unwrap_err().kind(), ErrorKind::PermissionDenied);
}

#[test]
fn writing_is_kept_to_the_ground_and_reading_is_not() {
    alone("writing_is_kept_to_the_ground_and_reading_is_not", |folder| {
        let (ours, theirs) = (folder.join("ours"), folder.join("theirs"));
        for made in [&ours, &theirs] {
            fs::create_dir(made).unwrap();
        }
        fs::write(theirs.join("file"), "theirs").unwrap();
        symlink(&theirs, ours.join("link")).unwrap();
        let mut open = File::create(theirs.join("open")).unwrap();
        if !keeps_files(folder, "ours") {
            return;
        }
        // What is open already stays open.
        open.write_all(b"x").unwrap();
        let below = ours.join("a/b");
        fs::create_dir_all(&below).unwrap();
        fs::write(below.join("one"), "1").unwrap();
        fs::rename(below.join("one"), ours.join("two")).unwrap();
        File::options().write(true).open(ours.join("two")).unwrap().set_len(0).unwrap();
        fs::hard_link(ours.join("two"), below.join("three")).unwrap();
        fs::remove_file(below.join("three")).unwrap();
        fs::remove_dir_all(ours.join("a")).unwrap();
        assert_eq!(fs::read(theirs.join("file")).unwrap(), b"theirs");
        assert_eq!(fs::read_dir(&theirs).unwrap().count(), 2);
        // A thread that is made later is as little free.
        let tried = thread::spawn(move || {
            refused(fs::write(theirs.join("new"), "x"));
            refused(fs::write(theirs.join("file"), "x"));
            refused(fs::write(ours.join("link/file"), "x"));
            refused(fs::write("/proc/self/comm", "x"));
            refused(fs::create_dir(theirs.join("new")));
            refused(fs::remove_file(theirs.join("file")));
            refused(symlink("/", ours.join("root")));
            refused(File::options().write(true).open("/dev/null"));
            for (from, to) in [(theirs.join("file"), ours.join("got")), (ours.join("two"), theirs.join("put"))] {
                assert!(fs::rename(&from, &to).is_err() && fs::hard_link(&from, &to).is_err());
            }
            assert_eq!(fs::read(theirs.join("file")).unwrap(), b"theirs");
        });
        tried.join().unwrap();
    });
}

#[test]
fn a_file_that_takes_the_place_of_another_opens_its_folder_and_no_folder_in_it_is_made() {
    alone("a_file_that_takes_the_place_of_another_opens_its_folder_and_no_folder_in_it_is_made", |folder| {
        let mut ground = Ground::default();
        ground.file(&folder.join("x.torrent"));
        ground.file(Path::new("/dev/null"));
        // As a shell passes `>(command)`.
        let (mut read, write) = std::io::pipe().unwrap();
        let passed = PathBuf::from(format!("/proc/self/fd/{}", write.as_raw_fd()));
        ground.file(&passed);
        if enter(&ground).files.is_err() {
            assert!(!has_landlock());
            return;
        }
        fs::write(folder.join("temporary"), "x").unwrap();
        fs::rename(folder.join("temporary"), folder.join("x.torrent")).unwrap();
        fs::write("/dev/null", "x").unwrap();
        fs::write(passed, "x").unwrap();
        drop(write);
        let mut got = String::new();
        read.read_to_string(&mut got).unwrap();
        assert_eq!(got, "x");
        refused(fs::create_dir(folder.join("new")));
        refused(fs::write(folder.with_extension("new"), "x"));
        // Modes are changed where that was asked for alone.
        refused(fs::set_permissions(folder.join("x.torrent"), Permissions::from_mode(0o600)));
        refused(File::open(folder.join("x.torrent")).unwrap().set_permissions(Permissions::from_mode(0o600)));
    });
}

#[test]
fn modes_are_kept_by_those_who_replace_a_file() {
    alone("modes_are_kept_by_those_who_replace_a_file", |folder| {
        let mut ground = Ground::default();
        ground.file(&folder.join("x.torrent"));
        ground.modes = true;
        enter(&ground);
        let file = File::create(folder.join("x.torrent")).unwrap();
        file.set_permissions(Permissions::from_mode(0o600)).unwrap();
    });
}

#[test]
fn no_thread_runs_a_program_or_looks_into_a_process() {
    alone("no_thread_runs_a_program_or_looks_into_a_process", |_| {
        // There before, as no thread of a real program is.
        let (tell, told) = mpsc::channel::<()>();
        let before = thread::spawn(move || {
            told.recv().unwrap();
            attempts();
        });
        let mut other = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let inside = enter(&Ground::default());
        assert_eq!(inside.calls, Ok(()));
        assert!(inside.no_new_privs && is_filtered());
        tell.send(()).unwrap();
        before.join().unwrap();
        attempts();
        let pid = Pid::from_raw(other.id().cast_signed());
        assert_eq!(ptrace::attach(pid), Err(Errno::EPERM));
        if inside.files.is_ok_and(|level| level >= 6) {
            assert_eq!(nix::sys::signal::kill(pid, Signal::SIGTERM), Err(Errno::EPERM));
            refused(other.kill());
        }
        drop(other.stdin.take());
        assert!(other.wait().unwrap().success());
    });
}

/// All that a thread could do without a sandbox, some of it as root.
fn attempts() {
    refused(Command::new("true").status());
    assert_eq!(ptrace::traceme(), Err(Errno::EPERM));
    let (mut to, from) = ([0; 4], [0_u8; 4]);
    let remote = RemoteIoVec { base: from.as_ptr().addr(), len: 4 };
    assert_eq!(process_vm_readv(Pid::this(), &mut [IoSliceMut::new(&mut to)], &[remote]), Err(Errno::EPERM));
    assert_eq!(nix::sched::unshare(CloneFlags::CLONE_NEWUSER), Err(Errno::EPERM));
    assert_eq!(nix::sched::unshare(CloneFlags::CLONE_FS), Err(Errno::EPERM));
    assert_eq!(nix::unistd::setuid(Uid::current()), Err(Errno::EPERM));
    assert_eq!(nix::unistd::chroot("/"), Err(Errno::EPERM));
    let mounted = nix::mount::mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REMOUNT, None::<&str>);
    assert_eq!(mounted, Err(Errno::EPERM));
    let made = |family| socket(family, SockType::Datagram, SockFlag::empty(), None).map(drop);
    for family in [AddressFamily::Unix, AddressFamily::Inet, AddressFamily::Netlink] {
        made(family).unwrap();
    }
    for family in [AddressFamily::Packet, AddressFamily::Vsock] {
        assert_eq!(made(family), Err(Errno::EPERM));
    }
    // Threads are made all the same.
    thread::spawn(|| refused(Command::new("true").status())).join().unwrap();
}

#[test]
fn one_who_is_inside_can_go_inside_once_more() {
    alone("one_who_is_inside_can_go_inside_once_more", |folder| {
        assert!(keeps_files(folder, "") == keeps_files(folder, ""));
        fs::write(folder.join("x"), "x").unwrap();
    });
}
