//! Packets that the system's queue had no room for (own design): they wait, in their order, until it has some, and nothing more is asked of uTP meanwhile.
use teem_utp::Path;

/// The rest of a train of packets of one size.
#[derive(Debug)]
struct Rest {
    path: Path,
    segment: usize,
    bytes: Vec<u8>,
}

/// What one socket has not taken.
#[derive(Debug, Default)]
pub(crate) struct Unsent {
    rest: Option<Rest>,
    /// The system has said that there is room since it last refused.
    room: bool,
}

impl Unsent {
    /// Nothing waits, so more may be sent.
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_none()
    }

    /// The system has room again.
    pub(crate) fn room(&mut self) {
        self.room = true;
    }

    /// Offers what waits to `send` where there is room again, then says whether nothing waits any more. `send` says how many bytes it took: whole packets, and
    /// fewer than all when there is no room.
    pub(crate) fn again(&mut self, send: impl FnOnce(&Path, usize, &[u8]) -> usize) -> bool {
        if let Some(rest) = self.rest.take_if(|_| self.room) {
            let taken = send(&rest.path, rest.segment, &rest.bytes);
            self.keep(rest.path, rest.segment, &rest.bytes[taken..]);
        }
        self.is_empty()
    }

    /// Keeps packets until there is room; says whether there were any.
    pub(crate) fn keep(&mut self, path: Path, segment: usize, bytes: &[u8]) -> bool {
        if bytes.is_empty() {
            return false;
        }
        self.rest = Some(Rest { path, segment, bytes: bytes.to_vec() });
        self.room = false;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_refused_goes_first_and_once_there_is_room() {
        let path = Path { remote: "192.0.2.1:7".parse().unwrap(), local: None };
        let mut unsent = Unsent::default();
        assert!(!unsent.keep(path, 4, b"") && unsent.is_empty());
        assert!(unsent.keep(path, 4, b"aaaabbbbcc"));
        assert!(!unsent.again(|_, _, _| panic!("the system has not said that there is room")));
        unsent.room();
        assert!(!unsent.again(|_, segment, bytes| {
            assert_eq!((segment, bytes), (4, &b"aaaabbbbcc"[..]));
            4
        }));
        assert!(!unsent.again(|_, _, _| panic!("it was refused again")));
        unsent.room();
        assert!(unsent.again(|to, _, bytes| {
            assert_eq!((*to, bytes), (path, &b"bbbbcc"[..]));
            6
        }));
    }
}
