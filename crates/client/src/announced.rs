//! What trackers know of each torrent, kept over runs where the client has a store of its own (own design; BEP 3): so that a restart asks
//! no tracker before its time, and is the same peer to all of them.
//!
//! The engine says what has changed, on the host's thread, which must not wait for a medium: a task takes it from there. What is lost on the way, because
//! too much waits, costs one announce at the next start. The engine has no clock, so a record says when it was written.
use crate::config::Records;
use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use teem_bencode::{Limits, Value, Writer, parse};
use teem_disk::Kind;
use teem_metainfo::InfoHash;
use teem_swarm::memory::{Memory, TrackerMemory};
use teem_wire::peer::handshake::PeerId;
use tokio::sync::{mpsc, oneshot};

/// Changes that may wait: those of some seconds of the fastest announcing there is.
const WAITING_MAX: usize = 4096;
/// Changes that are written in one go.
const AT_ONCE: usize = 512;
/// Trackers of one record, as many as a torrent may have.
const TRACKERS_MAX: usize = 100;
/// Bytes, nesting and tokens of a record: a hundred long URLs.
const LIMITS: Limits = Limits { bytes: 1 << 20, depth: 4, tokens: 4_096 };

/// One thing to be done, in order.
enum Order {
    Keep(InfoHash, Vec<u8>),
    Forget(InfoHash),
    /// Tells when all before is done.
    Done(oneshot::Sender<()>),
    /// The same, and nothing is done any more, nor the store held.
    End(oneshot::Sender<()>),
}

/// Keeps what is announced; clones are the same.
#[derive(Clone)]
pub(crate) struct Announced {
    records: Records,
    orders: mpsc::Sender<Order>,
}

impl Announced {
    /// Begins to keep; must be called inside a runtime.
    pub(crate) fn begin(records: Records) -> Self {
        let (orders, mut taken) = mpsc::channel(WAITING_MAX);
        let store = records.clone();
        tokio::spawn(async move {
            let mut some = Vec::new();
            while taken.recv_many(&mut some, AT_ONCE).await > 0 {
                let (records, some) = (store.clone(), std::mem::take(&mut some));
                // A write that fails is tried again with the next change; the store tells its owner of the trouble.
                let carried = move || some.into_iter().filter_map(|one| carry_out(&records, one)).last();
                if let Ok(Some(end)) = tokio::task::spawn_blocking(carried).await {
                    drop(store);
                    let _ = end.send(());
                    return;
                }
            }
        });
        Self { records, orders }
    }

    /// What is to be kept of a torrent's announces has changed.
    pub(crate) fn keep(&self, hash: InfoHash, memory: &Memory) {
        // One that finds no room is lost: see above.
        let _ = self.orders.try_send(Order::Keep(hash, encode(memory, now())));
    }

    /// Nothing is kept of a torrent any more.
    pub(crate) async fn forget(&self, hash: InfoHash) {
        let _ = self.orders.send(Order::Forget(hash)).await;
        self.flush().await;
    }

    /// Waits until all that was said is in the store.
    pub(crate) async fn flush(&self) {
        let (done, is_done) = oneshot::channel();
        if self.orders.send(Order::Done(done)).await.is_ok() {
            let _ = is_done.await;
        }
    }

    /// Ends when all that was said is in the store, which is then held no more.
    pub(crate) async fn end(&self) {
        let (done, is_done) = oneshot::channel();
        if self.orders.send(Order::End(done)).await.is_ok() {
            let _ = is_done.await;
        }
    }

    /// What an earlier run kept of a torrent, as it is now.
    pub(crate) async fn of(&self, hash: InfoHash) -> Option<Memory> {
        self.of_all(vec![hash]).await.remove(&hash)
    }

    /// The same of many.
    pub(crate) async fn of_all(&self, hashes: Vec<InfoHash>) -> HashMap<InfoHash, Memory> {
        let records = self.records.clone();
        let read = move || hashes.into_iter().filter_map(|hash| Some((hash, read(&records, hash)?))).collect();
        tokio::task::spawn_blocking(read).await.unwrap_or_default()
    }
}

