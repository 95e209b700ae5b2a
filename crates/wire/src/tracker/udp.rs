//! Packets of UDP trackers, both sides (BEP 15; the URL's path by BEP 41). All integers are big-endian.
//!
//! Packets may be longer than the BEP says; what follows is ignored. One that is shorter, or has another action, is no packet.
use super::announce::{Announce, AnnounceEvent, AnnounceReply, Form};
use super::limits::{PEERS_MAX, SCRAPE_MAX, interval, text};
use super::scrape::ScrapeEntry;
use crate::compact::{self, Family};
use crate::peer::handshake::PeerId;
use alloc::string::String;
use alloc::vec::Vec;
use teem_metainfo::InfoHash;

/// What a connect request begins with.
pub const PROTOCOL_ID: u64 = 0x0417_2710_1980;
/// Least length in bytes of a connect request.
pub const CONNECT_LEN: usize = 16;
/// Least length in bytes of an announce request.
pub const ANNOUNCE_LEN: usize = 98;
/// Seconds for which a client may use a connection id.
pub const CONNECTION_ID_SECS: u64 = 60;
/// `num_want` of an announce that leaves the number to the tracker: -1 on the wire.
pub const NUM_WANT_DEFAULT: u32 = u32::MAX;
/// Bytes of the URL's path that are sent along (BEP 41); longer ones fit no packet.
const URL_DATA_MAX: usize = 1024;

/// What a client sends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Request {
    /// Asks for a connection id.
    Connect {
        /// To be repeated in the answer.
        transaction: u32,
    },
    /// Announces. Its `tracker_id` is not sent.
    Announce {
        /// From the answer to connect.
        connection: u64,
        /// To be repeated in the answer.
        transaction: u32,
        /// What is told; `num_want` may be [`NUM_WANT_DEFAULT`].
        announce: Announce,
    },
    /// Asks for the numbers of torrents.
    Scrape {
        /// From the answer to connect.
        connection: u64,
        /// To be repeated in the answer.
        transaction: u32,
        /// At most [`SCRAPE_MAX`].
        hashes: Vec<InfoHash>,
    },
}

/// What a tracker answers; each repeats the request's transaction id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    /// A connection id, good for [`CONNECTION_ID_SECS`].
    Connect {
        /// The transaction id of the request.
        transaction: u32,
        /// To be sent in what follows.
        connection: u64,
    },
    /// The answer to an announce: interval, seeds, downloaders and peers of one family; the rest has no place in the packet.
    Announce {
        /// The transaction id of the request.
        transaction: u32,
        /// They; the interval in the bounds of the decoder.
        reply: AnnounceReply,
    },
    /// The numbers, in the order of the request.
    Scrape {
        /// The transaction id of the request.
        transaction: u32,
        /// One entry for each info-hash, in the order of the request.
        entries: Vec<ScrapeEntry>,
    },
    /// The tracker refuses the request.
    Error {
        /// The transaction id of the request.
        transaction: u32,
        /// In the tracker's words, at most 512 bytes.
        message: String,
    },
}

const CONNECT: u32 = 0;
const ANNOUNCE: u32 = 1;
const SCRAPE: u32 = 2;
const ERROR: u32 = 3;

/// The packet of a request. `url_path`, path and query of the tracker's URL, goes along with an announce when it is not empty (BEP 41).
pub fn encode_request(request: &Request, url_path: &str) -> Vec<u8> {
    let mut out = Vec::new();
    match request {
        Request::Connect { transaction } => {
            out.extend_from_slice(&PROTOCOL_ID.to_be_bytes());
            words(&mut out, &[CONNECT, *transaction]);
        }
        Request::Announce { connection, transaction, announce } => {
            out.extend_from_slice(&connection.to_be_bytes());
            words(&mut out, &[ANNOUNCE, *transaction]);
            out.extend_from_slice(&announce.info_hash.0);
            out.extend_from_slice(&announce.peer_id.0);
            for counter in [announce.downloaded, announce.left, announce.uploaded] {
                out.extend_from_slice(&counter.to_be_bytes());
            }
            let event = match announce.event {
                AnnounceEvent::None => 0,
                AnnounceEvent::Completed => 1,
                AnnounceEvent::Started => 2,
                AnnounceEvent::Stopped => 3,
                AnnounceEvent::Paused => 4,
            };
            // The address field is 0: the tracker takes the packet's sender.
            words(&mut out, &[event, 0, announce.key, announce.num_want]);
            out.extend_from_slice(&announce.port.to_be_bytes());
            if !url_path.is_empty() && url_path.len() <= URL_DATA_MAX {
                for chunk in url_path.as_bytes().chunks(255) {
                    out.extend_from_slice(&[2, chunk.len() as u8]);
                    out.extend_from_slice(chunk);
                }
                out.push(0);
            }
        }
        Request::Scrape { connection, transaction, hashes } => {
            out.extend_from_slice(&connection.to_be_bytes());
            words(&mut out, &[SCRAPE, *transaction]);
            for hash in hashes.iter().take(SCRAPE_MAX) {
                out.extend_from_slice(&hash.0);
            }
        }
    }
    out
}

