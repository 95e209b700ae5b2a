//! What the daemon has run when a torrent is done, and the folders that it takes torrents from.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;

use crate::common::home::{Home, READY, signal, wait_event};
use crate::common::process::{Process, wait_until};
use crate::common::run::{command, teem};
use crate::common::torrent::Torrent;

/// A seed of a torrent whose content lies beside the root, and a link that names it.
fn seed(home: &Home, torrent: &Torrent, file: &str) -> (Process, String) {
    let mut seed = Process::start(&mut command(home.at(), &["seed", file, "--listen", "127.0.0.1:0", "--json"]));
    let port = wait_event(&mut seed, "listening")["port"].as_u64().expect("a port");
    let link = format!("{}&x.pe=127.0.0.1:{port}", torrent.magnet());
    (seed, link)
}

/// What a file holds, once it is there and whole: its last line is `end`.
fn wait_text(path: &Path) -> String {
    wait_until(&path.display().to_string(), READY, || {
        fs::read_to_string(path).ok().filter(|text| text.ends_with("end\n"))
    })
}

#[test]
fn rows_65_and_66_names_reach_hooks_as_variables_and_do_nothing() {
    let home = Home::new("hooks-names");
    // The hook's program writes beside the root, which the daemon itself may not.
    let out = home.at().join("told");
    fs::create_dir(&out).expect("the folder is writable");
    let script = "printf '%s\\n' \"$#\" \"$TEEM_EVENT\" \"$TEEM_NAME\" \"$TEEM_PATH\" \"$TEEM_SIZE\" \"$TEEM_LABELS\" end \
        > \"$1/$TEEM_INFOHASH\"";
    home.configure(&format!(
        "[[hook]]\nrun = ['sh', '-c', '''{script}''', 'x', '{}']\n[[hook]]\nrun = ['touch', 'never']\nlabel = 'other'",
        out.display()
    ));
    let mut daemon = home.daemon(&[]);
    let mut daemon = Process::start(daemon.env("NOTIFY_SOCKET", "/nonexistent"));
    wait_event(&mut daemon, "ready");
    let names = [";rm -rf ~", "$(touch owned)", "-o", "<img onerror=alert(1)>", "`touch owned`"];
    for (n, name) in names.into_iter().enumerate() {
        // Content of different lengths, so that the torrents differ.
        let size = 50_000 + n;
        fs::write(home.at().join(name), vec![7; size]).expect("the folder is writable");
        let file = format!("{n}.torrent");
        let path = format!("./{name}");
        teem(home.at(), &["create", &path, "-o", &file, "--piece-size", "16Ki"]).ended(0);
        let shown = teem(home.at(), &["show", &file, "--json"]).ended(0).json();
        let hash = shown["infohash_v1"].as_str().expect("a hash").to_owned();
        let mut seed = Process::start(&mut command(home.at(), &["seed", &file, "--listen", "127.0.0.1:0", "--json"]));
        let port = wait_event(&mut seed, "listening")["port"].as_u64().expect("a port");
        let link = format!("magnet:?xt=urn:btih:{hash}&x.pe=127.0.0.1:{port}");
        home.run(&["add", &link, "--label", "a,b"]).ended(0);
        // What cannot be a name everywhere is made one.
        let name = &name.replace(['<', '>'], "_");
        let place = fs::canonicalize(home.at().join("files")).expect("own folder").join(name);
        let wanted = format!("1\ncomplete\n{name}\n{}\n{size}\na,b\nend\n", place.display());
        assert_eq!(wait_text(&out.join(hash)), wanted);
        assert!(place.exists(), "told once it is there");
    }
    assert!(!home.at().join("owned").exists() && !home.at().join("files/owned").exists());
    assert!(!home.at().join("never").exists());
    assert!(fs::read_dir(home.at()).expect("a folder").count() > 10, "everything is there still");
}

