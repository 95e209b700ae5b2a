//! What is done to a torrent's files over HTTP (own design).
//!
//! | request | answer |
//! |---|---|
//! | `POST /teem/v1/torrents/remove` with `{"select": [SEL…], "with_data": false}` | the torrents as they were |
//! | `POST /teem/v1/torrents/move` with `{"select": [SEL…], "folder": DIR}` | the torrents, `moving` where that takes long |
//! | `POST /teem/v1/torrents/rename` with `{"select": [SEL], "path": PATH, "to": PATH}` | the torrent |
//! | `POST /teem/v1/torrents/recheck` with `{"select": [SEL…]}` | the torrents, `checking` |
use crate::answer::{Refused, bad, check, read, refusal, selected, told};
use crate::daemon::Daemon;
use crate::failed::Failed;
use crate::select::Selector;
use crate::told::Told;
use serde::Deserialize;
use std::path::PathBuf;
use teem_web::extract::State;
use teem_web::routing::post;
use teem_web::{Bytes, Response, Router};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RemoveRequest {
    select: Vec<String>,
    #[serde(default)]
    with_data: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MoveRequest {
    select: Vec<String>,
    folder: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RenameRequest {
    select: Vec<String>,
    path: String,
    to: String,
}

pub(super) fn routes() -> Router<Daemon> {
    Router::new()
        .route("/teem/v1/torrents/remove", post(remove))
        .route("/teem/v1/torrents/move", post(relocate))
        .route("/teem/v1/torrents/rename", post(rename))
        .route("/teem/v1/torrents/recheck", post(recheck))
}

async fn remove(State(daemon): State<Daemon>, body: Bytes) -> Response {
    let wanted = read(&body).and_then(|RemoveRequest { select, with_data }| Ok((check(&select)?, with_data)));
    match wanted {
        Ok((select, true)) => told(daemon.remove_selected_with_data(&select).await),
        Ok((select, false)) => told(daemon.remove(&select).await),
        Err(refused) => refusal(&refused),
    }
}

async fn relocate(State(daemon): State<Daemon>, body: Bytes) -> Response {
    let wanted = read(&body).and_then(|MoveRequest { select, folder }| Ok((check(&select)?, folder)));
    match wanted {
        Ok((select, folder)) => told(daemon.move_selected(&select, &folder).await),
        Err(refused) => refusal(&refused),
    }
}

async fn rename(State(daemon): State<Daemon>, body: Bytes) -> Response {
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

async fn recheck(State(daemon): State<Daemon>, body: Bytes) -> Response {
    match selected(&body) {
        Ok(select) => told(daemon.recheck_selected(&select).await),
        Err(refused) => refusal(&refused),
    }
}
