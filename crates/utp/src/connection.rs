//! One connection (BEP 29, "connection setup", "packet loss", "timeouts"): its parts, what its owner does with it, and its timers. What comes from the other
//! side stands in `arriving`, what goes to it in `leaving`.

mod arriving;
mod leaving;

use crate::congestion::Congestion;
use crate::delay::Delay;
use crate::event::{Event, Id, Path, Why};
use crate::mtu::Mtu;
use crate::pacing::Pacing;
use crate::packet::HEAD_LEN;
use crate::pool::Pool;
use crate::receive::ReceiveWindow;
use crate::rtt::Rtt;
use crate::send::{Losses, SendWindow};
use alloc::collections::VecDeque;

/// Bytes that are kept for a connection until they are acknowledged, at most.
const SEND_MAX: usize = 4 << 20;
/// Openings that are sent before the other side is taken for absent: 1, 2, 4 and 8 s are waited.
const OPENINGS_MAX: u32 = 4;
/// Something is sent after so long, so that no router forgets the way.
const KEEPALIVE_US: u64 = 29_000_000;
/// With something on the way, the other side may be silent for so long.
const SILENT_US: u64 = 60_000_000;
/// It may let so much time pass without acknowledging anything new, though it says that there is room.
const STUCK_US: u64 = 120_000_000;
/// With nothing on the way it may be silent for so long; it is to send something each 29 s, or two minutes at the least.
const IDLE_US: u64 = 300_000_000;
/// A connection that is over answers repeats of its end for so many timeouts, and for so long at the least.
const LINGER_TIMEOUTS: u64 = 3;
const LINGER_MIN_US: u64 = 3_000_000;
/// A connection without a measurement is paced as if its round trip took so long.
const ROUND_GUESS_US: u64 = 100_000;
/// Room is told once there is so much of it, or as much as is in use.
const WRITABLE: usize = 64 << 10;

/// How far a connection has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// We opened it and wait for the answer; so many openings were sent.
    Opening { sent: u32 },
    /// Both sides know each other.
    Open,
    /// It is over for its owner and answers repeats of the other side's end.
    Lingering { until_us: u64 },
    /// Nothing is left of it.
    Gone,
}

/// What a call into a connection works with.
pub(crate) struct Turn<'a> {
    pub(crate) now_us: u64,
    pub(crate) id: Id,
    pub(crate) pool: &'a mut Pool,
    pub(crate) events: &'a mut VecDeque<Event>,
}

/// One connection with its windows, measurements and timers.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) path: Path,
    /// The id that packets to us carry, and that of ours.
    pub(crate) receive_id: u16,
    pub(crate) send_id: u16,
    phase: Phase,
    send: SendWindow,
    receive: ReceiveWindow,
    rtt: Rtt,
    delay: Delay,
    congestion: Congestion,
    pacing: Pacing,
    mtu: Mtu,
    /// Bytes that the other side takes beyond what it has acknowledged.
    peer_window: u64,
    /// The window that we told last.
    told_window: usize,
    /// How long the last packet took by both clocks; what we send back.
    difference_us: u32,
    /// When something last came, left, and was acknowledged or waited for anew.
    heard_us: u64,
    left_us: u64,
    progress_us: u64,
    /// When the timer of acknowledgements began.
    armed_us: u64,
    /// When the last packet with bytes left, and whether a probe of the tail has followed.
    data_us: u64,
    tail: Tail,
    /// When a long selective ack was sent last.
    long_us: u64,
    /// When packets that others overtook are lost.
    reorder_at_us: Option<u64>,
    /// An opening or a probe of a closed window is to be sent.
    opening_due: bool,
    window_probe_due: bool,
    ack_due: bool,
    /// The owner was told, or wants to be.
    readable_told: bool,
    wants_room: bool,
    /// The other side acknowledged bytes of ours, so its address is its own.
    pub(crate) proven: bool,
}

/// The probe of the tail (RFC 8985, section 7).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Tail {
    /// It may be sent.
    Ready,
    /// It is to be sent now.
    Due,
    /// It was sent and nothing has come of it.
    Spent,
}