#[test]
fn a_reload_changes_hooks_and_one_that_hangs_is_ended_and_told_of() {
    let home = Home::new("hooks-reload");
    home.configure("[[hook]]\nrun = ['/nonexistent/program']");
    let mut daemon = home.start(&[]);
    let hook = "[[hook]]\nrun = ['sh', '-c', 'sleep 600']\ntimeout = '100ms'";
    home.configure(hook);
    signal(&daemon, "-HUP");
    assert_eq!(wait_event(&mut daemon, "reload")["ok"], true);
    let torrent = home.torrent("content");
    let (_seed, link) = seed(&home, &torrent, "content.torrent");
    home.run(&["add", &link]).ended(0);
    wait_until("that it was ended", READY, || daemon.log().contains("it was ended after").then_some(()));
    // The first and the last hook need a restart, since the helper is there from the start.
    home.configure("");
    signal(&daemon, "-HUP");
    let told = wait_event(&mut daemon, "reload");
    assert!(told["ok"] == false && told["text"].as_str().expect("a sentence").contains("hook"), "{told}");
}

#[test]
fn a_file_with_hooks_where_the_daemon_may_write_is_refused() {
    let home = Home::new("hooks-exposed");
    let path = home.configure("[[hook]]\nrun = ['true']");
    fs::copy(path, home.at().join("files/daemon.toml")).expect("the folder is writable");
    let refused = teem(home.at(), &["daemon", "--config", "files/daemon.toml"]).ended(2);
    assert!(refused.err.contains("where the daemon may write"), "{}", refused.err);
}

#[test]
fn what_is_put_into_a_watched_folder_is_taken_once_it_is_whole() {
    let home = Home::new("hooks-watch");
    let watched = home.at().join("watched");
    home.configure(&format!("[[watch]]\nfolder = {watched:?}\nlabels = ['seen']\npaused = true"));
    let (whole, other) = (home.torrent("whole"), home.torrent("other one"));
    let bytes = fs::read(home.at().join("whole.torrent")).expect("a torrent");
    let daemon = home.start(&[]);
    wait_until("that the system is asked to tell of changes", READY, || {
        let open = fs::read_dir(format!("/proc/{}/fd", daemon.id())).expect("the daemon runs");
        let names: Vec<_> = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok()).collect();
        names.iter().any(|name| name.to_string_lossy().contains("inotify")).then_some(())
    });
    // The first half is no torrent, and is refused if it is taken for all.
    fs::write(watched.join("whole.torrent"), &bytes).expect("the folder is writable");
    fs::write(watched.join("link.magnet"), format!("\n{}\n", other.magnet())).expect("same");
    fs::write(watched.join("bad.torrent"), "no torrent").expect("same");
    fs::write(watched.join("bad.magnet"), "file:///etc/passwd").expect("same");
    fs::write(watched.join("note.txt"), "nothing").expect("same");
    std::os::unix::fs::symlink(home.at().join("other one.torrent"), watched.join("led.torrent")).expect("a link");
    for name in ["whole.torrent.added", "link.magnet.added", "bad.torrent.refused.txt", "bad.magnet.refused.txt"] {
        wait_until(name, READY, || watched.join(name).exists().then_some(()));
    }
    let mut hashes: Vec<_> =
        home.list(&["label:seen"]).iter().map(|t| t["infohash"].as_str().unwrap_or_default().to_owned()).collect();
    hashes.sort();
    let mut wanted = vec![whole.info_hash.clone(), other.info_hash.clone()];
    wanted.sort();
    assert_eq!(hashes, wanted);
    assert!(home.list(&[]).iter().all(|torrent| torrent["state"] == "paused"));
    let why = fs::read_to_string(watched.join("bad.magnet.refused.txt")).expect("a reason");
    assert!(why.contains("magnet"), "{why}");
    assert!(watched.join("bad.torrent").exists() && watched.join("note.txt").exists());
    assert!(watched.join("led.torrent").symlink_metadata().is_ok(), "a link is left alone");
    // One that was refused and is another by now is looked at again.
    let again = home.torrent("again and more");
    fs::copy(home.at().join("again and more.torrent"), watched.join("bad.torrent")).expect("the folder is writable");
    wait_until("it", READY, || watched.join("bad.torrent.added").exists().then_some(()));
    assert!(!watched.join("bad.torrent.refused.txt").exists());
    assert_eq!(home.list(&[&again.info_hash[..10]]).len(), 1);
}
