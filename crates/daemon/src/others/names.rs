//! Content whose files were given other names, or no folder of their own, by another program (own design).
use crate::exported::Exported;
use std::path::Path;
use teem_metainfo::Info;

/// Ends the name of a file that qBittorrent has not finished.
const UNFINISHED: &str = ".!qB";

/// Takes over where files lie below the folder. `given` has a path for each file, an empty one where that is the torrent's own; it may end early.
pub(super) fn lay_out(exported: &mut Exported, info: &Info, given: &[String]) -> Result<(), String> {
    if given.iter().all(String::is_empty) {
        return Ok(());
    }
    if let Some(name) = given.iter().find(|name| name.ends_with(UNFINISHED)) {
        return Err(format!(
            "it is not complete, and {name} goes by a name for that: have it finish there, or have no {UNFINISHED} put behind names"
        ));
    }
    let files: Vec<(usize, String)> = info
        .files()
        .iter()
        .enumerate()
        .filter(|(_, file)| file.is_stored())
        .map(|(index, file)| {
            let own =
                if info.is_single_file() { info.name().to_owned() } else { format!("{}/{}", info.name(), file.path()) };
            let given = given.get(index).filter(|given| !given.is_empty());
            (index, given.cloned().unwrap_or(own))
        })
        .collect();
    if info.is_single_file() {
        let Some((_, path)) = files.first() else { return Ok(()) };
        let (folder, name) = path.rsplit_once('/').map_or((None, path.as_str()), |(folder, name)| (Some(folder), name));
        if let Some(below) = folder {
            exported.folder = format!("{}/{below}", exported.folder.trim_end_matches('/'));
        }
        exported.name = Some(name.to_owned()).filter(|name| name != info.name());
        return Ok(());
    }
    let first = |path: &str| path.split_once('/').map(|(first, _)| first.to_owned());
    let root = files.first().and_then(|(_, path)| first(path));
    let root = root.filter(|root| files.iter().all(|(_, path)| first(path).as_ref() == Some(root)));
    let below = if let Some(root) = &root {
        exported.name = Some(root.clone()).filter(|name| name != info.name());
        root.len() + 1
    } else {
        // They lie in the folder itself, which is the content's own then.
        let path = Path::new(&exported.folder);
        let (above, name) = path.parent().zip(path.file_name()).ok_or("its files have no folder of their own")?;
        let utf8 = || "the path of its folder is no UTF-8";
        let name = name.to_str().ok_or_else(utf8)?.to_owned();
        let above = above.to_str().ok_or_else(utf8)?.to_owned();
        exported.folder = above;
        exported.name = Some(name).filter(|name| name != info.name());
        0
    };
    for (index, path) in files {
        let path = path.get(below..).unwrap_or_default();
        let own = info.files().get(index).map(|file| file.path());
        if own.as_deref() != Some(path) {
            exported.names.insert(index, path.to_owned());
        }
    }
    Ok(())
}
