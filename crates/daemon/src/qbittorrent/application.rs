//! What is said of the program itself (qBittorrent's Web API, `app/*` and `transfer/*`): what the daemon was told when it began, and its figures.
use super::form::Form;
use super::outcome::{Done, Outcome, Refused};
use crate::daemon::Daemon;
use crate::goals::ratio;
use crate::standing::{Ask, Standing};
use crate::told::Told;
use serde_json::{Map, Value, json};
use teem_client::policy::Then;
use teem_client::{Encryption, Transports};

/// What programs take this one for: the last of qBittorrent's versions whose contract old and new ones know.
pub(super) const VERSION: &str = "v5.1.4";
pub(super) const API_VERSION: &str = "2.11.4";

/// Connections of all torrents together, and of one.
const CONNECTIONS_MAX: u32 = 400;
const PEERS_MAX: u32 = 80;

/// Carries `app/preferences` out.
pub(super) fn preferences(daemon: &Daemon) -> Map<String, Value> {
    let outset = daemon.0.outset;
    let encryption = match outset.encryption {
        Encryption::Require => 1,
        _ => 0,
    };
    let protocol = match outset.transports {
        Transports::Auto => 0,
        Transports::Tcp => 1,
        Transports::Utp => 2,
    };
    let told = json!({
        "save_path": daemon.first_root().to_string_lossy(),
        "listen_port": daemon.client().port(), "random_port": outset.free_port, "upnp": outset.map_ports,
        "dht": outset.dht, "pex": outset.pex, "lsd": outset.lsd, "encryption": encryption,
        "anonymous_mode": outset.anonymous, "bittorrent_protocol": protocol,
        "dl_limit": outset.down.unwrap_or(0), "up_limit": outset.up.unwrap_or(0),
        "max_connec": CONNECTIONS_MAX, "max_connec_per_torrent": PEERS_MAX,
        // Nothing of theirs lies in files that could be read.
        "resume_data_storage_type": "SQLite",
    });
    [told, of_rules(daemon), not_here(), nor_these()]
        .into_iter()
        .filter_map(|part| if let Value::Object(map) = part { Some(map) } else { None })
        .flatten()
        .collect()
}

/// What the rules say.
fn of_rules(daemon: &Daemon) -> Value {
    let rules = daemon.0.policy.rules();
    let (goal, other, places) = (rules.goal, rules.speed.other, rules.places);
    let size = |places: Option<std::num::NonZeroU32>| places.map_or(-1, |places| i64::from(places.get()));
    let minutes = |seconds: Option<u64>| seconds.and_then(|s| i64::try_from(s / 60).ok()).unwrap_or(-1);
    let incomplete = rules.incomplete.as_ref();
    json!({
        "temp_path": incomplete.map(|folder| folder.to_string_lossy()).unwrap_or_default(),
        "temp_path_enabled": incomplete.is_some(),
        "alt_dl_limit": other.down.unwrap_or(0), "alt_up_limit": other.up.unwrap_or(0),
        "queueing_enabled": rules.has_queue(), "dont_count_slow_torrents": rules.has_queue(),
        "max_active_checking_torrents": size(places.checks), "max_active_downloads": size(places.downloads),
        "max_active_uploads": size(places.seeds), "max_active_torrents": -1,
        "max_ratio_enabled": goal.ratio.is_some(), "max_ratio": goal.ratio.map_or(-1.0, ratio),
        "max_ratio_act": u8::from(rules.then == Then::Remove),
        "max_seeding_time_enabled": goal.time_s.is_some(), "max_seeding_time": minutes(goal.time_s),
        "max_inactive_seeding_time_enabled": goal.idle_s.is_some(), "max_inactive_seeding_time": minutes(goal.idle_s),
    })
}

/// What this program does not have, as those tell it who have it and do not use it.
fn not_here() -> Value {
    json!({
        "add_stopped_enabled": false, "start_paused_enabled": false, "add_to_top_of_queue": false,
        "add_trackers": "", "add_trackers_enabled": false,
        "scheduler_enabled": false,
        "auto_delete_mode": 0, "auto_tmm_enabled": false, "torrent_changed_tmm_enabled": false,
        "category_changed_tmm_enabled": false, "save_path_changed_tmm_enabled": false,
        "autorun_enabled": false, "autorun_program": "",
        "create_subfolder_enabled": true, "torrent_content_layout": "Original", "torrent_content_remove_option": "Delete",
        "excluded_file_names": "", "excluded_file_names_enabled": false,
        "export_dir": "", "export_dir_fin": "",
        "incomplete_files_ext": false, "preallocate_all": false,
        "ip_filter_enabled": false, "ip_filter_path": "", "ip_filter_trackers": false, "banned_IPs": "",
    })
}

fn nor_these() -> Value {
    json!({
        "locale": "en",
        "mail_notification_enabled": false,
        "max_uploads": -1, "max_uploads_per_torrent": -1,
        "proxy_type": "None", "rss_auto_downloading_enabled": false, "rss_processing_enabled": false,
        "scan_dirs": {},
        "use_category_paths_in_manual_mode": true, "use_subcategories": false,
    })
}

/// Carries `app/setPreferences` out: what already is as it is wanted is granted, what this program does not have is not looked at.
pub(super) fn set_preferences(daemon: &Daemon, form: &Form) -> Outcome {
    let text = form.text("json").ok_or_else(|| Refused::missing("json"))?;
    let wanted: Map<String, Value> =
        serde_json::from_str(text).map_err(|e| Refused::bad(format!("`json` is no object: {e}")))?;
    let told = preferences(daemon);
    for (key, value) in &wanted {
        if let Some(is) = told.get(key)
            && is != value
            && is.as_f64().zip(value.as_f64()).is_none_or(|(a, b)| a.total_cmp(&b).is_ne())
        {
            return Err(Refused::conflict(format!(
                "{key} is set where the daemon is started, and cannot be changed from here"
            )));
        }
    }
    Ok(Done::Nothing)
}

/// Carries `app/buildInfo` out.
pub(super) fn build_info() -> Value {
    json!({"qt": "", "libtorrent": "", "boost": "", "openssl": "", "zlib": "", "bitness": usize::BITS, "platform": std::env::consts::OS,
        "teem": env!("CARGO_PKG_VERSION")})
}

/// What is told of all torrents together, of `transfer/info` and of `sync/maindata`.
pub(super) async fn transfer(daemon: &Daemon, all: &[Standing]) -> Value {
    let sum = |of: fn(&Told) -> u64| all.iter().map(|one| of(&one.told)).sum::<u64>();
    let nodes = daemon.client().nodes().await.map_or(0, |nodes| nodes.iter().map(|node| node.good).sum::<u32>());
    let outset = daemon.0.outset;
    json!({
        "connection_status": "connected", "dht_nodes": nodes,
        "dl_info_speed": sum(|t| t.down_rate), "dl_info_data": sum(|t| t.downloaded),
        "up_info_speed": sum(|t| t.up_rate), "up_info_data": sum(|t| t.uploaded),
        "dl_rate_limit": outset.down.unwrap_or(0), "up_rate_limit": outset.up.unwrap_or(0),
        "last_external_address_v4": "", "last_external_address_v6": "",
    })
}

/// Carries `transfer/info` out.
pub(super) async fn transfer_info(daemon: &Daemon) -> Outcome {
    let hashes: Vec<_> = daemon.torrents().keys().copied().collect();
    let all = daemon.standing(&hashes, Ask::Nothing).await?;
    Ok(Done::Json(transfer(daemon, &all).await))
}
