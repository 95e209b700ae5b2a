//! uTP connections as links (own design; BEP 29): one [`Carrier`] for each UDP socket, one [`UtpEnd`] for each connection.
//!
//! An end is read, written and dropped as a socket of the system is. All of this happens on the host's thread; the lock is there because an end
//! reaches its carrier from wherever the table has put it, and is never waited for.
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;
use std::io::{self, IoSlice, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use teem_swarm::time::Time;
use teem_utp::packet::Head;
use teem_utp::{Event, Id, Path, Settings, Socket, Transmit, Why};

/// How long an end that was dropped may take to send what was written.
const LEAVING_LIMIT: Duration = Duration::from_secs(2);

/// Slices that are written at once.
const SLICES_MAX: usize = 64;

/// The connections of one UDP socket.
pub(crate) struct Carrier {
    socket: Socket,
    /// By which slot of the host's table a connection is known.
    slots: BTreeMap<Id, usize>,
    /// Connections whose ends were dropped, and until when they may send.
    leaving: BTreeMap<Id, Time>,
    /// The UDP socket is no more.
    gone: bool,
    now: Time,
}

/// What became of a connection, which the table has in that slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum What {
    Connected,
    Readable,
    Writable,
    Closed(Why),
}

/// A connection that somebody else opened.
pub(crate) struct Caller {
    pub(crate) end: UtpEnd,
    pub(crate) addr: SocketAddr,
}

/// What a carrier tells.
pub(crate) enum News {
    Called(Caller),
    Of(usize, What),
}

fn micros(time: Time) -> u64 {
    time.since(Time::ZERO).as_micros() as u64
}

impl Carrier {
    /// One without connections; `key` is nobody else's to know.
    pub(crate) fn shared(key: [u64; 2]) -> Shared {
        let socket = Socket::new(Settings::default(), key);
        let (slots, leaving) = (BTreeMap::new(), BTreeMap::new());
        Shared(Arc::new(Mutex::new(Self { socket, slots, leaving, gone: false, now: Time::ZERO })))
    }

    /// The next thing that happened to a connection whose end is there.
    fn news(&mut self, shared: &Shared) -> Option<News> {
        while let Some(event) = self.socket.event() {
            let (id, what) = match event {
                Event::Accepted(id, addr) => {
                    let end = UtpEnd { carrier: shared.clone(), id };
                    return Some(News::Called(Caller { end, addr }));
                }
                Event::Connected(id) => (id, What::Connected),
                Event::Readable(id) => (id, What::Readable),
                Event::Writable(id) => (id, What::Writable),
                Event::Closed(id, why) => (id, What::Closed(why)),
            };
            if let Some(slot) = self.slots.get(&id) {
                return Some(News::Of(*slot, what));
            }
            if let What::Closed(_) = what {
                self.leaving.remove(&id);
            } else if self.leaving.contains_key(&id) {
                self.throw_away(id);
            }
        }
        None
    }

    /// What comes for a connection that is leaving is of no use any more.
    fn throw_away(&mut self, id: Id) {
        let len = self.socket.slices(id).map(<[u8]>::len).sum();
        self.socket.consume(micros(self.now), id, len);
    }

    fn tick(&mut self, now: Time) {
        self.now = now;
        if self.socket.deadline().is_some_and(|at| at <= micros(now)) {
            self.socket.tick(micros(now));
        }
        while let Some((id, _)) = self.leaving.iter().map(|(id, at)| (*id, *at)).find(|(_, at)| *at <= now) {
            self.leaving.remove(&id);
            self.socket.reset(micros(now), id);
        }
    }

    fn deadline(&self) -> Option<Time> {
        let socket = self.socket.deadline().map(|at| Time::ZERO + Duration::from_micros(at));
        socket.into_iter().chain(self.leaving.values().copied()).min()
    }
}

