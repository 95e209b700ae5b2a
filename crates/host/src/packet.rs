//! What a UDP packet to the listening port is, by its form alone (BEP 5, 15, 29): an answer of a tracker that the engine asked, a
//! question to the tracker that runs here, or of a uTP connection that nobody here knows.
//!
//! An answer begins with its action, 0 to 3. A question begins with eight bytes that are either the protocol's own number or a connection id,
//! and has its action behind them. Ids that begin with three zero bytes and a small one would be taken for answers: whoever issues ids must
//! not issue such. A packet of uTP whose clocks differ by one or two microseconds looks like a question; so the connections that there are, which are known by
//! address and id, are looked at first.
use teem_utp::packet::Head;
use teem_wire::tracker::udp::{ANNOUNCE_LEN, CONNECT_LEN, PROTOCOL_ID};

/// The longest packet that is taken, in bytes.
pub(crate) const PACKET_MAX: usize = 4096;

/// The shortest answer of a tracker: action and transaction id.
const REPLY_MIN: usize = 8;

/// The shortest question about the numbers of a torrent: the head and one info-hash.
const SCRAPE_MIN: usize = 36;

/// The longest message of the DHT, in bytes: no honest one is longer than a packet of Ethernet's.
const MESSAGE_MAX: usize = 1_500;

/// The greatest action of BEP 15: error.
const ACTION_MAX: u32 = 3;

/// The part of the program that a packet is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum For {
    /// The engine, which asked a tracker.
    Engine,
    /// The engine's nodes of the DHT.
    Node,
    /// The tracker here.
    Tracker,
    /// uTP: somebody's connection, or one that is to be opened.
    Utp(Head),
}

/// Tells whether a packet is of one kind, and then what it is for.
type Kind = fn(&[u8]) -> Option<For>;

/// Every kind of packet that comes to the port. The first that claims one gets it, so a kind with a plainer mark stands before one with a weaker.
const KINDS: [Kind; 4] = [tracker_answer, tracker_question, dht, utp];

/// Sorts a packet; `None` when nobody can have sent it in earnest. `is_ours` says of the head of a packet whether it belongs to a uTP connection; it is asked
/// where the form alone says something else.
pub(crate) fn sort(packet: &[u8], is_ours: impl FnOnce(&Head) -> bool) -> Option<For> {
    if packet.len() < REPLY_MIN || packet.len() > PACKET_MAX {
        return None;
    }
    match KINDS.iter().find_map(|kind| kind(packet)) {
        Some(For::Tracker) => Head::decode(packet).filter(is_ours).map(For::Utp).or(Some(For::Tracker)),
        kind => kind,
    }
}

/// An answer of a tracker that the engine asked (BEP 15).
fn tracker_answer(packet: &[u8]) -> Option<For> {
    (word(packet, 0)? <= ACTION_MAX).then_some(For::Engine)
}

/// A question to the tracker that runs here (BEP 15).
fn tracker_question(packet: &[u8]) -> Option<For> {
    let least = match word(packet, 8)? {
        0 if packet.starts_with(&PROTOCOL_ID.to_be_bytes()) => CONNECT_LEN,
        1 => ANNOUNCE_LEN,
        2 => SCRAPE_MIN,
        _ => return None,
    };
    (packet.len() >= least).then_some(For::Tracker)
}

/// Whether a packet has the form of the DHT's.
pub(crate) fn is_dht(packet: &[u8]) -> bool {
    dht(packet).is_some()
}

/// A message of the DHT (BEP 5): a bencoded dictionary, whose keys are strings with a length of their own in front. Whether it says which kind of message it
/// is (`y`) is seen when it is read, within the bounds of [`MESSAGE_MAX`].
fn dht(packet: &[u8]) -> Option<For> {
    let is_one = packet.first() == Some(&b'd')
        && packet.get(1).is_some_and(u8::is_ascii_digit)
        && packet.last() == Some(&b'e')
        && packet.len() <= MESSAGE_MAX;
    is_one.then_some(For::Node)
}

/// A packet of uTP (BEP 29).
fn utp(packet: &[u8]) -> Option<For> {
    Head::decode(packet).map(For::Utp)
}

