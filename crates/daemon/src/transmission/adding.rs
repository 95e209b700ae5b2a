//! `torrent-add` (Transmission's rpc-spec, "Adding a torrent"): by link or by the bytes of a .torrent, below the daemon's roots alone.
use super::args::{Args, Id, Ids};
use super::chosen::choose;
use super::envelope::{Outcome, Refused};
use super::names::Style;
use super::setting::{chosen, names_files};
use crate::adding::Wishes;
use crate::daemon::Daemon;
use crate::failed::AddFailed;
use crate::standing::Ask;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use teem_client::AddError;
use teem_client::metainfo::InfoHash;

/// Carries `torrent_add` out: the answer names the torrent, also where it was there already.
pub(super) async fn add(daemon: &Daemon, args: &Args) -> Outcome {
    let wishes = Wishes {
        folder: args.text("download_dir").filter(|folder| !folder.is_empty()).map(Into::into),
        labels: args.texts("labels").unwrap_or_default().into_iter().filter(|label| !label.is_empty()).collect(),
        paused: args.flag("paused").unwrap_or(false),
        ..Wishes::default()
    };
    let added = match (args.text("metainfo"), args.text("filename")) {
        (Some(text), _) => {
            // Some break it into lines.
            let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
            let bytes = STANDARD.decode(text).map_err(|_| Refused::cannot("invalid or corrupt torrent file"))?;
            let files = chosen(args, &bytes).map_err(Refused::cannot)?;
            daemon.add_file(&bytes, Wishes { files, ..wishes }).await
        }
        (None, Some(_)) if names_files(args) => {
            return Err(Refused::cannot("the files of a link are not known yet: add it paused and choose them then"));
        }
        (None, Some(link)) => daemon.add_link(link, wishes).await,
        (None, None) => return Err(Refused::Arguments("no filename or metainfo specified".to_owned())),
    };
    let (key, hash) = match added {
        Ok(told) => ("torrent_added", told.infohash.parse().map_err(|_| Refused::cannot("it has no info-hash"))?),
        Err(AddFailed::Client(AddError::Already(key))) => ("torrent_duplicate", key.wire()),
        Err(e) => return Err(Refused::cannot(e)),
    };
    let told = told(daemon, hash).await?;
    Ok(([(key.to_owned(), told)].into_iter().collect(), Style::Camel).into())
}

/// The torrent in few words.
async fn told(daemon: &Daemon, hash: InfoHash) -> Result<serde_json::Value, Refused> {
    let chosen = choose(daemon, &Ids::These(vec![Id::Hash(hash)])).await.map_err(Refused::cannot)?;
    let id = chosen.torrents.first().map(|(number, _)| *number);
    let standing = daemon.standing(&[hash], Ask::Nothing).await.map_err(Refused::cannot)?;
    let name = standing.first().map(|one| one.told.name.clone());
    Ok(json!({"id": id, "name": name, "hash_string": hash.to_string()}))
}
