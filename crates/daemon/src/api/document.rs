//! What all paths of the daemon's own interface have in common, in its OpenAPI document (OpenAPI 3.1): how a token is brought, how an answer says no, what is always
//! there.
use utoipa::Modify;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder, Schema};

/// Objects that always have all of their keys, null where there is nothing to be said.
const WHOLE: [&str; 4] = ["Torrent", "Why", "Peer", "Tracker"];

/// What all paths have in common: how a token is brought, and how an answer says no.
pub(super) struct Common;

impl Modify for Common {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        components.add_security_scheme("password", SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)));
        let either = |scheme: &str| SecurityRequirement::new(scheme, Vec::<String>::new());
        document.security = Some(vec![either("bearer"), either("password")]);
        for name in WHOLE {
            if let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(name) {
                object.required = object.properties.keys().cloned().collect();
            }
        }
        for (path, item) in &mut document.paths.paths {
            for operation in [&mut item.get, &mut item.post, &mut item.delete].into_iter().flatten() {
                operation.tags = None;
                refuses(path, operation);
            }
        }
    }
}

/// How an answer says no.
fn refuses(path: &str, operation: &mut Operation) {
    if path == "/healthz" {
        operation.security = Some(Vec::new());
        return;
    }
    let object = ContentBuilder::new().schema(Some(Ref::from_schema_name("Error"))).build();
    let refused = ResponseBuilder::new()
        .description("what was not done, and why; a request over TCP that is not let in gets a line of text")
        .content("application/json", object);
    operation.responses.responses.insert("default".to_owned(), refused.build().into());
}
