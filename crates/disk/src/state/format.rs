//! The bytes of a state file (own design): a magic, a version, fields in order, SHA-1 over all of it. Whatever is cut,
//! flipped, from a newer version or about something else does not decode.
use super::claims::Claims;
use super::table::{Form, Record};
use crate::bits::Bits;
use crate::hash;
use teem_metainfo::{InfoHash, InfoHashV2, TorrentKey};
use teem_swarm::job::Facts;
use teem_swarm::selection::{Priority, Selection};
use teem_wire::peer::handshake::PeerId;

/// Begins every state file.
const MAGIC: &[u8; 8] = b"teemdisk";

/// The version that this program writes.
const VERSION: u32 = 5;

/// The last version that does not say of a file when its inode changed.
const VERSION_ONE_TIME: u32 = 4;

/// The last version that names the torrent by 20 bytes alone: its info-hash of version 1, or that of version 2 cut short.
const VERSION_SHORT_NAME: u32 = 3;

/// The last version that has nothing of what was granted, and the oldest that is read.
const VERSION_MIN: u32 = 2;

/// Bytes of one remembered text, and how many texts a list holds: more is never written.
const TEXT_MAX: usize = 64 << 10;
const LIST_MAX: usize = 1_000;
/// The most that a saved counter may say: a file that was made up must not make a sum overflow.
const COUNT_MAX: u64 = 1 << 62;

/// What the state is about, so that a file under a wrong name is not believed.
pub(crate) struct About<'a> {
    pub(crate) key: TorrentKey,
    pub(crate) folder: &'a [u8],
    pub(crate) pieces: u32,
    pub(crate) files: usize,
}

/// The state file's content.
pub(crate) fn encode(about: &About<'_>, claims: &Claims) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend(VERSION.to_le_bytes());
    put_key(&mut out, about.key);
    put_bytes(&mut out, about.folder);
    put_bytes(&mut out, &claims.have.to_bytes());
    put_bytes(&mut out, &claims.doubtful.to_bytes());
    out.extend(claims.generation.to_le_bytes());
    out.extend((about.files as u32).to_le_bytes());
    out.extend((claims.files.len() as u32).to_le_bytes());
    claims.files.iter().for_each(|file| file.encode(&mut out));
    let facts = &claims.facts;
    out.extend(facts.uploaded.to_le_bytes());
    out.extend(facts.downloaded.to_le_bytes());
    out.push(u8::from(facts.complete));
    for list in [&facts.completed_at, &facts.peers] {
        let list: Vec<_> = list.iter().filter(|text| text.len() <= TEXT_MAX).take(LIST_MAX).collect();
        out.extend((list.len() as u32).to_le_bytes());
        for text in list {
            put_bytes(&mut out, text.as_bytes());
        }
    }
    put_bytes(&mut out, &facts.out);
    let level = |priority: &Priority| match priority {
        Priority::Skip => 0_u8,
        Priority::Normal => 1,
        Priority::High => 2,
    };
    let runs: Vec<_> = claims.selection.files().chunk_by(|a, b| a == b).collect();
    out.extend((runs.len() as u32).to_le_bytes());
    for run in runs {
        out.push(run.first().map_or(1, level));
        out.extend((run.len() as u32).to_le_bytes());
    }
    let granted: Vec<_> = facts.granted.iter().take(LIST_MAX).collect();
    out.extend((granted.len() as u32).to_le_bytes());
    for (who, piece) in granted {
        out.extend(who.0);
        out.extend(piece.to_le_bytes());
    }
    let sum = hash::sha1(&out);
    out.extend(sum);
    out
}

/// The claims in a state file, if it is whole and about what it should be.
pub(crate) fn decode(bytes: &[u8], about: &About<'_>) -> Option<Claims> {
    let Begun { version, key, folder, rest: mut r } = begin(bytes, about.key.wire())?;
    if folder != about.folder || key.is_some_and(|key| !key.is_same(&about.key)) {
        return None;
    }
    let have = Bits::from_bytes(r.bytes()?, about.pieces)?;
    let doubtful = Bits::from_bytes(r.bytes()?, about.pieces)?;
    let generation = r.count()?;
    if r.u32()? as usize != about.files {
        return None;
    }
    let files = (0..r.u32()?).map(|_| r.record(form(version))).collect::<Option<Vec<_>>>()?;
    let mut facts =
        Facts { uploaded: r.count()?, downloaded: r.count()?, complete: r.take::<1>()? == [1], ..Facts::default() };
    facts.completed_at = r.texts()?;
    facts.peers = r.texts()?;
    facts.out = r.bytes()?.to_vec();
    let mut levels = Vec::new();
    for _ in 0..r.u32()? {
        let level = match r.take::<1>()? {
            [0] => Priority::Skip,
            [1] => Priority::Normal,
            [2] => Priority::High,
            _ => return None,
        };
        let end = levels.len() + r.u32()? as usize;
        if end > about.files {
            return None;
        }
        levels.resize(end, level);
    }
    let selection = Selection::of(levels);
    if version > VERSION_MIN {
        let granted = r.u32()? as usize;
        if granted > LIST_MAX {
            return None;
        }
        facts.granted = (0..granted).map(|_| Some((PeerId(r.take()?), r.u32()?))).collect::<Option<_>>()?;
    }
    r.0.is_empty().then_some(Claims { generation, have, doubtful, files, facts, selection })
}

