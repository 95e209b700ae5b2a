//! Categories and tags (qBittorrent's Web API, `torrents/*Category`, `torrents/*Tags`): both are labels, and a category is one with a folder.
use super::form::Form;
use super::listing::hashes;
use super::outcome::{Done, Outcome, Refused};
use super::sync;
use crate::change::Changes;
use crate::daemon::Daemon;
use crate::label::Label;
use serde_json::Value;
use std::collections::BTreeSet;
use teem_client::metainfo::InfoHash;

pub(super) fn categories(daemon: &Daemon) -> Value {
    Value::Object(sync::categories(&daemon.all_labels()).into_iter().collect())
}

pub(super) fn tags(daemon: &Daemon) -> Value {
    sync::tags(&daemon.sums(), &daemon.all_labels()).into()
}

async fn keep(daemon: &Daemon, name: &str, said: &str) -> Outcome {
    let folder = daemon.folder_of_category(said).await.map_err(Refused::conflict)?;
    daemon.keep_labels(vec![(name.to_owned(), Some(Label { category: true, folder }))]).await?;
    Ok(Done::Nothing)
}

fn is_category(daemon: &Daemon, name: &str) -> bool {
    daemon.all_labels().get(name).is_some_and(|label| label.category)
}

/// Makes a category that is not there yet.
pub(super) async fn create_category(daemon: &Daemon, form: &Form) -> Outcome {
    let name = form.text("category").ok_or_else(|| Refused::missing("category"))?;
    if is_category(daemon, name) {
        return Err(Refused::conflict(format!("there is a category {name} already")));
    }
    keep(daemon, name, form.text("savePath").unwrap_or_default()).await
}

/// Gives a category another folder, for torrents that come later.
pub(super) async fn edit_category(daemon: &Daemon, form: &Form) -> Outcome {
    let name = form.text("category").ok_or_else(|| Refused::missing("category"))?;
    if !is_category(daemon, name) {
        return Err(Refused::conflict(format!("there is no category {name}")));
    }
    keep(daemon, name, form.text("savePath").unwrap_or_default()).await
}

/// Keeps tags that no torrent has yet.
pub(super) async fn create_tags(daemon: &Daemon, form: &Form) -> Outcome {
    let tags = form.list("tags", ',');
    let new: Vec<_> = {
        let labels = daemon.labels();
        tags.into_iter().filter(|tag| !labels.contains_key(tag)).map(|tag| (tag, Some(Label::default()))).collect()
    };
    daemon.keep_labels(new).await?;
    Ok(Done::Nothing)
}

/// Changes the labels of torrents: their category is that, or none.
pub(super) async fn set_category(daemon: &Daemon, form: &Form) -> Outcome {
    let name = form.get("category").unwrap_or_default().trim();
    if !name.is_empty() && !is_category(daemon, name) {
        return Err(Refused::conflict(format!("there is no category {name}")));
    }
    let others = daemon
        .all_labels()
        .iter()
        .filter(|(other, label)| label.category && *other != name)
        .map(|(other, _)| other.clone())
        .collect();
    let add_labels = (!name.is_empty()).then(|| name.to_owned()).into_iter().collect();
    let changes = Changes { add_labels, remove_labels: others, ..Changes::default() };
    daemon.set_of(&hashes(daemon, form)?, changes).await?;
    Ok(Done::Nothing)
}

/// Ends categories; torrents that had one have none.
pub(super) async fn remove_categories(daemon: &Daemon, form: &Form) -> Outcome {
    forget(daemon, form.list("categories", '\n')).await
}

/// Ends tags; no torrent has one of them any more.
pub(super) async fn delete_tags(daemon: &Daemon, form: &Form) -> Outcome {
    let tags = form.list("tags", ',').into_iter().filter(|tag| !is_category(daemon, tag)).collect();
    forget(daemon, tags).await
}

async fn forget(daemon: &Daemon, names: Vec<String>) -> Outcome {
    let with: Vec<_> = {
        let torrents = daemon.torrents();
        let has = |labels: &BTreeSet<String>| names.iter().any(|name| labels.contains(name));
        torrents.iter().filter(|(_, kept)| has(&kept.row.labels)).map(|(hash, _)| *hash).collect()
    };
    let changes = Changes { remove_labels: names.iter().cloned().collect(), ..Changes::default() };
    daemon.set_of(&with, changes).await?;
    let kept: Vec<_> = {
        let labels = daemon.labels();
        names.into_iter().filter(|name| labels.contains_key(name)).map(|name| (name, None)).collect()
    };
    daemon.keep_labels(kept).await?;
    Ok(Done::Nothing)
}

/// Gives torrents tags besides.
pub(super) async fn add_tags(daemon: &Daemon, form: &Form) -> Outcome {
    let tags = form.list("tags", ',');
    if tags.is_empty() {
        return Err(Refused::missing("tags"));
    }
    create_tags(daemon, form).await?;
    let changes = Changes { add_labels: tags.into_iter().collect(), ..Changes::default() };
    daemon.set_of(&hashes(daemon, form)?, changes).await?;
    Ok(Done::Nothing)
}

/// Takes tags from torrents: these, or all where none is named.
pub(super) async fn remove_tags(daemon: &Daemon, form: &Form) -> Outcome {
    let named: BTreeSet<String> = form.list("tags", ',').into_iter().collect();
    let hashes = hashes(daemon, form)?;
    let remove_labels = if named.is_empty() { tags_of(daemon, &hashes) } else { named };
    daemon.set_of(&hashes, Changes { remove_labels, ..Changes::default() }).await?;
    Ok(Done::Nothing)
}

/// Gives torrents these tags and no others.
pub(super) async fn set_tags(daemon: &Daemon, form: &Form) -> Outcome {
    let wanted: BTreeSet<String> = form.list("tags", ',').into_iter().collect();
    create_tags(daemon, form).await?;
    let hashes = hashes(daemon, form)?;
    let remove_labels = tags_of(daemon, &hashes).difference(&wanted).cloned().collect();
    daemon.set_of(&hashes, Changes { add_labels: wanted, remove_labels, ..Changes::default() }).await?;
    Ok(Done::Nothing)
}

/// All tags that these torrents have.
fn tags_of(daemon: &Daemon, hashes: &[InfoHash]) -> BTreeSet<String> {
    let labels = daemon.all_labels();
    let torrents = daemon.torrents();
    let all = hashes.iter().filter_map(|hash| torrents.get(hash)).flat_map(|kept| &kept.row.labels);
    all.filter(|label| labels.get(*label).is_none_or(|label| !label.category)).cloned().collect()
}
