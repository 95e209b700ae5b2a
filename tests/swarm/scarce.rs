//! Little to live on (faults, rows 16 and 19; bad input, row 44): few file descriptors, little memory, thousands who connect and say
//! nothing. Slower, never dead.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::common::content::{self, Shape};
use crate::common::namespace::{Needs, isolated};
use crate::common::process::Process;
use crate::common::scripted::{Manner, Scripted};
use crate::common::teem::Teem;
use crate::common::torrent::Torrent;
use crate::common::{PEER_PORT, TEEM_IP};

const LIMIT: Duration = Duration::from_secs(150);
/// Where the seed is.
const SEED_IP: &str = "198.18.0.3";

/// The seed's command line.
fn seed_args<'a>(link: &'a str, data: &'a str, listen: &'a str) -> [&'a str; 6] {
    ["seed", link, "--data", data, "--listen", listen]
}

#[test]
fn row_16_sixty_four_descriptors_and_two_thousand_files() {
    isolated("row_16_sixty_four_descriptors_and_two_thousand_files", &[], |folder| {
        for n in 0..2_000usize {
            let path = folder.join(format!("content/{:02}/{n}", n % 40));
            fs::create_dir_all(path.parent().expect("it has one")).expect("the folder is writable");
            fs::write(path, vec![n as u8; 500 + n]).expect("the folder is writable");
        }
        let torrent = Torrent::create(folder, "content", 64 << 10, &[]);
        let few = ["sh", "-c", "ulimit -n 64; exec \"$@\"", "sh"];
        let (link, data) = (torrent.path.to_string_lossy(), folder.to_string_lossy());
        let listen = format!("{SEED_IP}:{PEER_PORT}");
        let mut seed = Teem::start_under(&few, &folder.join("seed"), &seed_args(&link, &data, &listen));
        let out = folder.join("out");
        let (to, own) = (out.to_string_lossy(), format!("{TEEM_IP}:{PEER_PORT}"));
        let args = ["get", &link, "-o", &to, "--listen", &own, "--peer", &listen];
        let mut get = Teem::start_under(&few, &folder.join("home"), &args);
        get.wait_complete(LIMIT);
        seed.assert_runs();
        assert!(get.events("disk").is_empty(), "{:?}", get.events("disk"));
        content::assert_same(&folder.join("content"), &out.join("content"));
    });
}

/// Memory of a process and its children, page cache included, that may not grow over a bound; for who writes itself into it.
struct Bounded(PathBuf);

impl Bounded {
    /// A control group of version 2 or 1, where one can be made.
    fn new(bytes: u64) -> Option<Self> {
        let name = format!("teem-test-{}", std::process::id());
        for (root, limit) in [("/sys/fs/cgroup", "memory.max"), ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")] {
            let group = Self(Path::new(root).join(&name));
            let made = fs::create_dir(&group.0).is_ok() && group.0.join("cgroup.procs").exists();
            if made && fs::write(group.0.join(limit), bytes.to_string()).is_ok() {
                return Some(group);
            }
        }
        None
    }

    fn figure(&self, names: [&str; 2]) -> String {
        let read = |name| fs::read_to_string(self.0.join(name)).ok();
        names.into_iter().find_map(read).unwrap_or_default().trim().replace('\n', " ")
    }
}

