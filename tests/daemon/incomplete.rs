//! Content that lies apart until it is complete, and is moved then: complete is told once it lies where it stays.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use teem_faultfs::Dice;

use crate::common::home::{Home, READY, wait_event};
use crate::common::process::{Process, wait_until};
use crate::common::run::command;
use crate::common::torrent::Torrent;

/// A seed of a torrent whose content lies beside the root, and a link that names it.
fn seed(home: &Home, torrent: &Torrent, file: &str) -> (Process, String) {
    let mut seed = Process::start(&mut command(home.at(), &["seed", file, "--listen", "127.0.0.1:0", "--json"]));
    let port = wait_event(&mut seed, "listening")["port"].as_u64().expect("a port");
    (seed, format!("{}&x.pe=127.0.0.1:{port}", torrent.magnet()))
}

/// A folder, as the daemon calls it.
fn folder(home: &Home, name: &str) -> PathBuf {
    let path = home.at().join(name);
    fs::create_dir_all(&path).expect("the folder is writable");
    fs::canonicalize(path).expect("own folder")
}

fn once(home: &Home, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    wait_until(what, READY, || home.list(&[]).into_iter().find(&is_so))
}

fn kill(daemon: Process) {
    let killed = Command::new("kill").args(["-KILL", &daemon.id().to_string()]).status().expect("kill");
    assert!(killed.success());
    drop(daemon);
}

/// The events of the daemon so far.
fn events(home: &Home) -> Vec<Value> {
    let answer = home.ask("GET /teem/v1/events?since=0 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let body = answer.rsplit("\r\n\r\n").next().expect("a body");
    let told: Value = serde_json::from_str(body).expect("JSON");
    told["events"].as_array().expect("a list").clone()
}

fn same(path: &Path, other: &Path) -> bool {
    fs::read(path).expect("it is there") == fs::read(other).expect("it is there")
}

#[test]
fn what_is_complete_is_moved_and_only_then_told_as_such() {
    let home = Home::new("incomplete-move");
    let (new, films) = (folder(&home, "files/new"), folder(&home, "files/films"));
    let out = folder(&home, "told");
    home.configure(&format!(
        "incomplete = {new:?}\n[label.films]\nfolder = {films:?}\n\
        [[hook]]\nrun = ['sh', '-c', '''printf '%s\\n' \"$TEEM_PATH\" end > \"$1/path\"''', 'x', '{}']",
        out.display()
    ));
    let daemon = home.start(&[]);
    let torrent = home.torrent("film");
    let (_seed, link) = seed(&home, &torrent, "film.torrent");
    home.run(&["add", &link, "--label", "films", "--paused"]).ended(0);
    let row = home.list(&[]).pop().expect("a torrent");
    assert_eq!((row["folder"].as_str(), row["incomplete"].as_str()), (films.to_str(), new.to_str()));
    home.run(&["resume", "all"]).ended(0);
    home.run(&["add", &link]).ended(1);
    let row = once(&home, "complete", |row| row["complete"] == true);
    assert_eq!((row["folder"].as_str(), &row["incomplete"]), (films.to_str(), &Value::Null));
    assert!(same(&films.join("film"), &home.at().join("film")) && !new.join("film").exists());
    let told = wait_until("the hook", READY, || {
        fs::read_to_string(out.join("path")).ok().filter(|text| text.ends_with("end\n"))
    });
    assert_eq!(told, format!("{}\nend\n", films.join("film").display()));
    let complete = events(&home).iter().filter(|event| event["event"] == "complete").count();
    assert_eq!(complete, 1);
    kill(daemon);
    let _daemon = home.start(&[]);
    once(&home, "it lies there still", |row| row["state"] == "seeding" && row["complete"] == true);
    assert!(events(&home).iter().all(|event| event["event"] != "complete"), "that is no news");
    // What lies where it ends is used there.
    home.run(&["remove", "all"]).ended(0);
    home.run(&["add", "film.torrent", "--label", "films", "--wait"]).ended(0);
    assert_eq!(home.list(&[])[0]["incomplete"], Value::Null);
}

#[test]
fn a_place_that_is_taken_is_told_and_tried_again_when_that_is_said() {
    let home = Home::new("incomplete-taken");
    let (new, films) = (folder(&home, "files/new"), folder(&home, "files/films"));
    home.configure("");
    let daemon = home.start(&[]);
    let torrent = home.torrent("film");
    let (_seed, link) = seed(&home, &torrent, "film.torrent");
    let (to, at_first) = (films.display().to_string(), new.display().to_string());
    // The name is not known before the metadata is.
    fs::write(films.join("film"), "somebody else's").expect("the folder is writable");
    home.run(&["add", &link, "--to", &to, "--incomplete", &at_first]).ended(0);
    let stuck = |row: &Value| row["state"] == "seeding" && row["error"].as_str().is_some_and(|e| e.contains("film"));
    let row = once(&home, "refused", stuck);
    assert_eq!((&row["complete"], row["incomplete"].as_str()), (&Value::Bool(false), new.to_str()));
    assert_eq!(fs::read(films.join("film")).expect("it stays"), b"somebody else's");
    kill(daemon);
    // The next run tries it again, too.
    let _daemon = home.start(&[]);
    once(&home, "refused again", stuck);
    fs::remove_file(films.join("film")).expect("the folder is writable");
    home.run(&["resume", "all"]).ended(0);
    once(&home, "moved", |row| row["complete"] == true && row["error"].is_null());
    assert!(same(&films.join("film"), &home.at().join("film")) && !new.join("film").exists());
    assert_eq!(events(&home).iter().filter(|event| event["event"] == "complete").count(), 1);
}

#[test]
fn a_kill_at_any_moment_of_it_leaves_all_in_one_place_and_complete_is_told() {
    let lives = if std::env::var_os("TEEM_TEST_ALL").is_some() { 60 } else { 4 };
    let home = Home::new("incomplete-killed");
    // On another file system, where there is one, so that it is copied.
    let shm = Path::new("/dev/shm");
    let other =
        if shm.is_dir() { shm.join(format!("teem-incomplete-{}", std::process::id())) } else { folder(&home, "o") };
    fs::create_dir_all(&other).expect("the folder is writable");
    let new = folder(&home, "files/new");
    home.configure("");
    let roots = ["--root", "files", "--root", other.to_str().expect("a name")];
    let mut daemon = home.start(&roots);
    let torrent = home.torrent("film");
    let (_seed, link) = seed(&home, &torrent, "film.torrent");
    let (to, at_first) = (other.display().to_string(), new.display().to_string());
    let mut dice = Dice(11);
    for _ in 0..lives {
        home.run(&["add", &link, "--to", &to, "--incomplete", &at_first]).ended(0);
        let until = Instant::now() + Duration::from_millis(dice.roll(1_500));
        wait_until("the moment of the kill", READY, || (Instant::now() >= until).then_some(()));
        kill(daemon);
        daemon = home.start(&roots);
        once(&home, "complete where it stays", |row| row["complete"] == true && row["incomplete"].is_null());
        assert!(same(&other.join("film"), &home.at().join("film")) && !new.join("film").exists());
        home.run(&["remove", "all", "--with-data"]).ended(0);
        assert_eq!(fs::read_dir(&other).expect("the root").count(), 0);
        assert_eq!(fs::read_dir(&new).expect("a folder").count(), 0);
    }
    let _ = fs::remove_dir_all(&other);
}
