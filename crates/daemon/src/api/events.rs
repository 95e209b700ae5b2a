//! What happened, over HTTP (own design): `GET /teem/v1/events?since=N`.
use super::list::{busy, last_seen, queried, stream, wants_stream};
use crate::answer::{answer, bad, refusal};
use crate::daemon::Daemon;
use crate::events::EventTold;
use crate::stream::tell;
use serde::Serialize;
use std::sync::Arc;
use teem_web::Response;
use teem_web::extract::State;
use teem_web::http::{HeaderMap, StatusCode, Uri};
use utoipa::ToSchema;

/// What happened to the torrents, of the last 4,096 events.
#[derive(Serialize, ToSchema)]
struct Events {
    /// The number of the last event, told here or not.
    last: u64,
    /// The oldest first.
    events: Vec<EventTold>,
}

/// What happened to torrents after the event of a number; asked for `text/event-stream`, also what comes.
#[utoipa::path(get, path = "/teem/v1/events",
    params(
        ("since" = Option<u64>, Query, description = "the number of an event; where there is none, all that is remembered is told, and to a stream only what comes"),
        ("last-event-id" = Option<u64>, Header, description = "the same for a stream, which goes on after that event"),
    ),
    responses((status = 200, description = "the events; each one of a stream is called by its `event`, with the number as its id", content((Events = "application/json"), (EventTold = "text/event-stream")))))]
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
    answer(StatusCode::OK, &Events { last: events.last(), events: events.since(since.unwrap_or(0)) })
}
