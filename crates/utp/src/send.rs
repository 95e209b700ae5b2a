//! What was written and is not acknowledged yet (BEP 29, "packet loss"; RFC 8985 for the order of losses).
//!
//! Bytes lie in slots, one for each packet, from when they are written until they are acknowledged: nothing is copied or encrypted a second time
//! to be sent again. Each transmission has a number of its own, so a loss is known by what was sent after it and acknowledged before it: three
//! of those, and not sooner than packets are known to overtake each other on this path (`reorder`).

use crate::number;
use crate::packet::HEAD_LEN;
use crate::pool::{PACKET_COST, Pool};
use crate::reorder::Reorder;
use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::mem;

/// Transmissions acknowledged past one that say it is lost.
const PAST: u64 = 3;
/// Packets that may be sent and not acknowledged: numbers have 16 bits, and half of those are behind.
const SENT_MAX: u64 = 16_384;

/// What has become of a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    /// It was never sent.
    Fresh,
    /// It is on the way.
    Flying,
    /// It is to be sent again.
    Lost,
    /// The other side has it.
    Acked,
}

/// One packet of the stream, as it was cut.
#[derive(Clone, Debug)]
struct Slot {
    payload: Vec<u8>,
    fin: bool,
    fate: Fate,
    /// The number of its last transmission, when that was, and how many there were.
    order: u64,
    sent_us: u64,
    times: u32,
    /// It was sent again because others had overtaken it.
    overtaken: bool,
    /// The last transmission was padded to that size of a datagram.
    probe: Option<usize>,
}

/// A packet that is about to be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) seq_nr: u16,
    pub(crate) fin: bool,
    pub(crate) payload: &'a [u8],
    /// It was sent before.
    pub(crate) again: bool,
}

/// What an acknowledgement brought.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Acks {
    /// Bytes, heads included, and packets that were not acknowledged before.
    pub(crate) bytes: u64,
    pub(crate) packets: u64,
    /// Of the last packet that was sent once: how long ago it left.
    pub(crate) round_us: Option<u64>,
    /// Packets that were taken for lost and had only been overtaken.
    pub(crate) overtaken: u64,
    /// Size of the largest datagram that came through unpadded, and of a probe.
    pub(crate) largest: usize,
    pub(crate) probe: Option<usize>,
}

/// What was found to be lost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Losses {
    /// Packets, without a probe of the path's MTU.
    pub(crate) packets: u64,
    /// A probe was among them.
    pub(crate) probe: bool,
    /// Size of the largest that was lost for the second time or more.
    pub(crate) again: usize,
}

/// The sending half of a connection.
#[derive(Clone, Debug)]
pub(crate) struct SendWindow {
    slots: VecDeque<Slot>,
    /// Numbers of the first slot and of the first that was never sent.
    base: u64,
    fresh: u64,
    /// Transmissions that are on the way, by their order: the first of each packet, and others. Some may have been settled.
    first: VecDeque<(u64, u64)>,
    again: VecDeque<(u64, u64)>,
    /// The last packet that the last acknowledgement could have named, and the same of the one before where that had a mask.
    reach: u64,
    told: Option<u64>,
    /// The last acknowledgement had a mask.
    masked: bool,
    lost: BTreeSet<u64>,
    /// The next transmission, and the last that is known to have arrived.
    order: u64,
    arrived: u64,
    /// Bytes on the way, heads included, and payload that was sent and is not acknowledged.
    flying: u64,
    outstanding: u64,
    /// What the pool is charged.
    held: usize,
    /// How long the last that arrived took to be acknowledged.
    took_us: u64,
    /// How long packets may overtake each other.
    pub(crate) reorder: Reorder,
    finished: bool,
}

impl SendWindow {
    /// The first packet has that number.
    pub(crate) fn new(first: u16) -> Self {
        let base = number::begin(first);
        Self {
            slots: VecDeque::new(),
            base,
            fresh: base,
            first: VecDeque::new(),
            again: VecDeque::new(),
            reach: 0,
            told: None,
            masked: false,
            lost: BTreeSet::new(),
            order: PAST,
            arrived: 0,
            flying: 0,
            outstanding: 0,
            held: 0,
            took_us: 0,
            reorder: Reorder::default(),
            finished: false,
        }
    }

