//! Trackers that are added, removed and replaced (qBittorrent's Web API, `torrents/addTrackers`, `editTracker`, `removeTrackers`).
use super::form::Form;
use super::listing::{hashes, one};
use super::outcome::{Done, Outcome, Refused};
use crate::change::Changes;
use crate::daemon::Daemon;
use crate::tiers::{Edit, of_lines};
use teem_client::metainfo::InfoHash;

/// Gives torrents trackers besides: a line each, with an empty one between tiers.
pub(super) async fn add(daemon: &Daemon, form: &Form) -> Outcome {
    let urls = form.text("urls").ok_or_else(|| Refused::missing("urls"))?;
    edited(daemon, &named(daemon, form)?, Edit::Add(of_lines(urls))).await
}

/// Gives a tracker of a torrent another URL.
pub(super) async fn edit(daemon: &Daemon, form: &Form) -> Outcome {
    let text = |key: &str| form.text(key).ok_or_else(|| Refused::missing(key));
    let (old, new) = (text("origUrl")?, text("newUrl")?);
    teem_metainfo::url::tracker(new).map_err(|e| Refused::bad(format!("`newUrl` is no tracker's URL: {e}")))?;
    let one = one(daemon, form).await?;
    if one.facts().trackers.iter().flatten().any(|url| url == new) {
        return Err(Refused::conflict("there is a tracker with that URL already"));
    }
    edited(daemon, &[one.hash], Edit::Replace(old.to_owned(), new.to_owned())).await
}

/// Takes trackers from torrents.
pub(super) async fn remove(daemon: &Daemon, form: &Form) -> Outcome {
    edited(daemon, &named(daemon, form)?, Edit::Remove(form.list("urls", '|'))).await
}

/// The torrents that are named, of which there has to be one; all have a star too.
fn named(daemon: &Daemon, form: &Form) -> Result<Vec<InfoHash>, Refused> {
    if form.text("hash") == Some("*") {
        return Ok(daemon.torrents().keys().copied().collect());
    }
    let found = hashes(daemon, form)?;
    if found.is_empty() { Err(Refused::unknown("there is no such torrent")) } else { Ok(found) }
}

async fn edited(daemon: &Daemon, hashes: &[InfoHash], edit: Edit) -> Outcome {
    daemon.set_of(hashes, Changes { trackers: vec![edit], ..Changes::default() }).await?;
    Ok(Done::Nothing)
}
