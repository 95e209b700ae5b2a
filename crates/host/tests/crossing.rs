//! Two that dial each other at one moment by different ways (own design; interop rule 2): over real sockets, with the real engine, one connection
//! remains, the same on both sides, and content passes over it.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};
use std::time::Duration;
use teem_engine::input::{Input, PeerSource};
use teem_engine::{Engine, EngineConfig};
use teem_host::config::HostConfig;
use teem_host::host::{HostHandle, start};
use teem_host::listen::{ListenConfig, Listeners};
use teem_host::mailbox::HostMsg;
use teem_host::owner::Machine;
use teem_swarm::command::{AddTorrent, Command, Spreading};
use teem_swarm::event::Event;
use teem_swarm::ids::ConnId;
use teem_swarm::output::Output;
use teem_swarm::remote::{Encryption, Transport, Transports};
use teem_swarm::selection::Selection;
use teem_swarm::time::Time;

mod common;
use common::whole::{Whole, info};
use common::{Ear, LOOPBACK, TORRENT, Told, unguessable};

/// The longest that anything may take: it hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// What becomes of connections, as the engine is told and tells.
#[derive(Debug)]
enum Note {
    /// Our dial stands.
    Dialled,
    /// The other side's handshake has come over it.
    Up(ConnId, Transport),
    Down(ConnId),
}

/// An engine that begins its first dial at the moment when the other one does: neither has taken anything of the other's by then.
struct Gate {
    engine: Engine<Vec<u8>>,
    both: Option<Arc<Barrier>>,
    notes: Sender<Note>,
}

impl Machine<Vec<u8>> for Gate {
    fn handle(&mut self, now: Time, input: Input<Vec<u8>>) {
        let note = match &input {
            Input::Connected { .. } => Some(Note::Dialled),
            Input::Hello { conn, via, .. } => Some(Note::Up(*conn, via.transport.unwrap())),
            Input::Closed { conn, .. } => Some(Note::Down(*conn)),
            _ => None,
        };
        if let Some(note) = note {
            let _ = self.notes.send(note);
        }
        self.engine.handle(now, input);
    }

    fn poll_output(&mut self) -> Option<Output<Vec<u8>>> {
        let output = self.engine.poll_output()?;
        match &output {
            Output::Dial { .. } => {
                if let Some(both) = self.both.take() {
                    both.wait();
                }
            }
            Output::Close { conn, .. } => {
                let _ = self.notes.send(Note::Down(*conn));
            }
            _ => {}
        }
        Some(output)
    }

    fn deadline(&self) -> Option<Time> {
        self.engine.deadline()
    }
}

struct Side {
    host: HostHandle,
    told: Receiver<Told>,
    notes: Receiver<Note>,
}

impl Side {
    /// Takes both ways and dials by one.
    fn new(listeners: Listeners, dials: Transports, full: bool, peer: SocketAddr, both: &Arc<Barrier>) -> Self {
        let mut config = EngineConfig::new(listeners.bound().port, u64::from(full));
        config.transports = dials;
        let (notify, notes) = channel();
        let gate = Gate { engine: Engine::new(config), both: Some(Arc::clone(both)), notes: notify };
        let host = HostConfig { transports: Transports::Auto, ..HostConfig::new(Encryption::Off, unguessable) };
        let (tell, told) = channel();
        let host = start(listeners, host, gate, Whole::new(full), Ear(tell)).unwrap();
        let info = info();
        let add = AddTorrent {
            torrent: TORRENT,
            key: info.key(),
            info: Some(info),
            trackers: Vec::new(),
            peers: vec![(PeerSource::User, vec![peer])],
            up: None,
            down: None,
            publish: false,
            spreading: Spreading::default(),
            cooperative: false,
            selection: None::<Selection>,
            choose: false,
            announced: None,
        };
        host.send(HostMsg::Command(Command::Add(Box::new(add)))).unwrap();
        Self { host, told, notes }
    }

    /// Waits until our dial stood, a connection has ended, and one is left; says what that travels over.
    fn one_left(&self) -> Transport {
        let (mut dialled, mut ended, mut open) = (false, 0, BTreeMap::new());
        while !dialled || ended == 0 || open.len() != 1 {
            match self.notes.recv_timeout(LIMIT).expect("one connection is left") {
                Note::Dialled => dialled = true,
                Note::Up(conn, transport) => {
                    open.insert(conn, transport);
                }
                Note::Down(conn) => {
                    open.remove(&conn);
                    ended += 1;
                }
            }
        }
        open.into_values().next().unwrap()
    }

    fn await_event(&self, wanted: impl Fn(&Event) -> bool) {
        loop {
            match self.told.recv_timeout(LIMIT).expect("the event") {
                Told::Event(event) if wanted(&event) => return,
                Told::Event(Event::Failed { why, .. }) => panic!("{why}"),
                _ => {}
            }
        }
    }
}

#[test]
fn dials_that_cross_by_different_ways_end_with_one_connection() {
    for (seed_dials, leech_dials) in [(Transports::Tcp, Transports::Utp), (Transports::Utp, Transports::Tcp)] {
        let bound = || {
            let at = ListenConfig { addr: Some(LOOPBACK), port: 0 };
            Listeners::bind(&teem_path::Path::direct(), at).unwrap()
        };
        let (ours, theirs, both) = (bound(), bound(), Arc::new(Barrier::new(2)));
        let (our_addr, their_addr) = (ours.bound().addrs[0], theirs.bound().addrs[0]);
        let seed = Side::new(ours, seed_dials, true, their_addr, &both);
        let leech = Side::new(theirs, leech_dials, false, our_addr, &both);
        leech.await_event(|event| matches!(event, Event::Complete { at_start: false, .. }));
        let left = [seed.one_left(), leech.one_left()];
        assert_eq!(left[0], left[1], "both have kept the same");
        for side in [&leech, &seed] {
            side.host.shutdown();
            side.host.join().unwrap();
        }
    }
}
