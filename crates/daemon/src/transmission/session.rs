//! What is said of the session (Transmission's rpc-spec, "Session requests"): what the daemon was told when it began, and its figures.
use super::args::Args;
use super::envelope::{Dialect, Done, Outcome, Refused};
use super::fields::{KILO, PEERS_MAX};
use super::names::{Style, inside};
use crate::daemon::Daemon;
use crate::goals::{ratio, thousandths};
use crate::policy::Said;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::Path;
use teem_client::event::State;
use teem_client::policy::{ByHand, Goal};
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
    (told.filter(|(key, _)| wanted.as_ref().is_none_or(|wanted| wanted.contains(key))).collect(), Style::Kebab).into()
}

fn told(daemon: &Daemon, dialect: Dialect) -> Map<String, Value> {
    let (settings, usual) = (daemon.0.outset, daemon.0.policy.rules().speed.usual);
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
        "speed_limit_down": kilo(usual.down), "speed_limit_down_enabled": usual.down.is_some(),
        "speed_limit_up": kilo(usual.up), "speed_limit_up_enabled": usual.up.is_some(),
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
    let size = |places: Option<NonZeroU32>| places.map_or(0, NonZeroU32::get);
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

/// Carries `session_set` out: limits, goal and places are kept, what already is as it is wanted is granted, what this program does not have
/// is not looked at, and the rest stands in the daemon's file.
pub(super) async fn set(daemon: &Daemon, args: &Args, dialect: Dialect) -> Outcome {
    let told = told(daemon, dialect);
    for key in args.keys() {
        if key != BY_HAND
            && !KEPT.contains(&key)
            && let Some(is) = told.get(key)
            && args.get(key).is_some_and(|wanted| !same(wanted, is))
        {
            return Err(Refused::cannot(format!(
                "{key} is set where the daemon is started, and cannot be changed from here"
            )));
        }
    }
    let said = said(args, &told, daemon.0.policy.rules().goal);
    if said != Said::default() {
        daemon.say(said).await.map_err(Refused::cannot)?;
    }
    if let Some(wanted) = args.flag(BY_HAND) {
        let by_hand = if wanted { ByHand::On } else { ByHand::Off };
        daemon.set_alternative(by_hand).await.map_err(Refused::cannot)?;
    }
    Ok((Map::new(), Style::Kebab).into())
}

/// The keys of what is kept: each number with whether it counts.
const PAIRS: [(&str, &str); 6] = [
    ("speed_limit_up", "speed_limit_up_enabled"),
    ("speed_limit_down", "speed_limit_down_enabled"),
    ("download_queue_size", "download_queue_enabled"),
    ("seed_queue_size", "seed_queue_enabled"),
    ("seed_ratio_limit", "seed_ratio_limited"),
    ("idle_seeding_limit", "idle_seeding_limit_enabled"),
];
const KEPT: [&str; 14] = [
    PAIRS[0].0,
    PAIRS[0].1,
    PAIRS[1].0,
    PAIRS[1].1,
    PAIRS[2].0,
    PAIRS[2].1,
    PAIRS[3].0,
    PAIRS[3].1,
    PAIRS[4].0,
    PAIRS[4].1,
    PAIRS[5].0,
    PAIRS[5].1,
    "alt_speed_up",
    "alt_speed_down",
];

/// What is to hold of all torrents, where something is said of that. A number that is switched off is not kept.
fn said(args: &Args, told: &Map<String, Value>, goal: Goal) -> Said {
    let pair = |(number, flag): (&str, &str)| -> Option<Option<f64>> {
        let is_on = told.get(flag).and_then(Value::as_bool).unwrap_or(false);
        match (args.flag(flag), args.real(number)) {
            (Some(false), _) => Some(None),
            (Some(true), Some(number)) => Some(Some(number)),
            (None, Some(number)) if is_on => Some(Some(number)),
            // Switched on without a number, of which none is known: some always say so.
            _ => None,
        }
    };
    let [up, down, downloads, seeds, ratio, idle] = PAIRS.map(pair);
    // There is no limit where it is 0.
    let bytes = |kilo: f64| Some(whole(kilo * KILO as f64)).filter(|rate| *rate > 0);
    let rate = |said: Option<Option<f64>>| said.map(|said| said.and_then(bytes));
    let places = |said: Option<Option<f64>>| {
        said.map(|said| said.and_then(|n| NonZeroU32::new(u32::try_from(whole(n)).unwrap_or(u32::MAX))))
    };
    let other = |key: &str| args.real(key).map(bytes);
    let changed = Goal {
        ratio: ratio.map_or(goal.ratio, |said| said.and_then(thousandths)),
        idle_s: idle.map_or(goal.idle_s, |said| said.map(|minutes| whole(minutes).saturating_mul(60))),
        ..goal
    };
    Said {
        up: rate(up),
        down: rate(down),
        other_up: other("alt_speed_up"),
        other_down: other("alt_speed_down"),
        downloads: places(downloads),
        seeds: places(seeds),
        checks: None,
        goal: (changed != goal).then_some(changed),
    }
}

/// A number as programs send it without what stands behind its point; none below 0.
fn whole(number: f64) -> u64 {
    number.max(0.0) as u64
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

/// Answers `session_stats`: how many torrents there are, and their figures together.
pub(super) fn stats(daemon: &Daemon) -> Done {
    let sums = daemon.sums();
    let rests = [State::Paused, State::Stopping, State::Failed];
    let paused: u64 = rests.iter().filter_map(|state| sums.states.get(state.word())).sum();
    let totals = |down: u64, up: u64| {
        json!({
            "downloaded_bytes": down,
            "uploaded_bytes": up,
            "files_added": 0,
            "session_count": 1,
            "seconds_active": daemon.transmission().begun.elapsed().as_secs(),
        })
    };
    let told = [
        ("active_torrent_count", (sums.torrents - paused).into()),
        ("paused_torrent_count", paused.into()),
        ("torrent_count", sums.torrents.into()),
        ("download_speed", sums.down_rate.into()),
        ("upload_speed", sums.up_rate.into()),
        ("cumulative_stats", totals(sums.downloaded_total, sums.uploaded_total)),
        ("current_stats", totals(sums.downloaded, sums.uploaded)),
    ];
    let told: Map<String, Value> = told.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    (told, Style::Camel).into()
}

/// Answers `free_space`, of the daemon's own folders.
pub(super) async fn free_space(daemon: &Daemon, args: &Args) -> Outcome {
    let Some(path) = args.text("path") else { return Err(Refused::Arguments("no path specified".to_owned())) };
    let (free, all) = daemon.space(Path::new(path)).await.map_err(Refused::Cannot)?;
    let told = [("path", path.into()), ("size_bytes", free.into()), ("total_size", all.into())];
    Ok((told.into_iter().map(|(key, value): (_, Value)| (key.to_owned(), value)).collect(), Style::Kebab).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(asked: Value, told: Value) -> Said {
        let map = |value: Value| value.as_object().cloned().unwrap_or_default();
        said(&Args::new(map(asked)), &map(told), "time=60".parse().unwrap())
    }

    #[test]
    fn numbers_count_where_they_are_switched_on() {
        let on = json!({"speed-limit-up": 50, "speed-limit-up-enabled": true, "alt-speed-down": 7, "alt-speed-up": 0});
        let expected =
            Said { up: Some(Some(50_000)), other_down: Some(Some(7_000)), other_up: Some(None), ..Said::default() };
        assert_eq!(of(on, json!({})), expected);
        let off = json!({"speed-limit-down": 50, "speed-limit-down-enabled": false, "download-queue-size": 3});
        assert_eq!(of(off, json!({})), Said { down: Some(None), ..Said::default() });
        let is_on = json!({"download_queue_enabled": true});
        assert_eq!(
            of(json!({"download-queue-size": 3}), is_on),
            Said { downloads: Some(NonZeroU32::new(3)), ..Said::default() }
        );
        assert_eq!(of(json!({"seed-queue-enabled": true}), json!({})), Said::default());
        assert_eq!(of(json!({"seed-queue-enabled": true}), json!({"seed_queue_enabled": true})), Said::default());
    }

    #[test]
    fn goals_keep_their_other_parts() {
        let asked = json!({"seedRatioLimit": 1.5, "seedRatioLimited": true, "idle-seeding-limit": 2, "idle-seeding-limit-enabled": true});
        assert_eq!(
            of(asked, json!({})).goal.map(|goal| goal.to_string()).as_deref(),
            Some("ratio=1.5 or time=60 or idle=120")
        );
        assert_eq!(of(json!({"seedRatioLimited": false}), json!({})), Said::default());
    }
}
