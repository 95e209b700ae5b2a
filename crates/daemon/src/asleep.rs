//! What is kept of a torrent that rested, so that the next run takes it on without reading its metadata or looking at its content (own design).
//!
//! It is put down when the torrent first rests, and taken away when something of it is missing or wanted besides. A record that is out of date costs
//! nothing but a look: what lies on the disk is judged by the saved state before it is served.
use crate::daemon::Daemon;
use crate::row::Row;
use std::io;
use std::path::Path;
use teem_bencode::{Value, Writer, parse};
use teem_client::event::State;
use teem_client::metainfo::{InfoHash, InfoHashV2, Limits, TorrentKey};
use teem_client::{About, AddAtRest, AnnounceUrl, Origin, Status};
use teem_disk::Kind;

/// Records that are put down at once.
const AT_ONCE: usize = 500;

/// What is kept of a torrent that rested.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Asleep {
    pub(crate) key: TorrentKey,
    pub(crate) about: About,
    /// Bytes that are wanted of it.
    pub(crate) wanted: u64,
    /// Its trackers, in tiers.
    pub(crate) trackers: Vec<Vec<AnnounceUrl>>,
}

impl Asleep {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        let About { name, size, files, pieces, piece_length, private } = &self.about;
        // Keys in their order.
        out.dict(|d| {
            d.key(b"files").uint((*files).into());
            d.key(b"name").str(name);
            d.key(b"piece length").uint((*piece_length).into());
            d.key(b"pieces").uint((*pieces).into());
            d.key(b"private").uint((*private).into());
            d.key(b"size").uint(*size);
            d.key(b"trackers").list(|out| {
                for tier in &self.trackers {
                    out.list(|out| {
                        for url in tier {
                            let by = if url.origin() == Origin::User { 'u' } else { 's' };
                            out.str(&format!("{by}{}", url.reveal()));
                        }
                    });
                }
            });
            if let Some(hash) = self.key.v1() {
                d.key(b"v1").bytes(&hash.0);
            }
            if let Some(hash) = self.key.v2() {
                d.key(b"v2").bytes(&hash.0);
            }
            d.key(b"wanted").uint(self.wanted);
        });
        out.into_bytes()
    }

    /// What is in these bytes, if they are whole.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let document = parse(bytes, &Limits::FILE.bencode).ok()?;
        let root = document.root();
        let number = |key: &[u8]| root.get(key)?.as_uint();
        let small = |key: &[u8]| u32::try_from(number(key)?).ok();
        let v1 = root.get(b"v1").map(|hash| hash.as_bytes()?.try_into().ok().map(InfoHash));
        let v2 = root.get(b"v2").map(|hash| hash.as_bytes()?.try_into().ok().map(InfoHashV2));
        let about = About {
            name: root.get(b"name")?.as_str()?.into(),
            size: number(b"size")?,
            files: small(b"files")?,
            pieces: small(b"pieces")?,
            piece_length: small(b"piece length")?,
            private: number(b"private")? != 0,
        };
        let key =
            TorrentKey::new(v1.map_or(Some(None), |v1| v1.map(Some))?, v2.map_or(Some(None), |v2| v2.map(Some))?)?;
        let trackers = root.get(b"trackers")?.list()?.map(tier).collect::<Option<_>>()?;
        Some(Self { key, about, wanted: number(b"wanted")?, trackers })
    }

    /// The torrent as the client is to take it.
    pub(crate) fn add(&self, row: &Row, folder: &Path, paused: bool) -> AddAtRest {
        let mut add = AddAtRest::new(self.key, folder, self.about.clone());
        (add.trackers, add.wanted, add.paused) = (self.trackers.clone(), self.wanted, paused);
        (add.up, add.down) = (row.up, row.down);
        add
    }
}

fn tier(list: Value<'_, '_>) -> Option<Vec<AnnounceUrl>> {
    let url = |value: Value<'_, '_>| {
        let text = value.as_str()?;
        let origin = if text.starts_with('u') { Origin::User } else { Origin::Stranger };
        Some(AnnounceUrl::new(text.get(1..)?, origin))
    };
    list.list()?.map(url).collect()
}

