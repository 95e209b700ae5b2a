//! uTP on the listening sockets (own design; BEP 29): what it tells goes to the entries of the table, what it sends leaves at the end of a turn, when all
//! that came has been looked at, so that one acknowledgement stands for it.
use mio::Interest;
use teem_engine::input::{DialError, Input};
use teem_swarm::time::Time;
use teem_utp::Why;

use super::{Entry, Listening, Net};
use crate::carrier::{News, What};
use crate::link::Link;
use crate::unsent::Unsent;

/// Bytes that leave by one call: the longest that the system takes.
const TRAIN_LEN: usize = 64 * 1024 - 1;

impl<B: AsRef<[u8]> + AsMut<[u8]>> Net<B> {
    /// Lets time pass and looks at what has happened.
    pub(crate) fn utp_news(&mut self, now: Time, take: &mut impl FnMut(Input<B>)) {
        for n in 0..self.listening.len() {
            let Some(utp) = self.listening[n].utp.clone() else { continue };
            utp.tick(now);
            while let Some(news) = utp.news() {
                match news {
                    // Where nobody is accepted, as when everything ends, the end is dropped.
                    News::Called(_) if !self.listening[n].welcomes => {}
                    News::Called(caller) => self.accepted(now, Link::Utp(caller.end), caller.addr),
                    News::Of(slot, what) => self.utp_changed(slot, what, take),
                }
            }
        }
    }

    fn utp_changed(&mut self, slot: usize, what: What, take: &mut impl FnMut(Input<B>)) {
        let Some(id) = self.table.at(slot) else { return };
        let ended = matches!(what, What::Closed(_));
        match self.table.get_mut(id) {
            Some(Entry::Dial(dial)) => match what {
                What::Connected => self.dial_ready(id, Ok(()), false, take),
                What::Readable if dial.stands => self.dial_ready(id, Ok(()), true, take),
                What::Closed(_) if dial.stands => self.dialled(id, Err(DialError::NoMse), false, take),
                What::Closed(why) => self.dialled(id, Err(dial_error(why)), false, take),
                What::Readable | What::Writable => {}
            },
            Some(Entry::Undecided(_)) => self.show(id, ended),
            Some(Entry::Conn(conn)) => {
                conn.ended |= ended;
                self.link_ready(id, what != What::Writable, what == What::Writable);
            }
            None => {}
        }
    }

    /// Sends what uTP has to send, and first what the system had no room for. The poll is asked for word of room only while something waits: it would speak
    /// after every packet else.
    pub(crate) fn utp_transmit(&mut self, now: Time) {
        let Self { listening, scratch, registry, .. } = self;
        let room = scratch.len().min(TRAIN_LEN);
        for listening in listening.iter_mut() {
            let Listening { udp: Some(udp), utp: Some(utp), unsent, token, .. } = listening else { continue };
            let waited = !unsent.is_empty();
            if unsent.again(|path, segment, bytes| udp.send_train(path, segment, bytes)) {
                while let Some(train) = utp.transmit(now, &mut scratch[..room], udp.segments_max()) {
                    let bytes = &scratch[..train.len];
                    let taken = udp.send_train(&train.path, train.segment, bytes);
                    if unsent.keep(train.path, train.segment, &bytes[taken..]) {
                        break;
                    }
                }
            }
            let waits = !unsent.is_empty();
            let interest = if waits { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
            if waits != waited && registry.reregister(&mut udp.socket, *token, interest).is_err() {
                // Nobody would tell us of room.
                *unsent = Unsent::default();
            }
        }
    }

    /// Everybody's link is looked at anew.
    pub(super) fn read_all(&mut self) {
        for id in self.table.ids() {
            self.link_ready(id, true, true);
        }
    }
}

fn dial_error(why: Why) -> DialError {
    match why {
        Why::Refused | Why::Reset | Why::Finished => DialError::Refused,
        Why::TimedOut => DialError::TimedOut,
    }
}
