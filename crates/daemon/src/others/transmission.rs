//! What Transmission keeps of a torrent: `resume/NAME.resume`, bencoded, beside `torrents/NAME.torrent` (as Transmission 3.00 and 4 write it).
use super::names::lay_out;
use super::{LIMITS, bitfield, known, metainfo, number, places, ratio, text, texts};
use crate::exported::{Counted, Exported, Verified};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use teem_bencode::{Value, parse};
use teem_metainfo::Info;

/// Its modes of limits: as all, this one, none.
const SINGLE: u64 = 1;
const UNLIMITED: u64 = 2;

/// Bytes of a block at most; a block is a half, a quarter and so on of a piece.
const BLOCK_MAX: u64 = 16 << 10;

/// What it keeps of the torrent in this file; or why it cannot be taken over, in a sentence.
pub fn transmission(resume: &[u8], torrent: &[u8]) -> Result<Exported, String> {
    let document = parse(resume, &LIMITS).map_err(|e| format!("its .resume is not valid: {e}"))?;
    let metainfo = metainfo(torrent)?;
    let info = &metainfo.info;
    let root = document.root();
    let of = |key: &str| root.get(key.as_bytes());
    let limit = |key: &str| {
        let limit = of(key)?;
        let rate = number(limit.get(b"speed-Bps"));
        (number(limit.get(b"use-speed-limit")) != 0 && rate > 0).then_some(rate)
    };
    let count = info.files().len();
    let complete = known(of("done-date")).is_some();
    let (home, incomplete) = (text(of("destination")), text(of("incomplete-dir")).filter(|_| !complete));
    let folder = incomplete.clone().or_else(|| home.clone()).ok_or("its .resume names no folder")?;
    let (down, seeding) = (number(of("downloading-time-seconds")), number(of("seeding-time-seconds")));
    let mut exported = Exported {
        torrent: Some(STANDARD.encode(torrent)),
        goes_to: home.filter(|home| incomplete.is_some() && *home != folder),
        folder,
        labels: texts(of("labels")).into_iter().collect(),
        paused: number(of("paused")) != 0,
        added: known(of("added-date")),
        skipped_files: places(of("dnd"), count, |left| left != 0),
        first_files: places(of("priority"), count, |priority| priority > 0),
        up_limit: limit("speed-limit-up"),
        down_limit: limit("speed-limit-down"),
        until: until(of("ratio-limit"), of("idle-limit")),
        totals: Some(Counted {
            downloaded: number(of("downloaded")),
            uploaded: number(of("uploaded")),
            active: down.saturating_add(seeding),
            seeding,
            completed: known(of("done-date")),
            moved: known(of("activity-date")),
        }),
        told: of("progress").map(|progress| verified(info, progress)),
        ..Exported::default()
    };
    let named = of("filenames").and_then(|files| files.list());
    let named: Vec<String> =
        named.into_iter().flatten().take(count).map(|file| text(Some(file)).unwrap_or_default()).collect();
    lay_out(&mut exported, info, &named)?;
    if named.iter().all(String::is_empty) {
        // The name of the whole alone was changed.
        exported.name = text(of("name")).filter(|name| name != info.name());
    }
    Ok(exported)
}

/// Which pieces it has, and how it left the files: 4 notes when each was changed last, 3 when each was checked.
fn verified(info: &Info, progress: Value<'_, '_>) -> Verified {
    let blocks = progress.get(b"blocks").and_then(|blocks| blocks.as_bytes()).unwrap_or_default();
    let all = blocks == b"all" || progress.get(b"have").and_then(|have| have.as_bytes()) == Some(b"all");
    let has = |block: u64| {
        let byte = usize::try_from(block / 8).ok().and_then(|at| blocks.get(at));
        byte.is_some_and(|byte| byte & (0x80 >> (block % 8)) != 0)
    };
    let length = u64::from(info.piece_length()).max(1);
    let mut size = length;
    while size > BLOCK_MAX {
        size /= 2;
    }
    let last = info.piece_count().saturating_sub(1);
    let end = (u64::from(last) * length + u64::from(info.piece_size(last))).div_ceil(size);
    let a_word = all || blocks == b"none";
    let have = |piece: u32| {
        let first = u64::from(piece) * length / size;
        all || !a_word && (first..(first + length / size).min(end)).all(has)
    };
    let seconds = |key: &[u8]| -> Option<Vec<i64>> {
        let list = progress.get(key)?.list()?;
        // A file of which parts were checked at other times is hashed.
        Some(list.take(info.files().len()).map(|second| second.as_int().unwrap_or(0)).collect())
    };
    let pieces = STANDARD.encode(bitfield(info.piece_count(), have));
    match (seconds(b"mtimes"), seconds(b"time-checked")) {
        (Some(changed), _) => Verified { pieces, changed: Some(changed), ..Verified::default() },
        (None, checked) => Verified { pieces, checked: Some(checked.unwrap_or_default()), ..Verified::default() },
    }
}

