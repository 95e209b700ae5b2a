//! A conversation over uTP that the input disturbs: each byte says what happens to the next datagram (it arrives, is lost, comes twice, comes late, is changed by
//! the bytes that follow), and what the programs do meanwhile. Invariants hold after each step, and memory is bounded.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::net::SocketAddr;
use teem_utp::{DATAGRAM_MAX, Event, Id, Path, Settings, Socket};

/// A socket, its connections, and what it has sent that has not arrived.
struct Side {
    socket: Socket,
    ids: Vec<Id>,
    sent: Vec<Vec<u8>>,
    path: Path,
}

impl Side {
    fn turn(&mut self, now: u64) {
        self.socket.tick(now);
        while let Some(event) = self.socket.event() {
            match event {
                Event::Accepted(id, _) | Event::Connected(id) => {
                    self.ids.push(id);
                    self.socket.write(now, id, &[b"something", &[7; 4_000]]);
                }
                Event::Readable(id) => {
                    let len = self.socket.slices(id).map(<[u8]>::len).sum();
                    self.socket.consume(now, id, len);
                }
                Event::Writable(_) => {}
                Event::Closed(id, _) => self.ids.retain(|other| *other != id),
            }
        }
        let mut out = [0; 4 * DATAGRAM_MAX];
        while let Some(train) = self.socket.transmit(now, &mut out, 4) {
            self.sent.extend(out[..train.len].chunks(train.segment).map(<[u8]>::to_vec));
        }
        self.sent.truncate(64);
        self.socket.check();
        assert!(self.socket.memory() <= 1 << 20);
    }
}

fuzz_target!(|input: &[u8]| {
    let address = |last| SocketAddr::from(([192, 0, 2, last], 6881));
    let mut sides = [1_u8, 2].map(|ours| {
        let settings = Settings { memory_max: 1 << 20, connections_max: 4, accepts: true };
        let socket = Socket::new(settings, [u64::from(ours), 3]);
        Side { socket, ids: Vec::new(), sent: Vec::new(), path: Path { remote: address(3 - ours), local: None } }
    });
    let (mut now, mut bytes) = (1, input.iter().copied());
    let path = sides[0].path;
    sides[0].socket.connect(now, path);
    while let Some(step) = bytes.next() {
        let from = usize::from(step & 1);
        now += 1 << (step >> 1 & 15);
        let act = bytes.next().unwrap_or(0);
        let mut packet = if sides[from].sent.is_empty() { Vec::new() } else { sides[from].sent.remove(0) };
        match act & 7 {
            0 => packet.clear(),
            1 => sides[from].sent.push(packet.clone()),
            2 => sides[from].sent.push(std::mem::take(&mut packet)),
            3 if !packet.is_empty() => {
                let at = usize::from(bytes.next().unwrap_or(0)) % packet.len();
                packet[at] = bytes.next().unwrap_or(0);
            }
            4 => {
                let id = sides[from].ids.first().copied();
                id.into_iter().for_each(|id| sides[from].socket.shutdown(now, id));
            }
            5 if act > 240 => {
                let id = sides[from].ids.pop();
                id.into_iter().for_each(|id| sides[from].socket.reset(now, id));
            }
            _ => {}
        }
        if !packet.is_empty() {
            let path = sides[1 - from].path;
            sides[1 - from].socket.receive(now, path, &packet, |_, bytes| bytes.len() / 2);
        }
        sides.iter_mut().for_each(|side| side.turn(now));
    }
});
