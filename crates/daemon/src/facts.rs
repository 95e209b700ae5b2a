//! What stands in a .torrent around its info dictionary, or in a link (own design): comment, creator, date and trackers, which programs ask of all torrents at
//! each poll.
//!
//! A .torrent may have megabytes, so these few facts are kept as a record of their own when it is added. They are not held in memory: an answer about many
//! torrents reads the records once, in their order, and lets go of them.
use crate::daemon::Daemon;
use crate::row::{Origin, Row};
use teem_bencode::{Value, Writer, parse};
use teem_client::metainfo::{InfoHash, Limits};
use teem_client::source;
use teem_disk::{Kind, StateStore};

/// Trackers that are told of a torrent.
const TRACKERS_MAX: usize = 200;

/// Bytes of a text that is told of each torrent of a list.
const TEXT_BYTES: usize = 16 << 10;

/// Torrents from which on all records are read, in place of each by itself.
const MANY: usize = 200;

/// What stands in the .torrent or in the link beside what peers know.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Facts {
    pub(crate) comment: String,
    pub(crate) creator: String,
    /// Seconds since 1970, as its creator says; 0 where nothing is said.
    pub(crate) created: i64,
    /// URLs by tier (BEP 12), with all that is in them.
    pub(crate) trackers: Vec<Vec<String>>,
}

impl Facts {
    /// Of a .torrent: what stands around its info dictionary, which is not looked into.
    pub(crate) fn of_file(bytes: &[u8]) -> Option<Self> {
        let document = parse(bytes, &Limits::FILE.bencode).ok()?;
        let root = document.root();
        let text = |key: &[u8]| {
            let bytes = root.get(key).and_then(|value| value.as_bytes()).unwrap_or_default();
            String::from_utf8_lossy(&bytes[..bytes.len().min(TEXT_BYTES)]).into_owned()
        };
        let url = |value: Value<'_, '_>| value.as_str().filter(|url| !url.is_empty()).map(str::to_owned);
        let tier =
            |value: Value<'_, '_>| -> Vec<String> { value.list().into_iter().flatten().filter_map(url).collect() };
        let tiers = root.get(b"announce-list").and_then(|value| value.list());
        let tiers = tiers.into_iter().flatten().map(tier).filter(|tier| !tier.is_empty());
        let mut trackers: Vec<Vec<String>> = tiers.take(TRACKERS_MAX).collect();
        if trackers.is_empty() {
            trackers.extend(root.get(b"announce").and_then(url).map(|url| vec![url]));
        }
        let created = root.get(b"creation date").and_then(|value| value.as_int()).unwrap_or(0);
        Some(Self { comment: text(b"comment"), creator: text(b"created by"), created, trackers })
    }

    /// Of a magnet link.
    fn of_link(link: &str) -> Self {
        let magnet = source::from_magnet(link).and_then(|source| source.magnet);
        let trackers = magnet.map(|magnet| magnet.trackers.iter().map(|url| vec![url.clone()]).collect());
        Self { trackers: trackers.unwrap_or_default(), ..Self::default() }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        // Keys in their order, as in a .torrent.
        out.dict(|d| {
            d.key(b"announce-list").list(|out| {
                for tier in &self.trackers {
                    out.list(|out| tier.iter().for_each(|url| out.str(url)));
                }
            });
            d.key(b"comment").str(&self.comment);
            d.key(b"created by").str(&self.creator);
            d.key(b"creation date").int(self.created);
        });
        out.into_bytes()
    }

    /// What is in such bytes. They are a .torrent without its info dictionary.
    fn decode(bytes: &[u8]) -> Option<Self> {
        Self::of_file(bytes)
    }
}

/// The records of many torrents, side by side in one piece of memory that is given back when the answer is written.
#[derive(Default)]
pub(crate) struct Shelf {
    bytes: Vec<u8>,
    /// Info-hashes in their order, each with where its record ends.
    ends: Vec<(InfoHash, usize)>,
}

impl Shelf {
    fn record(&self, hash: &InfoHash) -> Option<&[u8]> {
        let at = self.ends.binary_search_by_key(hash, |(hash, _)| *hash).ok()?;
        let begin = at.checked_sub(1).map_or(0, |before| self.ends[before].1);
        self.bytes.get(begin..self.ends[at].1)
    }
}