/// A carrier, which its ends hold on to.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<Carrier>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Carrier> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a connection; `None` when there are too many.
    pub(crate) fn connect(&self, now: Time, remote: SocketAddr) -> Option<UtpEnd> {
        let id = self.lock().socket.connect(micros(now), Path { remote, local: None })?;
        Some(UtpEnd { carrier: self.clone(), id })
    }

    /// Whether a packet with that head belongs to a connection here, or to one that is about to be.
    pub(crate) fn knows(&self, remote: SocketAddr, head: &Head) -> bool {
        self.lock().socket.knows(remote, head)
    }

    /// Takes a packet of uTP. `deliver` is offered bytes in order of the connection in that slot, where they lie, and says how many it takes. It must not
    /// touch the end of a connection.
    pub(crate) fn receive(
        &self,
        now: Time,
        remote: SocketAddr,
        local: SocketAddr,
        packet: &[u8],
        mut deliver: impl FnMut(usize, &[u8]) -> usize,
    ) {
        let local = Some(local.ip()).filter(|ip| !ip.is_unspecified());
        let Carrier { socket, slots, .. } = &mut *self.lock();
        socket.receive(micros(now), Path { remote, local }, packet, |id, bytes| {
            slots.get(&id).map_or(0, |slot| deliver(*slot, bytes))
        });
    }

    /// Lets time pass.
    pub(crate) fn tick(&self, now: Time) {
        self.lock().tick(now);
    }

    pub(crate) fn news(&self) -> Option<News> {
        self.lock().news(self)
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        self.lock().deadline()
    }

    /// The next packets to be sent, written into `out`.
    pub(crate) fn transmit(&self, now: Time, out: &mut [u8], segments_max: usize) -> Option<Transmit> {
        self.lock().socket.transmit(micros(now), out, segments_max)
    }

    /// The UDP socket is closed: nothing comes and nothing goes.
    pub(crate) fn close(&self) {
        self.lock().gone = true;
    }
}

/// One end of a uTP connection. Dropped, it sends what was written and is gone.
pub(crate) struct UtpEnd {
    carrier: Shared,
    id: Id,
}

impl UtpEnd {
    /// The table has it in that slot.
    pub(crate) fn enter(&self, slot: usize) {
        self.carrier.lock().slots.insert(self.id, slot);
    }

    /// Looks at what can be read.
    pub(crate) fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let carrier = self.carrier.lock();
        if carrier.gone {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let mut len = 0;
        for slice in carrier.socket.slices(self.id) {
            let part = slice.len().min(buffer.len() - len);
            buffer[len..len + part].copy_from_slice(&slice[..part]);
            len += part;
            if len == buffer.len() {
                break;
            }
        }
        if len > 0 || buffer.is_empty() || carrier.socket.is_read(self.id) {
            Ok(len)
        } else {
            Err(io::ErrorKind::WouldBlock.into())
        }
    }

    /// Ends what we send.
    pub(crate) fn shut(&self) {
        let mut carrier = self.carrier.lock();
        let now = micros(carrier.now);
        carrier.socket.shutdown(now, self.id);
    }
}

impl Read for UtpEnd {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.peek(buffer)?;
        let mut carrier = self.carrier.lock();
        let now = micros(carrier.now);
        carrier.socket.consume(now, self.id, len);
        Ok(len)
    }
}

impl Write for UtpEnd {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut parts: [&[u8]; SLICES_MAX] = [&[]; SLICES_MAX];
        for (part, slice) in parts.iter_mut().zip(slices) {
            *part = slice;
        }
        let mut carrier = self.carrier.lock();
        if carrier.gone {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let now = micros(carrier.now);
        match carrier.socket.write(now, self.id, &parts[..slices.len().min(SLICES_MAX)]) {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            len => Ok(len),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for UtpEnd {
    fn drop(&mut self) {
        let mut carrier = self.carrier.lock();
        let now = carrier.now;
        carrier.slots.remove(&self.id);
        if carrier.gone {
            return;
        }
        carrier.socket.shutdown(micros(now), self.id);
        carrier.throw_away(self.id);
        carrier.leaving.insert(self.id, now + LEAVING_LIMIT);
    }
}
