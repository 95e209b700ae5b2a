//! The daemon is killed at any moment of adding, moving, renaming, removing, hashing again and ending: each torrent stands afterwards as was answered,
//! or as was asked for last, and nothing of it lies anywhere else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use teem_faultfs::Dice;

use super::jobs::{Home, READY, content, is_whole, kill};
use crate::common::process::{Process, wait_until};
use crate::common::torrent::Torrent;

/// Bytes of each of three files.
const BYTES: usize = 200_000;

/// The names that the second file may have.
const SECOND: [&str; 2] = ["d/two", "d/second"];

/// Lives of the daemon: as many as `TEEM_KILLS` says.
fn lives() -> u64 {
    let wanted = std::env::var("TEEM_KILLS").ok().map(|n| n.parse().expect("TEEM_KILLS is a number"));
    wanted.unwrap_or(if std::env::var_os("TEEM_TEST_ALL").is_some() { 30 } else { 5 })
}

/// How a torrent stands: where its content lies, none where it is not the daemon's, and by which name its second file goes.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Stand {
    folder: Option<PathBuf>,
    second: usize,
}

/// A torrent, how it stands by what was answered, and by what was asked for and not answered.
struct Held {
    torrent: Torrent,
    answered: Stand,
    asked: Option<Stand>,
}

impl Held {
    fn new(home: &Home, name: &str) -> Self {
        let torrent = home.torrent(name, BYTES);
        fs::remove_dir_all(home.at().join("a").join(name)).expect("own folder");
        Self { torrent, answered: Stand { folder: None, second: 0 }, asked: None }
    }

    fn may_be(&self, fits: impl Fn(&Stand) -> bool) -> bool {
        fits(&self.answered) || self.asked.as_ref().is_some_and(fits)
    }

    /// Holds what is there against what was answered and asked.
    fn check(&mut self, home: &Home, folders: &[PathBuf], rows: &[Value], life: u64) {
        let name = self.torrent.name.clone();
        let lies = |folder: &&PathBuf| folder.join(&name).exists();
        let what = format!("life {life}, {name}: {:?} was answered, {:?} asked", self.answered, self.asked);
        if !rows.iter().any(|row| row["infohash"] == *self.torrent.info_hash) {
            assert!(self.may_be(|stand| stand.folder.is_none()), "{what}: it is lost");
            if self.answered.folder.is_some() {
                let left: Vec<_> = folders.iter().filter(lies).collect();
                assert!(left.is_empty(), "{what}: it was removed, and there is still {left:?}");
            }
            // What was to be added lies there as it was put.
            folders.iter().filter(lies).for_each(|at| fs::remove_dir_all(at.join(&name)).expect("own folder"));
            (self.answered, self.asked) = (Stand { folder: None, second: 0 }, None);
            return;
        }
        let row = home.once(&self.torrent.info_hash, &what, is_whole);
        let there = PathBuf::from(row["folder"].as_str().expect("a folder"));
        let at = there.join(&name);
        let second = SECOND.iter().position(|second| at.join(second).exists()).expect("its second file");
        let stand = Stand { folder: Some(there.clone()), second };
        assert!(self.may_be(|other| *other == stand), "{what}: {stand:?}");
        for (n, file) in ["one", SECOND[second], "d/three"].into_iter().enumerate() {
            assert!(fs::read(at.join(file)).is_ok_and(|bytes| bytes == content(&name, n, BYTES)), "{what}: {file}");
        }
        let files = |at: &Path| fs::read_dir(at).expect("own folder").flatten().count();
        assert_eq!((files(&at), files(&at.join("d"))), (2, 2), "{what}: nothing else");
        let others: Vec<_> = folders.iter().filter(|folder| **folder != there).filter(lies).collect();
        assert!(others.is_empty(), "{what}: it lies in {} and in {others:?}", there.display());
        (self.answered, self.asked) = (stand, None);
    }

