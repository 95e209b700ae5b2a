//! `/announce` and `/scrape` as routes of an HTTP server (BEP 3, 48). The query goes on as it was sent: its bytes are no text.
use super::table::Table;
use crate::http::{self, Answer};
use teem_web::extract::{Extension, State};
use teem_web::http::header::{CONTENT_TYPE, HeaderValue};
use teem_web::http::{StatusCode, Uri};
use teem_web::routing::get;
use teem_web::{Body, Ends, Response, Router, plain};

/// The routes of a tracker.
pub fn routes(table: Table) -> Router {
    Router::new().route("/announce", get(answer)).route("/scrape", get(answer)).with_state(table)
}

async fn answer(State(table): State<Table>, Extension(ends): Extension<Ends>, uri: Uri) -> Response {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let answered = table.ask(|tracker, now| http::handle(tracker, now, ends.remote, ends.local, target));
    let Some(Answer { status, body }) = answered else {
        return plain(StatusCode::NOT_FOUND, "there is no tracker here");
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}
