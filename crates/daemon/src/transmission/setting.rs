//! `torrent-set` (Transmission's rpc-spec, "Torrent mutator"): labels, limits and files; what cannot be had is refused before anything is changed.
use super::args::Args;
use super::envelope::{Outcome, Refused};
use super::fields::KILO;
use super::names::Style;
use crate::change::{Changes, Limit, Until};
use crate::daemon::Daemon;
use crate::failed::Failed;
use crate::goals::{Part, Parts, thousandths};
use crate::policy::Move;
use crate::standing::{self, Ask};
use crate::tiers::{Edit, of_lines};
use serde_json::Map;
use teem_client::metainfo::{Info, InfoHash};
use teem_client::{Choice, Priority, Selection, source};

/// Whose a limit of seeding is (`seedRatioMode`): the session's, the torrent's own, nobody's.
const OF_SESSION: i64 = 0;
const OF_ITS_OWN: i64 = 1;

/// Carries `torrent_set` out.
pub(super) async fn set(daemon: &Daemon, args: &Args, hashes: &[InfoHash]) -> Outcome {
    refuse(args)?;
    let trackers = tracker_edits(args)?;
    let changes = Changes {
        trackers,
        labels: args.texts("labels").map(|labels| labels.into_iter().filter(|label| !label.is_empty()).collect()),
        up: limit(args, "upload_limit", "upload_limited"),
        down: limit(args, "download_limit", "download_limited"),
        ..Changes::default()
    };
    let done = if is_about_files(args) || is_about_goals(args) {
        each_by_itself(daemon, args, hashes, changes).await
    } else {
        daemon.set_of(hashes, changes).await
    };
    done.map_err(Refused::cannot)?;
    if let Some(place) = args.int("queue_position") {
        let place = usize::try_from(place.max(0)).unwrap_or(usize::MAX);
        daemon.queue(hashes, Move::At(place)).await.map_err(Refused::cannot)?;
    }
    Ok((Map::new(), Style::Kebab).into())
}

/// What this program does not have and is asked for.
fn refuse(args: &Args) -> Result<(), Refused> {
    let cannot = |key: &str| Err(Refused::cannot(format!("{} is not supported", key.replace('_', "-"))));
    if args.get("location").is_some() {
        return cannot("location");
    }
    if args.text("group").is_some_and(|group| !group.is_empty()) {
        return cannot("group");
    }
    for (key, usual) in [("bandwidth_priority", 0), ("sequential_download", 0)] {
        if args.int(key).is_some_and(|value| value != usual) || args.flag(key) == Some(true) {
            return cannot(key);
        }
    }
    if args.flag("honors_session_limits") == Some(false) {
        return cannot("honors_session_limits");
    }
    Ok(())
}

/// What is to become of the trackers; the newest of the keys says all of them.
fn tracker_edits(args: &Args) -> Result<Vec<Edit>, Refused> {
    let mut edits = Vec::new();
    if let Some(urls) = args.texts("tracker_add") {
        edits.push(Edit::Add(urls.into_iter().map(|url| vec![url]).collect()));
    }
    // Pairs of a number and a URL; before removals, which move the numbers.
    if let Some(pairs) = args.get("tracker_replace").and_then(|value| value.as_array()) {
        for pair in pairs.chunks(2) {
            let [place, url] = pair else { return Err(bad_pairs()) };
            let place = place.as_u64().and_then(|place| usize::try_from(place).ok()).ok_or_else(bad_pairs)?;
            edits.push(Edit::ReplaceAt(place, url.as_str().ok_or_else(bad_pairs)?.to_owned()));
        }
    }
    if let Some(places) = args.ints("tracker_remove") {
        edits.push(Edit::RemoveAt(places.into_iter().filter_map(|place| usize::try_from(place).ok()).collect()));
    }
    if let Some(lines) = args.text("tracker_list") {
        edits.push(Edit::All(of_lines(lines)));
    }
    Ok(edits)
}

fn bad_pairs() -> Refused {
    Refused::Arguments("trackerReplace is a list of pairs: the number of a tracker and its new URL".to_owned())
}

/// Kilobytes a second, where the torrent is limited.
fn limit(args: &Args, value: &str, is_limited: &str) -> Limit {
    let rate = args.int(value).and_then(|rate| u64::try_from(rate).ok()).map(|rate| rate.saturating_mul(KILO));
    match (args.flag(is_limited), rate) {
        (Some(false), _) => Limit::Becomes(None),
        (_, Some(rate)) => Limit::Becomes(Some(rate)),
        (_, None) => Limit::Stays,
    }
}

/// The priority of a file from what it is.
type Becomes = fn(Priority) -> Priority;

