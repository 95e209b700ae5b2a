//! `teem create`: makes a .torrent file.
use crate::exit::{Exit, Outcome, Stop};
use crate::foreign::plain;
use crate::progress::Progress;
use crate::signals::Signals;
use crate::units::{Bytes, Count};
use crate::{cli, json, making, stdin, stdout};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use teem_client::store;

pub(crate) async fn run(options: &cli::Create) -> Outcome {
    let cli::Kind::V1 = options.kind;
    let to_stdout = options.output.as_deref().is_some_and(|p| stdin::is_dash(&p.to_string_lossy()));
    let output = options.output.clone().unwrap_or_else(|| default_output(&options.path));
    let wishes = making::wishes(&options.metainfo, Some(&output).filter(|_| !to_stdout).map(PathBuf::as_path))?;
    if to_stdout && options.json {
        return Err(Stop::usage("--json and -o - both want standard output: give one of them up"));
    }
    let mut signals = Signals::listen().map_err(Stop::local)?;
    if !to_stdout && options.path.exists() {
        may_write(&output, options.force)?;
    }
    let recipe = making::plan(&options.path, wishes, options.json, &mut signals).await?;
    let mut progress = Progress::new(options.json);
    making::say_skipped(&recipe, &options.metainfo, &mut progress);
    let digests = making::digests(&recipe, None, options.json, &mut signals).await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs().cast_signed());
    let (info, bytes) = recipe.finish(&digests.whole().map_err(making::stop)?, &[], now).map_err(making::stop)?;
    if to_stdout {
        stdout::bytes(&bytes);
        return Ok(Exit::Done);
    }
    store::write_whole(&output, &bytes, making::readers(&recipe)).map_err(Stop::local)?;
    let hash = info.key().v1().map(|h| h.to_string()).unwrap_or_default();
    if options.json {
        json::line(&serde_json::json!({
            "event": "created", "path": output.to_string_lossy(), "name": info.name(), "infohash_v1": hash,
            "size": info.content_size(), "files": info.files().len(), "piece_length": info.piece_length(),
            "pieces": info.piece_count(), "skipped": making::skipped_json(&recipe), "left_out": making::left_out_json(&recipe),
        }));
    } else {
        progress.say(&format!(
            "{}: {} in {}, {} of {}, info-hash {hash}",
            plain(info.name()),
            Bytes(info.content_size()),
            Count(info.files().len(), "file"),
            Count(info.piece_count() as usize, "piece"),
            Bytes(u64::from(info.piece_length())),
        ));
        stdout::path(&output);
    }
    Ok(Exit::Done)
}

/// `NAME.torrent` here; a path that cannot be followed has no name, and is refused later with its reason.
pub(crate) fn default_output(path: &Path) -> PathBuf {
    let whole = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = whole.file_name().unwrap_or_default().to_owned();
    name.push(".torrent");
    PathBuf::from(name)
}

/// Refuses to overwrite, before anything long is done.
pub(crate) fn may_write(path: &Path, force: bool) -> Result<(), Stop> {
    let there = std::fs::metadata(path);
    if there.as_ref().is_ok_and(std::fs::Metadata::is_dir) {
        return Err(Stop::local(format!("{} is a folder: name a file in it with -o", path.display())));
    }
    if there.is_ok_and(|there| there.is_file()) && !force {
        return Err(Stop::local(format!(
            "{} exists already: overwrite it with --force, or name another file with -o",
            path.display()
        )));
    }
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            Err(Stop::local(format!("the folder {} does not exist", folder.display())))
        }
        _ => store::may_write_whole(path).map_err(|e| Stop::local(format!("{e}; name another file with -o"))),
    }
}