    fn end(&self) -> u64 {
        self.base + self.slots.len() as u64
    }

    fn slot(&self, number: u64) -> Option<&Slot> {
        self.slots.get(usize::try_from(number.checked_sub(self.base)?).ok()?)
    }

    fn slot_mut(&mut self, number: u64) -> Option<&mut Slot> {
        self.slots.get_mut(usize::try_from(number.checked_sub(self.base)?).ok()?)
    }

    /// The number before the first packet, on the wire; while nothing is acknowledged, that of the opening.
    pub(crate) fn before_first(&self) -> u16 {
        number::wire(self.base - 1)
    }

    /// The number of the packet that will be sent next for the first time, on the wire.
    pub(crate) fn next_nr(&self) -> u16 {
        number::wire(self.fresh)
    }

    /// Bytes that the pool is charged.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// Bytes on the way, heads included.
    pub(crate) fn flying(&self) -> u64 {
        self.flying
    }

    /// Payload that was sent and is not acknowledged.
    pub(crate) fn outstanding(&self) -> u64 {
        self.outstanding
    }

    /// Something was sent that is not acknowledged.
    pub(crate) fn waits(&self) -> bool {
        self.slots.front().is_some_and(|slot| slot.fate != Fate::Fresh)
    }

    /// The end of the stream was sent and all is acknowledged.
    pub(crate) fn is_over(&self) -> bool {
        self.finished && self.slots.is_empty()
    }

    /// Of everything only the end of the stream is not acknowledged.
    pub(crate) fn only_fin_waits(&self) -> bool {
        self.finished && self.slots.iter().all(|slot| slot.fin || slot.fate == Fate::Acked)
    }

    /// Cuts `len` bytes, at most `room` with what they cost, into packets of `payload_max`; `fill` writes each run of them. Returns how many
    /// were taken.
    pub(crate) fn write(
        &mut self,
        pool: &mut Pool,
        room: usize,
        payload_max: usize,
        len: usize,
        fill: &mut dyn FnMut(&mut [u8]),
    ) -> usize {
        let mut taken = 0;
        while taken < len && !self.finished {
            let (free, open) = (room.saturating_sub(self.held), self.end() > self.fresh);
            let tail = self.slots.back_mut().filter(|slot| open && slot.payload.len() < payload_max);
            let begun = tail.as_ref().map_or(0, |slot| slot.payload.len());
            let cost = if tail.is_some() { 0 } else { PACKET_COST };
            let part = (len - taken).min(payload_max - begun).min(free.saturating_sub(cost));
            if part == 0 || !pool.take(part + cost) {
                break;
            }
            self.held += part + cost;
            if cost > 0 {
                self.slots.push_back(Slot {
                    payload: pool.buffer(part),
                    fin: false,
                    fate: Fate::Fresh,
                    order: 0,
                    sent_us: 0,
                    times: 0,
                    overtaken: false,
                    probe: None,
                });
            }
            if let Some(slot) = self.slots.back_mut() {
                slot.payload.resize(begun + part, 0);
                fill(&mut slot.payload[begun..]);
            }
            taken += part;
        }
        taken
    }

    /// Ends the stream behind what was written.
    pub(crate) fn finish(&mut self) {
        if mem::replace(&mut self.finished, true) {
            return;
        }
        self.slots.push_back(Slot {
            payload: Vec::new(),
            fin: true,
            fate: Fate::Fresh,
            order: 0,
            sent_us: 0,
            times: 0,
            overtaken: false,
            probe: None,
        });
    }

    /// The number of the packet to send next: the oldest that was lost, else the first that was never sent.
    pub(crate) fn next(&self) -> Option<u64> {
        let room = self.fresh < self.end() && self.fresh - self.base < SENT_MAX;
        self.lost.first().copied().or_else(|| room.then_some(self.fresh))
    }

    /// The last packet on the way, which a probe of the tail repeats.
    pub(crate) fn tail(&self) -> Option<u64> {
        let sent = usize::try_from(self.fresh - self.base).unwrap_or(0);
        let at = self.slots.iter().take(sent).rposition(|slot| slot.fate == Fate::Flying)?;
        Some(self.base + at as u64)
    }