/// The keys about files, with what becomes of the priority of each file that they name.
const ABOUT_FILES: [(&str, Becomes); 5] = [
    ("files_unwanted", |_| Priority::Skip),
    ("files_wanted", |is| if is == Priority::Skip { Priority::Normal } else { is }),
    // A file that is not wanted stays so; there is no low priority here.
    ("priority_high", |is| if is == Priority::Skip { is } else { Priority::High }),
    ("priority_low", |is| if is == Priority::Skip { is } else { Priority::Normal }),
    ("priority_normal", |is| if is == Priority::Skip { is } else { Priority::Normal }),
];

fn is_about_files(args: &Args) -> bool {
    ABOUT_FILES.iter().any(|(key, _)| args.get(key).is_some())
}

/// The priority of each file of a torrent that is added so, padding counted; empty where nothing is said of files. An empty list names none here.
pub(super) fn chosen(args: &Args, file: &[u8]) -> Result<Vec<Priority>, String> {
    if !names_files(args) {
        return Ok(Vec::new());
    }
    let info = source::from_bytes("it", file).map_err(|e| e.to_string())?.info.ok_or("it has no files")?;
    let mut all = vec![Priority::Normal; info.files().len()];
    for (places, priority) in wishes(args, &info, false, |_| Priority::Normal)? {
        for place in places {
            all[place as usize] = priority;
        }
    }
    Choice::Files(Selection::of(all.clone())).of(&info)?;
    Ok(all)
}

/// Whether files are named.
pub(super) fn names_files(args: &Args) -> bool {
    ABOUT_FILES.iter().any(|(key, _)| args.ints(key).is_some_and(|named| !named.is_empty()))
}

fn is_about_goals(args: &Args) -> bool {
    let keys = ["seed_ratio_limit", "seed_ratio_mode", "seed_idle_limit", "seed_idle_mode"];
    keys.iter().any(|key| args.get(key).is_some())
}

/// A part of a goal as it is to be: a limit alone changes a torrent's own.
fn part(is: Part, mode: Option<i64>, limit: Option<u64>) -> Part {
    match (mode, limit) {
        (Some(OF_SESSION), _) => Part::OfRules,
        (Some(OF_ITS_OWN), Some(limit)) => Part::Own(limit),
        (None, Some(limit)) if matches!(is, Part::Own(_)) => Part::Own(limit),
        (Some(OF_ITS_OWN) | None, _) => is,
        (Some(_), _) => Part::Never,
    }
}

fn goals(args: &Args, is: Parts) -> Parts {
    let ratio = args.real("seed_ratio_limit").and_then(thousandths);
    let idle = args
        .int("seed_idle_limit")
        .and_then(|minutes| u64::try_from(minutes).ok())
        .map(|minutes| minutes.saturating_mul(60));
    Parts {
        ratio: part(is.ratio, args.int("seed_ratio_mode"), ratio),
        idle: part(is.idle, args.int("seed_idle_mode"), idle),
        ..is
    }
}

async fn each_by_itself(daemon: &Daemon, args: &Args, hashes: &[InfoHash], changes: Changes) -> Result<(), Failed> {
    let all = daemon.standing(hashes, Ask::Nothing).await?;
    let rules = daemon.0.policy.rules().goal;
    for one in &all {
        let mut changes = changes.clone();
        if is_about_goals(args) {
            changes.until = Until::Becomes(goals(args, Parts::of(one.row.course.until)).goal(rules));
        }
        if !is_about_files(args) {
            daemon.set_of(&[one.hash], changes).await?;
            continue;
        }
        let Some(info) = daemon.info(one.hash).await? else {
            return Err(Failed::Wish(format!("the files of {} are not known yet", one.told.name)));
        };
        let is = one.row.choice().of(&info).unwrap_or_default();
        let files = wishes(args, &info, true, |file| is.file(file)).map_err(Failed::Wish)?;
        daemon.set_of(&[one.hash], Changes { files, ..changes }).await?;
    }
    Ok(())
}

