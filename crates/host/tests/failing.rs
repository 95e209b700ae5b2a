//! The end by a fault: what there is is saved, the owner is told why, and nothing looks alive afterwards.
#![allow(clippy::unwrap_used)] // helpers of tests are tests
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use teem_engine::input::Input;
use teem_engine::storage::Storage;
use teem_host::config::HostConfig;
use teem_host::error::HostError;
use teem_host::host::{HostHandle, start};
use teem_host::listen::{ListenConfig, Listeners};
use teem_host::mailbox::{HostMsg, SendError};
use teem_host::owner::Machine;
use teem_metainfo::InfoHash;
use teem_swarm::command::{AddTorrent, Command, Spreading};
use teem_swarm::ids::TorrentId;
use teem_swarm::job::{Done, Job};
use teem_swarm::output::Output;
use teem_swarm::remote::Encryption;
use teem_swarm::time::Time;

mod common;
use common::{Ear, LOOPBACK, TORRENT, Told};

const PATIENCE: Duration = Duration::from_secs(30);

/// What wakes the host, once it has said so.
type Waker = Arc<Mutex<Option<Arc<dyn Fn() + Send + Sync>>>>;

/// It writes what it is asked for into a list, and answers that torrents are closed once it is let.
struct Keeper {
    jobs: Sender<String>,
    done: Vec<Done<Vec<u8>>>,
    fault: Arc<AtomicBool>,
    wake: Waker,
}

impl Storage for Keeper {
    type Block = Vec<u8>;

    fn alloc(&mut self, len: usize) -> Option<Vec<u8>> {
        Some(vec![0; len])
    }
    fn submit(&mut self, jobs: &mut VecDeque<Job<Vec<u8>>>) {
        for job in jobs.drain(..) {
            self.jobs.send(format!("{job:?}")).unwrap();
            if let Job::Close { torrent, .. } = job {
                self.done.push(Done::Closed { torrent });
            }
        }
    }
    fn poll(&mut self, done: &mut Vec<Done<Vec<u8>>>) {
        done.append(&mut self.done);
    }
    fn fault(&mut self) -> Option<String> {
        self.fault.load(Ordering::SeqCst).then(|| "a worker is gone".to_owned())
    }
    fn set_waker(&mut self, wake: Arc<dyn Fn() + Send + Sync>) {
        *self.wake.lock().unwrap() = Some(wake);
    }
}

/// It panics when it is asked for a snapshot; before, it has a job for the storage.
struct Fragile(VecDeque<Output<Vec<u8>>>);

impl Machine<Vec<u8>> for Fragile {
    fn handle(&mut self, _: Time, input: Input<Vec<u8>>) {
        assert!(!matches!(input, Input::Command(Command::Snapshot(_))), "planted in the machine");
    }
    fn poll_output(&mut self) -> Option<Output<Vec<u8>>> {
        self.0.pop_front()
    }
    fn deadline(&self) -> Option<Time> {
        None
    }
}

struct Rig {
    host: HostHandle,
    told: Receiver<Told>,
    jobs: Receiver<String>,
    fault: Arc<AtomicBool>,
    wake: Waker,
}

fn rig() -> Rig {
    let (tell, told) = channel();
    let (note, jobs) = channel();
    let (fault, wake) = (Arc::<AtomicBool>::default(), Arc::default());
    let storage = Keeper { jobs: note, done: Vec::new(), fault: Arc::clone(&fault), wake: Arc::clone(&wake) };
    let listeners =
        Listeners::bind(&teem_path::Path::direct(), ListenConfig { addr: Some(LOOPBACK), port: 0 }).unwrap();
    let first = Output::Disk(Job::Forget { torrent: TORRENT, piece: 3 });
    let host = start(listeners, HostConfig::new(Encryption::Off, |_| {}), Fragile([first].into()), storage, Ear(tell))
        .expect("it starts");
    for torrent in [TORRENT, TorrentId(2)] {
        let add = AddTorrent {
            torrent,
            key: InfoHash([torrent.0 as u8; 20]).into(),
            info: None,
            trackers: Vec::new(),
            peers: Vec::new(),
            up: None,
            down: None,
            publish: false,
            spreading: Spreading::default(),
            cooperative: false,
            selection: None,
            choose: false,
            announced: None,
        };
        let paused = torrent == TorrentId(2);
        let command = if paused { Command::AddPaused(Box::new(add)) } else { Command::Add(Box::new(add)) };
        host.send(HostMsg::Command(command)).unwrap();
    }
    assert!(jobs.recv_timeout(PATIENCE).expect("it runs").starts_with("Forget"));
    Rig { host, told, jobs, fault, wake }
}

impl Rig {
    fn ended(self, what: &str) {
        let Told::Failure(why) = self.told.recv_timeout(PATIENCE).expect("the owner is told") else {
            panic!("a failure")
        };
        assert!(why.contains(what) && why.contains("report"), "{why}");
        assert!(self.told.recv_timeout(PATIENCE).is_err(), "the owner is dropped and hears nothing else");
        let jobs: Vec<String> = self.jobs.iter().collect();
        assert_eq!(jobs.len(), 2, "{jobs:?}");
        assert!(jobs.iter().all(|job| job.starts_with("Close") && job.contains("facts: None")), "{jobs:?}");
        let stopped = self.host.send(HostMsg::Command(Command::Snapshot(TORRENT)));
        assert!(matches!(stopped, Err(SendError::Stopped(_))));
        assert!(matches!(self.host.join(), Err(HostError::Fault(why)) if why.contains(what)));
    }
}

#[test]
fn a_panic_of_the_machine_saves_every_torrent_and_tells_the_owner() {
    let rig = rig();
    rig.host.send(HostMsg::Command(Command::Snapshot(TORRENT))).unwrap();
    rig.ended("planted in the machine");
}

#[test]
fn a_storage_that_has_failed_ends_the_host() {
    let rig = rig();
    rig.fault.store(true, Ordering::SeqCst);
    let wake = loop {
        // The waker is set when the thread has started.
        if let Some(wake) = rig.wake.lock().unwrap().clone() {
            break wake;
        }
        std::thread::yield_now();
    };
    wake();
    rig.ended("a worker is gone");
}
