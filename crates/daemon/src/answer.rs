//! How the interface answers (own design): bodies that are read, answers that are written, refusals with their status and a word for scripts.
use crate::failed::{AddFailed, Failed};
use crate::select::Selector;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use teem_client::error::DiskErrorKind;
use teem_client::{AddError, JobError};
use teem_web::http::header::CONTENT_TYPE;
use teem_web::http::{HeaderValue, StatusCode};
use teem_web::{Body, Response};
use utoipa::ToSchema;

/// Selectors of one request.
pub(crate) const SELECTORS_MAX: usize = 10_000;

/// The torrents that something is for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SelectRequest {
    /// 1 to 10,000 selectors: at least 6 hexadecimal digits that one info-hash begins with, a pattern of names (`*` any text, `?` any character), `label:L`,
    /// `state:S`, `tracker:HOST`, `all`.
    select: Vec<String>,
}

/// An answer that says no: its status, a word for scripts, a sentence.
pub(crate) struct Refused(pub(crate) StatusCode, pub(crate) &'static str, pub(crate) String);

/// An answer that says no.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub(crate) struct ErrorTold<'a> {
    /// What was not done, and why.
    error: ErrorOf<'a>,
}

/// Why something was not done.
#[derive(Serialize, ToSchema)]
#[schema(as = ErrorReason)]
struct ErrorOf<'a> {
    /// A word for scripts: see `docs/api.md`. Further words may come.
    class: &'a str,
    /// A sentence for a person.
    message: &'a str,
}

pub(crate) fn selected(body: &[u8]) -> Result<Vec<Selector>, Refused> {
    let request: SelectRequest = read(body)?;
    check(&request.select)
}

/// The selectors of a command, which has to be for something.
pub(crate) fn check(select: &[String]) -> Result<Vec<Selector>, Refused> {
    if select.is_empty() || select.len() > SELECTORS_MAX {
        return Err(bad(format!("1 to {SELECTORS_MAX} selectors are to be given; `all` selects all torrents")));
    }
    Ok(select.iter().map(|text| Selector::parse(text)).collect())
}

pub(crate) fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|e| bad(format!("the body is not understood: {e}")))
}

pub(crate) fn bad(message: String) -> Refused {
    Refused(StatusCode::BAD_REQUEST, "request", message)
}

pub(crate) fn told<T: Serialize>(result: Result<Vec<T>, Failed>) -> Response {
    match result {
        Ok(list) => answer(StatusCode::OK, &list),
        Err(e) => refusal(&failed(&e)),
    }
}

/// The bytes of a .torrent file in base64.
pub(crate) fn torrent_in(text: &str) -> Result<Vec<u8>, Refused> {
    let bytes = STANDARD.decode(text.trim());
    bytes.map_err(|e| bad(format!("`torrent` is to be a .torrent file in base64: {e}")))
}

/// What a torrent that is not added is to those who asked.
pub(crate) fn of_add(e: &AddFailed) -> Refused {
    let (status, class) = match e {
        AddFailed::Link(e) => (StatusCode::BAD_REQUEST, e.class()),
        AddFailed::Wish(_) => (StatusCode::BAD_REQUEST, "wish"),
        AddFailed::Client(AddError::Already(_)) => (StatusCode::CONFLICT, "already"),
        AddFailed::Client(AddError::SamePlace(_)) => (StatusCode::CONFLICT, "occupied"),
        AddFailed::Client(AddError::Stopped) => (StatusCode::SERVICE_UNAVAILABLE, "ending"),
        AddFailed::Client(_) => (StatusCode::BAD_REQUEST, "add"),
        AddFailed::Store(_) => (StatusCode::INTERNAL_SERVER_ERROR, "store"),
    };
    Refused(status, class, e.to_string())
}

/// What a failure is to those who asked.
pub(crate) fn failed(e: &Failed) -> Refused {
    let (status, class) = match e {
        Failed::Select(_) => (StatusCode::NOT_FOUND, "select"),
        Failed::Wish(_) => (StatusCode::BAD_REQUEST, "wish"),
        Failed::Store(_) => (StatusCode::INTERNAL_SERVER_ERROR, "store"),
        Failed::Ended(_) => (StatusCode::SERVICE_UNAVAILABLE, "ending"),
        Failed::Job(e) => of_job(e),
    };
    Refused(status, class, e.to_string())
}

/// The status and the word for a job with files that is not done.
fn of_job(e: &JobError) -> (StatusCode, &'static str) {
    match e {
        JobError::Busy => (StatusCode::CONFLICT, "busy"),
        JobError::Taken(_) => (StatusCode::CONFLICT, "occupied"),
        JobError::Disk(e, _) if e.kind == DiskErrorKind::Occupied => (StatusCode::CONFLICT, "occupied"),
        JobError::Name(_) => (StatusCode::BAD_REQUEST, "wish"),
        JobError::Ended(_) => (StatusCode::SERVICE_UNAVAILABLE, "ending"),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "disk"),
    }
}

/// Why an answer says no, for those who note it: it goes with the answer, and not over the line.
#[derive(Clone)]
pub(crate) struct Reason(pub(crate) String);

pub(crate) fn refusal(Refused(status, class, message): &Refused) -> Response {
    let mut response = answer(*status, &ErrorTold { error: ErrorOf { class, message } });
    response.extensions_mut().insert(Reason(message.clone()));
    response
}

pub(crate) fn answer(status: StatusCode, value: &impl Serialize) -> Response {
    // INVARIANT: what is told are texts, numbers and lists of these, under keys that are texts.
    let mut body = serde_json::to_vec(value).expect("JSON");
    body.push(b'\n');
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
