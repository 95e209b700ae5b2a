//! One torrent looked at closely over HTTP (own design): `GET /teem/v1/torrents/{infohash}/{files,peers,trackers}`.
use crate::answer::{bad, refusal, told};
use crate::daemon::Daemon;
use teem_client::metainfo::InfoHash;
use teem_web::Response;
use teem_web::extract::{Path, State};

pub(super) async fn files(State(daemon): State<Daemon>, Path(hash): Path<String>) -> Response {
    match hash.parse() {
        Ok(hash) => told(daemon.files(hash).await),
        Err(_) => unknown(),
    }
}

pub(super) async fn peers(State(daemon): State<Daemon>, Path(hash): Path<String>) -> Response {
    match hash.parse() {
        Ok(hash) => told(daemon.peers(hash).await),
        Err(_) => unknown(),
    }
}

pub(super) async fn trackers(State(daemon): State<Daemon>, Path(hash): Path<String>) -> Response {
    match hash.parse::<InfoHash>() {
        Ok(hash) => told(daemon.trackers(hash).await),
        Err(_) => unknown(),
    }
}

fn unknown() -> Response {
    refusal(&bad("a torrent is named by the 40 hexadecimal digits of its info-hash here".to_owned()))
}
