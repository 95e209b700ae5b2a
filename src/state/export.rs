//! `teem state export`: all that the daemon keeps of its torrents, in a folder (own design).
//!
//! | file | is |
//! |---|---|
//! | `HASH.torrent` | the .torrent as it is |
//! | `HASH.json` | what is kept of the torrent beside that, as `POST /teem/v1/torrents/import` takes it |
//! | `export.json` | what this is, and the info-hashes in the order of the queue; written last, so that a folder without it is no whole export |
use crate::cli::state::Export;
use crate::exit::{Exit, Outcome, Stop};
use crate::foreign::plain;
use crate::json;
use crate::progress::Progress;
use crate::remote::Remote;
use crate::units::Count;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::fs::{self, DirBuilder, File};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use teem_client::store::{Readers, write_whole};
use teem_disk::fs::Fs as _;
use teem_disk::root::RealFs;

/// The file that says what the folder is, and its first key with the version.
pub(super) const LIST: &str = "export.json";
pub(super) const FORMAT: &str = "teem_export";
pub(super) const VERSION: u64 = 1;

pub(super) async fn run(options: &Export) -> Outcome {
    let remote = Remote::new(options.reached.daemon.as_deref())?;
    let window = remote.get("/teem/v1/torrents?fields=name").await?;
    let mut progress = Progress::new(options.json);
    let (mut torrents, mut left_out) = (Vec::new(), 0);
    for row in window["torrents"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let hash = row["infohash"].as_str().unwrap_or_default();
        match remote.get(&format!("/teem/v1/torrents/{hash}/export")).await {
            Ok(kept) => {
                torrents.push((kept["order"].as_u64(), hash.to_owned()));
                write(&options.to, hash, kept)?;
            }
            Err(stop) if stop.exit == Exit::No => {
                left_out += 1;
                let name = plain(row["name"].as_str().unwrap_or(hash));
                progress.say(&format!("left out: {name}: {}", plain(&stop.message)));
            }
            Err(stop) => return Err(stop),
        }
        progress.show(&format!("{} exported", torrents.len()));
    }
    // What the list names is on the disk before it is.
    RealFs.folder(&options.to, false).and_then(|folder| folder.sync_all().unwrap_or(Ok(()))).map_err(Stop::local)?;
    torrents.sort();
    let hashes: Vec<String> = torrents.into_iter().map(|(_, hash)| hash).collect();
    let list = json!({FORMAT: VERSION, "torrents": hashes}).to_string();
    write_whole(&options.to.join(LIST), list.as_bytes(), Readers::Owner).map_err(Stop::local)?;
    if options.json {
        json::line(
            &json!({"event": "exported", "torrents": hashes.len(), "left_out": left_out, "path": options.to.to_string_lossy()}),
        );
    }
    progress.say(&format!(
        "{} in {}, passkeys included: `teem state import` takes them over where their content lies in folders of the same names",
        Count(hashes.len(), "torrent"),
        plain(&options.to.display().to_string())
    ));
    Ok(if left_out > 0 { Exit::No } else { Exit::Done })
}

/// Makes the folder that is exported into, which is to be a new or empty one.
pub(crate) fn ready_folder(folder: &Path) -> Result<(), Stop> {
    let failed = |e: std::io::Error| Stop::local(format!("{} cannot be exported into: {e}", folder.display()));
    match fs::read_dir(folder) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            DirBuilder::new().mode(0o700).create(folder).map_err(failed)
        }
        Err(e) => Err(failed(e)),
        Ok(mut entries) => {
            if entries.next().is_none() {
                return Ok(());
            }
            let what =
                format!("{} is not empty: name a new folder, so that nothing old is taken for new", folder.display());
            Err(Stop { exit: Exit::Local, class: "occupied", message: what })
        }
    }
}

/// Writes the files of one torrent, which a sync of the whole follows.
fn write(folder: &Path, hash: &str, mut kept: Value) -> Result<(), Stop> {
    let put = |ending: &str, bytes: &[u8]| {
        let path = folder.join(format!("{hash}.{ending}"));
        let file = File::options().write(true).create_new(true).mode(0o600).open(&path);
        file.and_then(|mut file| file.write_all(bytes))
            .map_err(|e| Stop::local(format!("{} cannot be written: {e}", path.display())))
    };
    if let Some(torrent) = kept["torrent"].as_str().and_then(|text| STANDARD.decode(text).ok()) {
        put("torrent", &torrent)?;
        if let Some(keys) = kept.as_object_mut() {
            keys.remove("torrent");
        }
    }
    // A value that was read can be written.
    put("json", format!("{kept:#}\n").as_bytes())
}
