//! Content that is shared (own design): served from where it lies, hashed by those who hand it over, tracked on the port of the peers, and offered by links.
//!
//! Nothing of it is ever changed on the disk. The links name the port and the addresses that hold when they are asked for.
use crate::adding::within_bounds;
use crate::asker::is_token;
use crate::daemon::{Daemon, now};
use crate::failed::{AddFailed, Failed};
use crate::offers::Links;
use crate::row::{Course, HOSTS_MAX, Origin, Row};
use crate::told::Told;
use crate::wanted::{Sharing, Wanted};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use teem_client::metainfo::{InfoHash, Limits, Metainfo};
use teem_client::policy::Goal;
use teem_client::publish::offer::offer;
use teem_client::publish::share::ShareOptions;
use teem_client::{AddError, source};
use teem_disk::Kind;

/// What is wanted of content that is shared.
pub(crate) struct Wishes {
    /// The folder that it lies in, and what it is called there, where that is not the torrent's name.
    pub(crate) folder: PathBuf,
    pub(crate) name: Option<String>,
    pub(crate) labels: BTreeSet<String>,
    pub(crate) up: Option<u64>,
    pub(crate) sharing: Sharing,
    /// The fingerprint of the files as they were hashed.
    pub(crate) hashed: Option<Vec<u8>>,
}

/// Bytes of the name of a file.
const NAME_BYTES: usize = 255;

impl Daemon {
    /// Shares what a .torrent describes, and gives its links. One that is shared already is offered as is wanted now.
    pub(crate) async fn share(&self, file: &[u8], wishes: Wishes) -> Result<(Told, Links), AddFailed> {
        let source = source::from_bytes("it", file).map_err(AddFailed::Link)?;
        let key = source.transferable().map_err(AddFailed::Client)?;
        let hash = key.wire();
        let Wishes { folder, name, labels, up, sharing, hashed } = wishes;
        let folder = self.readable(&folder).map_err(AddFailed::Wish)?;
        within_bounds(&labels, &[], &[]).map_err(AddFailed::Wish)?;
        if let Some(name) = name.as_deref().filter(|name| !is_plain(name)) {
            return Err(AddFailed::Wish(format!("`{name}` is no name of a file or folder")));
        }
        if sharing.hosts.len() > HOSTS_MAX || sharing.hosts.iter().any(|host| host.is_empty() || host.len() > 255) {
            return Err(AddFailed::Wish(format!("at most {HOSTS_MAX} names of this machine, each of 1 to 255 bytes")));
        }
        let before = self.torrents().get(&hash).map(|kept| kept.row.clone());
        let told = match before {
            None => {
                // Its owner wants it to be had, whatever the rules say of what was downloaded.
                let course = Course { until: Some(Goal::default()), order: self.next_place(), ..Course::default() };
                let wanted = Wanted { folder, name, labels, up, shared: Some(sharing), ..Wanted::default() };
                let row = Row { course, ..Row::new(Origin::File(file.into(), false), wanted, now()) };
                self.take_in(row, source, hashed).await?
            }
            Some(row) if row.shared.is_some() && row.folder == folder && row.name == name => {
                let mut row = row;
                row.shared = Some(sharing);
                let _turn = self.0.turn.lock().await;
                let record = vec![(hash.to_string(), Some(row.encode()))];
                self.keep(Kind::Row, record).await.map_err(AddFailed::Store)?;
                if let Some(kept) = self.torrents().get_mut(&hash) {
                    kept.row.shared.clone_from(&row.shared);
                }
                let told = self.told(&[hash]).await.map_err(|_| AddFailed::Client(AddError::Stopped))?;
                told.into_iter().next().ok_or(AddFailed::Client(AddError::Stopped))?
            }
            Some(_) => return Err(AddFailed::Client(AddError::Already(key))),
        };
        let links = self.links(hash).await.map_err(|e| AddFailed::Wish(e.to_string()))?;
        Ok((told, links))
    }

    /// The links of a torrent that is shared.
    pub(crate) async fn links(&self, hash: InfoHash) -> Result<Links, Failed> {
        let of = |daemon: &Self| {
            let torrents = daemon.torrents();
            let kept = torrents.get(&hash)?;
            Some((kept.row.shared.clone()?, kept.torrent.clone().ok()?))
        };
        let no_links = || Failed::Wish(format!("{hash} is not shared: `teem share PATH --keep` does that"));
        let (sharing, torrent) = of(self).ok_or_else(no_links)?;
        let port = self.0.client.port();
        if let Some((offering, of)) = self.offers().get(&hash)
            && *of == sharing
        {
            return Ok(Links::of(hash, port, offering));
        }
        let daemon = self.clone();
        let read = tokio::task::spawn_blocking(move || Metainfo::parse(&daemon.file(hash)?, &Limits::FILE).ok());
        let metainfo = read.await.ok().flatten().ok_or_else(no_links)?;
        let mut options = ShareOptions::default();
        (options.bound, options.hosts, options.tracker) = (self.0.outset.bound, sharing.hosts.clone(), sharing.tracks);
        let mut offers = self.offers();
        // The one before gives up its path, which the new one is to have.
        drop(offers.remove(&hash));
        let offering = offer(&self.0.client, &torrent, &metainfo, &options);
        let links = Links::of(hash, port, &offering);
        offers.insert(hash, (offering, sharing));
        Ok(links)
    }

    /// Offers again what was shared in earlier runs.
    pub(crate) async fn offer_again(&self) {
        let shared = |daemon: &Self| -> Vec<InfoHash> {
            let torrents = daemon.torrents();
            torrents.iter().filter(|(_, kept)| kept.row.shared.is_some()).map(|(hash, _)| *hash).collect()
        };
        for hash in shared(self) {
            // One that could not be begun has no links, and is told with why.
            let _ = self.links(hash).await;
        }
    }

    /// The folder without links that content lies in which is shared: any that the owner names, for others one of the daemon's.
    pub(crate) fn readable(&self, folder: &Path) -> Result<PathBuf, String> {
        if is_token() {
            return self.below_roots(folder);
        }
        if !folder.is_absolute() {
            return Err(format!("{} is no whole path", folder.display()));
        }
        std::fs::canonicalize(folder).map_err(|e| format!("{}: {e}", folder.display()))
    }
}

/// Whether this is the name of a file or folder, and leads nowhere else.
pub(crate) fn is_plain(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && name.len() <= NAME_BYTES && !name.contains(['/', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_else() {
        assert!(["film", "a film.mkv", "..film"].into_iter().all(is_plain));
        assert!(["", ".", "..", "../film", "/etc", "a/b", "a\0b"].into_iter().all(|name| !is_plain(name)));
    }
}
