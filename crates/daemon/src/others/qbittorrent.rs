//! What qBittorrent keeps of a torrent: `BT_backup/HASH.fastresume`, bencoded, beside `HASH.torrent` (as qBittorrent 4.5 and libtorrent 2.0 write it).
use super::names::lay_out;
use super::{LIMITS, bitfield, known, metainfo, number, places, ratio, text, texts};
use crate::exported::{Counted, Exported, Verified};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use teem_bencode::parse;

/// Its priorities of files: not at all, and before others.
const SKIP: i64 = 0;
const HIGH: i64 = 6;

/// What it keeps of the torrent in this file, as of that second since 1970; or why it cannot be taken over, in a sentence.
pub fn qbittorrent(resume: &[u8], torrent: &[u8], saved_at: i64) -> Result<Exported, String> {
    let document = parse(resume, &LIMITS).map_err(|e| format!("its .fastresume is not valid: {e}"))?;
    let metainfo = metainfo(torrent)?;
    let info = &metainfo.info;
    let root = document.root();
    let of = |key: &str| root.get(key.as_bytes());
    let is = |key: &str| number(of(key)) != 0;
    let signed = |key: &str| of(key).and_then(|value| value.as_int());
    let limit = |key: &str| signed(key).and_then(|rate| u64::try_from(rate).ok()).filter(|rate| *rate > 0);
    let (shared, time) = (signed("qBt-ratioLimit"), signed("qBt-seedingTimeLimit"));
    let given = |limit: Option<i64>| limit.and_then(|limit| u64::try_from(limit).ok());
    let terms = [given(shared).map(ratio), given(time).map(|minutes| format!("{minutes}m"))];
    let terms: Vec<String> = terms.into_iter().flatten().collect();
    // Where neither has a limit it is without an end; else the rules are asked.
    let is_endless = shared == Some(-1000) && time == Some(-1);
    let endless = is_endless.then(|| "forever".to_owned());
    let until = Some(terms.join(" or ")).filter(|terms| !terms.is_empty()).or(endless);
    let category = text(of("qBt-category"));
    let tiers: Vec<Vec<String>> = of("trackers")
        .and_then(|tiers| tiers.list())
        .into_iter()
        .flatten()
        .map(|tier| texts(Some(tier)))
        .filter(|tier| !tier.is_empty())
        .collect();
    let count = info.files().len();
    // A byte for each piece, of which the lowest bit says that it is there.
    let pieces = of("pieces").and_then(|pieces| pieces.as_bytes()).unwrap_or_default();
    let seed = is("seed_mode");
    let have = |piece: u32| seed || pieces.get(piece as usize).is_some_and(|byte| byte & 1 != 0);
    let mut exported = Exported {
        torrent: Some(STANDARD.encode(torrent)),
        folder: text(of("save_path")).or_else(|| text(of("qBt-savePath"))).ok_or("its .fastresume names no folder")?,
        labels: category.iter().cloned().chain(texts(of("qBt-tags"))).collect(),
        categories: category.into_iter().map(|name| (name, String::new())).collect(),
        // What waits in its queue is paused too, and managed.
        paused: is("paused") && !is("auto_managed"),
        added: known(of("added_time")),
        skipped_files: places(of("file_priority"), count, |priority| priority == SKIP),
        first_files: places(of("file_priority"), count, |priority| priority >= HIGH),
        trackers: Some(tiers).filter(|tiers| !tiers.is_empty() && *tiers != metainfo.trackers),
        up_limit: limit("upload_rate_limit"),
        down_limit: limit("download_rate_limit"),
        until,
        totals: Some(Counted {
            downloaded: number(of("total_downloaded")),
            uploaded: number(of("total_uploaded")),
            active: number(of("active_time")),
            seeding: number(of("seeding_time")),
            completed: known(of("completed_time")),
            moved: [known(of("last_upload")), known(of("last_download"))].into_iter().flatten().max(),
        }),
        told: Some(Verified {
            pieces: STANDARD.encode(bitfield(info.piece_count(), have)),
            left_by: Some(saved_at),
            ..Verified::default()
        }),
        ..Exported::default()
    };
    let home =
        text(of("qBt-savePath")).filter(|home| home.trim_end_matches('/') != exported.folder.trim_end_matches('/'));
    if text(of("qBt-downloadPath")).is_some() {
        exported.goes_to = home;
    }
    let mapped = of("mapped_files").and_then(|files| files.list());
    let mapped: Vec<String> =
        mapped.into_iter().flatten().take(count).map(|file| text(Some(file)).unwrap_or_default()).collect();
    lay_out(&mut exported, info, &mapped)?;
    Ok(exported)
}

