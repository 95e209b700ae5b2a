//! Which method is which (Transmission's rpc-spec), and what a token has to allow for it.
use super::envelope::{Call, Outcome, Refused};
use super::names::Style;
use super::{adding, changing, get, session};
use crate::daemon::Daemon;
use crate::policy::Move;
use crate::token::Scope;

/// Carries a request out, for one who may do so much.
pub(super) async fn carry_out(daemon: &Daemon, call: &Call, scope: Scope) -> Outcome {
    let needed = needed(&call.method).ok_or(Refused::Method)?;
    if scope < needed {
        return Err(Refused::cannot(format!("this token allows to {scope}, and this needs {needed}")));
    }
    let (args, dialect) = (&call.args, call.dialect);
    match call.method.as_str() {
        "torrent_get" => get::get(daemon, call, scope >= Scope::Control).await,
        "torrent_add" => adding::add(daemon, args).await,
        "torrent_start" => changing::pause(daemon, args, false).await,
        "torrent_start_now" => changing::start_now(daemon, args).await,
        "torrent_stop" => changing::pause(daemon, args, true).await,
        "torrent_remove" => changing::remove(daemon, args).await,
        "torrent_verify" => changing::verify(daemon, args).await,
        "torrent_set_location" => changing::set_location(daemon, args).await,
        "torrent_rename_path" => changing::rename(daemon, args).await,
        "torrent_set" => changing::set(daemon, args).await,
        "torrent_reannounce" => changing::announce(daemon, args).await,
        "queue_move_top" => changing::queue(daemon, args, Move::Top).await,
        "queue_move_up" => changing::queue(daemon, args, Move::Up).await,
        "queue_move_down" => changing::queue(daemon, args, Move::Down).await,
        "queue_move_bottom" => changing::queue(daemon, args, Move::Bottom).await,
        "session_get" => Ok(session::get(daemon, args, dialect)),
        "session_set" => session::set(daemon, args, dialect).await,
        "session_stats" => Ok(session::stats(daemon)),
        "free_space" => session::free_space(daemon, args).await,
        // There are none.
        "group_get" => Ok(([("group".to_owned(), serde_json::json!([]))].into_iter().collect(), Style::Kebab).into()),
        other => Err(Refused::cannot(format!("{} is not supported", other.replace('_', "-")))),
    }
}

/// Whether a method changes anything.
pub(super) fn changes(method: &str) -> bool {
    needed(method).is_some_and(|needed| needed > Scope::Read)
}

/// What a method takes; `None` where there is no such method.
fn needed(method: &str) -> Option<Scope> {
    match method {
        "torrent_get" | "session_get" | "session_stats" | "free_space" | "group_get" | "port_test" => Some(Scope::Read),
        "torrent_add" => Some(Scope::Add),
        "torrent_start"
        | "torrent_start_now"
        | "torrent_stop"
        | "torrent_verify"
        | "torrent_reannounce"
        | "torrent_set"
        | "torrent_remove"
        | "torrent_set_location"
        | "torrent_rename_path"
        | "session_set"
        | "queue_move_top"
        | "queue_move_up"
        | "queue_move_down"
        | "queue_move_bottom"
        | "blocklist_update"
        | "group_set" => Some(Scope::Control),
        "session_close" => Some(Scope::Admin),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_look_and_nothing_else() {
        assert_eq!(needed("torrent_get"), Some(Scope::Read));
        assert_eq!(needed("torrent_add"), Some(Scope::Add));
        assert_eq!(needed("torrent_remove"), Some(Scope::Control));
        assert_eq!((needed("torrent-get"), needed("")), (None, None));
    }
}
