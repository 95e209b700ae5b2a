//! `dht-net`: a DHT network of real programs in a network namespace, each node at an address with a network of 24 bits to itself ([`teem_rig::dht`]): seconds from
//! a bare magnet link to the metadata, by Teem and by libtorrent, cold with one node to begin with; then each program shares, and each other gets it (BEP 5, 9).
use crate::bench::{self, Failed};
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use teem_rig::client::{Client, Job, Running, Seat};
use teem_rig::clients::aria2::Aria2;
use teem_rig::clients::libtorrent::Libtorrent;
use teem_rig::clients::qbittorrent::{NAMES, Qbittorrent};
use teem_rig::clients::rqbit::Rqbit;
use teem_rig::clients::teem::Teem;
use teem_rig::clients::transmission::Transmission;
use teem_rig::content;
use teem_rig::dht::{Network, bare, torrent, wait_announced};
use teem_rig::namespace::{Folder, name, wrapped};
use teem_rig::process::Process;

/// Set inside: the folder for all that is written.
const FOLDER: &str = "TEEM_DHT_NET_FOLDER";
/// The longest that all of it may take.
const LIMIT: Duration = Duration::from_secs(900);
/// The longest that one cold start may take.
const COLD_LIMIT: Duration = Duration::from_secs(60);
/// The longest that one program may take to announce or to get: Transmission takes most.
const GET_LIMIT: Duration = Duration::from_secs(180);
/// Before each line of the document that a run inside writes.
const TOLD: &str = "told ";
/// Between these lines a document holds the tables.
const MARKS: [&str; 2] = ["<!-- dht-net -->\n", "<!-- end of dht-net -->\n"];
/// The numbers of the places that cold starts are made from, and of those that share and get.
const COLD_FIRST: u16 = 300;
const OTHERS_FIRST: u16 = 200;

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Wishes {
    teems: u16,
    sessions: u16,
    gets: u16,
    others: bool,
    smoke: bool,
    teem: Option<PathBuf>,
    write: Option<PathBuf>,
}

impl Wishes {
    fn read(words: &[&str]) -> Option<Self> {
        let smoke = words.contains(&"--smoke");
        let (teems, sessions, gets) = if smoke { (10, 3, 3) } else { (30, 20, 20) };
        let mut wishes = Self { teems, sessions, gets, others: !smoke, smoke, teem: None, write: None };
        let mut words = words.iter();
        let count = |word: Option<&&str>, max: u16| word?.parse().ok().filter(|count| *count <= max);
        while let Some(word) = words.next() {
            match *word {
                "--smoke" => {}
                "--teems" => wishes.teems = count(words.next(), 90).filter(|count| *count > 0)?,
                "--libtorrents" => wishes.sessions = count(words.next(), 90)?,
                "--gets" => wishes.gets = count(words.next(), 90)?,
                "--cold-only" => wishes.others = false,
                "--teem" => wishes.teem = Some(PathBuf::from(*words.next()?)),
                "--write" => wishes.write = Some(PathBuf::from(*words.next()?)),
                _ => return None,
            }
        }
        Some(wishes)
    }
}

/// Makes the network that the words after `dht-net` ask for, with the binary that is named or the release build of `root`, and returns the tables.
pub fn run(root: &Path, words: &[&str]) -> Result<String, Failed> {
    let wishes = Wishes::read(words).ok_or_else(|| Failed::new("dht-net: these words mean nothing".into()))?;
    if let (Some(folder), Some(teem)) = (env::var_os(FOLDER), &wishes.teem) {
        let told = play(&wishes, teem, Path::new(&folder));
        return Ok(told.lines().map(|line| [TOLD, line, "\n"].concat()).collect());
    }
    let Some(mut command) = env::current_exe().ok().and_then(wrapped) else {
        let why = "no network namespace can be made (unshare -n)";
        // A machine that lends no network says nothing about us.
        return if wishes.smoke { Ok(format!("dht-net: skipped: {why}\n")) } else { Err(Failed::new(why.into())) };
    };
    let teem = wishes.teem.clone().map_or_else(|| bench::built(root), Ok)?;
    let folder = Folder::new("dht-net");
    command.arg("dht-net").args(words).arg("--teem").arg(teem);
    let mut inner = Process::start(command.env(FOLDER, &folder.0).env("RUST_BACKTRACE", "0"));
    let ended = inner.poll_exit(LIMIT);
    let log = inner.whole_log();
    let told: String = log.lines().filter_map(|line| Some([line.strip_prefix(TOLD)?, "\n"].concat())).collect();
    if told.is_empty() || !ended.is_some_and(|status| status.success()) {
        let why = log.lines().skip_while(|line| !line.contains("panicked at")).nth(1);
        return Err(Failed::new(why.unwrap_or("it ended without a word, or not at all").to_owned()));
    }
    if let Some(path) = &wishes.write {
        fs::write(path, bench::put_between(MARKS, &fs::read_to_string(path)?, &told)?)?;
    }
    if told.contains("failed") { Err(Failed::new(told)) } else { Ok(told) }
}

/// All of it, inside.
fn play(wishes: &Wishes, teem: &Path, folder: &Path) -> String {
    let sessions = if Network::sessions_there() { wishes.sessions } else { 0 };
    let network = Network::start(teem, folder, wishes.teems, sessions);
    let mut text = format!("A network of {} nodes of Teem and {sessions} of libtorrent.\n\n", wishes.teems);
    text += &cold(wishes, &network, sessions > 0);
    if wishes.others {
        name(folder, &NAMES, network.nodes[0].ip());
        text += &each_from_each(teem, folder, &network);
    }
    text
}