impl Daemon {
    /// What is needed to tell facts of so many torrents: all records, or none where each is read by itself.
    pub(crate) async fn shelf(&self, torrents: usize) -> Shelf {
        if torrents < MANY {
            return Shelf::default();
        }
        let database = self.0.database.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let mut shelf = Shelf::default();
            let each = |name: &str, record: &[u8]| {
                if let Ok(hash) = name.parse() {
                    shelf.bytes.extend_from_slice(record);
                    shelf.ends.push((hash, shelf.bytes.len()));
                }
            };
            database.each(Kind::Facts, &mut { each }).map(|()| shelf)
        });
        // What cannot be read now is read one by one.
        reading.await.ok().and_then(Result::ok).unwrap_or_default()
    }

    /// What stands in the .torrent or the link of a torrent, with the trackers that it has now. Waits for the medium.
    pub(crate) fn facts(&self, hash: InfoHash, row: &Row, shelf: &Shelf) -> Facts {
        let mut facts = match &row.origin {
            Origin::File(bytes, _) => Facts::of_file(bytes).unwrap_or_default(),
            Origin::Link(link) => Facts::of_link(link),
            Origin::Stored(_) => match shelf.record(&hash).and_then(Facts::decode) {
                Some(facts) => facts,
                None => self.kept_facts(hash),
            },
        };
        if let Some(tiers) = &row.trackers {
            facts.trackers =
                tiers.iter().map(|tier| tier.iter().map(|url| url.reveal().to_owned()).collect()).collect();
        }
        facts
    }

    /// Those of a record, or of the .torrent where an earlier version kept it without one: then it has one from now on.
    fn kept_facts(&self, hash: InfoHash) -> Facts {
        let name = hash.to_string();
        let record = self.0.database.get(Kind::Facts, &name, &|_| true).ok().flatten();
        if let Some(facts) = record.and_then(|record| Facts::decode(&record)) {
            return facts;
        }
        let Some(facts) = self.file(hash).and_then(|file| Facts::of_file(&file)) else { return Facts::default() };
        // Where that fails it is read again the next time.
        let _ = self.put(Kind::Facts, &name, facts.encode());
        facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_around_a_torrent_is_found_and_nonsense_is_nothing() {
        let file = b"d8:announce3:u:a13:announce-listll3:u:bel3:u:c0:eleli7eee7:comment2:hi10:created by1:x13:creation datei5e4:infodee";
        let facts = Facts::of_file(file).unwrap();
        assert_eq!((facts.comment.as_str(), facts.creator.as_str(), facts.created), ("hi", "x", 5));
        assert_eq!(facts.trackers, [vec!["u:b".to_owned()], vec!["u:c".to_owned()]]);
        assert_eq!(Facts::of_file(b"d8:announce3:u:ae").unwrap().trackers, [vec!["u:a".to_owned()]]);
        assert_eq!(Facts::of_file(b"le").unwrap_or_default(), Facts::default());
        assert_eq!(Facts::of_file(b"d7:comment"), None);
    }

    #[test]
    fn a_record_says_what_the_file_said_in_as_many_bytes_as_that_takes() {
        let facts = Facts {
            comment: "of the band".into(),
            creator: "x".into(),
            created: -5,
            trackers: vec![vec!["u:b".into(), "u:c".into()], vec!["u:d".into()]],
        };
        let record = facts.encode();
        assert_eq!(Facts::decode(&record), Some(facts));
        assert_eq!(Facts::decode(&Facts::default().encode()), Some(Facts::default()));
        assert!((0..record.len()).all(|n| Facts::decode(&record[..n]).is_none()));
        let long = format!("d7:comment{}:{}e", TEXT_BYTES * 2, "x".repeat(TEXT_BYTES * 2));
        assert!(Facts::of_file(long.as_bytes()).unwrap().encode().len() < TEXT_BYTES + 200);
    }

    #[test]
    fn each_finds_its_record_on_the_shelf() {
        let mut shelf = Shelf::default();
        assert_eq!(shelf.record(&InfoHash([1; 20])), None);
        for n in [1, 3] {
            shelf.bytes.extend(vec![n; usize::from(n)]);
            shelf.ends.push((InfoHash([n; 20]), shelf.bytes.len()));
        }
        let of = |n| shelf.record(&InfoHash([n; 20]));
        assert_eq!((of(0), of(1), of(2), of(3)), (None, Some(&[1][..]), None, Some(&[3, 3, 3][..])));
    }

    #[tokio::test]
    async fn a_list_reads_records_and_no_torrent_files() {
        use crate::adding::Wishes;
        use crate::policy::Rules;
        use crate::standing::Ask;
        use teem_client::{Config, Listen};
        let folder = std::env::temp_dir().join(format!("teem-daemon-facts-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("content")).unwrap();
        let folder = folder.canonicalize().unwrap();
        let mut config = Config::new().unwrap();
        config.listen = Listen { addr: Some([127, 0, 0, 1].into()), port: 0, fall_back: false };
        config.state_dir = folder.join("state");
        let daemon = Daemon::start(config, vec![folder.join("content")], Rules::default()).await.unwrap();
        let file = format!(
            "d8:announce13:udp://127.1:97:comment2:hi4:infod6:lengthi5e4:name1:a12:piece lengthi16384e6:pieces20:{}ee",
            "h".repeat(20)
        );
        let wishes = Wishes { paused: true, ..Wishes::default() };
        let hash: InfoHash = daemon.add_file(file.as_bytes(), wishes).await.unwrap().infohash.parse().unwrap();
        let name = hash.to_string();
        let facts = async || {
            let standing = daemon.standing(&[hash], Ask::Nothing).await.unwrap();
            (standing[0].facts(), standing[0].facts_by(&daemon.shelf(MANY).await))
        };
        let told = facts().await;
        assert_eq!((told.0.comment.as_str(), told.0.trackers.len()), ("hi", 1));
        assert_eq!(told.0, told.1);
        // Without the file the record is enough; without the record the file makes one.
        let kept = daemon.file(hash).unwrap();
        daemon.0.database.remove(Kind::File, &name).unwrap();
        assert_eq!(facts().await, told);
        daemon.put(Kind::File, &name, kept).unwrap();
        daemon.0.database.remove(Kind::Facts, &name).unwrap();
        assert_eq!(facts().await, told);
        assert!(daemon.0.database.get(Kind::Facts, &name, &|_| true).unwrap().is_some());
        daemon.remove_these(&[hash]).await.unwrap();
        assert_eq!(daemon.0.database.get(Kind::Facts, &name, &|_| true).unwrap(), None);
        daemon.shutdown().await;
        let _ = std::fs::remove_dir_all(&folder);
    }
}
