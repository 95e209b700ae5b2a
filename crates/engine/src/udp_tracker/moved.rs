//! Asks under way when our address changes (BEP 15: a connection id is good for the address that asked for it).
use super::UdpTracker;
use alloc::vec::Vec;
use teem_swarm::time::Time;

impl UdpTracker {
    /// Whatever is under way begins anew: its answers may come to where we were, and its next repeat may be minutes away.
    pub(crate) fn moved(&mut self, now: Time) {
        self.connections.clear();
        let under_way: Vec<u32> = self.transactions.keys().copied().collect();
        for id in under_way {
            let Some(mut transaction) = self.take(id) else { continue };
            transaction.unanswered = 0;
            self.send(now, transaction);
        }
    }
}
