//! `sync/maindata` and `sync/torrentPeers` (qBittorrent's Web API, "Sync"): what changed since a program asked last.
use super::application::transfer;
use super::form::Form;
use super::listing::one;
use super::outcome::{Done, Outcome, Refused};
use super::seen::Main;
use super::torrent::{Context, state, told};
use crate::daemon::Daemon;
use crate::label::{Labels, category};
use crate::standing::{Ask, Standing};
use crate::told::Told;
use serde_json::{Map, Value, json};
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::time::Instant;

/// Carries `sync/maindata` out, for the program of that name.
pub(super) async fn maindata(daemon: &Daemon, form: &Form, program: &str, secrets: bool) -> Outcome {
    let hashes: Vec<_> = daemon.torrents().keys().copied().collect();
    let all = daemon.standing(&hashes, Ask::Busy).await?;
    let mut server = match transfer(daemon, &all).await {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    server.extend(of_all(daemon, &all));
    let (labels, goal) = (daemon.all_labels(), daemon.0.policy.rules().goal);
    let (daemon, rid, program) = (daemon.clone(), form.int("rid").unwrap_or(0), program.to_owned());
    let telling = tokio::task::spawn_blocking(move || {
        let now = Main {
            torrents: all.iter().map(|one| (one.told.infohash.clone(), mark(one, &labels))).collect(),
            categories: categories(&labels),
            tags: tags(&all, &labels).into_iter().map(|tag| (tag, Value::Null)).collect(),
            server: server.into_iter().collect(),
        };
        let by_hash: HashMap<&str, &Standing> = all.iter().map(|one| (one.told.infohash.as_str(), one)).collect();
        daemon.seen().tell(&program, rid, Instant::now(), &now, |hash| {
            let one = by_hash.get(hash)?;
            let mut entry = told(one, &one.facts(), &Context { labels: &labels, goal, secrets });
            // It is the key.
            entry.as_object_mut()?.remove("hash");
            Some(entry)
        })
    });
    telling.await.map(Done::Json).map_err(Refused::conflict)
}

/// What is another where something of a torrent is that is told, other than times that go on by themselves.
fn mark(one: &Standing, labels: &Labels) -> u64 {
    let mut hasher = DefaultHasher::new();
    (one.revision, &one.row.labels, &one.row.folder, &one.row.goes_to, one.row.up, one.row.down, &one.told.name)
        .hash(&mut hasher);
    (category(labels, &one.row.labels), state(one), one.told.forced, &one.told.until).hash(&mut hasher);
    hasher.finish()
}

/// The categories by name.
pub(super) fn categories(labels: &Labels) -> BTreeMap<String, Value> {
    let all = labels.iter().filter(|(_, label)| label.category);
    let told =
        all.map(|(name, label)| (name.clone(), json!({"name": name, "savePath": label.folder.to_string_lossy()})));
    told.collect()
}

/// All tags: labels that are no categories, those of torrents and those that are kept.
pub(super) fn tags(all: &[Standing], labels: &Labels) -> Vec<String> {
    let kept = labels.iter().filter(|(_, label)| !label.category).map(|(name, _)| name);
    let used = all.iter().flat_map(|one| &one.row.labels);
    let is_tag = |name: &&String| labels.get(*name).is_none_or(|label| !label.category);
    let all: std::collections::BTreeSet<&String> = kept.chain(used).filter(is_tag).collect();
    all.into_iter().cloned().collect()
}

/// What is said of all torrents beside their rates.
fn of_all(daemon: &Daemon, all: &[Standing]) -> Map<String, Value> {
    let sum = |of: fn(&Told) -> u64| all.iter().map(|one| of(&one.told)).sum::<u64>();
    let (down, up) = (sum(|t| t.downloaded_total), sum(|t| t.uploaded_total));
    let ratio = if down == 0 { 0.0 } else { up as f64 / down as f64 };
    let told = json!({
        "alltime_dl": down, "alltime_ul": up, "global_ratio": format!("{ratio:.2}"),
        "average_time_queue": 0, "queued_io_jobs": 0, "total_buffers_size": 0, "total_queued_size": 0,
        "read_cache_hits": "0", "read_cache_overload": "0", "write_cache_overload": "0",
        "free_space_on_disk": daemon.free(),
        "queueing": daemon.0.policy.rules().has_queue(), "refresh_interval": 1500, "use_alt_speed_limits": daemon.alternative().0, "use_subcategories": false,
        "total_peer_connections": all.iter().map(|one| one.told.seeds + one.told.downloaders).sum::<u32>(),
        "total_wasted_session": all.iter().map(|one| one.figure(|f| f.wasted)).sum::<u64>(),
    });
    match told {
        Value::Object(map) => map,
        _ => Map::new(),
    }
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
