//! `teem daemon` and the commands that drive it: what was answered is kept, however the daemon ends.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::common::content;
use crate::common::namespace::Folder;
use crate::common::process::{Process, wait_until};
use crate::common::run::{Ran, command, teem_with};
use crate::common::torrent::Torrent;
use serde_json::{Value, json};
use teem_faultfs::Dice;

/// Starting in a debug build, on a machine with much else to do.
const READY: Duration = Duration::from_secs(60);

/// A folder with a daemon's state, its root `files`, and its socket.
struct Home {
    folder: Folder,
}

impl Home {
    fn new(name: &str) -> Self {
        let folder = Folder::new(name);
        fs::create_dir(folder.0.join("files")).expect("the folder is writable");
        Self { folder }
    }

    fn at(&self) -> &Path {
        &self.folder.0
    }

    fn socket(&self) -> PathBuf {
        self.at().join("run/daemon.sock")
    }

    fn named(&self) -> String {
        format!("unix:{}", self.socket().display())
    }

    fn start(&self) -> Process {
        self.start_with_api().0
    }

    /// The daemon, and where it is asked over TCP.
    fn start_with_api(&self) -> (Process, SocketAddr) {
        let mut command = command(
            self.at(),
            &["daemon", "--root", "files", "--listen", "127.0.0.1:0", "--api", "127.0.0.1:0", "--json"],
        );
        let mut daemon = Process::start(command.env("TEEM_DAEMON", self.named()));
        let api = daemon.wait_line("ready", READY, |line| {
            let value: Value = serde_json::from_str(line).ok()?;
            value["api"][0].as_str().filter(|_| value["event"] == "ready")?.parse().ok()
        });
        (daemon, api)
    }

    /// A command to the daemon.
    fn run(&self, args: &[&str]) -> Ran {
        teem_with(self.at(), args, &[("TEEM_DAEMON", &self.named())], b"")
    }

    fn list(&self, args: &[&str]) -> Vec<Value> {
        self.run(&[&["list", "--json"], args].concat()).ended(0).lines()
    }

    /// A torrent of content that lies beside the root.
    fn torrent(&self, name: &str) -> Torrent {
        fs::write(self.at().join(name), vec![name.len() as u8; 100_000]).expect("the folder is writable");
        Torrent::create(self.at(), name, 16 << 10, &[])
    }

    /// What a request as bytes is answered with.
    fn ask(&self, request: &str) -> String {
        let mut stream = UnixStream::connect(self.socket()).expect("a daemon");
        stream.write_all(request.as_bytes()).expect("a reader");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }
}

fn kill(daemon: Process) {
    let killed = Command::new("kill").args(["-KILL", &daemon.id().to_string()]).status().expect("kill");
    assert!(killed.success());
    drop(daemon);
}

fn keys<const N: usize>(torrents: &[Value], keys: [&str; N]) -> Vec<[Value; N]> {
    torrents.iter().map(|torrent| keys.map(|key| torrent[key].clone())).collect()
}

