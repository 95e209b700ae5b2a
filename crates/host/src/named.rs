//! Asking a name that the proxy looks up (own design; RFC 1928, section 7): a packet goes to the name by the relay, and the answer says from which address it comes, which
//! is then spoken to like any other. No name is looked up on this side of the proxy.
use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;
use teem_path::opener::Target;
use teem_swarm::time::Time;

/// Names that are asked at once.
const NAMES_MAX: usize = 64;
/// When the packet is sent, from the beginning on, while there is a relay.
const SENT_AFTER: [Duration; 3] = [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(3)];
/// When it is given up.
const LIMIT: Duration = Duration::from_secs(7);

/// Tells answers from other packets.
pub type Answers = Box<dyn Fn(&[u8]) -> bool + Send>;

/// A name that is to be found by asking what it stands for.
pub struct Named {
    /// The name and port.
    pub to: Target,
    /// What is asked; it may be sent several times.
    pub packet: Vec<u8>,
    /// Whether a packet answers that. It comes from anybody, so nobody must be able to guess what it has to say.
    pub answers: Answers,
    /// Is told the address, or that there is none; on the host's thread.
    pub tell: Box<dyn FnOnce(Option<SocketAddr>) + Send>,
}

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Named").field("to", &self.to).finish_non_exhaustive()
    }
}

/// The names that are being asked.
#[derive(Default)]
pub(crate) struct Names(Vec<Waiting>);

struct Waiting {
    named: Named,
    begun: Time,
    sent: usize,
}

impl Waiting {
    fn next(&self) -> Time {
        self.begun + SENT_AFTER.get(self.sent).copied().unwrap_or(LIMIT)
    }
}

impl Names {
    /// Begins to ask.
    pub(crate) fn ask(&mut self, now: Time, named: Named) {
        if self.0.len() < NAMES_MAX {
            self.0.push(Waiting { named, begun: now, sent: 0 });
        } else {
            (named.tell)(None);
        }
    }

    /// Whether a packet is an answer; it is told then.
    pub(crate) fn heard(&mut self, from: SocketAddr, packet: &[u8]) -> bool {
        let Some(at) = self.0.iter().position(|waiting| (waiting.named.answers)(packet)) else { return false };
        (self.0.swap_remove(at).named.tell)(Some(from));
        true
    }

    /// Sends what is due, which is possible while there is a relay, and gives up those whose time is over.
    pub(crate) fn send(&mut self, now: Time, mut send: impl FnMut(&Target, &[u8])) {
        for waiting in self.0.iter_mut().filter(|waiting| waiting.next() <= now && waiting.sent < SENT_AFTER.len()) {
            send(&waiting.named.to, &waiting.named.packet);
            while waiting.next() <= now && waiting.sent < SENT_AFTER.len() {
                waiting.sent += 1;
            }
        }
        self.give_up(|waiting| now.since(waiting.begun) >= LIMIT);
    }

    /// Without a relay nothing is sent.
    pub(crate) fn wait_for_relay(&mut self, now: Time) {
        self.give_up(|waiting| now.since(waiting.begun) >= LIMIT);
    }

    /// There will be none.
    pub(crate) fn end(&mut self) {
        self.give_up(|_| true);
    }

    fn give_up(&mut self, over: impl Fn(&Waiting) -> bool) {
        while let Some(at) = self.0.iter().position(&over) {
            (self.0.swap_remove(at).named.tell)(None);
        }
    }

    /// When something is due, with a relay or without.
    pub(crate) fn next(&self, has_relay: bool) -> Option<Time> {
        let next = |waiting: &Waiting| if has_relay { waiting.next() } else { waiting.begun + LIMIT };
        self.0.iter().map(next).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    type Told = Arc<Mutex<Vec<Option<SocketAddr>>>>;

    fn named(name: &str, told: &Told) -> Named {
        let (told, word) = (Arc::clone(told), name.as_bytes().to_vec());
        Named {
            to: Target::Name(name.into(), 9),
            packet: b"?".to_vec(),
            answers: Box::new(move |packet| packet == word),
            tell: Box::new(move |addr| told.lock().unwrap().push(addr)),
        }
    }

    fn at(ms: u64) -> Time {
        Time::ZERO + Duration::from_millis(ms)
    }

    #[test]
    fn a_name_is_asked_three_times_and_then_given_up() {
        let (mut names, told) = (Names::default(), Told::default());
        names.ask(at(0), named("a", &told));
        let sent = |names: &mut Names, ms| {
            let mut count = 0;
            names.send(at(ms), |_, _| count += 1);
            count
        };
        let times: Vec<u32> = [0, 999, 1_000, 2_999, 3_000, 6_999].map(|ms| sent(&mut names, ms)).into();
        assert_eq!(times, [1, 0, 1, 0, 1, 0]);
        assert_eq!(names.next(true), Some(at(7_000)));
        assert!(told.lock().unwrap().is_empty());
        assert_eq!(sent(&mut names, 7_000), 0);
        assert_eq!((told.lock().unwrap().as_slice(), names.next(true)), (&[None][..], None));
    }

    #[test]
    fn what_waits_for_a_relay_is_asked_once_it_is_there_and_each_answer_is_its_own() {
        let (mut names, told) = (Names::default(), Told::default());
        names.ask(at(0), named("a", &told));
        names.ask(at(0), named("b", &told));
        names.wait_for_relay(at(2_000));
        let mut sent = Vec::new();
        names.send(at(2_000), |to, _| sent.push(to.clone()));
        assert_eq!(sent.len(), 2, "once each, however late");
        let from: SocketAddr = "198.18.0.7:9".parse().unwrap();
        assert!(!names.heard(from, b"c") && names.heard(from, b"b") && !names.heard(from, b"b"));
        assert_eq!(*told.lock().unwrap(), [Some(from)]);
        names.end();
        assert_eq!(*told.lock().unwrap(), [Some(from), None]);
        for n in 0..=NAMES_MAX {
            names.ask(at(0), named(&n.to_string(), &told));
        }
        assert_eq!(told.lock().unwrap().len(), 3, "no more than so many at once");
    }
}
