//! What the system did not carry of our packets of UDP: looked at once a second, told in `status`, and said once where it is much. It looks like loss on the
//! way, and can be mended here.
use crate::progress::Progress;
use std::time::Duration;
use teem_client::{Client, Datagrams};
use tokio::time::Instant;

/// How often it is looked at.
const EVERY: Duration = Duration::from_secs(1);
/// So many packets are worth a sentence: fewer are one burst.
const MUCH: u64 = 1_000;

/// What was seen last, and what was said.
pub(crate) struct LostHere {
    client: Client,
    at: Option<Instant>,
    last: Datagrams,
    said: Said,
}

impl LostHere {
    pub(crate) fn new(client: &Client) -> Self {
        Self { client: client.clone(), at: None, last: Datagrams::default(), said: Said::default() }
    }

    /// The figures, at most a second old.
    pub(crate) fn look(&mut self, progress: &mut Progress) -> Datagrams {
        if self.at.is_none_or(|at| at.elapsed() >= EVERY) {
            (self.at, self.last) = (Some(Instant::now()), self.client.datagrams());
            self.said.words(self.last).iter().for_each(|text| progress.say(text));
        }
        self.last
    }
}

/// What need not be said again.
#[derive(Default)]
struct Said {
    dropped: bool,
    refused: bool,
}

impl Said {
    /// What is to be said now.
    fn words(&mut self, lost: Datagrams) -> Vec<String> {
        let much = |count: u64, said: &mut bool| (count >= MUCH && !std::mem::replace(said, true)).then_some(count);
        let dropped = much(lost.dropped.unwrap_or(0), &mut self.dropped).map(|count| {
            format!(
                "the system has dropped {count} packets of UDP that came faster than they were read; it may keep more with `sysctl net.core.rmem_max=4194304`"
            )
        });
        let refused = much(lost.refused, &mut self.refused).map(|count| {
            format!("the system has refused to send {count} packets of UDP: no route, or a firewall of this machine")
        });
        dropped.into_iter().chain(refused).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn much_is_said_once_and_a_burst_is_not() {
        let mut said = Said::default();
        assert!(said.words(Datagrams { dropped: None, refused: 999 }).is_empty());
        assert!(said.words(Datagrams { dropped: Some(999), refused: 0 }).is_empty());
        let words = said.words(Datagrams { dropped: Some(1_234), refused: 999 });
        assert!(words.len() == 1 && words[0].contains("dropped 1234 packets"), "{words:?}");
        let words = said.words(Datagrams { dropped: Some(2_000), refused: 1_000 });
        assert!(words.len() == 1 && words[0].contains("refused to send 1000"), "{words:?}");
        assert!(said.words(Datagrams { dropped: Some(9_000), refused: 9_000 }).is_empty());
    }
}
