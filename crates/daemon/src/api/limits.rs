//! The limits of all torrents together over HTTP (own design): `GET` and `POST /teem/v1/limits`.
use super::change::present;
use crate::answer::{Refused, answer, bad, read, refusal};
use crate::change::Limit;
use crate::daemon::Daemon;
use crate::policy::Said;
use serde::{Deserialize, Serialize};
use teem_web::extract::State;
use teem_web::http::StatusCode;
use teem_web::{Bytes, Response};
use utoipa::ToSchema;

/// The limits of all torrents together, as they were said last: by the daemon's file, or from here.
#[derive(Serialize, ToSchema)]
struct LimitsTold {
    /// Limit of what is sent, in payload bytes a second; null where there is none.
    up_limit: Option<u64>,
    /// Limit of what is received, in payload bytes a second; null where there is none.
    down_limit: Option<u64>,
    /// The same of the other limits: what is sent while they hold.
    alternative_up_limit: Option<u64>,
    /// The same of the other limits: what is received while they hold.
    alternative_down_limit: Option<u64>,
    /// Whether the other limits hold now.
    alternative_holds: bool,
}

/// What is to be otherwise of the limits of all torrents together: a key that is left out stays, a limit that is `null` is none.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "they are the keys of the body")]
struct LimitsRequest {
    /// Limit of what is sent, in payload bytes a second; null for none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>)]
    up_limit: Limit,
    /// Limit of what is received, in payload bytes a second; null for none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>)]
    down_limit: Limit,
    /// The same of the other limits: what is sent while they hold.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>)]
    alternative_up_limit: Limit,
    /// The same of the other limits: what is received while they hold.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>)]
    alternative_down_limit: Limit,
}

/// The limits of all torrents together.
#[utoipa::path(get, path = "/teem/v1/limits", responses((status = 200, body = LimitsTold, description = "as they are now")))]
pub(super) async fn limits(State(daemon): State<Daemon>) -> Response {
    let rules = daemon.0.policy.rules();
    let (usual, other) = (rules.speed.usual, rules.speed.other);
    let told = LimitsTold {
        up_limit: usual.up,
        down_limit: usual.down,
        alternative_up_limit: other.up,
        alternative_down_limit: other.down,
        alternative_holds: daemon.alternative().0,
    };
    answer(StatusCode::OK, &told)
}

/// Changes limits of all torrents together. What is said holds in place of the daemon's file, and is kept over restarts; what is said as the file has it is the file's
/// again.
#[utoipa::path(post, path = "/teem/v1/limits", request_body = LimitsRequest, responses((status = 200, body = LimitsTold, description = "as they are now")))]
pub(super) async fn set_limits(State(daemon): State<Daemon>, body: Bytes) -> Response {
    let said = match said(&body) {
        Ok(said) => said,
        Err(refused) => return refusal(&refused),
    };
    match daemon.say(said).await {
        Ok(()) => limits(State(daemon)).await,
        Err(e) => refusal(&Refused(StatusCode::INTERNAL_SERVER_ERROR, "store", e.to_string())),
    }
}

fn said(body: &[u8]) -> Result<Said, Refused> {
    let request: LimitsRequest = read(body)?;
    let word = |limit| if let Limit::Becomes(limit) = limit { Some(limit) } else { None };
    let said = Said {
        up: word(request.up_limit),
        down: word(request.down_limit),
        other_up: word(request.alternative_up_limit),
        other_down: word(request.alternative_down_limit),
        ..Said::default()
    };
    if said == Said::default() {
        return Err(bad(
            "no limit is named: up_limit, down_limit, alternative_up_limit, alternative_down_limit".to_owned()
        ));
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_stays_and_null_is_no_limit() {
        let of = |body: &str| said(body.as_bytes()).map_err(|refused| refused.2);
        let both = of(r#"{"up_limit":null,"alternative_down_limit":5}"#).unwrap();
        assert_eq!(both, Said { up: Some(None), other_down: Some(Some(5)), ..Said::default() });
        assert!(of("{}").unwrap_err().contains("up_limit"));
        assert!(of(r#"{"up":1}"#).unwrap_err().contains("up_limit"));
    }
}
