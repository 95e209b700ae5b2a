//! Which call is which (qBittorrent's Web API), what a token has to allow for it, and which must be posted.
use super::changing::Way;
use super::form::Form;
use super::outcome::{Done, Outcome, Refused};
use super::{adding, application, changing, labels, listing, sync, trackers};
use crate::daemon::Daemon;
use crate::policy::Move;
use crate::token::Scope;
use serde_json::{Value, json};
use teem_web::http::StatusCode;

/// A call that was let in.
pub(super) struct Call<'a> {
    /// What stands behind `/api/v2/` in the URL.
    pub(super) path: &'a str,
    pub(super) posted: bool,
    pub(super) form: &'a Form,
    pub(super) scope: Scope,
    /// By which the program is known again.
    pub(super) program: &'a str,
}

/// Carries a call out.
pub(super) async fn carry_out(daemon: &Daemon, call: Call<'_>) -> Outcome {
    let Call { path, posted, form, scope, program } = call;
    let needed = needed(path).ok_or_else(|| Refused(StatusCode::NOT_FOUND, format!("there is no {path} here")))?;
    if needed > Scope::Read && !posted {
        return Err(Refused(StatusCode::METHOD_NOT_ALLOWED, format!("{path} is to be posted")));
    }
    if scope < needed {
        return Err(Refused(StatusCode::FORBIDDEN, format!("this token allows to {scope}, and this needs {needed}")));
    }
    let secrets = scope >= Scope::Control;
    let json = |value: Value| Ok(Done::Json(value));
    let text = |text: &str| Ok(Done::Text(text.to_owned()));
    match path {
        "app/version" => text(application::VERSION),
        "app/webapiVersion" => text(application::API_VERSION),
        "app/buildInfo" => json(application::build_info()),
        "app/preferences" => json(application::preferences(daemon).into()),
        "app/setPreferences" => application::set_preferences(daemon, form).await,
        "app/defaultSavePath" => text(&daemon.first_root().to_string_lossy()),
        "app/networkInterfaceList" | "app/networkInterfaceAddressList" | "app/cookies" | "log/main" | "log/peers" => {
            json(json!([]))
        }
        "sync/maindata" => sync::maindata(daemon, form, program, secrets).await,
        "sync/torrentPeers" => sync::peers(daemon, form).await,
        "transfer/info" => application::transfer_info(daemon).await,
        "transfer/speedLimitsMode" => text(if daemon.alternative().0 { "1" } else { "0" }),
        "transfer/setSpeedLimitsMode" | "transfer/toggleSpeedLimitsMode" => changing::alternative(daemon, form).await,
        "transfer/downloadLimit" => text(&application::limit(daemon, Way::Down)),
        "transfer/uploadLimit" => text(&application::limit(daemon, Way::Up)),
        "transfer/setDownloadLimit" => application::set_limit(daemon, form, Way::Down).await,
        "transfer/setUploadLimit" => application::set_limit(daemon, form, Way::Up).await,
        "torrents/count" => text(&daemon.torrents().len().to_string()),
        "torrents/info" => listing::info(daemon, form, secrets).await,
        "torrents/properties" => listing::properties(daemon, form).await,
        "torrents/trackers" => listing::trackers(daemon, form, secrets).await,
        "torrents/webseeds" => listing::one(daemon, form).await.map(|_| Done::Json(json!([]))),
        "torrents/categories" => json(labels::categories(daemon)),
        "torrents/tags" => json(labels::tags(daemon)),
        "torrents/add" => adding::add(daemon, form).await,
        "torrents/start" | "torrents/resume" => changing::pause(daemon, form, false).await,
        "torrents/stop" | "torrents/pause" => changing::pause(daemon, form, true).await,
        "torrents/delete" => changing::delete(daemon, form).await,
        "torrents/files" => listing::files(daemon, form).await,
        "torrents/pieceStates" => listing::pieces(daemon, form).await,
        "torrents/pieceHashes" => listing::piece_hashes(daemon, form).await,
        // It tells the passkeys in it.
        "torrents/export" if !secrets => Err(Refused(StatusCode::FORBIDDEN, format!("{path} needs control"))),
        "torrents/export" => listing::export(daemon, form).await,
        "torrents/reannounce" => changing::announce(daemon, form),
        "torrents/downloadLimit" => changing::limits(daemon, form, Way::Down),
        "torrents/uploadLimit" => changing::limits(daemon, form, Way::Up),
        "torrents/setDownloadLimit" => changing::limit(daemon, form, Way::Down).await,
        "torrents/setUploadLimit" => changing::limit(daemon, form, Way::Up).await,
        "torrents/recheck" => changing::recheck(daemon, form).await,
        "torrents/setLocation" => changing::relocate(daemon, form, "location").await,
        "torrents/setSavePath" => changing::relocate(daemon, form, "path").await,
        "torrents/setDownloadPath" => changing::set_incomplete(daemon, form).await,
        "torrents/renameFile" | "torrents/renameFolder" => changing::rename(daemon, form).await,
        "torrents/filePrio" => changing::priority(daemon, form).await,
        "torrents/setShareLimits" => changing::share_limits(daemon, form).await,
        "torrents/setForceStart" => changing::force(daemon, form).await,
        "torrents/setSuperSeeding" => changing::only(form, "value", "false"),
        "torrents/setAutoManagement" => changing::only(form, "enable", "false"),
        "torrents/topPrio" => changing::queue(daemon, form, Move::Top).await,
        "torrents/bottomPrio" => changing::queue(daemon, form, Move::Bottom).await,
        "torrents/increasePrio" => changing::queue(daemon, form, Move::Up).await,
        "torrents/decreasePrio" => changing::queue(daemon, form, Move::Down).await,
        "torrents/setCategory" => labels::set_category(daemon, form).await,
        "torrents/removeCategories" => labels::remove_categories(daemon, form).await,
        "torrents/addTags" => labels::add_tags(daemon, form).await,
        "torrents/setTags" => labels::set_tags(daemon, form).await,
        "torrents/removeTags" => labels::remove_tags(daemon, form).await,
        "torrents/deleteTags" => labels::delete_tags(daemon, form).await,
        "torrents/createCategory" => labels::create_category(daemon, form).await,
        "torrents/editCategory" => labels::edit_category(daemon, form).await,
        "torrents/createTags" => labels::create_tags(daemon, form).await,
        "torrents/addTrackers" => trackers::add(daemon, form).await,
        "torrents/editTracker" => trackers::edit(daemon, form).await,
        "torrents/removeTrackers" => trackers::remove(daemon, form).await,
        other => Err(Refused(StatusCode::CONFLICT, format!("{other} is not supported"))),
    }
}