/// Whether what is kept of a torrent that rested is to be put down, or taken away; `None` where it stays as it is.
pub(crate) fn is_due(status: &Status, is_kept: bool) -> Option<bool> {
    if status.rests {
        return (!is_kept).then_some(true);
    }
    // One that was woken and has all it wants will rest again.
    let stays = status.complete.is_some() || matches!(status.state, State::Stopping | State::Paused);
    (is_kept && !stays).then_some(false)
}

impl Daemon {
    /// Puts down what is to be kept of torrents that rest, and takes away what is not true any more.
    pub(crate) async fn keep_asleep(&self) -> io::Result<()> {
        let due: Vec<InfoHash> = {
            let mut pulse = self.pulse();
            let some: Vec<InfoHash> = pulse.asleep.iter().take(AT_ONCE).copied().collect();
            for hash in &some {
                pulse.asleep.remove(hash);
            }
            some
        };
        let mut found = Vec::new();
        for hash in due {
            let Some((row, status, wanted, is_kept)) = self.torrents().get(&hash).and_then(|kept| {
                let status = kept.torrent.as_ref().ok()?.status();
                Some((kept.row.clone(), status, kept.line.figures.wanted, kept.is_asleep))
            }) else {
                continue;
            };
            let Some(puts) = is_due(&status, is_kept) else { continue };
            let about = status.about.filter(|_| puts);
            // What is wanted of it is asked with its figures, which come with a later beat.
            if about.is_some() && wanted == 0 && !row.choice().is_all() {
                self.pulse().asleep.insert(hash);
                continue;
            }
            found.push((hash, row, about, wanted));
        }
        if found.is_empty() {
            return Ok(());
        }
        let daemon = self.clone();
        let records = tokio::task::spawn_blocking(move || {
            let record = |(hash, row, about, wanted): (InfoHash, Row, Option<About>, u64)| {
                let record = about.and_then(|about| {
                    let source = daemon.source(hash, &row)?;
                    let wanted = if wanted == 0 { about.size } else { wanted };
                    let key = source.info.as_ref().map_or(source.key, |info| info.key());
                    Some(Asleep { key, about, wanted, trackers: source.trackers }.encode())
                });
                (hash, record)
            };
            found.into_iter().map(record).collect::<Vec<_>>()
        });
        let records = records.await.map_err(io::Error::other)?;
        let named = records.iter().map(|(hash, record)| (hash.to_string(), record.clone())).collect();
        self.keep(Kind::Rest, named).await?;
        let mut torrents = self.torrents();
        for (hash, record) in records {
            if let Some(kept) = torrents.get_mut(&hash) {
                kept.is_asleep = record.is_some();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::adding::Wishes;
    use crate::failed::StartError;
    use std::path::PathBuf;
    use std::time::Duration;
    use teem_client::{Add, Client, Config, Listen, source};

    /// A folder that goes when the test ends.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("teem-daemon-{name}-{}", std::process::id()));
            std::fs::create_dir_all(path.join("content")).unwrap();
            Self(path.canonicalize().unwrap())
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn config(folder: &Folder, name: &str) -> Config {
        let mut config = Config::new().unwrap();
        config.listen = Listen { addr: Some([127, 0, 0, 1].into()), port: 0, fall_back: false };
        (config.state_dir, config.rest) = (folder.0.join(name), Some(Duration::ZERO));
        config
    }

    async fn daemon(folder: &Folder) -> Daemon {
        loop {
            let roots = vec![folder.0.join("content")];
            match Daemon::start(config(folder, "state"), roots, crate::policy::Rules::default()).await {
                // The one before has ended, and its last beat lets go of what is kept.
                Err(StartError::Store(..)) => tokio::time::sleep(Duration::from_millis(20)).await,
                daemon => return daemon.unwrap(),
            }
        }
    }

    /// The .torrent of one file of some bytes.
    fn made(name: &str, content: &[u8]) -> Vec<u8> {
        let piece = teem_disk::hash::Kernel::SINGLE.sha1_many(&[vec![content]])[0];
        let mut raw = format!("d4:infod6:lengthi{}e4:name{}:{name}", content.len(), name.len()).into_bytes();
        raw.extend(b"12:piece lengthi16384e6:pieces20:");
        raw.extend(piece);
        raw.extend(b"ee");
        raw
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_rested_begins_as_a_record_and_serves() {
        let folder = Folder::new("asleep");
        let all: Vec<(String, Vec<u8>)> = (0..20).map(|n| (format!("file-{n}"), vec![n; 100 + n as usize])).collect();
        let first = daemon(&folder).await;
        for (name, content) in &all {
            std::fs::write(folder.0.join("content").join(name), content).unwrap();
            first.add_file(&made(name, content), Wishes::default()).await.unwrap();
        }
        loop {
            // A beat puts it down.
            tokio::time::sleep(Duration::from_millis(20)).await;
            if first.torrents().values().all(|kept| kept.is_asleep) {
                break;
            }
        }
        first.shutdown().await;
        // Nobody looks at what is not there before somebody comes for it.
        std::fs::remove_file(folder.0.join("content/file-3")).unwrap();
        let second = daemon(&folder).await;
        let hashes: Vec<InfoHash> = second.torrents().keys().copied().collect();
        let told = second.told(&hashes).await.unwrap();
        assert!(told.iter().all(|told| told.complete && told.state == "seeding" && told.have == told.wanted));
        assert_eq!(told.iter().filter(|told| told.name == "file-3" && told.size == Some(103)).count(), 1);
        assert!(second.torrents().values().all(|kept| kept.torrent.as_ref().unwrap().status().rests));

        let theirs = Client::start(config(&folder, "theirs")).await.unwrap();
        let at = folder.0.join("get");
        std::fs::create_dir_all(&at).unwrap();
        let mut add = Add::download(source::from_bytes("it", &made(&all[7].0, &all[7].1)).unwrap(), &at);
        add.peers = vec![format!("127.0.0.1:{}", second.client().port())];
        theirs.add(add).await.unwrap().durable().await.unwrap();
        assert_eq!(std::fs::read(at.join("file-7")).unwrap(), all[7].1);
        theirs.shutdown().await;
        second.shutdown().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_missing_is_found_out_by_the_first_who_comes_and_is_not_forgotten() {
        let folder = Folder::new("missing");
        let content = vec![1; 100];
        std::fs::write(folder.0.join("content/it"), &content).unwrap();
        let first = daemon(&folder).await;
        let hash: InfoHash = {
            let told = first.add_file(&made("it", &content), Wishes::default()).await.unwrap();
            told.infohash.parse().unwrap()
        };
        let is_asleep = |daemon: &Daemon, wanted: bool| {
            let daemon = daemon.clone();
            async move {
                while daemon.torrents()[&hash].is_asleep != wanted {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        };
        is_asleep(&first, true).await;
        first.shutdown().await;
        std::fs::remove_file(folder.0.join("content/it")).unwrap();
        let second = daemon(&folder).await;
        let torrent = second.torrents()[&hash].torrent.clone().unwrap();
        torrent.recheck().unwrap();
        is_asleep(&second, false).await;
        assert_eq!(torrent.status().state, State::Downloading);
        drop(torrent);
        second.shutdown().await;
        let third = daemon(&folder).await;
        let torrent = third.torrents()[&hash].torrent.clone().unwrap();
        torrent.until(|status| (status.state == State::Downloading).then_some(())).await.unwrap();
        third.shutdown().await;
    }

    #[test]
    fn it_comes_back_as_it_was_and_no_cut_is_believed() {
        let key = TorrentKey::new(Some(InfoHash([7; 20])), Some(InfoHashV2([9; 32]))).unwrap();
        let about = About {
            name: "a film".into(),
            size: 1 << 40,
            files: 3,
            pieces: 1 << 20,
            piece_length: 1 << 20,
            private: true,
        };
        let trackers = vec![
            vec![AnnounceUrl::of_user("http://t/a"), AnnounceUrl::new("udp://u:1", Origin::Stranger)],
            vec![AnnounceUrl::of_user("https://v/a")],
        ];
        let asleep = Asleep { key, about, wanted: 77, trackers };
        let bytes = asleep.encode();
        assert_eq!(Asleep::decode(&bytes), Some(asleep.clone()));
        assert!((0..bytes.len()).all(|n| Asleep::decode(&bytes[..n]).is_none()));
        let plain = Asleep { key: InfoHash([1; 20]).into(), trackers: Vec::new(), ..asleep };
        assert_eq!(Asleep::decode(&plain.encode()), Some(plain));
    }
}
