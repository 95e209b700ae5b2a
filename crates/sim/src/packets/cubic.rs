//! Everybody else (RFC 9438): a stream of TCP with Cubic, as far as it is needed to see what we leave to it.
//!
//! Each packet is acknowledged alone and what is lost is not sent again, since only the rate matters. Loss is known by three later packets, cuts the window
//! to 0.7 of it once a round trip, and then the window follows a cubic of time, or grows as Reno's would where that is faster.

use std::collections::VecDeque;

/// Bytes of a datagram.
const PACKET: usize = 1_472;
/// Nothing acknowledged for so long, and it begins anew.
const TIMEOUT_US: u64 = 1_000_000;

/// The sending side.
#[derive(Debug)]
pub(crate) struct Cubic {
    /// In thousandths of a packet.
    window: u64,
    threshold: u64,
    /// The window before the last cut, when that was, and no further cut before.
    peak: u64,
    cut_us: u64,
    calm_us: u64,
    flying: VecDeque<(u64, u64)>,
    order: u64,
    round_us: u64,
    heard_us: u64,
    pub(crate) delivered: u64,
}

impl Cubic {
    pub(crate) fn new() -> Self {
        Self {
            window: 10_000,
            threshold: u64::MAX,
            peak: 0,
            cut_us: 0,
            calm_us: 0,
            flying: VecDeque::new(),
            order: 0,
            round_us: 100_000,
            heard_us: 0,
            delivered: 0,
        }
    }

    /// The next datagram, if one may leave.
    pub(crate) fn transmit(&mut self, now_us: u64) -> Option<Vec<u8>> {
        if self.flying.len() as u64 * 1_000 >= self.window {
            return None;
        }
        if self.flying.is_empty() {
            self.heard_us = now_us;
        }
        self.flying.push_back((self.order, now_us));
        let mut packet = vec![0; PACKET];
        packet[..8].copy_from_slice(&self.order.to_be_bytes());
        self.order += 1;
        Some(packet)
    }

    /// When it begins anew.
    pub(crate) fn deadline(&self) -> u64 {
        self.heard_us + TIMEOUT_US
    }

    pub(crate) fn tick(&mut self, now_us: u64) {
        if now_us >= self.deadline() {
            self.cut(now_us);
            (self.window, self.heard_us) = (1_000, now_us);
            self.flying.clear();
        }
    }

    /// What the other end answers.
    pub(crate) fn answer(packet: &[u8]) -> Vec<u8> {
        packet[..8].to_vec()
    }

    /// An acknowledgement of one packet came.
    pub(crate) fn acked(&mut self, now_us: u64, packet: &[u8]) {
        let order = packet.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        let Some(at) = self.flying.iter().position(|(flying, _)| *flying == order) else { return };
        if let Some((_, sent_us)) = self.flying.remove(at) {
            self.round_us = (7 * self.round_us + now_us - sent_us) / 8;
        }
        self.heard_us = now_us;
        self.delivered += PACKET as u64;
        while self.flying.front().is_some_and(|(flying, _)| flying + 3 < order) {
            self.flying.pop_front();
            self.cut(now_us);
        }
        if self.window < self.threshold {
            self.window += 1_000;
            return;
        }
        let passed_ms = i128::from((now_us - self.cut_us) / 1_000);
        // 0.4 packets a second cubed; the plateau is where the window was.
        let k_ms = i128::from(root(self.peak * 750_000));
        let cubic = (passed_ms - k_ms).pow(3) * 4 / 10_000_000 + i128::from(self.peak);
        let reno = i128::from(self.peak * 7 / 10) + passed_ms * 1_000 * 529 / i128::from(self.round_us.max(1));
        let aim = u64::try_from(cubic.max(reno)).unwrap_or(0);
        if aim > self.window {
            self.window += (aim - self.window) * 1_000 / self.window;
        }
    }

    fn cut(&mut self, now_us: u64) {
        if now_us >= self.calm_us {
            self.peak = self.window;
            self.window = (self.window * 7 / 10).max(2_000);
            self.threshold = self.window;
            (self.cut_us, self.calm_us) = (now_us, now_us + self.round_us);
        }
    }
}

/// The cube root, rounded down.
fn root(of: u64) -> u64 {
    let (mut low, mut high) = (0, 2_642_245_u64);
    while low < high {
        let middle = (low + high).div_ceil(2);
        if middle * middle * middle <= of { low = middle } else { high = middle - 1 }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::root;

    #[test]
    fn roots_are_rounded_down() {
        for n in [0, 1, 2, 99, 1_000, 2_642_245] {
            assert_eq!(root(n * n * n), n);
            assert!(n < 2 || root(n * n * n - 1) == n - 1);
        }
    }
}
