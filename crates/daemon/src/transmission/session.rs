//! What is said of the session (Transmission's rpc-spec, "Session requests"): what the daemon was told when it began, and its figures.
use super::args::{Args, Ids};
use super::chosen::choose;
use super::envelope::{Dialect, Done, Outcome, Refused};
use super::fields::{KILO, PEERS_MAX};
use super::names::{Style, inside};
use crate::daemon::Daemon;
use crate::goals::ratio;
use crate::standing::Ask;
use crate::told::Told;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use teem_client::event::State;
use teem_client::policy::ByHand;
use teem_client::{Encryption, Transports};

/// What each dialect's programs take this one for: the words, the interface's number, its version.
const LEGACY: (&str, u32, &str) = (concat!("4.0.6 (teem ", env!("CARGO_PKG_VERSION"), ")"), 17, "5.3.0");
const NEWER: (&str, u32, &str) = (concat!("4.1.0 (teem ", env!("CARGO_PKG_VERSION"), ")"), 18, "6.0.0");

/// Connections of all torrents together.
const CONNECTIONS_MAX: u32 = 400;

/// The oldest interface that is understood.
const RPC_MIN: u32 = 14;

/// Carries `session_get` out: the values that are asked for, or all.
pub(super) fn get(daemon: &Daemon, args: &Args, dialect: Dialect) -> Done {
    let wanted: Option<BTreeSet<String>> =
        args.texts("fields").map(|names| names.iter().map(|name| inside(name)).collect());
    let told = told(daemon, dialect).into_iter();
    (told.filter(|(key, _)| wanted.as_ref().is_none_or(|wanted| wanted.contains(key))).collect(), Style::Kebab)
}

fn told(daemon: &Daemon, dialect: Dialect) -> Map<String, Value> {
    let settings = daemon.0.outset;
    let (version, rpc, semver) = if dialect == Dialect::Legacy { LEGACY } else { NEWER };
    let encryption = match settings.encryption {
        Encryption::Require => "required",
        Encryption::Prefer => "preferred",
        _ if dialect == Dialect::Legacy => "tolerated",
        _ => "allowed",
    };
    let kilo = |rate: Option<u64>| rate.unwrap_or(0) / KILO;
    let units = |per: &str| ["k", "M", "G", "T"].map(|letter| format!("{letter}B{per}"));
    let cache = if dialect == Dialect::Legacy { "cache_size_mb" } else { "cache_size_mib" };
    let mut told = json!({
        "dht_enabled": settings.dht,
        "download_dir": daemon.first_root().to_string_lossy(),
        "download_dir_free_space": daemon.free(),
        "encryption": encryption,
        "lpd_enabled": settings.lsd,
        "peer_limit_global": CONNECTIONS_MAX, "peer_limit_per_torrent": PEERS_MAX,
        "peer_port": daemon.client().port(), "peer_port_random_on_start": settings.free_port,
        "pex_enabled": settings.pex,
        "port_forwarding_enabled": settings.map_ports,
        "rpc_version": rpc, "rpc_version_minimum": RPC_MIN, "rpc_version_semver": semver,
        "session_id": daemon.transmission().id,
        "speed_limit_down": kilo(settings.down), "speed_limit_down_enabled": settings.down.is_some(),
        "speed_limit_up": kilo(settings.up), "speed_limit_up_enabled": settings.up.is_some(),
        "start_added_torrents": true,
        "tcp_enabled": settings.transports != Transports::Utp,
        "units": {
            "speed_units": units("/s"), "speed_bytes": KILO, "size_units": units(""), "size_bytes": KILO,
            "memory_units": ["KiB", "MiB", "GiB", "TiB"], "memory_bytes": 1024,
        },
        "utp_enabled": settings.transports != Transports::Tcp,
        "version": version,
    });
    told[cache] = 0.into();
    [told, of_rules(daemon), not_here()]
        .into_iter()
        .filter_map(|part| if let Value::Object(map) = part { Some(map) } else { None })
        .flatten()
        .collect()
}

/// What the rules say.
fn of_rules(daemon: &Daemon) -> Value {
    let rules = daemon.0.policy.rules();
    let (goal, other, places) = (rules.goal, rules.speed.other, rules.places);
    let size = |places: Option<std::num::NonZeroU32>| places.map_or(0, std::num::NonZeroU32::get);
    let incomplete = rules.incomplete.as_ref();
    json!({
        "incomplete_dir": incomplete.map(|folder| folder.to_string_lossy()).unwrap_or_default(),
        "incomplete_dir_enabled": incomplete.is_some(),
        "alt_speed_enabled": daemon.alternative().0,
        "alt_speed_down": other.down.unwrap_or(0) / KILO, "alt_speed_up": other.up.unwrap_or(0) / KILO,
        "download_queue_enabled": places.downloads.is_some(), "download_queue_size": size(places.downloads),
        "seed_queue_enabled": places.seeds.is_some(), "seed_queue_size": size(places.seeds),
        "seed_ratio_limited": goal.ratio.is_some(), "seed_ratio_limit": ratio(goal.ratio.unwrap_or(0)),
        "idle_seeding_limit_enabled": goal.idle_s.is_some(), "idle_seeding_limit": goal.idle_s.unwrap_or(0) / 60,
        "queue_stalled_enabled": rules.has_queue(), "queue_stalled_minutes": rules.stalled.as_secs() / 60,
    })
}

