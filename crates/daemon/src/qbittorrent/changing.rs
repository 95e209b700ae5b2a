//! What changes torrents (qBittorrent's Web API, "Torrent management"): each change is on the disk before it is answered.
use super::form::Form;
use super::listing::{hashes, one};
use super::outcome::{Done, Outcome, Refused};
use super::sharing;
use crate::change::{Changes, Limit, Until};
use crate::daemon::Daemon;
use crate::policy::Move;
use crate::standing::Parts;
use teem_client::Priority;
use teem_client::policy::ByHand;

/// Has torrents rest or go on.
pub(super) async fn pause(daemon: &Daemon, form: &Form, paused: bool) -> Outcome {
    daemon.set_paused_of(&hashes(daemon, form)?, paused).await?;
    Ok(Done::Nothing)
}

/// Removes torrents, and their content where that is said.
pub(super) async fn delete(daemon: &Daemon, form: &Form) -> Outcome {
    let with_files = form.flag("deleteFiles").ok_or_else(|| Refused::missing("deleteFiles"))?;
    let hashes = hashes(daemon, form)?;
    if with_files {
        daemon.remove_with_data(&hashes).await?;
    } else {
        daemon.remove_these(&hashes).await?;
    }
    Ok(Done::Nothing)
}

/// Has trackers asked.
pub(super) fn announce(daemon: &Daemon, form: &Form) -> Outcome {
    daemon.announce_of(&hashes(daemon, form)?);
    Ok(Done::Nothing)
}

/// Which way a limit is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// What is sent to peers.
    Up,
    /// What comes from peers.
    Down,
}

/// Sets the limit of torrents; 0 and less is none.
pub(super) async fn limit(daemon: &Daemon, form: &Form, way: Way) -> Outcome {
    let rate = form.int("limit").ok_or_else(|| Refused::missing("limit"))?;
    let limit = Limit::Becomes(u64::try_from(rate).ok().filter(|rate| *rate > 0));
    let changes = match way {
        Way::Up => Changes { up: limit, ..Changes::default() },
        Way::Down => Changes { down: limit, ..Changes::default() },
    };
    daemon.set_of(&hashes(daemon, form)?, changes).await?;
    Ok(Done::Nothing)
}

/// The limits of torrents, 0 where there is none.
pub(super) fn limits(daemon: &Daemon, form: &Form, way: Way) -> Outcome {
    let hashes = hashes(daemon, form)?;
    let torrents = daemon.torrents();
    let of = |row: &crate::row::Row| if way == Way::Up { row.up } else { row.down };
    let each =
        hashes.iter().filter_map(|hash| Some((hash.to_string(), of(&torrents.get(hash)?.row).unwrap_or(0).into())));
    Ok(Done::Json(serde_json::Value::Object(each.collect())))
}

/// Sets how much files are wanted: 0 not, 1 as others, 6 and 7 first.
pub(super) async fn priority(daemon: &Daemon, form: &Form) -> Outcome {
    let priority = match form.int("priority") {
        Some(0) => Priority::Skip,
        Some(1 | 4) => Priority::Normal,
        Some(6 | 7) => Priority::High,
        _ => return Err(Refused::bad("`priority` is 0, 1, 6 or 7")),
    };
    let one = one(daemon, form).await?;
    let info = daemon.info(one.hash).await?.ok_or_else(|| Refused::conflict("its files are not known yet"))?;
    let stored = Parts::places(&info);
    let place = |id: &String| {
        let id: usize = id.parse().map_err(|_| Refused::bad(format!("`id`: {id} is no number")))?;
        stored.get(id).copied().ok_or_else(|| Refused::conflict(format!("there is no file {id}")))
    };
    let files = form.list("id", '|').iter().map(place).collect::<Result<Vec<u32>, Refused>>()?;
    daemon.set_of(&[one.hash], Changes { files: vec![(files, priority)], ..Changes::default() }).await?;
    Ok(Done::Nothing)
}

