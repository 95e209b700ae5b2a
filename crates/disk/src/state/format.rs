//! The bytes of a state file (own design): a magic, a version, fields in order, SHA-1 over all of it. Whatever is cut,
//! flipped, from a newer version or about something else does not decode.
use super::claims::Claims;
use crate::bits::Bits;
use crate::fs::Stat;
use crate::hash;
use teem_swarm::job::Facts;
use teem_swarm::selection::{Priority, Selection};

/// Begins every state file.
const MAGIC: &[u8; 8] = b"teemdisk";

/// The version that this program writes and reads.
const VERSION: u32 = 1;

/// Bytes of one remembered text, and how many texts a list holds: more is never written.
const TEXT_MAX: usize = 64 << 10;
const LIST_MAX: usize = 1_000;

/// What the state is about, so that a file under a wrong name is not believed.
pub(crate) struct About<'a> {
    pub(crate) info_hash: [u8; 20],
    pub(crate) folder: &'a [u8],
    pub(crate) pieces: u32,
    pub(crate) files: usize,
}

/// The state file's content.
pub(crate) fn encode(about: &About<'_>, claims: &Claims) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend(VERSION.to_le_bytes());
    out.extend(about.info_hash);
    put_bytes(&mut out, about.folder);
    put_bytes(&mut out, &claims.have.to_bytes());
    put_bytes(&mut out, &claims.doubtful.to_bytes());
    out.extend((claims.files.len() as u32).to_le_bytes());
    for file in &claims.files {
        let Stat { len, mtime_ns, inode, .. } = file.unwrap_or_default();
        out.push(u8::from(file.is_some()));
        out.extend(len.to_le_bytes());
        out.extend(mtime_ns.to_le_bytes());
        out.extend(inode.to_le_bytes());
    }
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
        Priority::Skip => 0,
        Priority::Normal => 1,
        Priority::High => 2,
    };
    put_bytes(&mut out, &claims.selection.files().iter().map(level).collect::<Vec<u8>>());
    let sum = hash::sha1(&out);
    out.extend(sum);
    out
}

/// The claims in a state file, if it is whole and about what it should be.
pub(crate) fn decode(bytes: &[u8], about: &About<'_>) -> Option<Claims> {
    let (folder, mut r) = begin(bytes, &about.info_hash)?;
    if folder != about.folder {
        return None;
    }
    let have = Bits::from_bytes(r.bytes()?, about.pieces)?;
    let doubtful = Bits::from_bytes(r.bytes()?, about.pieces)?;
    if r.u32()? as usize != about.files {
        return None;
    }
    let mut files = Vec::with_capacity(about.files);
    for _ in 0..about.files {
        let there = r.take::<1>()? == [1];
        let stat = Stat { len: r.u64()?, mtime_ns: r.u64()?.cast_signed(), inode: r.u64()?, ..Stat::default() };
        files.push(there.then_some(stat));
    }
    let mut facts =
        Facts { uploaded: r.u64()?, downloaded: r.u64()?, complete: r.take::<1>()? == [1], ..Facts::default() };
    facts.completed_at = r.texts()?;
    facts.peers = r.texts()?;
    if !r.0.is_empty() {
        // States of before this list was kept end here.
        facts.out = r.bytes()?.to_vec();
    }
    // And those of before this one.
    let levels = if r.0.is_empty() { &[][..] } else { r.bytes()? };
    let levels = levels.iter().take(about.files).map(|level| match level {
        0 => Some(Priority::Skip),
        1 => Some(Priority::Normal),
        2 => Some(Priority::High),
        _ => None,
    });
    let selection = Selection::of(levels.collect::<Option<_>>()?);
    r.0.is_empty().then_some(Claims { have, doubtful, files, facts, selection })
}

/// The folder that a state file of this torrent is about, if it is whole.
pub(crate) fn about<'a>(bytes: &'a [u8], info_hash: &[u8; 20]) -> Option<&'a [u8]> {
    begin(bytes, info_hash).map(|(folder, _)| folder)
}

/// The folder, and the rest of a whole state file of this torrent.
fn begin<'a>(bytes: &'a [u8], info_hash: &[u8; 20]) -> Option<(&'a [u8], Reader<'a>)> {
    let (body, sum) = bytes.split_last_chunk::<20>()?;
    if hash::sha1(body) != *sum {
        return None;
    }
    let mut r = Reader(body);
    if r.take::<8>()? != *MAGIC || r.u32()? != VERSION || r.take::<20>()? != *info_hash {
        return None;
    }
    Some((r.bytes()?, r))
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

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let n = self.u32()? as usize;
        let (bytes, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(bytes)
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

    fn sample() -> (About<'static>, Claims) {
        let about = About { info_hash: [7; 20], folder: b"/data", pieces: 11, files: 2 };
        let mut claims = Claims::none(11, 2);
        claims.have.insert(3);
        claims.doubtful.insert(10);
        claims.files[1] = Some(Stat { len: 5, mtime_ns: -9, inode: 4, ..Stat::default() });
        claims.facts = Facts {
            uploaded: 1,
            completed_at: vec!["http://t".into()],
            complete: true,
            out: vec![0xA0, 1],
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
        newer[8] = 2;
        let sum = hash::sha1(&newer[..n]);
        newer[n..].copy_from_slice(&sum);
        assert_eq!(decode(&newer, &about), None);
        let other = About { info_hash: [8; 20], ..about };
        assert_eq!(decode(&encode(&sample().0, &claims), &other), None);
        let fewer = About { pieces: 10, info_hash: [7; 20], ..other };
        assert_eq!(decode(&encode(&sample().0, &claims), &fewer), None);
    }
}