    /// A packet as it would be sent.
    pub(crate) fn peek(&self, number: u64) -> Option<Outgoing<'_>> {
        let slot = self.slot(number)?;
        Some(Outgoing { seq_nr: number::wire(number), fin: slot.fin, payload: &slot.payload, again: slot.times > 0 })
    }

    /// A packet left, padded to a probe of that size or as it is.
    pub(crate) fn sent(&mut self, now_us: u64, number: u64, probe: Option<usize>) {
        let order = self.order;
        let Some(slot) = self.slot_mut(number) else { return };
        let (before, len) = (slot.fate, slot.payload.len() as u64);
        (slot.fate, slot.order, slot.sent_us, slot.probe) = (Fate::Flying, order, now_us, probe);
        slot.times += 1;
        self.order += 1;
        let log = if before == Fate::Fresh { &mut self.first } else { &mut self.again };
        log.push_back((order, number));
        if before != Fate::Flying {
            self.flying += len + HEAD_LEN as u64;
        }
        if before == Fate::Fresh {
            self.fresh = number + 1;
            self.outstanding += len;
        }
        self.lost.remove(&number);
    }

    /// Takes an acknowledgement; none comes sooner after its packet than `least_us`. `None` where it names packets that were never sent: it is made up.
    pub(crate) fn acked(
        &mut self,
        now_us: u64,
        ack_nr: u16,
        masks: [&[u8]; 2],
        least_us: u64,
        pool: &mut Pool,
    ) -> Option<Acks> {
        let ack = number::nearest(self.base, ack_nr);
        let mut acks = Acks::default();
        if ack >= self.fresh {
            return None;
        }
        if ack + 1 < self.base {
            return Some(acks);
        }
        // A mask ends somewhere; what came past its end is not told, and not lost for that.
        self.told = self.masked.then_some(self.reach);
        self.masked = masks.iter().any(|mask| !mask.is_empty());
        self.reach = ack + 1 + masks.iter().map(|mask| mask.len() as u64 * 8).sum::<u64>();
        let mut last = 0;
        // What waited at the other side for a packet that was sent again says nothing about the way.
        let waited = (self.base..=ack).any(|number| self.slot(number).is_some_and(|slot| slot.times > 1));
        for number in self.base..=ack {
            self.settle(now_us, number, least_us, &mut last, &mut acks, pool);
        }
        if waited {
            acks.round_us = None;
        }
        for (at, byte) in masks.iter().flat_map(|mask| mask.iter()).enumerate().filter(|(_, byte)| **byte != 0) {
            for bit in (0..8).filter(|bit| byte >> bit & 1 == 1) {
                let number = ack + 2 + at as u64 * 8 + bit;
                if number < self.fresh {
                    self.settle(now_us, number, least_us, &mut last, &mut acks, pool);
                }
            }
        }
        while self.slots.front().is_some_and(|slot| slot.fate == Fate::Acked) && self.base <= ack {
            if self.slots.pop_front().is_some_and(|slot| !slot.fin) {
                self.held -= PACKET_COST;
                pool.give(PACKET_COST);
            }
            self.base += 1;
        }
        Some(acks)
    }

    /// One packet was acknowledged.
    fn settle(&mut self, now_us: u64, number: u64, least_us: u64, last: &mut u64, acks: &mut Acks, pool: &mut Pool) {
        // It may have come long ago, past the end of the last mask, which has moved on.
        let late = self.told.is_some_and(|told| number > told);
        let Some(slot) = self.slot_mut(number).filter(|slot| slot.fate != Fate::Acked) else { return };
        let before = mem::replace(&mut slot.fate, Fate::Acked);
        let payload = mem::take(&mut slot.payload);
        let len = payload.len();
        let overtaken = slot.overtaken;
        let (once, order, ago) = (slot.times == 1, slot.order, now_us.saturating_sub(slot.sent_us));
        let size = len + HEAD_LEN;
        if once {
            match slot.probe {
                Some(size) => acks.probe = Some(size),
                None => acks.largest = acks.largest.max(size),
            }
        }
        acks.bytes += size as u64;
        acks.packets += 1;
        if before == Fate::Flying {
            self.flying -= size as u64;
        }
        self.lost.remove(&number);
        self.outstanding -= len as u64;
        self.held -= len;
        pool.give(len);
        pool.spare(payload);
        if once && !late && order >= *last {
            (*last, acks.round_us) = (order, Some(ago));
        }
        if once || ago >= least_us {
            if order >= self.arrived {
                self.arrived = order;
                self.took_us = if late { self.took_us } else { ago };
            }
        } else {
            // Nothing is answered so soon: it was the copy before this one that came.
            acks.overtaken += u64::from(overtaken);
        }
    }

    /// Finds what is lost by now, and when more may be.
    pub(crate) fn find_lost(&mut self, now_us: u64) -> (Losses, Option<u64>) {
        let mut losses = Losses::default();
        let laters = [false, true].map(|again| self.find_lost_of(again, now_us, &mut losses));
        (losses, laters.into_iter().flatten().min())
    }

    /// The same for first transmissions, or for all others.
    fn find_lost_of(&mut self, again: bool, now_us: u64, losses: &mut Losses) -> Option<u64> {
        let past = if self.reorder.us() > 0 { 1 } else { PAST };
        loop {
            let &(order, number) = if again { self.again.front() } else { self.first.front() }?;
            let current = self.slot(number).filter(|slot| slot.fate == Fate::Flying && slot.order == order);
            if let Some(slot) = current {
                if order + past > self.arrived || number > self.reach {
                    return None;
                }
                let when = slot.sent_us + self.took_us + self.reorder.us();
                if self.reorder.us() > 0 && when > now_us {
                    return Some(when);
                }
                self.lose(number, true, losses);
            }
            if again {
                self.again.pop_front()
            } else {
                self.first.pop_front()
            };
        }
    }

    /// Takes everything on the way for lost.
    pub(crate) fn lose_all(&mut self) -> Losses {
        let mut losses = Losses::default();
        for number in self.base..self.fresh {
            if self.slot(number).is_some_and(|slot| slot.fate == Fate::Flying) {
                self.lose(number, false, &mut losses);
            }
        }
        self.first.clear();
        self.again.clear();
        losses
    }

    fn lose(&mut self, number: u64, overtaken: bool, losses: &mut Losses) {
        let Some(slot) = self.slot_mut(number) else { return };
        (slot.fate, slot.overtaken) = (Fate::Lost, overtaken);
        let size = slot.payload.len() + HEAD_LEN;
        if slot.probe.is_some() {
            losses.probe = true;
        } else {
            losses.packets += 1;
            if slot.times > 1 {
                losses.again = losses.again.max(size);
            }
        }
        self.flying -= size as u64;
        self.lost.insert(number);
    }

    /// Cuts what was never sent into packets of `payload_max`, which is less than before.
    pub(crate) fn cut_again(&mut self, pool: &mut Pool, payload_max: usize) {
        let sent = usize::try_from(self.fresh - self.base).unwrap_or(0);
        let waiting = self.slots.split_off(sent);
        let ends = waiting.back().is_some_and(|slot| slot.fin);
        self.finished &= !ends;
        for slot in waiting.into_iter().filter(|slot| !slot.fin) {
            // Smaller packets cost more in all; where that is not there, one stays as it is and may be fragmented.
            if pool.free() < 2 * PACKET_COST {
                self.slots.push_back(slot);
                continue;
            }
            let all = slot.payload.len() + PACKET_COST;
            self.held -= all;
            pool.give(all);
            let mut rest = &slot.payload[..];
            self.write(pool, usize::MAX, payload_max, slot.payload.len(), &mut |out| {
                let (now, later) = rest.split_at(out.len());
                out.copy_from_slice(now);
                rest = later;
            });
        }
        if ends {
            self.finish();
        }
    }

    /// Gives back everything.
    pub(crate) fn release(&mut self, pool: &mut Pool) {
        pool.give(mem::take(&mut self.held));
        self.base = self.end();
        self.fresh = self.base;
        self.slots.clear();
        self.first.clear();
        self.again.clear();
        self.lost.clear();
        (self.flying, self.outstanding) = (0, 0);
    }

    /// What must hold at every moment.
    pub(crate) fn check(&self) {
        let sum = |of: &dyn Fn(&Slot) -> u64| self.slots.iter().map(of).sum::<u64>();
        let size = |slot: &Slot| (slot.payload.len() + HEAD_LEN) as u64;
        assert!(self.base <= self.fresh && self.fresh <= self.end(), "{self:?}");
        assert_eq!(self.flying, sum(&|slot| if slot.fate == Fate::Flying { size(slot) } else { 0 }));
        let sent = sum(&|slot| if slot.fate == Fate::Fresh { 0 } else { slot.payload.len() as u64 });
        assert_eq!(self.outstanding, sent);
        let cost = sum(&|slot| (slot.payload.len() + if slot.fin { 0 } else { PACKET_COST }) as u64);
        assert_eq!(self.held as u64, cost);
        assert_eq!(self.lost.len() as u64, sum(&|slot| u64::from(slot.fate == Fate::Lost)));
        assert!(self.slots.iter().rev().skip(1).all(|slot| !slot.fin), "something stands behind the end");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many packets on the way since the beginning of time.
    fn sent(packets: u64) -> (SendWindow, Pool) {
        let (mut send, mut pool) = (SendWindow::new(1), Pool::new(64 << 20));
        send.write(&mut pool, usize::MAX, 100, 100 * packets as usize, &mut |_| ());
        while let Some(number) = send.next() {
            send.sent(0, number, None);
        }
        (send, pool)
    }

    #[test]
    fn what_a_mask_cannot_tell_of_is_not_lost() {
        let (mut send, mut pool) = sent(700);
        // All but the first came; the mask tells of 512.
        let told = send.acked(50_000, 0, [&[0xFF; 64], &[]], 50_000, &mut pool).expect("it was sent");
        assert_eq!((told.packets, send.find_lost(50_000).0.packets), (512, 1));
        let number = send.next().expect("the first is sent again");
        send.sent(50_000, number, None);
        // The first came, and the rest is told of.
        send.acked(100_000, 700, [&[], &[]], 50_000, &mut pool);
        assert_eq!(send.find_lost(100_000).0.packets, 0);
        send.check();
    }

    #[test]
    fn what_a_mask_tells_of_late_says_nothing_about_the_way() {
        let (mut send, mut pool) = sent(700);
        // All but the first two came; the mask tells of 512.
        let mut mask = [0xFF; 64];
        mask[0] = 0xFE;
        send.acked(50_000, 0, [&mask, &[]], 50_000, &mut pool);
        assert_eq!(send.find_lost(50_000).0.packets, 2);
        while let Some(number) = send.next() {
            send.sent(50_000, number, None);
        }
        // The first is there at once, and a mask of the same length ends one packet later.
        let acks = send.acked(100_000, 1, [&[0xFF; 64], &[]], 50_000, &mut pool).expect("it was sent");
        assert_eq!((acks.packets, acks.round_us), (2, None));
        send.check();
    }

    #[test]
    fn a_packet_that_was_overtaken_is_known_for_that_and_others_are_waited_for() {
        let (mut send, mut pool) = sent(10);
        send.acked(50_000, 0, [&[0b111, 0, 0, 0], &[]], 50_000, &mut pool);
        assert_eq!(send.find_lost(50_000).0.packets, 1);
        let number = send.next().expect("it is sent again");
        send.sent(50_000, number, None);
        let acks = send.acked(60_000, 4, [&[], &[]], 50_000, &mut pool).expect("it was sent");
        assert_eq!(acks.overtaken, 1, "nothing is answered within 10 ms on a path of 50");
        send.reorder.overtaken(60_000, 50_000);
        send.acked(61_000, 4, [&[0b111, 0, 0, 0], &[]], 50_000, &mut pool);
        let (losses, later) = send.find_lost(61_000);
        assert_eq!((losses.packets, later), (0, Some(61_000 + 12_500)));
        assert_eq!(send.find_lost(61_000 + 12_500).0.packets, 1);
        send.check();
    }

    #[test]
    fn what_comes_after_a_timeout_was_late_and_not_overtaken() {
        let (mut send, mut pool) = sent(3);
        assert_eq!(send.lose_all().packets, 3);
        while let Some(number) = send.next() {
            send.sent(100_000, number, None);
        }
        let acks = send.acked(101_000, 3, [&[], &[]], 50_000, &mut pool).expect("it was sent");
        assert_eq!((acks.packets, acks.overtaken), (3, 0));
        assert_eq!((send.flying(), send.outstanding()), (0, 0));
    }
}
