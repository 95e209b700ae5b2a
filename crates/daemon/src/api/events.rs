//! What happened, over HTTP (own design): `GET /teem/v1/events?since=N`.
use super::list::{busy, last_seen, queried, stream, wants_stream};
use crate::answer::{answer, bad, refusal};
use crate::daemon::Daemon;
use crate::stream::tell;
use serde_json::json;
use std::sync::Arc;
use teem_web::Response;
use teem_web::extract::State;
use teem_web::http::{HeaderMap, StatusCode, Uri};

pub(super) async fn events(State(daemon): State<Daemon>, uri: Uri, headers: HeaderMap) -> Response {
    let since = queried(&uri, "since").last().map(|text| text.parse::<u64>());
    let Ok(since) = since.transpose() else {
        return refusal(&bad("`since` is to be the number of an event".to_owned()));
    };
    daemon.refresh();
    if wants_stream(&headers) {
        let Some((place, feed, response)) = stream(&daemon) else { return busy() };
        // Without a number only what comes is told.
        let since = last_seen(&headers).or(since).unwrap_or_else(|| daemon.events().last());
        tokio::spawn(tell(Arc::downgrade(&daemon.0), since, feed, place));
        return response;
    }
    let events = daemon.events();
    answer(StatusCode::OK, &json!({"last": events.last(), "events": events.since(since.unwrap_or(0))}))
}
