//! The queue and the other limits over HTTP (own design): `POST /teem/v1/torrents/queue`, `GET` and `POST /teem/v1/alternative`.
use crate::answer::{Refused, answer, bad, check, read, refusal, told};
use crate::daemon::Daemon;
use crate::failed::Failed;
use crate::policy::{Move, by_hand, word};
use crate::select::Selector;
use crate::told::Told;
use serde::Deserialize;
use serde_json::json;
use teem_web::extract::State;
use teem_web::http::StatusCode;
use teem_web::{Bytes, Response};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QueueRequest {
    select: Vec<String>,
    /// `top`, `up`, `down`, `bottom`, `force` or `unforce`.
    to: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AlternativeRequest {
    /// `on`, `off` or `hours`.
    wanted: String,
}

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

pub(super) async fn alternative(State(daemon): State<Daemon>) -> Response {
    let (holds, by_hand) = daemon.alternative();
    answer(StatusCode::OK, &json!({"holds": holds, "wanted": word(by_hand)}))
}

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
