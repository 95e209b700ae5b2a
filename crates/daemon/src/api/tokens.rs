//! Tokens over HTTP (own design): `GET` and `POST /teem/v1/tokens`, `POST /teem/v1/tokens/revoke`.
use crate::answer::{Refused, answer, bad, read, refusal};
use crate::daemon::Daemon;
use crate::failed::TokenFailed;
use crate::token::Scope;
use serde::{Deserialize, Serialize};
use teem_web::extract::State;
use teem_web::http::StatusCode;
use teem_web::{Bytes, Response};
use utoipa::ToSchema;

/// A token that is to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TokenRequest {
    /// What it is called: 1 to 64 letters, digits, `-`, `_` and `.`.
    name: String,
    /// What it allows: `read`, `add`, `control` or `admin`, each also what those before it do.
    scope: String,
}

/// A token that is to be useless.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RevokeRequest {
    /// What it is called.
    name: String,
}

/// A token, without its words.
#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
struct TokenTold {
    /// What it is called.
    name: String,
    /// What it allows: `read`, `add`, `control` or `admin`.
    scope: &'static str,
    /// When it was made, in seconds since 1970.
    made: u64,
}

/// A token that was made.
#[derive(Serialize, ToSchema)]
struct MadeToken {
    /// What it is called.
    name: String,
    /// What it allows.
    scope: &'static str,
    /// Its words, which are not told again.
    token: String,
}

/// The tokens, without their words.
#[utoipa::path(get, path = "/teem/v1/tokens", responses((status = 200, body = Vec<TokenTold>, description = "the tokens")))]
pub(super) async fn list_tokens(State(daemon): State<Daemon>) -> Response {
    let told = |(name, scope, made): (String, Scope, u64)| TokenTold { name, scope: scope.word(), made };
    answer(StatusCode::OK, &daemon.list_tokens().into_iter().map(told).collect::<Vec<_>>())
}

/// Makes a token.
#[utoipa::path(post, path = "/teem/v1/tokens", request_body = TokenRequest, responses((status = 201, body = MadeToken, description = "the token")))]
pub(super) async fn make_token(State(daemon): State<Daemon>, body: Bytes) -> Response {
    let made = async {
        let request: TokenRequest = read(&body)?;
        let scope = request.scope.parse::<Scope>().map_err(|e| bad(format!("scope: {e}")))?;
        let token = daemon.make_token(&request.name, scope).await.map_err(|e| of_token(&e))?;
        Ok(MadeToken { name: request.name, scope: scope.word(), token })
    };
    made.await.map_or_else(|refused| refusal(&refused), |told| answer(StatusCode::CREATED, &told))
}

/// Makes a token useless at once.
#[utoipa::path(post, path = "/teem/v1/tokens/revoke", request_body = RevokeRequest, responses((status = 200, body = RevokeRequest, description = "what was asked")))]
pub(super) async fn revoke_token(State(daemon): State<Daemon>, body: Bytes) -> Response {
    let revoked = async {
        let request: RevokeRequest = read(&body)?;
        daemon.revoke_token(&request.name).await.map_err(|e| of_token(&e))?;
        Ok(request)
    };
    revoked.await.map_or_else(|refused| refusal(&refused), |told| answer(StatusCode::OK, &told))
}

fn of_token(e: &TokenFailed) -> Refused {
    let (status, class) = match e {
        TokenFailed::Name(_) => (StatusCode::BAD_REQUEST, "wish"),
        TokenFailed::Taken(_) | TokenFailed::Many => (StatusCode::CONFLICT, "already"),
        TokenFailed::Unknown(_) => (StatusCode::NOT_FOUND, "select"),
        TokenFailed::Store(_) => (StatusCode::INTERNAL_SERVER_ERROR, "store"),
    };
    Refused(status, class, e.to_string())
}