/// How records of files are written in this state file, which is whole, and in the table beside it.
pub(crate) fn form_of(bytes: &[u8]) -> Form {
    bytes.get(MAGIC.len()..).and_then(<[u8]>::first_chunk).map_or(Form::Now, |v| form(u32::from_le_bytes(*v)))
}

fn form(version: u32) -> Form {
    if version <= VERSION_ONE_TIME { Form::Older } else { Form::Now }
}

/// The folder that a state file of this torrent is about, if it is whole.
pub(crate) fn about(bytes: &[u8], wire: InfoHash) -> Option<&[u8]> {
    begin(bytes, wire).map(|begun| begun.folder)
}

/// How a state file begins.
struct Begun<'a> {
    version: u32,
    /// What the torrent is known by; `None` where only 20 bytes are written.
    key: Option<TorrentKey>,
    folder: &'a [u8],
    rest: Reader<'a>,
}

/// Reads the beginning of a whole state file of the torrent that goes by these 20 bytes.
fn begin(bytes: &[u8], wire: InfoHash) -> Option<Begun<'_>> {
    let (body, sum) = bytes.split_last_chunk::<20>()?;
    if hash::sha1(body) != *sum {
        return None;
    }
    let mut r = Reader(body);
    if r.take::<8>()? != *MAGIC {
        return None;
    }
    let version = r.u32()?;
    let key = match version {
        VERSION_MIN..=VERSION_SHORT_NAME => (r.take::<20>()? == wire.0).then_some(None)?,
        VERSION_ONE_TIME..=VERSION => Some(r.key().filter(|key| key.wire() == wire)?),
        _ => return None,
    };
    Some(Begun { version, key, folder: r.bytes()?, rest: r })
}