impl Connection {
    fn new(now_us: u64, path: Path, ids: (u16, u16), first: u16, receive: ReceiveWindow, phase: Phase) -> Self {
        let mtu = Mtu::new(path.remote.ip());
        let packet = mtu.datagram() as u64;
        let congestion = Congestion::new(packet);
        let mut pacing = Pacing::default();
        pacing.set(now_us, congestion.window(), ROUND_GUESS_US, congestion.pace_quarters(), packet);
        Self {
            path,
            receive_id: ids.0,
            send_id: ids.1,
            phase,
            send: SendWindow::new(first),
            receive,
            rtt: Rtt::default(),
            delay: Delay::default(),
            congestion,
            pacing,
            mtu,
            peer_window: 0,
            told_window: 0,
            difference_us: 0,
            heard_us: now_us,
            left_us: now_us,
            progress_us: now_us,
            armed_us: now_us,
            data_us: now_us,
            tail: Tail::Ready,
            long_us: 0,
            reorder_at_us: None,
            opening_due: phase != Phase::Open,
            window_probe_due: false,
            ack_due: false,
            readable_told: false,
            wants_room: false,
            proven: phase != Phase::Open,
        }
    }

    /// One that we open: the opening has number `first` and carries the id `id`.
    pub(crate) fn open(now_us: u64, path: Path, id: u16, first: u16) -> Self {
        let ids = (id, id.wrapping_add(1));
        Self::new(now_us, path, ids, first.wrapping_add(1), ReceiveWindow::new(0), Phase::Opening { sent: 0 })
    }

    /// One that the other side opened with the id `id` and has shown to be there: its first packet has number `theirs`, ours `ours`.
    pub(crate) fn accept(now_us: u64, path: Path, id: u16, ours: u16, theirs: u16) -> Self {
        let ids = (id.wrapping_add(1), id);
        Self::new(now_us, path, ids, ours, ReceiveWindow::new(theirs), Phase::Open)
    }

    /// Nothing is left of it.
    pub(crate) fn is_gone(&self) -> bool {
        self.phase == Phase::Gone
    }

    /// Its owner may use it.
    pub(crate) fn is_owned(&self) -> bool {
        matches!(self.phase, Phase::Opening { .. } | Phase::Open)
    }

    /// Bytes of payload of a full packet.
    fn payload_max(&self) -> usize {
        self.mtu.datagram() - HEAD_LEN
    }

    /// Bytes that may be written, with what they cost.
    fn room(&self, pool: &Pool) -> usize {
        SEND_MAX.min(pool.share(self.send.held())).saturating_sub(self.send.held())
    }

    /// Takes up to `len` bytes, which `fill` writes where they will lie; says how many.
    pub(crate) fn write(&mut self, pool: &mut Pool, len: usize, fill: &mut dyn FnMut(&mut [u8])) -> usize {
        let room = self.room(pool) + self.send.held();
        let taken = self.send.write(pool, room, self.payload_max(), len, fill);
        self.wants_room |= taken < len;
        taken
    }

    /// A write left something over.
    pub(crate) fn wants_room(&self) -> bool {
        self.wants_room
    }

    /// What is to be read, where it lies.
    pub(crate) fn slices(&self) -> impl Iterator<Item = &[u8]> {
        self.receive.slices()
    }

    /// The stream of the other side was read to its end.
    pub(crate) fn is_read(&self) -> bool {
        self.receive.is_over()
    }

    /// The owner read so many bytes.
    pub(crate) fn consume(&mut self, turn: &mut Turn<'_>, bytes: usize) {
        self.receive.consume(bytes, turn.pool);
        if !self.receive.is_readable() {
            self.readable_told = false;
            if self.receive.is_complete() && bytes > 0 {
                turn.events.push_back(Event::Readable(turn.id));
                self.readable_told = true;
            }
        }
        self.tell_window(turn.pool);
        self.settle(turn);
    }

