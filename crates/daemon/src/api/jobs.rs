//! What is done to a torrent's files over HTTP (own design).
//!
//! | request | answer |
//! |---|---|
//! | `POST /teem/v1/torrents/remove` with `{"select": [SEL…], "with_data": false}` | the torrents as they were |
//! | `POST /teem/v1/torrents/move` with `{"select": [SEL…], "folder": DIR, "now": false}` | the torrents, `moving` where that takes long |
//! | `POST /teem/v1/torrents/rename` with `{"select": [SEL], "path": PATH, "to": PATH}` | the torrent |
//! | `POST /teem/v1/torrents/recheck` with `{"select": [SEL…]}` | the torrents, `checking` |
use crate::answer::{Refused, SelectRequest, bad, check, read, refusal, selected, told};
use crate::daemon::Daemon;
use crate::failed::Failed;
use crate::select::Selector;
use crate::told::Told;
use serde::Deserialize;
use std::path::PathBuf;
use teem_web::extract::State;
use teem_web::routing::post;
use teem_web::{Bytes, Response, Router};
use utoipa::ToSchema;

/// What is removed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RemoveRequest {
    /// Which torrents: selectors, as for `pause`.
    select: Vec<String>,
    /// Whether their own files go too, and the folders of their own that are empty then.
    #[serde(default)]
    with_data: bool,
}

/// What is moved where.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MoveRequest {
    /// Which torrents: selectors, as for `pause`.
    select: Vec<String>,
    /// The folder that their content goes into: an absolute path below a root of the daemon's.
    #[schema(value_type = String)]
    folder: PathBuf,
    /// Whether it is moved at once although it would be once it is complete.
    #[serde(default)]
    now: bool,
}

/// What gets another name.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RenameRequest {
    /// Which torrent: selectors, as for `pause`, that fit one.
    select: Vec<String>,
    /// The path of a file or folder of its content, with slashes; it begins with the name of the content itself.
    path: String,
    /// Its path from then on, which begins so too.
    to: String,
}

pub(super) fn routes() -> Router<Daemon> {
    Router::new()
        .route("/teem/v1/torrents/remove", post(remove))
        .route("/teem/v1/torrents/move", post(relocate))
        .route("/teem/v1/torrents/rename", post(rename))
        .route("/teem/v1/torrents/recheck", post(recheck))
}

/// Removes torrents; their files stay where they are unless `with_data` says otherwise.
///
/// Answers with the torrents as they were.
#[utoipa::path(post, path = "/teem/v1/torrents/remove", request_body = RemoveRequest, responses((status = 200, body = Vec<Told>, description = "the torrents")))]
pub(super) async fn remove(State(daemon): State<Daemon>, body: Bytes) -> Response {
    let wanted = read(&body).and_then(|RemoveRequest { select, with_data }| Ok((check(&select)?, with_data)));
    match wanted {
        Ok((select, true)) => told(daemon.remove_selected_with_data(&select).await),
        Ok((select, false)) => told(daemon.remove(&select).await),
        Err(refused) => refusal(&refused),
    }
}

/// Moves the content of torrents into another folder.
///
/// What lies apart until it is complete goes there then, unless it is to be `now`. Answers after five seconds at most: a torrent that is still under way then is `moving`.
#[utoipa::path(post, path = "/teem/v1/torrents/move", operation_id = "move", request_body = MoveRequest, responses((status = 200, body = Vec<Told>, description = "the torrents")))]
pub(super) async fn relocate(State(daemon): State<Daemon>, body: Bytes) -> Response {
    let wanted = read(&body).and_then(|MoveRequest { select, folder, now }| Ok((check(&select)?, folder, now)));
    match wanted {
        Ok((select, folder, now)) => told(daemon.move_selected(&select, &folder, now).await),
        Err(refused) => refusal(&refused),
    }
}

/// Gives a file or folder of one torrent another name.
#[utoipa::path(post, path = "/teem/v1/torrents/rename", request_body = RenameRequest, responses((status = 200, body = Vec<Told>, description = "the torrents")))]
pub(super) async fn rename(State(daemon): State<Daemon>, body: Bytes) -> Response {
    match renamed(&daemon, &body).await {
        Ok(done) => told(done),
        Err(refused) => refusal(&refused),
    }
}

async fn renamed(daemon: &Daemon, body: &[u8]) -> Result<Result<Vec<Told>, Failed>, Refused> {
    let RenameRequest { select, path, to } = read(body)?;
    let select: Vec<Selector> = check(&select)?;
    Ok(match daemon.select(&select).await {
        Ok(hashes) => match hashes[..] {
            [hash] => daemon.rename(hash, &path, &to).await,
            _ => return Err(bad(format!("{} torrents are selected: one at a time gets other names", hashes.len()))),
        },
        Err(e) => Err(e),
    })
}

/// Has the content of torrents hashed again.
#[utoipa::path(post, path = "/teem/v1/torrents/recheck", request_body = SelectRequest, responses((status = 200, body = Vec<Told>, description = "the torrents")))]
pub(super) async fn recheck(State(daemon): State<Daemon>, body: Bytes) -> Response {
    match selected(&body) {
        Ok(select) => told(daemon.recheck_selected(&select).await),
        Err(refused) => refusal(&refused),
    }
}
