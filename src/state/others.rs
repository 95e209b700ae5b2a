//! What qBittorrent and Transmission have kept, for the daemon to take over (own design): which files belong together. Those programs have ended by now: what they
//! write later is not seen.
use super::found::{All, Found, KEPT_MAX, bounded};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use teem_client::source;
use teem_daemon::{Exported, others};

/// The programs whose files are told apart by where they lie.
#[derive(Clone, Copy)]
enum Program {
    QBittorrent,
    Transmission,
}

/// All that a folder of such a program holds; `None` where it is none.
pub(super) fn found(from: &Path) -> io::Result<Option<All>> {
    // The folder above is understood too.
    for folder in [from.to_owned(), from.join("BT_backup")] {
        let all = inside(&folder, "fastresume")?;
        if !all.is_empty() {
            let torrent = |path: &Path| path.with_extension("torrent");
            let one = move |path: PathBuf| of(Program::QBittorrent, &path, &torrent(&path));
            return Ok(Some(Box::new(all.into_iter().map(one))));
        }
    }
    let all = inside(&from.join("resume"), "resume")?;
    if all.is_empty() {
        return Ok(None);
    }
    let torrents = from.join("torrents");
    let torrent = move |path: &Path| torrents.join(path.file_name().unwrap_or_default()).with_extension("torrent");
    let one = move |path: PathBuf| of(Program::Transmission, &path, &torrent(&path));
    Ok(Some(Box::new(all.into_iter().map(one))))
}

/// The files of a folder that end so, in their order; none where there is no such folder.
fn inside(folder: &Path, ending: &str) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == ending) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn of(program: Program, kept: &Path, torrent: &Path) -> Found {
    let name = kept.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let file = source::read_limited(torrent);
    let known = file.as_ref().ok().and_then(|file| source::from_bytes("it", file).ok());
    let shown = known.as_ref().and_then(|source| source.info.as_ref().map(|info| info.name().to_owned()));
    let hash = known.map(|source| source.key.wire().to_string());
    let wanted = file.map_err(|e| format!("{e}: `teem add` its magnet link where its metadata was never there"));
    let wanted = wanted.and_then(|file| read(program, kept, &file)).map(Box::new);
    Found { name: shown.unwrap_or(name), hash, wanted }
}

fn read(program: Program, kept: &Path, torrent: &[u8]) -> Result<Exported, String> {
    let bytes = bounded(kept, KEPT_MAX)?;
    match program {
        Program::Transmission => others::transmission(&bytes, torrent),
        Program::QBittorrent => {
            let changed = fs::metadata(kept).and_then(|meta| meta.modified());
            let changed = changed.map_err(|e| format!("{}: {e}", kept.display()))?;
            let second = changed.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
            others::qbittorrent(&bytes, torrent, i64::try_from(second).unwrap_or(i64::MAX))
        }
    }
}
