//! What happened, over HTTP (own design): `GET /teem/v1/events?since=N`.
use super::list::queried;
use crate::answer::{answer, bad, refusal};
use crate::daemon::Daemon;
use serde_json::json;
use teem_web::Response;
use teem_web::extract::State;
use teem_web::http::{StatusCode, Uri};

pub(super) async fn events(State(daemon): State<Daemon>, uri: Uri) -> Response {
    let since = queried(&uri, "since").last().map(|text| text.parse::<u64>());
    let Ok(since) = since.transpose() else {
        return refusal(&bad("`since` is to be the number of an event".to_owned()));
    };
    daemon.refresh();
    let events = daemon.events();
    answer(StatusCode::OK, &json!({"last": events.last(), "events": events.since(since.unwrap_or(0))}))
}
