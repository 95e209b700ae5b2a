//! uTP on the listening sockets (own design; BEP 29): what it tells goes to the entries of the table, what it sends leaves at the end of a turn, when all
//! that came has been looked at, so that one acknowledgement stands for it.
use teem_engine::input::{DialError, Input};
use teem_swarm::time::Time;
use teem_utp::Why;

use super::{Entry, Net};
use crate::carrier::{News, What};
use crate::link::Link;

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
                    // When everything ends nobody is accepted any more, and the end is dropped.
                    News::Called(_) if self.listening[n].tcp.is_none() => {}
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

    /// Sends what uTP has to send.
    pub(crate) fn utp_transmit(&mut self, now: Time) {
        let Self { listening, scratch, .. } = self;
        let room = scratch.len().min(TRAIN_LEN);
        for listening in listening {
            let Some(utp) = &listening.utp else { continue };
            while let Some(train) = utp.transmit(now, &mut scratch[..room], listening.udp.segments_max()) {
                listening.udp.send_train(&train, scratch);
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