/// What is kept of one. What cannot be read is as if it had not been kept: trackers are asked at once.
fn read(records: &Records, hash: InfoHash) -> Option<Memory> {
    let bytes = records.0.get(Kind::Announces, &hash.to_string(), &|bytes| decode(bytes).is_some()).ok()??;
    let (memory, at) = decode(&bytes)?;
    // A clock that was set back tells nothing of how long it was.
    Some(memory.after(now().saturating_sub(at)))
}

/// Does one thing. At the end the one is given back that waits for it.
fn carry_out(store: &Records, order: Order) -> Option<oneshot::Sender<()>> {
    match order {
        Order::End(done) => return Some(done),
        Order::Keep(hash, record) => _ = store.0.put(Kind::Announces, &hash.to_string(), record),
        Order::Forget(hash) => _ = store.0.remove(Kind::Announces, &hash.to_string()),
        Order::Done(done) => _ = done.send(()),
    }
    None
}

/// The time since 1970, by a clock that people set.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn encode(memory: &Memory, at: Duration) -> Vec<u8> {
    let mut out = Writer::new();
    // Keys in their order.
    out.dict(|d| {
        d.key(b"at").uint(millis(at));
        d.key(b"down").uint(memory.downloaded);
        d.key(b"id").bytes(&memory.peer_id.0);
        d.key(b"key").uint(memory.key.into());
        d.key(b"port").uint(memory.port.into());
        d.key(b"trackers").list(|list| {
            for tracker in &memory.trackers {
                list.dict(|d| {
                    d.key(b"answered").uint(millis(tracker.answered));
                    d.key(b"completed").uint(tracker.completed.into());
                    d.key(b"due").uint(millis(tracker.due));
                    d.key(b"hungry").uint(tracker.hungry.into());
                    d.key(b"started").uint(tracker.started.into());
                    d.key(b"url").str(&tracker.url);
                    d.key(b"works").uint(tracker.works.into());
                });
            }
        });
        d.key(b"up").uint(memory.uploaded);
    });
    out.into_bytes()
}

/// What a record says, and when it was written.
fn decode(bytes: &[u8]) -> Option<(Memory, Duration)> {
    let document = parse(bytes, &LIMITS).ok()?;
    let root = document.root();
    let number = |of: &Value<'_, '_>, key: &[u8]| of.get(key)?.as_uint();
    let trackers = root.get(b"trackers")?.list()?.take(TRACKERS_MAX).map(|tracker| {
        Some(TrackerMemory {
            url: tracker.get(b"url")?.as_str()?.to_owned(),
            started: number(&tracker, b"started")? != 0,
            completed: number(&tracker, b"completed")? != 0,
            works: number(&tracker, b"works")? != 0,
            hungry: number(&tracker, b"hungry")?.try_into().ok()?,
            answered: Duration::from_millis(number(&tracker, b"answered")?),
            due: Duration::from_millis(number(&tracker, b"due")?),
        })
    });
    let memory = Memory {
        peer_id: PeerId(root.get(b"id")?.as_bytes()?.try_into().ok()?),
        key: number(&root, b"key")?.try_into().ok()?,
        port: number(&root, b"port")?.try_into().ok()?,
        uploaded: number(&root, b"up")?,
        downloaded: number(&root, b"down")?,
        trackers: trackers.collect::<Option<_>>()?,
    };
    Some((memory, Duration::from_millis(number(&root, b"at")?)))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> Memory {
        let tracker = |url: &str| TrackerMemory {
            url: url.to_owned(),
            started: true,
            completed: false,
            works: true,
            hungry: 3,
            answered: Duration::from_millis(1500),
            due: Duration::from_secs(1700),
        };
        Memory {
            peer_id: PeerId(*b"-TM0100-abcdefghijkl"),
            key: 7,
            port: 21_473,
            uploaded: 1 << 40,
            downloaded: 9,
            trackers: vec![tracker("http://a/announce?passkey=1"), tracker("udp://b:1")],
        }
    }

    #[test]
    fn comes_back_as_it_was_and_no_cut_is_believed() {
        let at = Duration::from_millis(1_796_000_000_123);
        let good = encode(&memory(), at);
        assert_eq!(decode(&good), Some((memory(), at)));
        for n in 0..good.len() {
            assert_eq!(decode(&good[..n]), None, "{n}");
        }
        let mut newer = good;
        newer.pop();
        newer.extend(b"4:zzzz3:newe");
        assert_eq!(decode(&newer), Some((memory(), at)), "what a newer version adds is left alone");
    }
}
