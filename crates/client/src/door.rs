//! Where the host leaves what comes to the listening port and is not a peer's (own design): HTTP connections, questions to a tracker.
//!
//! Who is at home holds the receiving ends. While nobody is, connections are closed and packets dropped. Both queues are bounded: who comes when they are full finds nobody
//! at home either, and the host's thread never waits.
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use teem_wire::datagram::Datagram;
use tokio::sync::mpsc;

/// Connections that may wait to be served: a turn of the host brings few, and serving one begins at once.
const STREAMS_MAX: usize = 32;
/// Packets that may wait: those of four turns of the host.
const QUESTIONS_MAX: usize = 512;

/// What comes in at the door.
pub(crate) struct Guests {
    pub(crate) streams: mpsc::Receiver<TcpStream>,
    pub(crate) questions: mpsc::Receiver<Datagram>,
}

struct Home {
    streams: mpsc::Sender<TcpStream>,
    questions: mpsc::Sender<Datagram>,
}

/// The door; clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct Door(Arc<Mutex<Option<Home>>>);

impl Door {
    /// Opens it to whoever holds what this returns; who held it before gets no more guests.
    pub(crate) fn open(&self) -> Guests {
        let ((streams, of_streams), (questions, of_questions)) =
            (mpsc::channel(STREAMS_MAX), mpsc::channel(QUESTIONS_MAX));
        *self.home() = Some(Home { streams, questions });
        Guests { streams: of_streams, questions: of_questions }
    }

    /// Somebody speaks HTTP.
    pub(crate) fn http(&self, stream: TcpStream) {
        if let Some(home) = &*self.home() {
            let _ = home.streams.try_send(stream);
        }
    }

    /// Somebody asks a tracker.
    pub(crate) fn datagram(&self, datagram: Datagram) {
        if let Some(home) = &*self.home() {
            let _ = home.questions.try_send(datagram);
        }
    }

    fn home(&self) -> MutexGuard<'_, Option<Home>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_find_somebody_only_while_the_door_is_open_and_there_is_room() {
        let door = Door::default();
        let addr = "192.0.2.1:1".parse().unwrap();
        let packet = |n| Datagram { remote: addr, local: addr, bytes: vec![n] };
        door.datagram(packet(1));
        let mut guests = door.open();
        assert!(guests.questions.try_recv().is_err());
        for _ in 0..QUESTIONS_MAX + 10 {
            door.datagram(packet(2));
        }
        assert_eq!(std::iter::from_fn(|| guests.questions.try_recv().ok()).count(), QUESTIONS_MAX);
        let mut second = door.open();
        door.datagram(packet(3));
        assert_eq!(second.questions.try_recv().map(|packet| packet.bytes), Ok(vec![3]));
        assert!(guests.questions.try_recv().is_err());
        drop(second);
        door.datagram(packet(4));
    }
}
