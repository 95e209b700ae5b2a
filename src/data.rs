//! `--data`: where the content of a torrent lies, as people point to it.
use crate::exit::Stop;
use std::path::{Path, PathBuf};
use teem_metainfo::{File, Info};

/// The folder that holds the content, and the content's own name there where it is not the torrent's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    pub(crate) name: Option<String>,
}

/// Understands the folder that holds the torrent's name, the content's own path (whatever it is called), and nothing
/// (the .torrent's folder).
pub(crate) fn locate(info: &Info, data: Option<&Path>, torrent: &str) -> Result<Place, Stop> {
    let folder = match data {
        Some(path) => path.to_owned(),
        None => match Path::new(torrent).parent() {
            Some(folder) if torrent != "-" && !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        },
    };
    if folder.join(info.name()).exists() {
        return Ok(Place { folder, name: None });
    }
    let native = info.native_name().and_then(|n| std::str::from_utf8(n).ok());
    if let Some(native) = native.filter(|n| folder.join(n).exists()) {
        return Ok(Place { folder, name: Some(native.to_owned()) });
    }
    if data.is_none() {
        return Ok(Place { folder, name: None });
    }
    let meta = std::fs::metadata(&folder)
        .map_err(|e| Stop::local(format!("--data: {} cannot be read: {e}", folder.display())))?;
    let content_itself = if info.is_single_file() { meta.is_file() } else { holds_a_file_of(info, &folder) };
    if !content_itself {
        return Ok(Place { folder, name: None });
    }
    let whole = std::fs::canonicalize(&folder).map_err(|e| Stop::local(format!("--data: {e}")))?;
    match (whole.parent(), whole.file_name().and_then(|n| n.to_str())) {
        (Some(parent), Some(name)) => Ok(Place { folder: parent.to_owned(), name: Some(name.to_owned()) }),
        _ => Ok(Place { folder, name: None }),
    }
}

fn holds_a_file_of(info: &Info, folder: &Path) -> bool {
    let mut real = info.files().iter().filter(File::is_stored).take(100);
    real.any(|f| {
        let native = f.native_path().map(|parts| parts.join("/"));
        native.is_some_and(|native| folder.join(native).is_file()) || folder.join(f.path()).is_file()
    })
}