#[test]
fn what_was_answered_outlives_a_killed_daemon() {
    let home = Home::new("daemon-killed");
    let (film, song) = (home.torrent("film"), home.torrent("song"));
    let daemon = home.start();
    let added = home.run(&["add", "film.torrent", "--label", "new,films", "--down", "1M", "--json"]).ended(0).json();
    assert_eq!((&added["infohash"], &added["labels"]), (&json!(film.info_hash), &json!(["films", "new"])));
    let files = fs::canonicalize(home.at().join("files")).expect("own folder");
    assert_eq!(added["folder"], json!(files));
    home.run(&["add", &song.magnet(), "--paused", "--to", "files/music"]).ended(0);
    kill(daemon);

    let daemon = home.start();
    // It may be looking for what is there at first.
    wait_until("a download", READY, || home.list(&["state:downloading"]).first().map(drop));
    let listed = home.list(&[]);
    let mut kept = keys(&listed, ["infohash", "labels", "folder", "down_limit", "state"]);
    kept.sort_by_key(|keys| keys[1] == json!([]));
    let of_film =
        [json!(film.info_hash), json!(["films", "new"]), json!(files), json!(1_000_000), json!("downloading")];
    let of_song = [json!(song.info_hash), json!([]), json!(files.join("music")), json!(null), json!("paused")];
    assert_eq!(kept, [of_film, of_song]);
    // The reason may become another one between two questions.
    wait_until("one reason in both forms", READY, || {
        let why = home.run(&["why", "film", "--json"]).ended(0).json();
        assert_eq!((&why["name"], &why["state"]), (&json!("film"), &json!("downloading")));
        assert!(why["verdict"].is_string() && why["why"].is_string(), "{why}");
        let words = home.run(&["why", "film"]).ended(0).out;
        (words.contains(why["why"].as_str()?) && words.lines().count() > 2).then_some(())
    });
    home.run(&["pause", "label:films"]).ended(0);
    home.run(&["remove", &song.info_hash[..8]]).ended(0);
    kill(daemon);

    let mut daemon = home.start();
    assert_eq!(keys(&home.list(&[]), ["infohash", "state"]), [[json!(film.info_hash), json!("paused")]]);
    home.run(&["resume", "fil*"]).ended(0);
    assert_eq!(keys(&home.list(&["state:downloading"]), ["name"]), [[json!("film")]]);
    daemon.terminate();
    assert_eq!(daemon.wait_exit(READY).code(), Some(0));
    assert!(!home.socket().exists(), "its socket goes with it");
}

#[test]
fn it_downloads_rests_and_knows_what_it_has() {
    let home = Home::new("daemon-downloads");
    let torrent = home.torrent("content");
    let mut seed =
        Process::start(&mut command(home.at(), &["seed", "content.torrent", "--listen", "127.0.0.1:0", "--json"]));
    let port = seed.wait_line("listening", READY, |line| {
        let value: Value = serde_json::from_str(line).ok()?;
        value["port"].as_u64().filter(|_| value["event"] == "listening")
    });
    let daemon = home.start();
    home.run(&["add", &format!("{}&x.pe=127.0.0.1:{port}", torrent.magnet())]).ended(0);
    wait_until("the content", READY, || home.list(&[])[0]["complete"].as_bool().filter(|complete| *complete));
    content::assert_same_bytes(&home.at().join("content"), &home.at().join("files/content"));
    let listed = home.list(&[]);
    assert_eq!(
        keys(&listed, ["name", "state", "have", "size"]),
        [[json!("content"), json!("seeding"), json!(100_000), json!(100_000)]]
    );
    let text = home.run(&["list"]).ended(0);
    assert!(text.out.contains("100 %") && text.out.contains("content"), "{}", text.out);
    kill(daemon);
    drop(seed);
    let _daemon = home.start();
    wait_until("what it has", READY, || home.list(&[])[0]["complete"].as_bool().filter(|complete| *complete));
}