/// The priority of each file that gets another one. Programs count files without padding, and mean all of them by none where `none_is_all`.
fn wishes(
    args: &Args,
    info: &Info,
    none_is_all: bool,
    is: impl Fn(usize) -> Priority,
) -> Result<Vec<(Vec<u32>, Priority)>, String> {
    let stored = standing::Parts::places(info);
    let before: Vec<Priority> = stored.iter().map(|at| is(*at as usize)).collect();
    let mut after = before.clone();
    for (key, becomes) in ABOUT_FILES {
        let Some(named) = args.ints(key) else { continue };
        let named: Vec<usize> = if named.is_empty() && none_is_all {
            (0..after.len()).collect()
        } else {
            named.into_iter().map(|n| n as usize).collect()
        };
        for file in named {
            let all = before.len();
            let place = after.get_mut(file).ok_or_else(|| format!("there is no file {file}: there are {all}"))?;
            *place = becomes(*place);
        }
    }
    let changed = |to: Priority| {
        let files = stored.iter().enumerate().filter(|(n, _)| before[*n] != after[*n] && after[*n] == to);
        (files.map(|(_, at)| *at).collect::<Vec<u32>>(), to)
    };
    let all = [Priority::Skip, Priority::Normal, Priority::High].map(changed);
    Ok(all.into_iter().filter(|(files, _)| !files.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use teem_client::metainfo::Limits;

    fn args(value: Value) -> Args {
        match value {
            Value::Object(map) => Args::new(map),
            _ => Args::default(),
        }
    }

    #[test]
    fn limits_are_kilobytes_and_their_flag_decides() {
        let of = |value| limit(&args(value), "upload_limit", "upload_limited");
        assert_eq!(of(json!({"uploadLimit": 50, "uploadLimited": true})), Limit::Becomes(Some(50_000)));
        assert_eq!(of(json!({"uploadLimit": 50, "uploadLimited": false})), Limit::Becomes(None));
        assert_eq!(of(json!({"upload-limit": 7})), Limit::Becomes(Some(7_000)));
        assert_eq!((of(json!({})), of(json!({"uploadLimit": -1}))), (Limit::Stays, Limit::Stays));
    }

    #[test]
    fn files_are_counted_without_padding_and_what_is_not_wanted_stays_so() {
        use Priority::{High, Normal, Skip};
        let file = |name: &str, attr: &str| format!("d{attr}6:lengthi16384e4:pathl{}:{name}ee", name.len());
        let files = [file("a", ""), file("p", "4:attr1:p"), file("b", ""), file("c", "")].concat();
        let raw = format!("d5:filesl{files}e4:name1:t12:piece lengthi16384e6:pieces80:{}e", "h".repeat(80));
        let info = Info::parse(raw.as_bytes(), &Limits::FILE).unwrap();
        let of = |value| wishes(&args(value), &info, true, |file| if file == 3 { Skip } else { Normal });
        assert_eq!(of(json!({"files-unwanted": [1]})), Ok(vec![(vec![2], Skip)]));
        assert_eq!(of(json!({"priority-high": [], "files-wanted": [2]})), Ok(vec![(vec![0, 2, 3], High)]));
        assert_eq!(of(json!({"priority-low": [2, 1]})), Ok(vec![]));
        assert!(of(json!({"files-wanted": [3]})).unwrap_err().contains("no file 3"));
        let file = [b"d4:info", raw.as_bytes(), b"e"].concat();
        let of = |value| chosen(&args(value), &file);
        let some = json!({"files-unwanted": [1], "files-wanted": [], "priority-high": [2]});
        assert_eq!(of(some), Ok(vec![Normal, Normal, Skip, High]));
        assert_eq!(of(json!({"files-wanted": []})), Ok(vec![]));
        assert!(of(json!({"files-unwanted": [0, 1, 2]})).is_err(), "something has to be wanted");
    }

    #[test]
    fn goals_are_of_the_session_of_the_torrents_own_or_nobodys() {
        let of = |value, is| goals(&args(value), is);
        let own = Parts { ratio: Part::Own(1200), ..Parts::default() };
        assert_eq!(of(json!({"seedRatioLimit": 1.2, "seedRatioMode": 1}), Parts::default()), own);
        assert_eq!(of(json!({"seedRatioLimit": 2}), own).ratio, Part::Own(2000));
        assert_eq!(of(json!({"seedRatioLimit": 2}), Parts::default()), Parts::default());
        assert_eq!(of(json!({"seedRatioMode": 0}), own), Parts::default());
        let idle = of(json!({"seedRatioMode": 2, "seedIdleMode": 1, "seedIdleLimit": 30}), own);
        assert_eq!((idle.ratio, idle.idle), (Part::Never, Part::Own(1800)));
    }

    #[test]
    fn trackers_are_named_by_number_or_all_at_once() {
        let of = |value| tracker_edits(&args(value)).map_err(|_| ());
        let text = |text: &str| text.to_owned();
        assert_eq!(of(json!({"trackerAdd": ["u:1", 7]})), Ok(vec![Edit::Add(vec![vec![text("u:1")]])]));
        let both = of(json!({"trackerRemove": [2], "trackerReplace": [0, "u:2"]}));
        assert_eq!(both, Ok(vec![Edit::ReplaceAt(0, text("u:2")), Edit::RemoveAt(vec![2])]));
        assert_eq!(
            of(json!({"trackerList": "u:1\n\nu:2"})),
            Ok(vec![Edit::All(vec![vec![text("u:1")], vec![text("u:2")]])])
        );
        assert_eq!(of(json!({"trackerReplace": [0]})), Err(()));
        assert_eq!(of(json!({"trackerReplace": ["x", 0]})), Err(()));
    }

    #[test]
    fn what_cannot_be_had_is_refused() {
        for value in [json!({"group": "slow"}), json!({"bandwidthPriority": 1})] {
            assert!(refuse(&args(value.clone())).is_err(), "{value}");
        }
        assert!(refuse(&args(json!({"seedRatioMode": 0, "bandwidthPriority": 0, "seedRatioLimit": 2}))).is_ok());
    }
}
