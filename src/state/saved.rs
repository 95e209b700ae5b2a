//! What `teem get` and `teem seed` have saved, for the daemon to take over (own design): the records as they are. Their trackers are in the links that they were
//! given; saved state knows those that were told of a complete download.
use super::found::Found;
use std::io;
use std::path::Path;
use teem_client::Source;
use teem_daemon::{Counted, Exported};
use teem_disk::root::RealFs;
use teem_disk::{Place, SavedTorrent, saved_info, saved_torrents};
use teem_metainfo::create::{Options, torrent as written};

/// What is saved in a folder of what ran by itself; what a daemon has there is in its own records.
pub(super) fn all(state_dir: &Path) -> io::Result<Vec<SavedTorrent>> {
    Ok(saved_torrents(state_dir)?.into_iter().filter(|saved| saved.folder.is_some()).collect())
}

pub(super) fn found(state_dir: &Path, saved: &SavedTorrent, with: &[Source]) -> Found {
    let name = saved.name.clone().unwrap_or_else(|| saved.info_hash.to_string());
    let wanted = wanted(state_dir, saved, with).map(Box::new);
    Found { name, hash: Some(saved.info_hash.to_string()), wanted }
}

fn wanted(state_dir: &Path, saved: &SavedTorrent, with: &[Source]) -> Result<Exported, String> {
    let folder = saved.folder.as_ref().ok_or("its folder is not known any more")?;
    let carried = saved.carried(&RealFs, state_dir).map_err(|e| e.to_string())?;
    let carried = carried.ok_or("what is saved of it cannot be read")?;
    let folder_text = folder.to_str().ok_or("the path of its folder is no UTF-8")?;
    let named = with.iter().find(|source| source.key.wire() == saved.info_hash);
    let (mut exported, mut own_name) = (Exported::default(), None);
    // Content with another name than its torrent's is found under that.
    let places = [None, saved.name.clone()].map(|name| Place { name, ..Place::download(folder, state_dir) });
    let info = places.iter().find_map(|place| {
        let raw = saved_info(&RealFs, place, saved.info_hash.into())?;
        own_name.clone_from(&place.name);
        Some(raw)
    });
    match (named.and_then(|source| source.file.as_ref()), info) {
        (Some(file), _) => exported.describe(file),
        (None, Some(raw)) => {
            let of_link = named.map(|source| {
                let tier =
                    |tier: &Vec<teem_client::AnnounceUrl>| tier.iter().map(|url| url.reveal().to_owned()).collect();
                source.trackers.iter().map(tier).collect()
            });
            let known = || saved.trackers.iter().map(|tracker| vec![tracker.clone()]).collect();
            let trackers: Vec<Vec<String>> = of_link.unwrap_or_else(known);
            exported.describe(&written(&raw, &Options { trackers, ..Options::default() }));
        }
        (None, None) => return Err("its metadata was never there: `teem add` its link".to_owned()),
    }
    folder_text.clone_into(&mut exported.folder);
    exported.name = own_name;
    exported.totals = Some(Counted { downloaded: saved.downloaded, uploaded: saved.uploaded, ..Counted::default() });
    exported.save(&carried);
    Ok(exported)
}