/// The big-endian number at an offset.
fn word(packet: &[u8], at: usize) -> Option<u32> {
    packet.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

/// Whether a packet of the DHT asks something (BEP 5): its last key says so.
pub(crate) fn is_dht_query(packet: &[u8]) -> bool {
    packet.starts_with(b"d") && packet.ends_with(b"1:y1:qe")
}

#[cfg(test)]
mod tests {
    use super::*;
    use teem_metainfo::InfoHash;
    use teem_utp::packet::Kind;
    use teem_wire::compact::Family;
    use teem_wire::tracker::udp::{Reply, Request, encode_reply, encode_request};

    fn by_form(packet: &[u8]) -> Option<For> {
        sort(packet, |_| false)
    }

    #[test]
    fn answers_and_questions_are_told_apart() {
        let replies = [
            Reply::Connect { transaction: 7, connection: 0x5400_0000_0000_0001 },
            Reply::Scrape { transaction: 7, entries: Vec::new() },
            Reply::Error { transaction: 7, message: String::from("no") },
        ];
        for reply in replies {
            assert_eq!(by_form(&encode_reply(&reply, Family::V4)), Some(For::Engine), "{reply:?}");
        }
        let connection = 0x5401_0203_0405_0607;
        let questions = [
            Request::Connect { transaction: 1 },
            Request::Scrape { connection, transaction: 1, hashes: vec![InfoHash([7; 20])] },
        ];
        for question in questions {
            let packet = encode_request(&question, "");
            assert_eq!(by_form(&packet), Some(For::Tracker), "{question:?}");
            assert_eq!(by_form(&packet[..packet.len() - 1]), None, "one byte short: {question:?}");
        }
        let mut announce = connection.to_be_bytes().to_vec();
        announce.extend_from_slice(&[0, 0, 0, 1]);
        announce.resize(ANNOUNCE_LEN, 0);
        assert_eq!(by_form(&announce), Some(For::Tracker));
        assert_eq!(by_form(&announce[..ANNOUNCE_LEN - 1]), None);
    }

    /// What belongs to a connection is never a question, however its clocks differ.
    #[test]
    fn a_connection_is_looked_for_before_a_question() {
        for difference in 0..4 {
            let head = Head {
                kind: Kind::Data,
                connection_id: 9,
                timestamp_us: 5,
                timestamp_difference_us: difference,
                window: 1 << 20,
                seq_nr: 1,
                ack_nr: 0,
            };
            let mut packet = head.encode().to_vec();
            packet.resize(1_232, 7);
            assert_eq!(sort(&packet, |of| *of == head), Some(For::Utp(head)), "{difference}");
            let question = difference == 1 || difference == 2;
            let plain = if question { For::Tracker } else { For::Utp(head) };
            assert_eq!(by_form(&packet), Some(plain), "{difference}");
        }
    }

    /// Row 49 of bad input: what is too long is nobody's.
    #[test]
    fn row_49_messages_of_the_dht_are_known_by_their_form() {
        let ping = b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe";
        assert_eq!(by_form(ping), Some(For::Node));
        assert!(is_dht_query(ping) && !is_dht_query(b"d1:rd2:id20:aaaaaaaaaaaaaaaaaaaae1:t1:a1:y1:re"));
        assert_eq!(by_form(&ping[..ping.len() - 1]), None);
        let long = [b"d1:v1490:".as_slice(), &[b'x'; 1_490], b"1:y1:qe"].concat();
        assert_eq!((by_form(&long), by_form(b"d1:y1:qe")), (None, Some(For::Node)));
    }

    #[test]
    fn each_kind_of_utp_packet_is_known() {
        let opens = Head {
            kind: Kind::Syn,
            connection_id: 9,
            timestamp_us: 5,
            timestamp_difference_us: 0,
            window: 1 << 20,
            seq_nr: 1,
            ack_nr: 0,
        };
        for kind in [Kind::Syn, Kind::Data, Kind::Fin, Kind::State, Kind::Reset] {
            let head = Head { kind, ..opens };
            assert_eq!(by_form(&head.encode()), Some(For::Utp(head)));
        }
        assert_eq!(by_form(&opens.encode()[..19]), None);
    }

    #[test]
    fn garbage_is_for_nobody() {
        for packet in [&b""[..], &[0, 0, 0, 1], &[0, 0, 0, 4, 0, 0, 0, 0], b"d1:ad2:id20:", &[b'd'; 200], &[0xff; 200]]
        {
            assert_eq!(by_form(packet), None, "{packet:?}");
        }
        assert_eq!(by_form(&[0; PACKET_MAX]), Some(For::Engine));
        assert_eq!(by_form(&[0; PACKET_MAX + 1]), None);
    }
}