#[cfg(test)]
mod tests {
    use super::*;
    use teem_metainfo::create::{Options, torrent};

    fn file(info: &str) -> Vec<u8> {
        torrent(info.as_bytes(), &Options::default())
    }

    /// Nine pieces in one file; two files of a piece each.
    fn single() -> Vec<u8> {
        let hashes = "x".repeat(180);
        file(&format!("d6:lengthi147456e4:name4:film12:piece lengthi16384e6:pieces180:{hashes}e"))
    }

    fn tree() -> Vec<u8> {
        let hashes = "x".repeat(40);
        file(&format!(
            "d5:filesld6:lengthi16384e4:pathl1:aeed6:lengthi16384e4:pathl1:b1:ceee4:name4:show12:piece lengthi16384e6:pieces40:{hashes}e"
        ))
    }

    #[test]
    fn what_it_keeps_is_taken_over() {
        let resume = b"d10:added_timei1700000000e12:auto_managedi0e14:completed_timei1700000100e13:file_priorityli7ee6:pausedi1e\
            6:pieces9:\x01\x01\x00\x01\x01\x01\x01\x01\x0312:qBt-category5:films14:qBt-ratioLimiti2500e\
            20:qBt-seedingTimeLimiti60e8:qBt-tagsl1:a1:be9:save_path9:/srv/data14:total_uploadedi9ee";
        let it = qbittorrent(resume, &single(), 77).unwrap();
        assert_eq!((it.folder.as_str(), it.paused, it.added), ("/srv/data", true, Some(1_700_000_000)));
        assert_eq!((it.labels.len(), it.categories.len(), it.until.as_deref()), (3, 1, Some("ratio=2.500 or 60m")));
        assert_eq!((it.skipped_files, it.first_files), (vec![], vec![0]));
        let told = it.told.unwrap();
        assert_eq!((STANDARD.decode(told.pieces).unwrap(), told.left_by), (vec![0b1101_1111, 0x80], Some(77)));
        assert_eq!(it.totals.unwrap().uploaded, 9);
    }

    #[test]
    fn files_lie_where_it_has_put_them() {
        let with = |mapped: &str, torrent: &[u8]| {
            let resume = format!("d12:mapped_filesl{mapped}e9:save_path9:/srv/datae");
            qbittorrent(resume.as_bytes(), torrent, 0).map(|it| (it.folder, it.name, it.names))
        };
        let data = || "/srv/data".to_owned();
        assert_eq!(with("", &tree()), Ok((data(), None, [].into())));
        assert_eq!(with("7:other/a0:", &tree()).map(|it| it.0), Ok("/srv".to_owned()), "two folders are none");
        let other = with("7:other/a9:other/b/d", &tree()).unwrap();
        assert_eq!(other, (data(), Some("other".into()), [(1, "b/d".to_owned())].into()));
        let bare = with("1:a3:b/c", &tree()).unwrap();
        assert_eq!(bare, ("/srv".to_owned(), Some("data".into()), [].into()), "NoSubfolder");
        let sub = with("8:sub/film", &single()).unwrap();
        assert_eq!(sub, ("/srv/data/sub".to_owned(), None, [].into()), "Subfolder");
        assert!(with("8:film.!qB", &single()).unwrap_err().contains("finish"));
    }

    #[test]
    fn what_is_cut_or_strange_is_refused_and_no_number_is_believed() {
        let good = b"d14:qBt-ratioLimiti-1000e20:qBt-seedingTimeLimiti-1e9:save_path2:/a14:total_uploadedi-5ee";
        let it = qbittorrent(good, &single(), 0).unwrap();
        assert_eq!((it.until.as_deref(), it.totals.unwrap().uploaded), (Some("forever"), 0));
        assert!((0..good.len()).all(|n| qbittorrent(&good[..n], &single(), 0).is_err()));
        assert!(qbittorrent(b"de", &single(), 0).unwrap_err().contains("folder"));
        assert!(qbittorrent(good, b"de", 0).unwrap_err().contains(".torrent"));
    }
}