/// What is granted because it is so already, and refused where it is to be otherwise.
pub(super) fn only(form: &Form, key: &str, is: &str) -> Outcome {
    match form.text(key) {
        Some(wanted) if !wanted.eq_ignore_ascii_case(is) => {
            Err(Refused::conflict(format!("{key}={wanted} is not supported")))
        }
        _ => Ok(Done::Nothing),
    }
}

/// Sets the goals of torrents.
pub(super) async fn share_limits(daemon: &Daemon, form: &Form) -> Outcome {
    let parts = sharing::wanted(form).ok_or_else(|| Refused::missing("ratioLimit"))?;
    let until = Until::Becomes(parts.goal(daemon.0.policy.rules().goal));
    daemon.set_of(&hashes(daemon, form)?, Changes { until, ..Changes::default() }).await?;
    Ok(Done::Nothing)
}

/// Moves torrents in the queue, if there is one.
pub(super) async fn queue(daemon: &Daemon, form: &Form, to: Move) -> Outcome {
    if !daemon.0.policy.rules().has_queue() {
        return Err(Refused::conflict("Torrent queueing must be enabled"));
    }
    daemon.queue(&hashes(daemon, form)?, to).await?;
    Ok(Done::Nothing)
}

/// Has torrents work whatever others do, or take their turn again.
pub(super) async fn force(daemon: &Daemon, form: &Form) -> Outcome {
    let hashes = hashes(daemon, form)?;
    if form.flag("value") == Some(true) {
        daemon.set_paused_of(&hashes, false).await?;
        daemon.queue(&hashes, Move::Force).await?;
    } else {
        daemon.queue(&hashes, Move::Unforce).await?;
    }
    Ok(Done::Nothing)
}

/// Has the alternative limits hold or not: as `mode` says, else the other way than now.
pub(super) async fn alternative(daemon: &Daemon, form: &Form) -> Outcome {
    let wanted = form.flag("mode").unwrap_or(!daemon.alternative().0);
    let by_hand = if wanted { ByHand::On } else { ByHand::Off };
    daemon.set_alternative(by_hand).await.map_err(Refused::conflict)?;
    Ok(Done::Nothing)
}

/// Hashes content again.
pub(super) async fn recheck(daemon: &Daemon, form: &Form) -> Outcome {
    daemon.recheck(&hashes(daemon, form)?).await?;
    Ok(Done::Nothing)
}

/// Moves content into another folder, below the daemon's first where it is not absolute.
pub(super) async fn relocate(daemon: &Daemon, form: &Form, key: &str) -> Outcome {
    let folder = form.text(key).ok_or_else(|| Refused::missing(key))?;
    daemon.move_to(&hashes(daemon, form)?, &daemon.first_root().join(folder)).await?;
    Ok(Done::Nothing)
}

/// Moves what is not complete into the folder that it lies in until it is; without one to where it ends.
pub(super) async fn set_incomplete(daemon: &Daemon, form: &Form) -> Outcome {
    let hashes = hashes(daemon, form)?;
    let path = form.get("path").unwrap_or_default();
    if !path.is_empty() {
        daemon.move_until_complete(&hashes, &daemon.first_root().join(path)).await?;
        return Ok(Done::Nothing);
    }
    for hash in hashes {
        let home = daemon.torrents().get(&hash).and_then(|kept| kept.row.goes_to.clone());
        if let Some(home) = home {
            daemon.move_now(&[hash], &home).await?;
        }
    }
    Ok(Done::Nothing)
}

/// Gives a file or folder another name.
pub(super) async fn rename(daemon: &Daemon, form: &Form) -> Outcome {
    let text = |key: &str| form.text(key).ok_or_else(|| Refused::missing(key));
    let (path, to) = (text("oldPath")?, text("newPath")?);
    let one = one(daemon, form).await?;
    daemon.rename(one.hash, path, to).await?;
    Ok(Done::Nothing)
}
