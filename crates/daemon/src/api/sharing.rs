//! Content that is shared, over HTTP (own design).
//!
//! | request | answer |
//! |---|---|
//! | `POST /teem/v1/torrents/share` with `{"torrent", "folder", "name", "labels", "up_limit", "hosts", "tracker", "hashed"}` | 201, `{"torrent", "links"}` |
//! | `GET /teem/v1/torrents/{infohash}/links` | the links |
use crate::answer::{Refused, answer, bad, failed, of_add, read, refusal, torrent_in};
use crate::daemon::Daemon;
use crate::offers::Links;
use crate::sharing::Wishes;
use crate::told::Told;
use crate::wanted::Sharing;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use teem_client::metainfo::InfoHash;
use teem_web::extract::{Path, State};
use teem_web::http::StatusCode;
use teem_web::{Bytes, Response};
use utoipa::ToSchema;

/// Content that lies there whole, and how it is to be shared.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShareRequest {
    /// A .torrent file in base64, without trackers of the daemon's.
    torrent: String,
    /// The folder that holds the content, absolute; with a token it has to be below a root of the daemon's.
    #[schema(value_type = String)]
    folder: PathBuf,
    /// What the content is called there, where that is not the torrent's name.
    name: Option<String>,
    /// Words to find it by.
    #[serde(default)]
    labels: Vec<String>,
    /// Limit of what it sends, in payload bytes a second.
    up_limit: Option<u64>,
    /// Names and addresses that others reach this machine by.
    #[serde(default)]
    hosts: Vec<String>,
    /// Whether the daemon tracks it, with a page and the .torrent beside the tracker.
    #[serde(default)]
    tracker: bool,
    /// The fingerprint of files that were hashed just now, in 40 hexadecimal digits.
    hashed: Option<String>,
}

/// What is shared, and what others are given.
#[derive(Serialize, ToSchema)]
struct SharedTold {
    /// How the torrent stands.
    torrent: Told,
    /// What others are given.
    links: Links,
}

/// Shares content that lies there whole: nothing of it is ever changed. One that is shared already from there is offered as is wanted now.
#[utoipa::path(post, path = "/teem/v1/torrents/share", request_body = ShareRequest, responses((status = 201, body = SharedTold, description = "the torrent and its links")))]
pub(super) async fn share(State(daemon): State<Daemon>, body: Bytes) -> Response {
    match shared(&daemon, &body).await {
        Ok(told) => answer(StatusCode::CREATED, &told),
        Err(refused) => refusal(&refused),
    }
}

async fn shared(daemon: &Daemon, body: &[u8]) -> Result<SharedTold, Refused> {
    let request: ShareRequest = read(body)?;
    let file = torrent_in(&request.torrent)?;
    let wishes = Wishes {
        folder: request.folder,
        name: request.name,
        labels: request.labels.into_iter().collect(),
        up: request.up_limit,
        sharing: Sharing { hosts: request.hosts, tracks: request.tracker },
        hashed: request.hashed.as_deref().map(digest).transpose()?,
    };
    let (torrent, links) = daemon.share(&file, wishes).await.map_err(|e| of_add(&e))?;
    Ok(SharedTold { torrent, links })
}

/// The bytes of a fingerprint.
fn digest(text: &str) -> Result<Vec<u8>, Refused> {
    let digest = text.parse::<InfoHash>();
    digest.map(|digest| digest.0.to_vec()).map_err(|_| bad("`hashed` is to be 40 hexadecimal digits".to_owned()))
}

/// What others are given of a torrent that is shared.
#[utoipa::path(get, path = "/teem/v1/torrents/{infohash}/links", params(("infohash" = String, Path, description = "40 hexadecimal digits")), responses((status = 200, body = Links, description = "the links")))]
pub(super) async fn links(State(daemon): State<Daemon>, Path(hash): Path<String>) -> Response {
    match hash.parse() {
        Ok(hash) => match daemon.links(hash).await {
            Ok(links) => answer(StatusCode::OK, &links),
            Err(e) => refusal(&failed(&e)),
        },
        Err(_) => refusal(&bad("a torrent is named by the 40 hexadecimal digits of its info-hash here".to_owned())),
    }
}
