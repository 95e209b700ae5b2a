//! Keeping of what is complete (own design): what the next run takes it on with is put down when a torrent is complete, and taken away when that is not true any more.
use crate::asleep::{Asleep, is_due};
use crate::daemon::Daemon;
use crate::row::Row;
use std::io;
use teem_client::About;
use teem_client::metainfo::InfoHash;
use teem_disk::Kind;

/// Records that are put down at once.
const AT_ONCE: usize = 500;

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
    use teem_client::event::State;
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
}