/// Which hashes there are, in bits, and the hashes.
fn put_key(out: &mut Vec<u8>, key: TorrentKey) {
    out.push(u8::from(key.v1().is_some()) | u8::from(key.v2().is_some()) << 1);
    out.extend(key.v1().iter().flat_map(|v1| v1.0));
    out.extend(key.v2().iter().flat_map(|v2| v2.0));
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u32).to_le_bytes());
    out.extend(bytes);
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }

    fn key(&mut self) -> Option<TorrentKey> {
        let [which @ 0..=3] = self.take()? else { return None };
        let v1 = if which & 1 != 0 { Some(InfoHash(self.take()?)) } else { None };
        let v2 = if which & 2 != 0 { Some(InfoHashV2(self.take()?)) } else { None };
        TorrentKey::new(v1, v2)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    /// A number that goes on being added to: what no run could have reached counts as the most that one can.
    fn count(&mut self) -> Option<u64> {
        self.u64().map(|n| n.min(COUNT_MAX))
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let n = self.u32()? as usize;
        let (bytes, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(bytes)
    }

    fn record(&mut self, form: Form) -> Option<Record> {
        let (record, rest) = Record::decode(self.0, form)?;
        self.0 = rest;
        Some(record)
    }

    fn texts(&mut self) -> Option<Vec<String>> {
        let n = self.u32()? as usize;
        if n > LIST_MAX {
            return None;
        }
        (0..n).map(|_| String::from_utf8(self.bytes()?.to_vec()).ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::Stat;

    fn sample() -> (About<'static>, Claims) {
        let key = InfoHash([7; 20]).into();
        let about = About { key, folder: b"/data", pieces: 11, files: 2 };
        let mut claims = Claims::none(11, 2);
        claims.have.insert(3);
        claims.doubtful.insert(10);
        claims.files[1] = Record::Own(Stat { len: 5, mtime_ns: -9, ctime_ns: 11, inode: 4, ..Stat::default() });
        claims.files[2] = Record::Apart;
        claims.generation = 1 << 40;
        claims.facts = Facts {
            uploaded: 1,
            completed_at: vec!["http://t".into()],
            complete: true,
            out: vec![0xA0, 1],
            granted: vec![(PeerId([9; 20]), 4)],
            ..Facts::default()
        };
        claims.selection = Selection::of(vec![Priority::Skip, Priority::High]);
        (about, claims)
    }

    #[test]
    fn comes_back_as_it_was() {
        let (about, claims) = sample();
        assert_eq!(decode(&encode(&about, &claims), &about), Some(claims));
    }

    #[test]
    fn every_hash_is_written_and_must_agree() {
        let (v1, v2) = (InfoHash([7; 20]), InfoHashV2([6; 32]));
        let (about, claims) = sample();
        for key in [TorrentKey::V2(v2), TorrentKey::Hybrid(v1, v2)] {
            let bytes = encode(&About { key, ..about }, &claims);
            assert_eq!(decode(&bytes, &About { key, ..about }).as_ref(), Some(&claims));
            assert_eq!(super::about(&bytes, key.wire()), Some(about.folder));
            let other = TorrentKey::new(key.v1(), Some(InfoHashV2([5; 32]))).unwrap();
            assert_eq!(decode(&bytes, &About { key: other, ..about }), None);
        }
        // What was saved while only version 1 was known is that hybrid's.
        let hybrid = About { key: TorrentKey::Hybrid(v1, v2), ..about };
        assert_eq!(decode(&encode(&about, &claims), &hybrid), Some(claims));
    }

    /// The claims of `sample` as version 3 of the format has them.
    const VERSION_3: &str = "\
        7465656d6469736b030000000707070707070707070707070707070707070707050000002f646174610200000010000200000000200000\
        000000010000020000000300000000000000000000000000000000000000000000000000000000010500000000000000f7ffffffffffff\
        ff040000000000000002000000000000000000000000000000000000000000000000010000000000000000000000000000000101000000\
        08000000687474703a2f2f740000000002000000a001020000000001000000020100000001000000090909090909090909090909090909\
        09090909090400000034f806863a9ab116fd6b8a490cd8ec07956c9e04";

    #[test]
    fn older_versions_are_read() {
        let (about, mut claims) = sample();
        claims.files[1] = Record::Own(Stat { len: 5, mtime_ns: -9, inode: 4, ..Stat::default() });
        let digits = VERSION_3.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        let third: Vec<u8> = digits.map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
        assert_eq!(decode(&third, &about), Some(claims.clone()));
        // Version 4 named the torrent by which hashes it has, and these.
        let mut fourth = third[..third.len() - 20].to_vec();
        fourth[8] = 4;
        fourth.insert(12, 1);
        fourth.extend(hash::sha1(&fourth));
        assert_eq!(decode(&fourth, &about), Some(claims.clone()));
        assert_eq!((form_of(&fourth), form_of(&encode(&about, &claims))), (Form::Older, Form::Now));
        // Version 2 ended before what was granted: a number and one peer with its piece.
        let mut second = third[..third.len() - 20 - 4 - 24].to_vec();
        second[8] = 2;
        second.extend(hash::sha1(&second));
        let granted_nothing = Claims { facts: Facts { granted: Vec::new(), ..claims.facts.clone() }, ..claims };
        assert_eq!(decode(&second, &about), Some(granted_nothing));
    }

    #[test]
    fn counters_that_no_run_can_reach_are_cut() {
        let (about, mut claims) = sample();
        (claims.facts.uploaded, claims.facts.downloaded, claims.generation) = (u64::MAX, u64::MAX, u64::MAX);
        let read = decode(&encode(&about, &claims), &about).unwrap();
        assert_eq!([read.facts.uploaded, read.facts.downloaded, read.generation], [COUNT_MAX; 3]);
    }

    #[test]
    fn no_cut_and_no_flipped_bit_is_believed() {
        let (about, claims) = sample();
        let good = encode(&about, &claims);
        for n in 0..good.len() {
            assert_eq!(decode(&good[..n], &about), None);
        }
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&bad, &about), None);
        }
    }

    #[test]
    fn other_versions_and_other_torrents_are_not_believed() {
        let (about, claims) = sample();
        let mut newer = encode(&about, &claims);
        let n = newer.len() - 20;
        newer[8] = 6;
        let sum = hash::sha1(&newer[..n]);
        newer[n..].copy_from_slice(&sum);
        assert_eq!(decode(&newer, &about), None);
        let other = About { key: InfoHash([8; 20]).into(), ..about };
        assert_eq!(decode(&encode(&sample().0, &claims), &other), None);
        let fewer = About { pieces: 10, key: about.key, ..other };
        assert_eq!(decode(&encode(&sample().0, &claims), &fewer), None);
    }
}