/// Whether a call changes anything.
pub(super) fn changes(path: &str) -> bool {
    needed(path).is_some_and(|needed| needed > Scope::Read)
}

/// What a call takes; `None` where there is no such call.
fn needed(path: &str) -> Option<Scope> {
    match path {
        "app/version"
        | "app/webapiVersion"
        | "app/buildInfo"
        | "app/preferences"
        | "app/defaultSavePath"
        | "app/networkInterfaceList"
        | "app/networkInterfaceAddressList"
        | "app/cookies"
        | "log/main"
        | "log/peers"
        | "sync/maindata"
        | "sync/torrentPeers"
        | "transfer/info"
        | "transfer/speedLimitsMode"
        | "transfer/downloadLimit"
        | "transfer/uploadLimit"
        | "torrents/count"
        | "torrents/info"
        | "torrents/properties"
        | "torrents/trackers"
        | "torrents/webseeds"
        | "torrents/files"
        | "torrents/pieceStates"
        | "torrents/pieceHashes"
        | "torrents/categories"
        | "torrents/tags"
        | "torrents/export"
        | "torrents/downloadLimit"
        | "torrents/uploadLimit" => Some(Scope::Read),
        "torrents/add" | "torrents/createCategory" | "torrents/createTags" => Some(Scope::Add),
        "torrents/start"
        | "torrents/resume"
        | "torrents/stop"
        | "torrents/pause"
        | "torrents/delete"
        | "torrents/recheck"
        | "torrents/reannounce"
        | "torrents/setCategory"
        | "torrents/editCategory"
        | "torrents/removeCategories"
        | "torrents/addTags"
        | "torrents/setTags"
        | "torrents/removeTags"
        | "torrents/deleteTags"
        | "torrents/setLocation"
        | "torrents/setSavePath"
        | "torrents/setDownloadPath"
        | "torrents/rename"
        | "torrents/renameFile"
        | "torrents/renameFolder"
        | "torrents/filePrio"
        | "torrents/setShareLimits"
        | "torrents/setUploadLimit"
        | "torrents/setDownloadLimit"
        | "torrents/topPrio"
        | "torrents/bottomPrio"
        | "torrents/increasePrio"
        | "torrents/decreasePrio"
        | "torrents/setForceStart"
        | "torrents/setSuperSeeding"
        | "torrents/setAutoManagement"
        | "torrents/toggleSequentialDownload"
        | "torrents/toggleFirstLastPiecePrio"
        | "torrents/addTrackers"
        | "torrents/editTracker"
        | "torrents/removeTrackers"
        | "torrents/addPeers"
        | "torrents/addWebSeeds"
        | "torrents/editWebSeed"
        | "torrents/removeWebSeeds"
        | "transfer/setSpeedLimitsMode"
        | "transfer/toggleSpeedLimitsMode"
        | "transfer/setDownloadLimit"
        | "transfer/setUploadLimit"
        | "transfer/banPeers"
        | "app/setPreferences" => Some(Scope::Control),
        "app/shutdown" => Some(Scope::Admin),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_look_and_nothing_else() {
        assert_eq!(needed("torrents/info"), Some(Scope::Read));
        assert_eq!(needed("torrents/add"), Some(Scope::Add));
        assert_eq!(needed("torrents/delete"), Some(Scope::Control));
        assert_eq!((needed("torrents/explode"), needed("")), (None, None));
    }
}