    /// Asks for something; false where there was no answer.
    fn ask(&mut self, home: &Home, folders: &[PathBuf], dice: &mut Dice) -> bool {
        let select = [self.torrent.info_hash.as_str()];
        let name = self.torrent.name.as_str();
        let Stand { folder, second } = self.answered.clone();
        let (path, body, stand) = match (folder, dice.roll(10)) {
            (None, _) => {
                let at = &folders[dice.roll(folders.len() as u64) as usize];
                for (n, file) in ["one", "d/two", "d/three"].into_iter().enumerate() {
                    let path = at.join(name).join(file);
                    fs::create_dir_all(path.parent().expect("a folder")).expect("own folder");
                    fs::write(path, content(name, n, BYTES)).expect("own folder");
                }
                let bytes = STANDARD.encode(fs::read(&self.torrent.path).expect("own file"));
                let stand = Stand { folder: Some(at.clone()), second: 0 };
                ("torrents", json!({"torrent": bytes, "folder": at}), stand)
            }
            (Some(_), 0) => {
                let stand = Stand { folder: None, second: 0 };
                ("torrents/remove", json!({"select": select, "with_data": true}), stand)
            }
            (Some(at), 1) => ("torrents/recheck", json!({"select": select}), Stand { folder: Some(at), second }),
            (Some(at), 2..5) => {
                let stand = Stand { folder: Some(at), second: 1 - second };
                let [from, to] = [second, 1 - second].map(|n| format!("{name}/{}", SECOND[n]));
                ("torrents/rename", json!({"select": select, "path": from, "to": to}), stand)
            }
            (Some(_), _) => {
                let to = &folders[dice.roll(folders.len() as u64) as usize];
                let stand = Stand { folder: Some(to.clone()), second };
                ("torrents/move", json!({"select": select, "folder": to}), stand)
            }
        };
        self.asked = Some(stand.clone());
        let Some(answer) = home.post(path, &body).filter(|answer| answer.ends_with('\n')) else { return false };
        // Jobs are done one after the other, and what is being hashed is not touched.
        if answer.starts_with("HTTP/1.1 409 ") || answer.contains("\"busy\"") {
            self.asked = None;
            return true;
        }
        assert!(answer.starts_with("HTTP/1.1 20"), "{path} {body}: {answer}");
        // A move that is under way still may come to be either.
        if !answer.contains("\"moving\"") {
            (self.answered, self.asked) = (stand, None);
        }
        true
    }
}

/// Asks for this and that until the daemon does not answer.
fn ask_on(home: &Home, all: &mut [Held], folders: &[PathBuf], dice: &mut Dice) {
    loop {
        let which = dice.roll(all.len() as u64) as usize;
        let answered = match all[which].asked {
            None => all[which].ask(home, folders, dice),
            Some(_) => {
                home.post("torrents/pause", &json!({"select": ["nothing"]})).is_some_and(|said| !said.is_empty())
            }
        };
        if !answered {
            return;
        }
    }
}

#[test]
fn kills_at_any_moment_of_jobs_leave_each_torrent_in_one_place() {
    let home = Home::new("jobs-kills");
    let first = fs::canonicalize(home.at().join("a")).expect("own folder");
    let folders = [first.clone(), first.join("deep"), home.other.clone()];
    let mut all: Vec<Held> = ["film", "song", "book"].iter().map(|name| Held::new(&home, name)).collect();
    let mut dice = Dice(20);
    let mut daemon = home.start();
    for life in 0..lives() {
        let (after, ends) = (Duration::from_millis(dice.roll(1_500)), dice.roll(3) == 0);
        let grace = Duration::from_millis(dice.roll(120));
        std::thread::scope(|scope| {
            let begun = Instant::now();
            let killed = std::mem::replace(&mut daemon, nobody());
            // The moment of the kill is what is varied; one in three comes while the daemon ends.
            scope.spawn(move || {
                let wait = |until| wait_until("the moment", READY, || (begun.elapsed() >= until).then_some(()));
                wait(after);
                if ends {
                    Command::new("kill").arg(killed.id().to_string()).status().expect("kill");
                    wait(after + grace);
                }
                kill(killed);
            });
            ask_on(&home, &mut all, &folders, &mut dice);
        });
        daemon = home.start();
        let rows = home.run(&["list", "--json"]).ended(0).lines();
        for held in &mut all {
            held.check(&home, &folders, &rows, life);
        }
    }
}

/// A process that has nothing to do.
fn nobody() -> Process {
    Process::start(Command::new("true").stdin(Stdio::null()))
}