    /// The other side is told where it thinks that there is no room and there is again.
    pub(crate) fn tell_window(&mut self, pool: &Pool) {
        let packet = self.payload_max();
        if self.told_window < packet && self.receive.window(pool) >= 2 * packet && self.phase == Phase::Open {
            self.ack_due = true;
        }
    }

    /// Room is told to an owner that waits for it.
    pub(crate) fn tell_room(&mut self, turn: &mut Turn<'_>) {
        let room = self.room(turn.pool);
        if self.wants_room && self.is_owned() && room > 0 && (room >= WRITABLE || room >= self.send.held()) {
            self.wants_room = false;
            turn.events.push_back(Event::Writable(turn.id));
        }
    }

    /// Nothing more will be written.
    pub(crate) fn shutdown(&mut self) {
        self.send.finish();
    }

    /// Ends it without a word to its owner.
    pub(crate) fn end(&mut self, pool: &mut Pool) {
        self.send.release(pool);
        self.receive.release(pool);
        self.phase = Phase::Gone;
    }

    /// Ends it and says why.
    fn close(&mut self, turn: &mut Turn<'_>, why: Why) {
        if self.is_owned() {
            turn.events.push_back(Event::Closed(turn.id, why));
        }
        self.end(turn.pool);
    }

    /// The other side ended it at once.
    pub(crate) fn was_reset(&mut self, turn: &mut Turn<'_>) {
        match self.phase {
            Phase::Opening { .. } => self.close(turn, Why::Refused),
            // It has everything and has forgotten us before it acknowledged that.
            Phase::Open if self.receive.is_complete() && self.send.only_fin_waits() => {
                self.send.release(turn.pool);
                self.settle(turn);
            }
            _ => self.close(turn, Why::Reset),
        }
    }

    /// Ends what is done on both sides.
    fn settle(&mut self, turn: &mut Turn<'_>) {
        if self.phase == Phase::Open && self.send.is_over() && self.receive.is_over() {
            turn.events.push_back(Event::Closed(turn.id, Why::Finished));
            self.phase = Phase::Lingering {
                until_us: turn.now_us + (LINGER_TIMEOUTS * self.rtt.timeout_us()).max(LINGER_MIN_US),
            };
        }
    }

    /// When acknowledgements have been waited for long enough.
    fn timeout_at(&self) -> Option<u64> {
        let patience = self.rtt.timeout_us() + self.send.reorder.us();
        self.send.waits().then(|| self.armed_us + patience)
    }

    /// When the tail is to be probed.
    fn tail_at(&self) -> Option<u64> {
        let flying = self.send.flying() > 0 && self.tail == Tail::Ready;
        let at = self.armed_us.max(self.data_us) + self.rtt.tail_probe_us().filter(|_| flying)?;
        self.timeout_at().is_none_or(|timeout| at < timeout).then_some(at)
    }

    /// When a closed window is to be probed.
    fn window_probe_at(&self) -> Option<u64> {
        let next = self.send.next().and_then(|number| self.send.peek(number))?;
        let closed = next.payload.len() as u64 > self.peer_window && !self.send.waits();
        (closed && self.phase == Phase::Open).then(|| self.armed_us + self.rtt.timeout_us())
    }

    /// When silence is too long.
    fn silence_at(&self) -> u64 {
        if !self.send.waits() {
            return self.heard_us + IDLE_US;
        }
        let stuck = if self.peer_window > 0 { self.progress_us + STUCK_US } else { u64::MAX };
        stuck.min(self.heard_us.max(self.progress_us) + SILENT_US)
    }

