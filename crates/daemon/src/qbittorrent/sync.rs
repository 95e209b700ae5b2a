//! `sync/maindata` and `sync/torrentPeers` (qBittorrent's Web API, "Sync"): what changed since a program asked last.
use super::application::transfer;
use super::form::Form;
use super::listing::one;
use super::outcome::{Done, Outcome, Refused};
use super::seen::{Changes, Main, Since};
use super::torrent::{self, Context};
use crate::daemon::Daemon;
use crate::failed::Failed;
use crate::kept::Kept;
use crate::label::Labels;
use crate::standing::{AT_ONCE, Ask};
use crate::sums::Sums;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;
use teem_client::metainfo::InfoHash;
use tokio::task::spawn_blocking;

/// Carries `sync/maindata` out, for the program of that name: what that costs is what has changed since the program asked.
pub(super) async fn maindata(daemon: &Daemon, form: &Form, program: &str, secrets: bool) -> Outcome {
    let (labels, goal) = (daemon.all_labels(), daemon.0.policy.rules().goal);
    let rid = form.int("rid").unwrap_or(0);
    let all = daemon.sums();
    let of_all = of_all(daemon, &all).await?;
    let now = Main {
        goal: goal.to_string(),
        categories: categories(&labels),
        tags: tags(&all, &labels).into_iter().map(|tag| (tag, Value::Null)).collect(),
        server: of_all.into_iter().collect(),
    };
    let since = daemon.seen().since(program, rid, &now);
    // What is changed from here on is told once more the next time.
    let (revision, changed, gone) = {
        let torrents = daemon.torrents();
        let changed = since.as_ref().and_then(|since| torrents.since(since.revision));
        let is_there = |hash: &InfoHash| torrents.contains_key(hash);
        let (there, gone) = match changed.zip(since) {
            Some((mut changed, Since { categories, all, .. })) => {
                let is_other = |kept: &Kept| all || kept.row.labels.iter().any(|label| categories.contains(label));
                if all || !categories.is_empty() {
                    changed.extend(torrents.iter().filter(|(_, kept)| is_other(kept)).map(|(hash, _)| *hash));
                }
                let (there, gone) = changed.into_iter().partition::<Vec<_>, _>(is_there);
                (there, Some(gone))
            }
            None => (torrents.keys().copied().collect(), None),
        };
        (torrents.revision(), there, gone)
    };
    let mut torrents = b"{".to_vec();
    let told = Arc::new((labels, goal, daemon.shelf(changed.len()).await));
    for some in changed.chunks(AT_ONCE) {
        let standing = daemon.standing(some, Ask::Busy).await?;
        let told = told.clone();
        let writing = spawn_blocking(move || {
            let (labels, goal, shelf) = &*told;
            for one in &standing {
                let context = Context { labels, goal: *goal, secrets };
                let mut entry = torrent::told(one, &one.facts_by(shelf), &context);
                // It is the key.
                if let Some(entry) = entry.as_object_mut() {
                    entry.remove("hash");
                }
                torrents.extend(if torrents.len() > 1 { &b",\""[..] } else { b"\"" });
                torrents.extend(one.told.infohash.as_bytes());
                torrents.extend(b"\":");
                // Memory takes all.
                let _ = serde_json::to_writer(&mut torrents, &entry);
            }
            torrents
        });
        torrents = writing.await.map_err(Refused::conflict)?;
    }
    torrents.push(b'}');
    let changes = Changes { revision, torrents, gone };
    Ok(Done::Written(daemon.seen().tell(program, rid, Instant::now(), &now, changes)))
}

/// The categories by name.
pub(super) fn categories(labels: &Labels) -> BTreeMap<String, Value> {
    let all = labels.iter().filter(|(_, label)| label.category);
    let told =
        all.map(|(name, label)| (name.clone(), json!({"name": name, "savePath": label.folder.to_string_lossy()})));
    told.collect()
}

/// All tags: labels that are no categories, those of torrents and those that are kept.
pub(super) fn tags(all: &Sums, labels: &Labels) -> Vec<String> {
    let kept = labels.iter().filter(|(_, label)| !label.category).map(|(name, _)| name);
    let is_tag = |name: &&String| labels.get(*name).is_none_or(|label| !label.category);
    let all: BTreeSet<&String> = kept.chain(&all.labels).filter(is_tag).collect();
    all.into_iter().cloned().collect()
}

/// What is said of all torrents together.
async fn of_all(daemon: &Daemon, all: &Sums) -> Result<Map<String, Value>, Refused> {
    let busy = daemon.client().busy().await.map_err(Failed::Ended)?;
    let (down, up) = (all.downloaded_total, all.uploaded_total);
    let ratio = if down == 0 { 0.0 } else { up as f64 / down as f64 };
    let told = json!({
        "alltime_dl": down, "alltime_ul": up, "global_ratio": format!("{ratio:.2}"),
        "average_time_queue": 0, "queued_io_jobs": 0, "total_buffers_size": 0, "total_queued_size": 0,
        "read_cache_hits": "0", "read_cache_overload": "0", "write_cache_overload": "0",
        "free_space_on_disk": daemon.free(),
        "queueing": daemon.0.policy.rules().has_queue(), "refresh_interval": 1500, "use_alt_speed_limits": daemon.alternative().0, "use_subcategories": false,
        "total_peer_connections": all.seeds + all.downloaders,
        "total_wasted_session": busy.iter().map(|figures| figures.wasted).fold(0, u64::saturating_add),
    });
    let mut of_all = Map::new();
    for part in [transfer(daemon, all).await, told] {
        if let Value::Object(part) = part {
            of_all.extend(part);
        }
    }
    Ok(of_all)
}

/// Carries `sync/torrentPeers` out: all of them each time.
pub(super) async fn peers(daemon: &Daemon, form: &Form) -> Outcome {
    let one = one(daemon, form).await?;
    let pieces = one.about().map_or(0, |about| about.pieces);
    let told = one.peers().iter().filter_map(|peer| {
        let addr = peer.addr.addr()?;
        let entry = json!({
            "ip": addr.ip().to_string(), "port": addr.port(), "client": peer.client, "peer_id_client": "",
            "connection": peer.transport.map_or("", |transport| if transport.word() == "utp" { "μTP" } else { "BT" }),
            "country": "", "country_code": "", "files": "", "flags": if peer.incoming { "I" } else { "" }, "flags_desc": "",
            "progress": if pieces == 0 { 0.0 } else { f64::from(peer.pieces) / f64::from(pieces) }, "relevance": 0,
            "dl_speed": peer.down_rate, "up_speed": peer.up_rate, "downloaded": peer.downloaded, "uploaded": peer.uploaded,
        });
        Some((addr.to_string(), entry))
    });
    let peers: Map<String, Value> = told.collect();
    let rid = form.int("rid").unwrap_or(0).max(0).saturating_add(1);
    Ok(Done::Json(json!({"rid": rid, "full_update": true, "show_flags": false, "peers": peers})))
}
