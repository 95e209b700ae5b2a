//! What a call of qBittorrent's interface is answered with (its Web API, "General information"): a text, an object, or a status and a sentence.
use crate::failed::{AddFailed, Failed};
use serde_json::Value;
use teem_web::http::header::CONTENT_TYPE;
use teem_web::http::{HeaderValue, StatusCode};
use teem_web::{Body, Response, plain};

/// What was done.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Done {
    /// A text, often `Ok.`.
    Text(String),
    /// An object or a list.
    Json(Value),
    /// The same, written already.
    Written(Vec<u8>),
    /// The bytes of a .torrent file, as it came.
    Torrent(Vec<u8>),
    /// What was asked for, of which there is nothing to be said.
    Nothing,
}

/// What was not done: a status, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Refused(pub(super) StatusCode, pub(super) String);

/// What became of a call.
pub(super) type Outcome = Result<Done, Refused>;

impl Refused {
    pub(super) fn bad(why: impl ToString) -> Self {
        Self(StatusCode::BAD_REQUEST, why.to_string())
    }

    pub(super) fn conflict(why: impl ToString) -> Self {
        Self(StatusCode::CONFLICT, why.to_string())
    }

    pub(super) fn unknown(why: impl ToString) -> Self {
        Self(StatusCode::NOT_FOUND, why.to_string())
    }

    pub(super) fn missing(key: &str) -> Self {
        Self::bad(format!("`{key}` is missing"))
    }
}

impl From<Failed> for Refused {
    fn from(failed: Failed) -> Self {
        let status = match &failed {
            Failed::Select(_) => StatusCode::NOT_FOUND,
            Failed::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Failed::Ended(_) => StatusCode::SERVICE_UNAVAILABLE,
            Failed::Wish(_) | Failed::Job(_) => StatusCode::CONFLICT,
        };
        Self(status, failed.to_string())
    }
}

impl From<AddFailed> for Refused {
    fn from(failed: AddFailed) -> Self {
        Self::conflict(failed)
    }
}

/// The answer over HTTP.
pub(super) fn answer(outcome: Outcome) -> Response {
    let (kind, body) = match outcome {
        Ok(Done::Nothing) => return Response::new(Body::empty()),
        Ok(Done::Text(text)) => ("text/plain; charset=UTF-8", text.into_bytes()),
        Ok(Done::Json(value)) => ("application/json", value.to_string().into_bytes()),
        Ok(Done::Written(bytes)) => ("application/json", bytes),
        Ok(Done::Torrent(bytes)) => ("application/x-bittorrent", bytes),
        Err(Refused(status, why)) => return plain(status, &why),
    };
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
