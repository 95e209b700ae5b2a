//! Torrents with all that is kept of them, over HTTP (own design): told to their owner alone, since passkeys are in them.
//!
//! | request | answer |
//! |---|---|
//! | `GET /teem/v1/torrents/{infohash}/export` | the torrent with all that is kept of it |
//! | `POST /teem/v1/torrents/import` with `{"torrent": …, "dry_run"}` | 201, or 200 for a dry run: what came of it |
use crate::answer::{Refused, answer, bad, failed, of_add, read, refusal};
use crate::asker::is_token;
use crate::daemon::Daemon;
use crate::exported::Exported;
use crate::told::Told;
use serde::{Deserialize, Serialize};
use teem_client::metainfo::InfoHash;
use teem_web::extract::{Path, State};
use teem_web::http::StatusCode;
use teem_web::{Bytes, Response};
use utoipa::ToSchema;

/// What is to be taken over.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ImportRequest {
    /// The torrent with all that was kept of it.
    torrent: Exported,
    /// Whether nothing is to be changed: the answer says what would be.
    #[serde(default)]
    dry_run: bool,
}

/// What came of an import.
#[derive(Serialize, ToSchema)]
struct ImportTold {
    /// The 20 bytes that peers know it by, as 40 hexadecimal digits.
    infohash: String,
    /// Its name, or the info-hash where that is not known.
    name: String,
    /// The folder that its content lies in: an absolute path without links.
    folder: String,
    /// How it stands; null for a dry run.
    torrent: Option<Told>,
    /// Pieces that another program had verified and that are believed, since their files are as they were left; null where none was asked.
    believed: Option<u32>,
    /// Pieces that are hashed before anything is said of them; null where no other program was asked.
    to_check: Option<u32>,
}

/// Takes a torrent over with what was kept of it. Over the socket alone.
#[utoipa::path(post, path = "/teem/v1/torrents/import", request_body = ImportRequest, responses(
    (status = 201, body = ImportTold, description = "it is taken over"),
    (status = 200, body = ImportTold, description = "it would be"),
))]
pub(super) async fn import(State(daemon): State<Daemon>, body: Bytes) -> Response {
    match imported(&daemon, &body).await {
        Ok(told) if told.torrent.is_some() => answer(StatusCode::CREATED, &told),
        Ok(told) => answer(StatusCode::OK, &told),
        Err(refused) => refusal(&refused),
    }
}

async fn imported(daemon: &Daemon, body: &[u8]) -> Result<ImportTold, Refused> {
    owner_only()?;
    let request: ImportRequest = read(body)?;
    let imported = daemon.import(request.torrent, request.dry_run).await.map_err(|e| of_add(&e))?;
    Ok(ImportTold {
        infohash: imported.hash.to_string(),
        name: imported.name,
        folder: imported.folder.display().to_string(),
        torrent: imported.torrent,
        believed: imported.believed.map(|(believed, _)| believed),
        to_check: imported.believed.map(|(_, check)| check),
    })
}

/// A torrent with all that is kept of it, for another daemon. Over the socket alone.
#[utoipa::path(get, path = "/teem/v1/torrents/{infohash}/export", params(("infohash" = String, Path, description = "40 hexadecimal digits")), responses((status = 200, body = Exported, description = "the torrent")))]
pub(super) async fn export(State(daemon): State<Daemon>, Path(hash): Path<String>) -> Response {
    match exported(&daemon, &hash).await {
        Ok(exported) => answer(StatusCode::OK, &exported),
        Err(refused) => refusal(&refused),
    }
}

async fn exported(daemon: &Daemon, hash: &str) -> Result<Exported, Refused> {
    owner_only()?;
    let of = "a torrent is named by the 40 hexadecimal digits of its info-hash here";
    let hash: InfoHash = hash.parse().map_err(|_| bad(of.to_owned()))?;
    daemon.export(hash).await.map_err(|e| failed(&e))
}

fn owner_only() -> Result<(), Refused> {
    if is_token() {
        return Err(Refused(StatusCode::FORBIDDEN, "scope", "this is for the daemon's socket alone".to_owned()));
    }
    Ok(())
}