/// The table of cold starts.
fn cold(wishes: &Wishes, network: &Network, libtorrent_too: bool) -> String {
    let mut text = String::from(
        "| from a bare magnet link to the metadata, cold, one node known | median | from, to | found |\n|---|---|---|---|\n",
    );
    let torrent = |n: u16| &network.torrents[usize::from(n) * 7 % network.torrents.len()];
    let ours = (0..wishes.gets).map(|n| network.teem_cold(COLD_FIRST + n, torrent(n), COLD_LIMIT));
    text += &row("Teem, from the start of the program", true, ours.collect());
    if libtorrent_too {
        let theirs = (0..wishes.gets).map(|n| network.libtorrent_cold(COLD_FIRST + 100 + n, torrent(n), COLD_LIMIT));
        text += &row("libtorrent, from before its session is made", false, theirs.collect());
    }
    text
}

/// A row of that table; of Teem each start has to find something.
fn row(what: &str, ours: bool, mut all: Vec<Option<Duration>>) -> String {
    // Those that found nothing are the slowest.
    all.sort_by_key(|took| took.unwrap_or(Duration::MAX));
    let secs = |took: Option<&Option<Duration>>| {
        took.copied().flatten().map_or("–".to_owned(), |took| format!("{:.3} s", took.as_secs_f64()))
    };
    let found = all.iter().flatten().count();
    let (median, first, last) = (secs(all.get(all.len() / 2)), secs(all.first()), secs(all.last()));
    let failed = if ours && found < all.len() { ", failed" } else { "" };
    format!("| {what} | {median} | {first}, {last} | {found} of {}{failed} |\n", all.len())
}

/// A program that shares and gets.
struct Player<'a> {
    client: &'a dyn Client,
    /// Whether it says in the DHT what it has.
    tells: bool,
}

/// The table of who gets what another shares, and in how many seconds.
fn each_from_each(teem: &Path, folder: &Path, network: &Network) -> String {
    let teem = Teem { binary: teem.to_path_buf(), plain: false };
    let libtorrent = Libtorrent { super_seeds: false };
    let player = |client, tells| Player { client, tells };
    let all: [Player<'_>; 6] = [
        player(&teem, true),
        player(&libtorrent, true),
        player(&Aria2, true),
        player(&Qbittorrent, true),
        player(&Transmission, true),
        player(&Rqbit, false),
    ];
    let all: Vec<_> = all.into_iter().filter(|player| player.client.needs().is_there()).collect();
    let heads: Vec<_> = all.iter().map(|player| player.client.name()).collect();
    let mut text = format!(
        "\n| shares, seconds until it is got by | {} |\n|---|{}\n",
        heads.join(" | "),
        "---|".repeat(all.len())
    );
    let mut number = OTHERS_FIRST;
    for from in &all {
        let what = torrent(folder, &format!("of-{}", from.client.name()), 100 + u64::from(number));
        let mut start = |client: &dyn Client, job: &Job<'_>| {
            number += 1;
            let seat = Seat::apart(number, &folder.join(format!("seat-{number}")));
            client.start(&seat, &Job { dht: &network.nodes, ..*job })
        };
        let link = what.path.to_string_lossy();
        if !from.tells {
            let _ = writeln!(text, "| {} | {} |", from.client.name(), vec!["announces nothing"; all.len()].join(" | "));
            continue;
        }
        let _seed = start(from.client, &Job::seed(&link, folder));
        wait_announced(&network.nodes, &what, GET_LIMIT);
        let link = bare(&what);
        let mut gets: Vec<(PathBuf, Running, Instant, Option<Duration>)> = Vec::new();
        for by in &all {
            let out = folder.join(format!("{}-by-{}", what.name, by.client.name()));
            let began = Instant::now();
            let running = start(by.client, &Job::get(&link, &out));
            gets.push((out, running, began, None));
        }
        let end = Instant::now() + GET_LIMIT;
        while gets.iter().any(|(.., took)| took.is_none()) && Instant::now() < end {
            for (_, running, began, took) in gets.iter_mut().filter(|(.., took)| took.is_none()) {
                *took = running.is_whole().then(|| began.elapsed());
            }
            std::thread::sleep(Duration::from_millis(40));
        }
        let told = gets.iter().map(|(out, _, _, took)| match took {
            Some(took) => {
                content::assert_same(&folder.join(&what.name), &out.join(&what.name));
                format!("{:.1}", took.as_secs_f64())
            }
            None => "failed".to_owned(),
        });
        let _ = writeln!(text, "| {} | {} |", from.client.name(), told.collect::<Vec<_>>().join(" | "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_understood() {
        let whole = Wishes::read(&[]).unwrap();
        assert_eq!((whole.teems, whole.sessions, whole.gets, whole.others), (30, 20, 20, true));
        let smoke = Wishes::read(&["--gets", "2", "--smoke"]).unwrap();
        assert_eq!((smoke.teems, smoke.gets, smoke.others), (10, 2, false));
        for words in [&["--teems", "0"][..], &["--gets"], &["--gets", "x"], &["--gets", "91"], &["--odd"]] {
            assert_eq!(Wishes::read(words), None, "{words:?}");
        }
    }

    #[test]
    fn those_that_found_nothing_are_the_slowest() {
        let ms = |ms| Some(Duration::from_millis(ms));
        assert_eq!(row("x", true, vec![ms(30), None, ms(10)]), "| x | 0.030 s | 0.010 s, – | 2 of 3, failed |\n");
        assert_eq!(row("x", true, vec![ms(30), ms(20), ms(10)]), "| x | 0.020 s | 0.010 s, 0.030 s | 3 of 3 |\n");
        assert_eq!(row("x", false, vec![ms(10), None]), "| x | – | 0.010 s, – | 1 of 2 |\n");
    }
}
