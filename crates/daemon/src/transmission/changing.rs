//! What changes torrents (Transmission's rpc-spec, "Torrent action requests", "Torrent mutator", "Removing", "Moving"): each change is on the disk before it is
//! answered.
use super::args::Args;
use super::chosen::choose;
use super::envelope::{Outcome, Refused};
use super::names::Style;
use super::setting;
use crate::daemon::Daemon;
use crate::failed::Failed;
use crate::policy::Move;
use serde_json::Map;
use std::path::Path;
use teem_client::metainfo::InfoHash;

async fn chosen(daemon: &Daemon, args: &Args) -> Result<Vec<InfoHash>, Refused> {
    let chosen = choose(daemon, &args.ids()).await.map_err(Refused::cannot)?;
    Ok(chosen.torrents.into_iter().map(|(_, hash)| hash).collect())
}

fn done<T>(result: Result<T, Failed>) -> Outcome {
    result.map(|_| (Map::new(), Style::Kebab).into()).map_err(Refused::cannot)
}

/// Answers `torrent_start`, `torrent_start_now` and `torrent_stop`.
pub(super) async fn pause(daemon: &Daemon, args: &Args, paused: bool) -> Outcome {
    done(daemon.set_paused_of(&chosen(daemon, args).await?, paused).await)
}

/// Carries `torrent_remove` out, of torrents that are named.
pub(super) async fn remove(daemon: &Daemon, args: &Args) -> Outcome {
    // All would be removed for want of a word.
    if args.get("ids").is_none() {
        return Err(Refused::Arguments("no ids specified".to_owned()));
    }
    if args.flag("delete_local_data") == Some(true) {
        return done(daemon.remove_with_data(&chosen(daemon, args).await?).await);
    }
    done(daemon.remove_these(&chosen(daemon, args).await?).await)
}

/// Carries `torrent_reannounce` out.
pub(super) async fn announce(daemon: &Daemon, args: &Args) -> Outcome {
    daemon.announce_of(&chosen(daemon, args).await?);
    Ok((Map::new(), Style::Kebab).into())
}

/// Carries `torrent_set` out.
pub(super) async fn set(daemon: &Daemon, args: &Args) -> Outcome {
    setting::set(daemon, args, &chosen(daemon, args).await?).await
}

/// Carries the moves in the queue out.
pub(super) async fn queue(daemon: &Daemon, args: &Args, to: Move) -> Outcome {
    done(daemon.queue(&chosen(daemon, args).await?, to).await)
}

/// Carries `torrent_start_now` out: it works whatever others do.
pub(super) async fn start_now(daemon: &Daemon, args: &Args) -> Outcome {
    let hashes = chosen(daemon, args).await?;
    done(daemon.set_paused_of(&hashes, false).await)?;
    done(daemon.queue(&hashes, Move::Force).await)
}

/// Carries `torrent_verify` out.
pub(super) async fn verify(daemon: &Daemon, args: &Args) -> Outcome {
    done(daemon.recheck(&chosen(daemon, args).await?).await)
}

/// Carries `torrent_set_location` out, by moving what there is.
pub(super) async fn set_location(daemon: &Daemon, args: &Args) -> Outcome {
    let location = args.text("location").filter(|location| !location.is_empty());
    let location = location.ok_or_else(|| Refused::Arguments("no location specified".to_owned()))?;
    if args.flag("move") != Some(true) {
        return Err(Refused::cannot("content is not looked for elsewhere: with `move` it is moved"));
    }
    done(daemon.move_to(&chosen(daemon, args).await?, Path::new(location)).await)
}

/// Carries `torrent_rename_path` out.
pub(super) async fn rename(daemon: &Daemon, args: &Args) -> Outcome {
    let text = |key: &str| args.text(key).ok_or_else(|| Refused::Arguments(format!("no {key} specified")));
    let (path, name) = (text("path")?, text("name")?);
    let torrents = choose(daemon, &args.ids()).await.map_err(Refused::cannot)?.torrents;
    let [(number, hash)] = torrents[..] else {
        return Err(Refused::Arguments("one torrent is to be named".to_owned()));
    };
    let to = path.rsplit_once('/').map_or_else(|| name.to_owned(), |(folder, _)| format!("{folder}/{name}"));
    done(daemon.rename(hash, path, &to).await)?;
    let told = [("path", path.into()), ("name", name.into()), ("id", number.into())];
    Ok((told.into_iter().map(|(key, value): (_, serde_json::Value)| (key.to_owned(), value)).collect(), Style::Kebab)
        .into())
}