impl Drop for Bounded {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn row_16_a_hundred_and_twenty_eight_mebibytes_in_all() {
    let name = "row_16_a_hundred_and_twenty_eight_mebibytes_in_all";
    isolated(name, &[Needs::Command("python3", "-V")], |folder| {
        let Some(group) = Bounded::new(128 << 20) else {
            eprintln!("figure: skipped, no control group for memory can be made here");
            return;
        };
        content::write(folder, "content", Shape::Single, 96 << 20);
        let torrent = Torrent::create(folder, "content", 4 << 20, &[]);
        // Many slow ones, so that many large pieces are begun at once.
        let slow = Manner { rate: 1 << 20, ..Manner::default() };
        let seed = Scripted::start("198.18.2.1", "-HO0001-", &torrent, folder, slow);
        let mut peers = vec![seed.address.to_string()];
        peers.extend((2..=40).map(|n| seed.also(&format!("198.18.2.{n}")).to_string()));
        let enter = format!("echo 0 > {}/cgroup.procs && exec \"$@\"", group.0.display());
        let (link, out) = (torrent.path.to_string_lossy(), folder.join("out"));
        let (to, own) = (out.to_string_lossy(), format!("{TEEM_IP}:{PEER_PORT}"));
        let mut args = vec!["get", &link, "-o", &to, "--listen", &own];
        for peer in &peers {
            args.extend(["--peer", peer]);
        }
        let mut get = Teem::start_under(&["sh", "-c", &enter, "sh"], &folder.join("home"), &args);
        let _greedy = crowd(&["greedy", "30", &torrent.info_hash]);
        let begun = Instant::now();
        get.wait_complete(LIMIT);
        eprintln!(
            "figure: 96 MiB in {:.1} s within 128 MiB, at most {} bytes with the page cache; {}",
            begun.elapsed().as_secs_f64(),
            group.figure(["memory.peak", "memory.max_usage_in_bytes"]),
            group.figure(["memory.events", "memory.oom_control"]),
        );
        content::assert_same(&folder.join("content"), &out.join("content"));
    });
}

#[test]
fn rows_19_and_44_five_thousand_who_connect_and_say_nothing() {
    let name = "rows_19_and_44_five_thousand_who_connect_and_say_nothing";
    isolated(name, &[Needs::Command("python3", "-V")], |folder| {
        content::write(folder, "content", Shape::Single, 40 << 20);
        let torrent = Torrent::create(folder, "content", 256 << 10, &[]);
        let (link, data) = (torrent.path.to_string_lossy(), folder.to_string_lossy());
        let listen = format!("{SEED_IP}:{PEER_PORT}");
        let args = [&seed_args(&link, &data, &listen)[..], &["--up", "4Mi"]].concat();
        let mut seed = Teem::start(&folder.join("seed"), &args);
        let out = folder.join("out");
        let full = |mut crowd: Process| {
            crowd.wait_line("a crowd", LIMIT, |line| line.starts_with("all").then_some(()));
            crowd
        };
        let at_the_seed = full(crowd(&["silent", "5000", SEED_IP]));
        let begun = Instant::now();
        let mut get = Teem::get(&folder.join("home"), &link, &out, &["--peer", &listen]);
        let mut crowds = [at_the_seed, full(crowd(&["silent", "5000", TEEM_IP]))];
        get.wait_complete(LIMIT);
        eprintln!(
            "figure: 40 MiB at 4 MiB/s in {:.1} s, twice 5,000 silent connections",
            begun.elapsed().as_secs_f64()
        );
        content::assert_same(&folder.join("content"), &out.join("content"));
        seed.assert_runs();
        for crowd in &mut crowds {
            crowd.assert_runs();
        }
    });
}

/// Connections of strangers, from addresses of their own.
fn crowd(args: &[&str]) -> Process {
    Process::start(Command::new("python3").args(["-c", CROWD]).args(args))
}

/// `silent N IP`: keeps N connections to it open that say nothing, or one byte, or half a handshake; those that are closed are opened
/// anew. `greedy N HASH`: N peers that ask for everything and read nothing. Ends by itself after three minutes.
const CROWD: &str = r#"
import resource, select, socket, sys, time
manner, n, what = sys.argv[1], int(sys.argv[2]), sys.argv[3]
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
end = time.time() + 180
to = (what if manner == "silent" else "198.18.0.2", 42000)
hello = b"\x13BitTorrent protocol" + b"\0\0\0\0\0\x10\0\x04"
def frame(*parts):
    body = b"".join(parts)
    return len(body).to_bytes(4, "big") + body
def words(i):
    if manner == "silent":
        return [b"", b"\x13", hello][i % 3]
    ask = b"".join(frame(b"\6", (p % 24).to_bytes(4, "big"), b"\0\0\0\0", b"\0\0\x40\0") for p in range(250))
    metadata = frame(b"\x14\0d1:md11:ut_metadatai1eee") + frame(b"\x14\1d8:msg_typei0e5:piecei0ee") * 2000
    return hello + bytes.fromhex(what) + b"-GREEDY-%012d" % i + frame(b"\2") + ask + metadata
poll, live, made = select.poll(), {}, 0
def connect():
    global made
    made += 1
    s = socket.socket()
    s.setblocking(False)
    s.bind(("198.19.%d.%d" % (made // 200 % 200, made % 200 + 1), 0))
    s.connect_ex(to)
    live[s.fileno()] = (s, made)
    poll.register(s, select.POLLOUT)
said = False
while time.time() < end:
    for _ in range(min(n - len(live), 200)):
        connect()
    for fd, event in poll.poll(200):
        s, i = live[fd]
        gone = event & (select.POLLHUP | select.POLLERR)
        if event & select.POLLOUT and not gone:
            try:
                s.send(words(i))
            except OSError:
                gone = True
            poll.modify(fd, select.POLLRDHUP)
        elif event & select.POLLRDHUP:
            gone = True
        if gone:
            poll.unregister(fd)
            s.close()
            del live[fd]
    if made >= n and not said:
        said = True
        print("all", flush=True)
    if made > 20 * n:
        time.sleep(0.2)
"#;