/// Reads a request. An event that is not known is none.
pub fn decode_request(packet: &[u8]) -> Option<Request> {
    let mut fields = Fields(packet);
    let connection = fields.u64()?;
    let action = fields.u32()?;
    let transaction = fields.u32()?;
    match action {
        CONNECT if connection == PROTOCOL_ID => Some(Request::Connect { transaction }),
        ANNOUNCE => {
            let info_hash = InfoHash(fields.array()?);
            let peer_id = PeerId(fields.array()?);
            let (downloaded, left, uploaded) = (fields.u64()?, fields.u64()?, fields.u64()?);
            let event = match fields.u32()? {
                1 => AnnounceEvent::Completed,
                2 => AnnounceEvent::Started,
                3 => AnnounceEvent::Stopped,
                4 => AnnounceEvent::Paused,
                _ => AnnounceEvent::None,
            };
            let _ip = fields.u32()?;
            let (key, num_want) = (fields.u32()?, fields.u32()?);
            let port = u16::from_be_bytes(fields.array()?);
            let announce = Announce {
                info_hash,
                peer_id,
                port,
                uploaded,
                downloaded,
                left,
                event,
                num_want,
                key,
                tracker_id: None,
                form: Form::Full,
            };
            Some(Request::Announce { connection, transaction, announce })
        }
        SCRAPE => {
            let hashes: Vec<_> = fields.entries().take(SCRAPE_MAX).map(InfoHash).collect();
            (!hashes.is_empty()).then_some(Request::Scrape { connection, transaction, hashes })
        }
        _ => None,
    }
}

/// The packet of an answer. Peers are written in the form of `family`, that of the packet's receiver; those of the other are left out.
pub fn encode_reply(reply: &Reply, family: Family) -> Vec<u8> {
    let mut out = Vec::new();
    match reply {
        Reply::Connect { transaction, connection } => {
            words(&mut out, &[CONNECT, *transaction]);
            out.extend_from_slice(&connection.to_be_bytes());
        }
        Reply::Announce { transaction, reply } => {
            let interval = u32::try_from(reply.interval.as_secs()).unwrap_or(u32::MAX);
            let (leechers, seeders) = (reply.incomplete.unwrap_or(0), reply.complete.unwrap_or(0));
            words(&mut out, &[ANNOUNCE, *transaction, interval, leechers, seeders]);
            for peer in reply.peers.iter().filter(|peer| peer.is_ipv4() == (family == Family::V4)) {
                compact::encode(*peer, &mut out);
            }
        }
        Reply::Scrape { transaction, entries } => {
            words(&mut out, &[SCRAPE, *transaction]);
            for entry in entries {
                words(&mut out, &[entry.complete, entry.downloaded, entry.incomplete]);
            }
        }
        Reply::Error { transaction, message } => {
            words(&mut out, &[ERROR, *transaction]);
            out.extend_from_slice(message.as_bytes());
        }
    }
    out
}

/// Reads an answer that came over `family`, which is that of its peers too.
pub fn decode_reply(packet: &[u8], family: Family) -> Option<Reply> {
    let mut fields = Fields(packet);
    let action = fields.u32()?;
    let transaction = fields.u32()?;
    match action {
        CONNECT => Some(Reply::Connect { transaction, connection: fields.u64()? }),
        ANNOUNCE => {
            let seconds = fields.u32()?;
            let (leechers, seeders) = (fields.u32()?, fields.u32()?);
            let reply = AnnounceReply {
                interval: interval(seconds.into()),
                peers: compact::decode(family, fields.0).take(PEERS_MAX).collect(),
                complete: Some(seeders),
                incomplete: Some(leechers),
                ..AnnounceReply::default()
            };
            Some(Reply::Announce { transaction, reply })
        }
        SCRAPE => {
            let number = |entry: &[u8; 12], at: usize| {
                u32::from_be_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]])
            };
            let entries = fields.entries().take(SCRAPE_MAX).map(|entry: [u8; 12]| ScrapeEntry {
                complete: number(&entry, 0),
                downloaded: number(&entry, 4),
                incomplete: number(&entry, 8),
            });
            Some(Reply::Scrape { transaction, entries: entries.collect() })
        }
        ERROR => Some(Reply::Error { transaction, message: text(fields.0.trim_ascii()) }),
        _ => None,
    }
}

fn words(out: &mut Vec<u8>, words: &[u32]) {
    for word in words {
        out.extend_from_slice(&word.to_be_bytes());
    }
}

/// What is left of a packet.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// Whole entries of `N` bytes; a rest is ignored.
    fn entries<const N: usize>(&self) -> impl Iterator<Item = [u8; N]> {
        self.0.chunks_exact(N).filter_map(|entry| entry.try_into().ok())
    }
}
