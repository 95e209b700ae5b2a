//! What a packet of the other side does to a connection (BEP 29, "connection setup", "Selective ACK", "packet loss").

use super::{Connection, Phase, ROUND_GUESS_US, Tail, Turn};
use crate::congestion::Acked;
use crate::event::Event;
use crate::packet::{Head, Kind, Packet};
use crate::receive::{Deliver, ReceiveWindow};
use crate::send::Acks;

impl Connection {
    /// Takes a packet that carries our id and comes from the other side's address; a reset and an opening are the socket's.
    pub(crate) fn arrived(&mut self, turn: &mut Turn<'_>, packet: &Packet<'_>, deliver: &mut Deliver<'_>) {
        match self.phase {
            Phase::Opening { .. } => return self.opened(turn, &packet.head),
            Phase::Lingering { .. } => {
                // What acknowledged its last packets was lost.
                self.ack_due |= matches!(packet.head.kind, Kind::Data | Kind::Fin);
                return;
            }
            Phase::Gone => return,
            Phase::Open => {}
        }
        let least = self.delay.round_us().unwrap_or(0);
        let (flying, masks) = (self.send.flying(), [packet.selective_ack, packet.more_acks]);
        // What acknowledges packets that were never sent is nobody's that we talk to.
        let Some(acks) = self.send.acked(turn.now_us, packet.head.ack_nr, masks, least, turn.pool) else { return };
        self.heard(turn.now_us, &packet.head);
        self.peer_window = u64::from(packet.head.window);
        if acks.packets > 0 {
            self.acknowledged(turn, &packet.head, acks, flying);
        }
        self.find_lost(turn);
        if matches!(packet.head.kind, Kind::Data | Kind::Fin) {
            self.stream(turn, packet, deliver);
        }
        self.tell_room(turn);
        self.settle(turn);
    }

    /// The other side is there, and its clock says this.
    fn heard(&mut self, now_us: u64, head: &Head) {
        self.heard_us = now_us;
        self.difference_us = (now_us as u32).wrapping_sub(head.timestamp_us);
    }

    /// An answer to our opening.
    fn opened(&mut self, turn: &mut Turn<'_>, head: &Head) {
        let Phase::Opening { sent } = self.phase else { return };
        let ours = head.kind == Kind::State && head.ack_nr == self.opening_nr() && sent > 0;
        if !ours {
            return;
        }
        if sent == 1 {
            self.rtt.sample(turn.now_us.saturating_sub(self.armed_us));
        }
        self.rtt.progress();
        self.heard(turn.now_us, head);
        self.receive = ReceiveWindow::new(head.seq_nr);
        self.peer_window = u64::from(head.window);
        (self.phase, self.opening_due) = (Phase::Open, false);
        (self.progress_us, self.armed_us) = (turn.now_us, turn.now_us);
        self.pace(turn.now_us);
        turn.events.push_back(Event::Connected(turn.id));
    }

    /// Something of ours has arrived.
    fn acknowledged(&mut self, turn: &mut Turn<'_>, head: &Head, acks: Acks, flying: u64) {
        let now = turn.now_us;
        self.rtt.progress();
        if acks.overtaken > 0 {
            self.send.reorder.overtaken(now, self.rtt.smooth_us().unwrap_or(ROUND_GUESS_US));
            self.congestion.overtaken(acks.overtaken);
        }
        (self.progress_us, self.armed_us, self.tail, self.proven) = (now, now, Tail::Ready, true);
        self.mtu.came_through(acks.largest, false);
        if let Some(size) = acks.probe {
            self.mtu.came_through(size, true);
        }
        if let Some(round) = acks.round_us {
            self.rtt.sample(round);
            if head.timestamp_difference_us != 0 {
                self.delay.sample(now, head.timestamp_difference_us, round);
            }
        }
        let round_us = self.rtt.smooth_us().unwrap_or(ROUND_GUESS_US);
        let packet = self.mtu.datagram() as u64;
        self.congestion.acked(now, &self.delay, Acked { bytes: acks.bytes, flying, round_us, packet });
        self.pace(now);
    }

    /// Bytes of the stream, or its end.
    fn stream(&mut self, turn: &mut Turn<'_>, packet: &Packet<'_>, deliver: &mut Deliver<'_>) {
        let (fin, complete) = (packet.head.kind == Kind::Fin, self.receive.is_complete());
        self.receive.arrived(packet.head.seq_nr, packet.payload, fin, turn.pool, deliver);
        // A repeat too, since what we acknowledged may be lost; and what was refused, for the window that goes along.
        self.ack_due = true;
        let news = self.receive.is_readable() || (self.receive.is_complete() && !complete);
        if news && !self.readable_told {
            self.readable_told = true;
            turn.events.push_back(Event::Readable(turn.id));
        }
    }
}