#[test]
fn a_manager_of_services_hears_when_it_is_ready_and_when_it_ends() {
    let home = Home::new("daemon-notify");
    let heard = UnixDatagram::bind(home.at().join("notify")).expect("a socket");
    heard.set_read_timeout(Some(READY)).expect("a time");
    let mut command =
        command(home.at(), &["daemon", "--root", "files", "--listen", "127.0.0.1:0", "--api", "127.0.0.1:0"]);
    command.env("TEEM_DAEMON", home.named()).env("NOTIFY_SOCKET", home.at().join("notify"));
    let mut daemon = Process::start(&mut command);
    let word = || {
        let mut bytes = [0; 256];
        let len = heard.recv(&mut bytes).expect("a word in time");
        String::from_utf8_lossy(&bytes[..len]).trim().to_owned()
    };
    assert_eq!(word(), "READY=1");
    let health = home.ask("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert!(health.starts_with("HTTP/1.1 200 ") && health.ends_with("ok\n"), "{health}");
    daemon.terminate();
    assert_eq!(word(), "STOPPING=1");
    assert_eq!(daemon.wait_exit(READY).code(), Some(0));
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    let home = Home::new("daemon-refuses");
    let torrent = home.torrent("content");
    assert_eq!(home.run(&["list", "--json"]).ended(3).class(), "no_daemon");
    let _daemon = home.start();
    let second = home.run(&["daemon", "--root", "files", "--listen", "127.0.0.1:0"]).ended(3);
    assert!(second.err.contains("a daemon runs already"), "{}", second.err);
    home.run(&["add", "content.torrent"]).ended(0);
    assert_eq!(home.run(&["add", "content.torrent", "--json"]).ended(1).class(), "already");
    std::os::unix::fs::symlink("/tmp", home.at().join("files/out")).expect("a link");
    for outside in ["..", "/etc", "files/../..", "files/out"] {
        let refused = home.run(&["add", &"cd".repeat(20), "--to", outside, "--json"]).ended(1);
        assert_eq!(refused.class(), "wish", "{outside}");
    }
    assert_eq!(home.run(&["pause", "nothing", "--json"]).ended(1).class(), "select");
    let begin = &torrent.info_hash[..2];
    assert_eq!(home.run(&["remove", begin, "--json"]).ended(1).class(), "select", "two digits are a name");
    let post = |body: &str| {
        let len = body.len();
        home.ask(&format!(
            "POST /teem/v1/torrents HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len}\r\n\r\n{body}"
        ))
    };
    for body in [
        "",
        "[",
        r#"{"link":"x","torrent":"eA=="}"#,
        r#"{"lnik":"x"}"#,
        r#"{"torrent":"?"}"#,
        r#"{"link":"/etc/passwd"}"#,
    ] {
        let answer = post(body);
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains(r#""error":{"class":""#), "{body}: {answer}");
    }
    assert_eq!(home.list(&[]).len(), 1);
}

/// What the API over TCP answers to a request with these lines in its head.
fn asked(api: SocketAddr, request: &str, head: &[&str], body: &str) -> String {
    let mut stream = TcpStream::connect(api).expect("a daemon");
    let len = body.len();
    let first = format!("{request} HTTP/1.1");
    let lines = [first.as_str()].into_iter().chain(head.iter().copied());
    let head = lines.collect::<Vec<_>>().join("\r\n");
    let text = format!("{head}\r\nConnection: close\r\nContent-Length: {len}\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).expect("a reader");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn over_tcp_a_token_opens_what_its_scope_says() {
    let home = Home::new("daemon-tokens");
    let torrent = home.torrent("content");
    let (daemon, api) = home.start_with_api();
    let host = format!("Host: {api}");
    let status = |answer: &str| answer.split(' ').nth(1).unwrap_or_default().to_owned();
    assert_eq!(status(&asked(api, "GET /teem/v1/torrents", &[&host], "")), "401");
    assert_eq!(status(&asked(api, "GET /healthz", &[&host], "")), "200");
    let made = home.run(&["token", "create", "sonarr", "--scope", "add"]).ended(0).out;
    let bearer = format!("Authorization: Bearer {}", made.trim());
    let get = |head: &[&str]| status(&asked(api, "GET /teem/v1/torrents", head, ""));
    assert_eq!(get(&[&host, &bearer]), "200");
    assert_eq!(get(&[&host, "Authorization: Bearer teem_AAAA"]), "401");
    assert_eq!(get(&["Host: rebound.example", &bearer]), "403", "a name that a stranger can lead here");
    assert_eq!(get(&[&host, &bearer, "Origin: http://page.example"]), "403", "a page of somebody else's");
    assert_eq!(get(&[&host, &bearer, &format!("Origin: http://{api}")]), "200");
    let add = json!({"link": torrent.magnet(), "paused": true}).to_string();
    let post = |path: &str, body: &str| status(&asked(api, &format!("POST /teem/v1/{path}"), &[&host, &bearer], body));
    assert_eq!(post("torrents", &add), "201");
    assert_eq!(post("torrents/remove", r#"{"select":["all"]}"#), "403", "it may only add");
    assert_eq!(post("tokens", r#"{"name":"more","scope":"admin"}"#), "403");
    assert_eq!(home.list(&[]).len(), 1);
    // It outlives the daemon, and is not among what is kept.
    kill(daemon);
    let kept = fs::read(home.at().join("state/teem/daemon.redb")).expect("what is kept");
    let words = made.trim().as_bytes();
    assert!(!kept.windows(words.len()).any(|window| window == words), "the words of a token are kept");
    let (_daemon, api) = home.start_with_api();
    let get = |head: &[&str]| status(&asked(api, "GET /teem/v1/torrents", head, ""));
    let host = format!("Host: {api}");
    assert_eq!(get(&[&host, &bearer]), "200");
    assert_eq!(home.run(&["token", "create", "sonarr", "--json"]).ended(1).class(), "already");
    assert!(home.run(&["token", "list"]).ended(0).out.contains("add      sonarr"));
    home.run(&["token", "revoke", "sonarr"]).ended(0);
    assert_eq!(get(&[&host, &bearer]), "401");
}

/// The lives of a daemon that is killed again and again: two hundred with `TEEM_TEST_ALL`, which CI sets.
fn lives() -> u64 {
    if std::env::var_os("TEEM_TEST_ALL").is_some() { 200 } else { 25 }
}

/// What is wanted of one torrent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wish {
    Absent,
    Resting,
    Working,
}

impl Wish {
    fn of(torrent: Option<&Value>) -> Self {
        match torrent {
            None => Self::Absent,
            Some(torrent) if torrent["state"] == "paused" => Self::Resting,
            Some(_) => Self::Working,
        }
    }

    /// The request by which a torrent comes to be so.
    fn request(self, hash: &str, was: Self) -> (&'static str, Value) {
        let select = json!({"select": [hash]});
        match (self, was) {
            (Self::Absent, _) => ("torrents/remove", select),
            (wish, Self::Absent) => ("torrents", json!({"link": hash, "paused": wish == Self::Resting})),
            (Self::Resting, _) => ("torrents/pause", select),
            (Self::Working, _) => ("torrents/resume", select),
        }
    }
}

/// What a daemon says to a request, if it lives long enough.
fn request(socket: &Path, path: &str, body: &Value) -> Option<String> {
    let mut stream = UnixStream::connect(socket).ok()?;
    let body = body.to_string();
    let len = body.len();
    let text = format!(
        "POST /teem/v1/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.ends_with('\n').then_some(answer)
}

/// Wishes torrents this and that until a request is not answered, which is the last of what was wished.
fn wish_on(socket: &Path, wishes: &mut [(Wish, Option<Wish>)], dice: &mut Dice) {
    loop {
        let which = dice.roll(wishes.len() as u64) as usize;
        let was = wishes[which].0;
        let others: Vec<Wish> =
            [Wish::Absent, Wish::Resting, Wish::Working].into_iter().filter(|wish| *wish != was).collect();
        let wish = others[dice.roll(2) as usize];
        let (path, body) = wish.request(&hash(which), was);
        wishes[which].1 = Some(wish);
        let Some(answer) = request(socket, path, &body) else { return };
        assert!(answer.starts_with("HTTP/1.1 20"), "{path} {body}: {answer}");
        wishes[which] = (wish, None);
    }
}

fn hash(which: usize) -> String {
    format!("{which:02x}").repeat(20)
}

#[test]
fn kills_at_any_moment_take_back_nothing_that_was_answered() {
    let home = Home::new("daemon-kills");
    let mut dice = Dice(20);
    // Of each torrent: what was answered, and what was asked for and not answered.
    let mut wishes = [(Wish::Absent, None::<Wish>); 12];
    for life in 0..lives() {
        let daemon = home.start();
        let listed = home.list(&[]);
        for (which, (answered, asked)) in wishes.iter_mut().enumerate() {
            let found = Wish::of(listed.iter().find(|torrent| torrent["infohash"] == json!(hash(which))));
            assert!(
                found == *answered || Some(found) == *asked,
                "life {life}, torrent {which}: {found:?}, {answered:?} was answered"
            );
            (*answered, *asked) = (found, None);
        }
        let after = Duration::from_millis(dice.roll(150));
        let killer = std::thread::spawn(move || {
            // The moment of the kill is what is varied.
            std::thread::sleep(after);
            kill(daemon);
        });
        wish_on(&home.socket(), &mut wishes, &mut dice);
        killer.join().expect("the daemon is killed");
    }
}
