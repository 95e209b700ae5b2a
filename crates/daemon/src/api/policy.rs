//! The queue and the other limits over HTTP (own design): `POST /teem/v1/torrents/queue`, `GET` and `POST /teem/v1/alternative`.
use crate::answer::{Refused, answer, bad, check, read, refusal, told};
use crate::daemon::Daemon;
use crate::failed::Failed;
use crate::policy::{Move, by_hand, word};
use crate::select::Selector;
use crate::told::Told;
use serde::{Deserialize, Serialize};
use teem_web::extract::State;
use teem_web::http::StatusCode;
use teem_web::{Bytes, Response};
use utoipa::ToSchema;

/// Where torrents go in the queue.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct QueueRequest {
    /// Which torrents: selectors, as for `pause`.
    select: Vec<String>,
    /// The place: `top`, `up`, `down`, `bottom`, `force` (they work whatever others do) or `unforce`.
    to: String,
}

/// What is wanted of the other limits.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AlternativeRequest {
    /// From now on they hold (`on`), don't (`off`), or do so in the hours that the file names (`hours`).
    wanted: String,
}

/// The other limits of the daemon's file.
#[derive(Serialize, ToSchema)]
struct Alternative {
    /// Whether they hold now.
    holds: bool,
    /// What was said of them: `on`, `off` or `hours`.
    wanted: &'static str,
}

/// Moves torrents in the queue.
///
/// Answers with the torrents as they stand then.
#[utoipa::path(post, path = "/teem/v1/torrents/queue", request_body = QueueRequest, responses((status = 200, body = Vec<Told>, description = "the torrents")))]
pub(super) async fn queue(State(daemon): State<Daemon>, body: Bytes) -> Response {
    let wanted = || -> Result<(Vec<Selector>, Move), Refused> {
        let request: QueueRequest = read(&body)?;
        let wanted = Move::of(&request.to);
        let wanted = wanted.ok_or_else(|| bad("`to` is to be top, up, down, bottom, force or unforce".to_owned()))?;
        Ok((check(&request.select)?, wanted))
    };
    match wanted() {
        Ok((select, wanted)) => told(queued(&daemon, &select, wanted).await),
        Err(refused) => refusal(&refused),
    }
}

async fn queued(daemon: &Daemon, select: &[Selector], wanted: Move) -> Result<Vec<Told>, Failed> {
    let hashes = daemon.select(select).await?;
    daemon.queue(&hashes, wanted).await?;
    daemon.told(&hashes).await
}

/// Whether the other limits of the file hold.
#[utoipa::path(get, path = "/teem/v1/alternative", responses((status = 200, body = Alternative, description = "as it is now")))]
pub(super) async fn alternative(State(daemon): State<Daemon>) -> Response {
    let (holds, by_hand) = daemon.alternative();
    answer(StatusCode::OK, &Alternative { holds, wanted: word(by_hand) })
}

/// Turns the other limits on or off, or leaves them to the hours of the file. What was said is kept over restarts.
#[utoipa::path(post, path = "/teem/v1/alternative", request_body = AlternativeRequest, responses((status = 200, body = Alternative, description = "as it is now")))]
pub(super) async fn set_alternative(State(daemon): State<Daemon>, body: Bytes) -> Response {
    let wanted = || -> Result<_, Refused> {
        let request: AlternativeRequest = read(&body)?;
        by_hand(&request.wanted).ok_or_else(|| bad("`wanted` is to be on, off or hours".to_owned()))
    };
    let wanted = match wanted() {
        Ok(wanted) => wanted,
        Err(refused) => return refusal(&refused),
    };
    match daemon.set_alternative(wanted).await {
        Ok(()) => alternative(State(daemon)).await,
        Err(e) => refusal(&Refused(StatusCode::INTERNAL_SERVER_ERROR, "store", Failed::Store(e).to_string())),
    }
}