/// What this program does not have, as those tell it who have it and do not use it.
fn not_here() -> Value {
    json!({
        "alt_speed_time_begin": 540, "alt_speed_time_day": 127,
        "alt_speed_time_enabled": false, "alt_speed_time_end": 1020,
        "anti_brute_force_enabled": false, "anti_brute_force_threshold": 0,
        "blocklist_enabled": false, "blocklist_size": 0, "blocklist_url": "",
        "config_dir": "",
        "default_trackers": "",
        "rename_partial_files": false,
        "script_torrent_added_enabled": false, "script_torrent_added_filename": "",
        "script_torrent_done_enabled": false, "script_torrent_done_filename": "",
        "script_torrent_done_seeding_enabled": false, "script_torrent_done_seeding_filename": "",
        "trash_original_torrent_files": false,
    })
}

/// Carries `session_set` out: the alternative limits hold or do not, what already is as it is wanted is granted, what this program does not have
/// is not looked at, and the rest stands in the daemon's file.
pub(super) async fn set(daemon: &Daemon, args: &Args, dialect: Dialect) -> Outcome {
    let told = told(daemon, dialect);
    for key in args.keys() {
        if key != BY_HAND
            && let Some(is) = told.get(key)
            && args.get(key).is_some_and(|wanted| !same(wanted, is))
        {
            return Err(Refused::cannot(format!(
                "{key} is set where the daemon is started, and cannot be changed from here"
            )));
        }
    }
    if let Some(wanted) = args.flag(BY_HAND) {
        let by_hand = if wanted { ByHand::On } else { ByHand::Off };
        daemon.set_alternative(by_hand).await.map_err(Refused::cannot)?;
    }
    Ok((Map::new(), Style::Kebab))
}

/// What is said by hand.
const BY_HAND: &str = "alt_speed_enabled";

/// Whether both say the same: numbers are compared as such, and a truth may be one.
fn same(a: &Value, b: &Value) -> bool {
    let number = |value: &Value| value.as_f64().or_else(|| value.as_bool().map(|is| f64::from(u8::from(is))));
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.total_cmp(&b).is_eq(),
        _ => a == b,
    }
}

/// Carries `session_stats` out: how many torrents there are, and their figures together.
pub(super) async fn stats(daemon: &Daemon) -> Outcome {
    let chosen = choose(daemon, &Ids::All).await.map_err(Refused::cannot)?;
    let hashes: Vec<_> = chosen.torrents.iter().map(|(_, hash)| *hash).collect();
    let all = daemon.standing(&hashes, Ask::Nothing).await.map_err(Refused::cannot)?;
    let sum = |of: fn(&Told) -> u64| all.iter().map(|one| of(&one.told)).sum::<u64>();
    let paused =
        all.iter().filter(|one| matches!(one.state(), State::Paused | State::Stopping | State::Failed)).count();
    let totals = |down: u64, up: u64| {
        json!({
            "downloaded_bytes": down,
            "uploaded_bytes": up,
            "files_added": 0,
            "session_count": 1,
            "seconds_active": daemon.transmission().begun.elapsed().as_secs(),
        })
    };
    let told = json!({
        "active_torrent_count": all.len() - paused,
        "paused_torrent_count": paused,
        "torrent_count": all.len(),
        "download_speed": sum(|t| t.down_rate),
        "upload_speed": sum(|t| t.up_rate),
        "cumulative_stats": totals(sum(|t| t.downloaded_total), sum(|t| t.uploaded_total)),
        "current_stats": totals(sum(|t| t.downloaded), sum(|t| t.uploaded)),
    });
    match told {
        Value::Object(map) => Ok((map, Style::Camel)),
        _ => Err(Refused::Method),
    }
}

/// Answers `free_space`, of the daemon's own folders.
pub(super) async fn free_space(daemon: &Daemon, args: &Args) -> Outcome {
    let Some(path) = args.text("path") else { return Err(Refused::Arguments("no path specified".to_owned())) };
    let (free, all) = daemon.space(Path::new(path)).await.map_err(Refused::Cannot)?;
    let told = [("path", path.into()), ("size_bytes", free.into()), ("total_size", all.into())];
    Ok((told.into_iter().map(|(key, value): (_, Value)| (key.to_owned(), value)).collect(), Style::Kebab))
}
