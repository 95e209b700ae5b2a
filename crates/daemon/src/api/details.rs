//! One torrent looked at closely over HTTP (own design): `GET /teem/v1/torrents/{infohash}/{files,peers,trackers}`.
use crate::answer::{bad, refusal, told};
use crate::daemon::Daemon;
use crate::details::{FileTold, PeerTold, TrackerTold};
use teem_client::metainfo::InfoHash;
use teem_web::Response;
use teem_web::extract::{Path, State};

/// The files of a torrent; none while the metadata is missing.
#[utoipa::path(get, path = "/teem/v1/torrents/{infohash}/files", params(("infohash" = String, Path, description = "40 hexadecimal digits")), responses((status = 200, body = Vec<FileTold>, description = "the files, padding left out")))]
pub(super) async fn files(State(daemon): State<Daemon>, Path(hash): Path<String>) -> Response {
    match hash.parse() {
        Ok(hash) => told(daemon.files(hash).await),
        Err(_) => unknown(),
    }
}

/// The connected peers of a torrent, 100 at most.
#[utoipa::path(get, path = "/teem/v1/torrents/{infohash}/peers", params(("infohash" = String, Path, description = "40 hexadecimal digits")), responses((status = 200, body = Vec<PeerTold>, description = "the peers")))]
pub(super) async fn peers(State(daemon): State<Daemon>, Path(hash): Path<String>) -> Response {
    match hash.parse() {
        Ok(hash) => told(daemon.peers(hash).await),
        Err(_) => unknown(),
    }
}

/// The trackers of a torrent, in the order in which they are tried.
#[utoipa::path(get, path = "/teem/v1/torrents/{infohash}/trackers", params(("infohash" = String, Path, description = "40 hexadecimal digits")), responses((status = 200, body = Vec<TrackerTold>, description = "the trackers")))]
pub(super) async fn trackers(State(daemon): State<Daemon>, Path(hash): Path<String>) -> Response {
    match hash.parse::<InfoHash>() {
        Ok(hash) => told(daemon.trackers(hash).await),
        Err(_) => unknown(),
    }
}

fn unknown() -> Response {
    refusal(&bad("a torrent is named by the 40 hexadecimal digits of its info-hash here".to_owned()))
}
