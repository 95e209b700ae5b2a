//! A disk that hangs holds the workers of its own torrents: those on another device are read, written, opened and saved meanwhile.
#![cfg(debug_assertions)] // the seam is there in debug builds only
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod rig;

use rig::{Made, Rig, Scratch, make};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use teem_disk::hooked::Hooked;
use teem_disk::root::RealFs;
use teem_disk::{Block, DiskConfig, Place};
use teem_engine::storage::Storage;
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::job::{Done, Facts, Job, Reader};

/// Holds every call on a path with "hung" in it, from when it is shut.
#[derive(Default)]
struct Gate {
    shut: Mutex<bool>,
    opened: Condvar,
    held: Mutex<usize>,
}

impl Gate {
    fn pass(&self, path: &Path) {
        if !path.to_string_lossy().contains("hung") {
            return;
        }
        let mut shut = self.shut.lock().unwrap();
        *self.held.lock().unwrap() += usize::from(*shut);
        while *shut {
            shut = self.opened.wait(shut).unwrap();
        }
    }

    fn set(&self, shut: bool) {
        *self.shut.lock().unwrap() = shut;
        self.opened.notify_all();
    }
}

fn start(gate: &Arc<Gate>) -> Rig {
    let gate = Arc::clone(gate);
    let hook = move |_: &str, path: &Path| {
        gate.pass(path);
        Ok(())
    };
    let config = DiskConfig { pool_bytes: 8 << 20, hashers: 1, ..DiskConfig::default() };
    Rig::on(&config, Arc::new(Hooked::new(Arc::new(RealFs), Arc::new(hook))))
}

struct Scene {
    rig: Rig,
    gate: Arc<Gate>,
    scratch: Scratch,
    made: Made,
}

/// Torrents on the device that will hang: more than there are workers.
const HUNG: std::ops::Range<u32> = 10..30;

impl Scene {
    fn new(name: &str) -> Self {
        let (gate, scratch) = (Arc::new(Gate::default()), Scratch::new(name));
        Self { rig: start(&gate), gate, scratch, made: make("", 65_536, &[("f", 200_000)]) }
    }

    fn place(&self, disk: &str, id: TorrentId) -> Place {
        // All content of one disk lies in one folder, under names of its own.
        let name = Some(format!("f{}", id.0));
        Place { name, ..Place::download(self.scratch.join(disk), self.scratch.join("state")) }
    }

    fn open(&mut self, disk: &str, id: TorrentId) {
        self.rig.handle.place(id, self.place(disk, id));
        self.rig.submit([Job::Open { torrent: id, info: Arc::clone(&self.made.info), selection: None }]);
    }

    fn opened(&mut self, id: TorrentId) {
        self.rig.wait(|done| matches!(done, Done::Opened { torrent, .. } if *torrent == id).then_some(()));
    }

    /// Hands over a piece.
    fn write(&mut self, id: TorrentId, piece: u32) {
        for at in self.made.blocks(piece) {
            let mut data: Block = self.rig.disk.alloc(at.len as usize).expect("the pool is large enough");
            data.as_mut().copy_from_slice(self.made.data(at));
            self.rig.submit([Job::Write { torrent: id, at, data }]);
        }
    }

    fn written(&mut self, id: TorrentId) {
        self.rig.wait(|done| matches!(done, Done::Piece { torrent, .. } if *torrent == id).then_some(()));
    }

    fn ask(&mut self, id: TorrentId, piece: u32) {
        let reads = self.made.blocks(piece).into_iter();
        let reader = Reader::Peer(ConnId(1));
        self.rig.submit(reads.map(|at| Job::Read { torrent: id, reader, at }));
    }

    /// All that a torrent needs of its disk, on the one that works.
    fn works(&mut self, id: TorrentId) {
        self.open("sound", id);
        self.opened(id);
        for piece in 0..self.made.pieces() {
            self.write(id, piece);
            self.written(id);
            self.ask(id, piece);
            for _ in self.made.blocks(piece) {
                self.rig.wait(|done| matches!(done, Done::Block { torrent, .. } if *torrent == id).then_some(()));
            }
        }
        self.rig.submit([Job::Check { torrent: id, pieces: vec![0] }]);
        self.rig.wait(|done| matches!(done, Done::Checked { torrent, ok: true, .. } if *torrent == id).then_some(()));
        self.rig.submit([Job::Sync { torrent: id, facts: Facts::default() }]);
        self.rig.wait(|done| matches!(done, Done::Synced { torrent } if *torrent == id).then_some(()));
        self.rig.submit([Job::Close { torrent: id, facts: None }]);
        self.rig.wait(|done| matches!(done, Done::Closed { torrent } if *torrent == id).then_some(()));
    }

    /// The hung disk comes back, and everything that was asked of it is answered.
    fn comes_back(&mut self, answers: impl Fn(&Done<Block>) -> bool) {
        assert!(*self.gate.held.lock().unwrap() > 0, "something hung");
        self.gate.set(false);
        for _ in HUNG {
            self.rig.wait(|done| answers(done).then_some(()));
        }
    }
}

#[test]
fn torrents_that_hang_while_they_are_opened_hold_up_no_other_disk() {
    let mut scene = Scene::new("hang-open");
    scene.gate.set(true);
    for n in HUNG {
        scene.open("hung", TorrentId(n));
    }
    scene.works(TorrentId(1));
    scene.works(TorrentId(2));
    scene.comes_back(|done| matches!(done, Done::Opened { .. }));
}

#[test]
fn torrents_that_hang_while_they_read_write_and_save_hold_up_no_other_disk() {
    for hang in ["read", "write", "check", "sync"] {
        let mut scene = Scene::new(&format!("hang-{hang}"));
        for n in HUNG {
            let id = TorrentId(n);
            scene.open("hung", id);
            scene.opened(id);
            scene.write(id, 0);
            scene.written(id);
        }
        scene.gate.set(true);
        for n in HUNG {
            let id = TorrentId(n);
            match hang {
                "read" => scene.ask(id, 0),
                "write" => scene.write(id, 1),
                "check" => scene.rig.submit([Job::Check { torrent: id, pieces: vec![0] }]),
                _ => scene.rig.submit([Job::Sync { torrent: id, facts: Facts::default() }]),
            }
        }
        scene.works(TorrentId(1));
        scene.works(TorrentId(2));
        scene.comes_back(|done| match hang {
            "read" => matches!(done, Done::Block { .. }),
            "write" => matches!(done, Done::Piece { .. }),
            "check" => matches!(done, Done::Checked { .. }),
            _ => matches!(done, Done::Synced { .. }),
        });
    }
}