    /// When something is to be done though nothing comes.
    pub(crate) fn deadline(&mut self, now_us: u64) -> Option<u64> {
        match self.phase {
            Phase::Gone => None,
            Phase::Lingering { until_us } => Some(until_us),
            Phase::Opening { .. } => Some(self.armed_us + self.rtt.timeout_us()),
            Phase::Open => {
                let keepalive = if self.ack_due { u64::MAX } else { self.left_us + KEEPALIVE_US };
                let fixed = [self.silence_at(), keepalive];
                let timers = [
                    self.timeout_at(),
                    self.tail_at(),
                    self.reorder_at_us,
                    self.window_probe_at(),
                    self.paced_at(now_us),
                ];
                fixed.into_iter().chain(timers.into_iter().flatten()).min()
            }
        }
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now_us;
        let reached = |at: Option<u64>| at.is_some_and(|at| at <= now);
        match self.phase {
            Phase::Lingering { until_us } if until_us <= now => self.phase = Phase::Gone,
            Phase::Lingering { .. } | Phase::Gone => {}
            Phase::Opening { sent } => {
                if self.armed_us + self.rtt.timeout_us() > now {
                    return;
                }
                if sent >= OPENINGS_MAX {
                    return self.close(turn, Why::TimedOut);
                }
                self.rtt.timed_out();
                (self.armed_us, self.opening_due) = (now, true);
            }
            Phase::Open => {
                if self.silence_at() <= now {
                    return self.close(turn, Why::TimedOut);
                }
                if reached(self.reorder_at_us) {
                    self.find_lost(turn);
                }
                if reached(self.timeout_at()) {
                    self.timed_out(turn);
                } else if reached(self.tail_at()) {
                    (self.tail, self.armed_us) = (Tail::Due, now);
                }
                if reached(self.window_probe_at()) {
                    self.rtt.timed_out();
                    (self.window_probe_due, self.armed_us) = (true, now);
                }
                if self.left_us + KEEPALIVE_US <= now {
                    self.ack_due = true;
                }
            }
        }
    }

    /// Nothing was acknowledged for a whole timeout.
    fn timed_out(&mut self, turn: &mut Turn<'_>) {
        let losses = self.send.lose_all();
        self.rtt.timed_out();
        (self.armed_us, self.tail, self.reorder_at_us) = (turn.now_us, Tail::Ready, None);
        // A window that is closed is why nothing comes.
        if self.peer_window >= self.payload_max() as u64 {
            let round_us = self.rtt.smooth_us().unwrap_or(ROUND_GUESS_US);
            self.congestion.timed_out(turn.now_us, round_us, self.mtu.datagram() as u64);
            self.pace(turn.now_us);
        } else {
            self.window_probe_due = true;
        }
        self.count(turn, losses);
    }

    /// Looks for what is lost by now.
    fn find_lost(&mut self, turn: &mut Turn<'_>) {
        let (losses, later) = self.send.find_lost(turn.now_us);
        self.reorder_at_us = later;
        let (round, packet) = (self.rtt.smooth_us().unwrap_or(ROUND_GUESS_US), self.mtu.datagram() as u64);
        if losses.packets > 0 {
            self.send.reorder.lost(turn.now_us, round);
            self.congestion.lost(turn.now_us, &self.delay, losses.packets, round, packet);
            self.pace(turn.now_us);
        }
        self.count(turn, losses);
    }

    /// What losses say of the path's MTU.
    fn count(&mut self, turn: &mut Turn<'_>, losses: Losses) {
        if losses.probe {
            self.mtu.probe_lost(turn.now_us);
        }
        if losses.again > 0 && self.mtu.lost_again(turn.now_us, losses.again) {
            self.send.cut_again(turn.pool, self.payload_max());
        }
    }

    /// The rate follows the window.
    fn pace(&mut self, now_us: u64) {
        let round = self.rtt.smooth_us().unwrap_or(ROUND_GUESS_US);
        let (window, gain) = (self.congestion.window(), self.congestion.pace_quarters());
        self.pacing.set(now_us, window, round, gain, self.mtu.datagram() as u64);
    }

    /// What must hold at every moment.
    pub(crate) fn check(&self) {
        self.send.check();
        self.receive.check();
        self.congestion.check();
        self.delay.check();
        self.pacing.check();
        self.mtu.check();
        assert!(self.send.held() <= SEND_MAX + self.payload_max());
        assert!(!self.is_gone() || self.held() == 0, "what is gone holds memory");
    }

    /// Bytes that the pool is charged.
    pub(crate) fn held(&self) -> usize {
        self.send.held() + self.receive.held()
    }
}
