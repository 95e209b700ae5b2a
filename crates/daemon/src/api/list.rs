//! Windows on the torrents over HTTP (own design): `GET /teem/v1/torrents?select=&sort=&order=&offset=&limit=`.
use crate::answer::{Refused, SELECTORS_MAX, answer, bad, failed, refusal};
use crate::daemon::{Daemon, STREAMS_MAX};
use crate::listing::{Query, Window};
use crate::order::Key;
use crate::select::Selector;
use crate::stream::show;
use crate::told::Keys;
use std::collections::BTreeSet;
use std::sync::Arc;
use teem_web::extract::State;
use teem_web::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use teem_web::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use teem_web::{Feed, Response, feed};
use tokio::sync::OwnedSemaphorePermit;

/// What a stream of events is called.
const STREAM: &str = "text/event-stream";

/// A window on the torrents; asked for `text/event-stream`, the window and then what changes in it.
#[utoipa::path(get, path = "/teem/v1/torrents", operation_id = "torrents",
    params(
        ("select" = Option<Vec<String>>, Query, description = "which torrents: selectors, as for `pause`, each a parameter of its own; all where there is none"),
        ("sort" = Option<String>, Query, description = "a key of a torrent's object that they are sorted by, the least first; `added` where there is none"),
        ("order" = Option<String>, Query, description = "`asc`, or `desc` for the greatest first"),
        ("offset" = Option<u64>, Query, description = "how many of the selected are left out before the first that is shown; 0 where there is none"),
        ("limit" = Option<u64>, Query, description = "how many are shown at most; all where there is none"),
        ("fields" = Option<String>, Query, description = "keys that are shown of each torrent, with commas between them; `infohash` always is, and all are where there is none; `filled` leaves out each whose value is null where it can be null, else 0, false or empty"),
        ("last-event-id" = Option<u64>, Header, description = "the revision that the reader of a stream has seen: it goes on from there, as far as that was of this run"),
    ),
    responses((status = 200, description = "the window; of a stream the event `window` with it, then, once a second at most, `changes` with `revision`, `total`, `order` (the info-hashes that are shown, where these or their order are otherwise) and `torrents`, each with its `infohash` and the keys that changed", content((Window = "application/json"), (Window = "text/event-stream")))))]
pub(super) async fn list(State(daemon): State<Daemon>, uri: Uri, headers: HeaderMap) -> Response {
    let query = match query(&uri) {
        Ok(query) => query,
        Err(refused) => return refusal(&refused),
    };
    let window = match daemon.fresh_window(query.clone()).await {
        Ok(window) => window,
        Err(e) => return refusal(&failed(&e)),
    };
    if !wants_stream(&headers) {
        return answer(StatusCode::OK, &window);
    }
    let Some((place, feed, response)) = stream(&daemon) else { return busy() };
    // A number of another run says nothing of these rows.
    let resumed = last_seen(&headers).filter(|seen| (daemon.first_revision()..=window.revision).contains(seen));
    tokio::spawn(show(Arc::downgrade(&daemon.0), query, window, resumed, feed, place));
    response
}

/// Whether a stream is asked for.
pub(super) fn wants_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.split(',').any(|kind| kind.trim().starts_with(STREAM)))
}

/// The number of the last event that a reader has seen.
pub(super) fn last_seen(headers: &HeaderMap) -> Option<u64> {
    headers.get("last-event-id")?.to_str().ok()?.trim().parse().ok()
}

/// A place for a stream, its writing end, and the answer that it is.
pub(super) fn stream(daemon: &Daemon) -> Option<(OwnedSemaphorePermit, Feed, Response)> {
    let place = daemon.0.streams.clone().try_acquire_owned().ok()?;
    let (feed, body) = feed();
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(STREAM));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Some((place, feed, response))
}

/// There are as many streams as there may be.
pub(super) fn busy() -> Response {
    let why = format!("there are {STREAMS_MAX} streams already: end one first");
    refusal(&Refused(StatusCode::SERVICE_UNAVAILABLE, "busy", why))
}

/// The selectors of a query.
pub(super) fn selected_by(uri: &Uri) -> Vec<Selector> {
    let texts = queried(uri, "select").take(SELECTORS_MAX);
    texts.map(|text| Selector::parse(&text)).collect()
}

fn query(uri: &Uri) -> Result<Query, Refused> {
    let one = |key| queried(uri, key).last();
    let number = |key: &'static str| {
        let number = one(key).map(|text| text.parse::<usize>());
        number.transpose().map_err(|_| bad(format!("`{key}` is to be a number from 0 on")))
    };
    let sort = one("sort").map(|word| {
        let keys: Vec<_> = Key::ALL.iter().map(|key| key.word()).collect();
        Key::parse(&word).ok_or_else(|| bad(format!("`sort` is to be one of {}", keys.join(", "))))
    });
    let descending = match one("order").as_deref() {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(_) => return Err(bad("`order` is to be asc or desc".to_owned())),
    };
    Ok(Query {
        select: selected_by(uri),
        sort: sort.transpose()?.unwrap_or_default(),
        descending,
        offset: number("offset")?.unwrap_or(0),
        limit: number("limit")?,
        keys: keys(one("fields").as_deref().unwrap_or_default()),
    })
}

/// The keys that a list of them names; `filled` are those that say something.
fn keys(list: &str) -> Keys {
    let named: BTreeSet<String> = list.split(',').filter(|key| !key.is_empty()).map(str::to_owned).collect();
    match named.len() {
        0 => Keys::All,
        _ if named.contains("filled") => Keys::Filled,
        _ => Keys::These(named),
    }
}

/// The values of a key in a query.
pub(super) fn queried<'a>(uri: &'a Uri, key: &'a str) -> impl Iterator<Item = String> + 'a {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    pairs.filter(move |(name, _)| name == key).map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Query, String> {
        query(&format!("/teem/v1/torrents?{text}").parse().unwrap()).map_err(|refused| refused.2)
    }

    #[test]
    fn a_query_says_what_order_and_where_from() {
        let query =
            of("select=label:a%20b&select=all&sort=up_rate&order=desc&offset=10&limit=5&fields=name,ratio").unwrap();
        assert_eq!(query.select, [Selector::parse("label:a b"), Selector::All]);
        assert_eq!((query.sort, query.descending, query.offset, query.limit), (Key::UpRate, true, 10, Some(5)));
        assert_eq!(query.keys, Keys::These(["name", "ratio"].map(str::to_owned).into()));
        assert_eq!(of("fields=filled").map(|query| query.keys), Ok(Keys::Filled));
        assert_eq!(of(""), Ok(Query::default()));
        assert!(of("sort=colour").unwrap_err().contains("up_rate"));
        assert!(of("offset=-1").is_err() && of("order=up").is_err());
    }
}