/// Its own goal: what it has of a ratio and of a time without an upload; nothing where the rules of all are to be asked.
fn until(share: Option<Value<'_, '_>>, idle: Option<Value<'_, '_>>) -> Option<String> {
    let (share_mode, idle_mode) = (number(inside(share, b"ratio-mode")), number(inside(idle, b"idle-mode")));
    let shared = text(inside(share, b"ratio-limit")).filter(|_| share_mode == SINGLE);
    let shared = shared.and_then(|text| thousandths(&text)).map(ratio);
    let minutes = number(inside(idle, b"idle-limit"));
    let idle = (idle_mode == SINGLE).then(|| format!("idle={minutes}m"));
    let terms: Vec<String> = shared.into_iter().chain(idle).collect();
    let endless = (share_mode == UNLIMITED && idle_mode == UNLIMITED).then(|| "forever".to_owned());
    Some(terms.join(" or ")).filter(|terms| !terms.is_empty()).or(endless)
}

/// What a limit says under a key.
fn inside<'a, 'd>(limit: Option<Value<'a, 'd>>, key: &[u8]) -> Option<Value<'a, 'd>> {
    limit.and_then(|limit| limit.get(key))
}

/// A decimal number in thousandths.
fn thousandths(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part: String = part.chars().chain("000".chars()).take(3).collect();
    whole.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(part.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use teem_metainfo::create::{Options, torrent};

    /// Three pieces of two blocks, the last of one.
    fn film() -> Vec<u8> {
        let hashes = "x".repeat(60);
        let info = format!("d6:lengthi81920e4:name4:film12:piece lengthi32768e6:pieces60:{hashes}e");
        torrent(info.as_bytes(), &Options::default())
    }

    fn pieces(it: &Exported) -> Vec<u8> {
        STANDARD.decode(&it.told.as_ref().unwrap().pieces).unwrap()
    }

    #[test]
    fn what_it_keeps_is_taken_over() {
        let resume = b"d10:added-datei1700000000e11:destination9:/srv/data3:dndli0ee9:done-datei1700000100e10:downloadedi7e\
            6:labelsl5:filmse4:name5:other6:pausedi1e8:priorityli1ee8:progressd6:blocks1:\xd84:have3:not12:time-checkedli5eee\
            11:ratio-limitd11:ratio-limit8:1.50000010:ratio-modei1ee14:speed-limit-upd9:speed-Bpsi1000e15:use-speed-limiti1ee8:uploadedi9ee";
        let it = transmission(resume, &film()).unwrap();
        assert_eq!((it.folder.as_str(), it.name.as_deref(), it.paused), ("/srv/data", Some("other"), true));
        assert_eq!((it.until.as_deref(), it.up_limit, it.down_limit), (Some("ratio=1.500"), Some(1000), None));
        assert_eq!((it.skipped_files.len(), &it.first_files, it.totals.unwrap().uploaded), (0, &vec![0], 9));
        assert_eq!((pieces(&it), it.told.unwrap().checked), (vec![0b1010_0000], Some(vec![5])));
    }

    #[test]
    fn words_say_all_and_none() {
        let of = |progress: &str| {
            let resume = format!("d11:destination2:/a8:progressd{progress}ee");
            transmission(resume.as_bytes(), &film()).unwrap()
        };
        assert_eq!(pieces(&of("6:blocks3:all6:mtimesli9ee")), [0b1110_0000]);
        assert_eq!(of("6:blocks3:all6:mtimesli9ee").told.unwrap().changed, Some(vec![9]));
        assert_eq!(pieces(&of("6:blocks4:none")), [0]);
        assert_eq!(pieces(&of("4:have3:all")), [0b1110_0000]);
    }

    #[test]
    fn what_is_cut_or_strange_is_refused() {
        let good = b"d11:destination2:/a6:pausedi0ee";
        assert!(transmission(good, &film()).is_ok());
        assert!((0..good.len()).all(|n| transmission(&good[..n], &film()).is_err()));
        assert!(transmission(b"de", &film()).unwrap_err().contains("folder"));
        for (text, value) in [("2", Some(2000)), ("0.25", Some(250)), ("1.2345", Some(1234)), ("-1", None), ("x", None)]
        {
            assert_eq!(thousandths(text), value, "{text}");
        }
    }
}
