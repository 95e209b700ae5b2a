//! What is said of the program itself (qBittorrent's Web API, `app/*` and `transfer/*`): what the daemon was told when it began, and its figures.
use super::changing::Way;
use super::form::Form;
use super::outcome::{Done, Outcome, Refused};
use crate::daemon::Daemon;
use crate::goals::{ratio, thousandths};
use crate::policy::Said;
use crate::sums::Sums;
use serde_json::{Map, Value, json};
use std::num::NonZeroU32;
use teem_client::policy::{Goal, Speed, Then};
use teem_client::{Encryption, Transports};

/// What programs take this one for: the last of qBittorrent's versions whose contract old and new ones know.
pub(super) const VERSION: &str = "v5.1.4";
pub(super) const API_VERSION: &str = "2.11.4";

/// Connections of all torrents together, and of one.
const CONNECTIONS_MAX: u32 = 400;
const PEERS_MAX: u32 = 80;

/// Carries `app/preferences` out.
pub(super) fn preferences(daemon: &Daemon) -> Map<String, Value> {
    let (outset, usual) = (daemon.0.outset, daemon.0.policy.rules().speed.usual);
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
        "dl_limit": usual.down.unwrap_or(0), "up_limit": usual.up.unwrap_or(0),
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
    let size = |places: Option<NonZeroU32>| places.map_or(-1, |places| i64::from(places.get()));
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

/// The limits of all torrents that hold now.
fn limits(daemon: &Daemon) -> Speed {
    let speed = &daemon.0.policy.rules().speed;
    if daemon.alternative().0 { speed.other } else { speed.usual }
}

/// The limit of all torrents one way, 0 where there is none.
pub(super) fn limit(daemon: &Daemon, way: Way) -> String {
    let limits = limits(daemon);
    let limit = if way == Way::Up { limits.up } else { limits.down };
    limit.unwrap_or(0).to_string()
}

/// Sets the limit of all torrents that holds now; 0 and less is none.
pub(super) async fn set_limit(daemon: &Daemon, form: &Form, way: Way) -> Outcome {
    let rate = form.int("limit").ok_or_else(|| Refused::missing("limit"))?;
    let limit = Some(u64::try_from(rate).ok().filter(|rate| *rate > 0));
    let said = match (way, daemon.alternative().0) {
        (Way::Up, false) => Said { up: limit, ..Said::default() },
        (Way::Down, false) => Said { down: limit, ..Said::default() },
        (Way::Up, true) => Said { other_up: limit, ..Said::default() },
        (Way::Down, true) => Said { other_down: limit, ..Said::default() },
    };
    daemon.say(said).await?;
    Ok(Done::Nothing)
}

/// The keys of preferences that are kept.
const KEPT: [&str; 13] = [
    "dl_limit",
    "up_limit",
    "alt_dl_limit",
    "alt_up_limit",
    "max_ratio_enabled",
    "max_ratio",
    "max_seeding_time_enabled",
    "max_seeding_time",
    "max_inactive_seeding_time_enabled",
    "max_inactive_seeding_time",
    "max_active_downloads",
    "max_active_uploads",
    "max_active_checking_torrents",
];

/// What is to hold of all torrents, where something is said of that.
fn said(wanted: &Map<String, Value>, goal: Goal) -> Said {
    let number = |key: &str| wanted.get(key).and_then(Value::as_f64);
    let rate = |key: &str| number(key).map(|rate| Some(rate.max(0.0) as u64).filter(|rate| *rate > 0));
    let places = |key: &str| number(key).map(|places| NonZeroU32::new(places.max(0.0) as u32));
    // A number counts unless it is switched off beside it.
    let part = |is: Option<u64>, key: &str, to: fn(f64) -> Option<u64>| {
        let flag = wanted.get(&format!("{key}_enabled")).and_then(Value::as_bool);
        match (flag, number(key)) {
            (Some(false), _) => None,
            (_, Some(number)) => Some(number).filter(|number| *number >= 0.0).and_then(to),
            (_, None) => is,
        }
    };
    let seconds = |minutes: f64| (minutes < 1e9).then_some(minutes as u64 * 60);
    let changed = Goal {
        ratio: part(goal.ratio, "max_ratio", thousandths),
        time_s: part(goal.time_s, "max_seeding_time", seconds),
        idle_s: part(goal.idle_s, "max_inactive_seeding_time", seconds),
        ..goal
    };
    Said {
        up: rate("up_limit"),
        down: rate("dl_limit"),
        other_up: rate("alt_up_limit"),
        other_down: rate("alt_dl_limit"),
        downloads: places("max_active_downloads"),
        seeds: places("max_active_uploads"),
        checks: places("max_active_checking_torrents"),
        goal: (changed != goal).then_some(changed),
    }
}

/// Carries `app/setPreferences` out: limits, goal and places are kept, what already is as it is wanted is granted, what this program does not have is
/// not looked at.
pub(super) async fn set_preferences(daemon: &Daemon, form: &Form) -> Outcome {
    let text = form.text("json").ok_or_else(|| Refused::missing("json"))?;
    let wanted: Map<String, Value> =
        serde_json::from_str(text).map_err(|e| Refused::bad(format!("`json` is no object: {e}")))?;
    let told = preferences(daemon);
    for (key, value) in &wanted {
        if !KEPT.contains(&key.as_str())
            && let Some(is) = told.get(key)
            && is != value
            && is.as_f64().zip(value.as_f64()).is_none_or(|(a, b)| a.total_cmp(&b).is_ne())
        {
            return Err(Refused::conflict(format!(
                "{key} is set where the daemon is started, and cannot be changed from here"
            )));
        }
    }
    let said = said(&wanted, daemon.0.policy.rules().goal);
    if said != Said::default() {
        daemon.say(said).await?;
    }
    Ok(Done::Nothing)
}

/// Carries `app/buildInfo` out.
pub(super) fn build_info() -> Value {
    json!({"qt": "", "libtorrent": "", "boost": "", "openssl": "", "zlib": "", "bitness": usize::BITS, "platform": std::env::consts::OS,
        "teem": env!("CARGO_PKG_VERSION")})
}

/// What is told of all torrents together, of `transfer/info` and of `sync/maindata`.
pub(super) async fn transfer(daemon: &Daemon, all: &Sums) -> Value {
    let nodes = daemon.client().nodes().await.map_or(0, |nodes| nodes.iter().map(|node| node.good).sum::<u32>());
    let limits = limits(daemon);
    json!({
        "connection_status": "connected", "dht_nodes": nodes,
        "dl_info_speed": all.down_rate, "dl_info_data": all.downloaded,
        "up_info_speed": all.up_rate, "up_info_data": all.uploaded,
        "dl_rate_limit": limits.down.unwrap_or(0), "up_rate_limit": limits.up.unwrap_or(0),
        "last_external_address_v4": "", "last_external_address_v6": "",
    })
}

/// Carries `transfer/info` out.
pub(super) async fn transfer_info(daemon: &Daemon) -> Outcome {
    Ok(Done::Json(transfer(daemon, &daemon.sums()).await))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: Value) -> Said {
        said(value.as_object().unwrap(), "ratio=2".parse().unwrap())
    }

    #[test]
    fn what_is_said_of_all_is_found_among_preferences() {
        assert_eq!(of(json!({"locale": "en", "dht": true})), Said::default());
        let limits = of(
            json!({"dl_limit": 5_000, "up_limit": 0, "alt_up_limit": -1, "max_active_downloads": 3, "max_active_uploads": -1}),
        );
        let expected = Said {
            down: Some(Some(5_000)),
            up: Some(None),
            other_up: Some(None),
            downloads: Some(NonZeroU32::new(3)),
            seeds: Some(None),
            ..Said::default()
        };
        assert_eq!(limits, expected);
        let goal = |value| of(value).goal.map(|goal| goal.to_string());
        assert_eq!(goal(json!({"max_ratio_enabled": true, "max_ratio": 2})), None, "as it is");
        assert_eq!(
            goal(json!({"max_seeding_time_enabled": true, "max_seeding_time": 1})).as_deref(),
            Some("ratio=2 or time=60")
        );
        assert_eq!(goal(json!({"max_ratio_enabled": false, "max_ratio": 2})).as_deref(), Some("forever"));
        assert_eq!(goal(json!({"max_ratio": -1, "max_inactive_seeding_time": 10})).as_deref(), Some("idle=600"));
    }
}
