//! What is changed over HTTP (own design): `POST /teem/v1/torrents/set` and `/announce`.
use crate::answer::{Refused, bad, check, read, refusal, selected, told};
use crate::change::{Changes, Limit, Until};
use crate::daemon::Daemon;
use crate::select::Selector;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeSet;
use teem_client::Priority;
use teem_web::extract::State;
use teem_web::{Bytes, Response};

/// What is to be otherwise of the selected torrents: a key that is left out stays, a limit that is `null` is none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetRequest {
    select: Vec<String>,
    labels: Option<BTreeSet<String>>,
    #[serde(default)]
    add_labels: BTreeSet<String>,
    #[serde(default)]
    remove_labels: BTreeSet<String>,
    #[serde(default, deserialize_with = "present")]
    up_limit: Limit,
    #[serde(default, deserialize_with = "present")]
    down_limit: Limit,
    /// As `--until` says it, or `rules` for what the rules say.
    until: Option<String>,
    only: Option<Vec<String>>,
    first: Option<Vec<String>>,
    #[serde(default)]
    files: Vec<FilesRequest>,
}

/// How much some files are wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FilesRequest {
    /// From 0, padding counted.
    indices: Vec<u32>,
    priority: Wanted,
}

/// How much a file is wanted, as it is asked for.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Wanted {
    Skip,
    Normal,
    First,
}

/// What is there, `null` too.
fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Limit, D::Error> {
    Option::deserialize(value).map(Limit::Becomes)
}

pub(super) async fn set(State(daemon): State<Daemon>, body: Bytes) -> Response {
    match changes(&body) {
        Ok((select, changes)) => told(daemon.set(&select, changes).await),
        Err(refused) => refusal(&refused),
    }
}

pub(super) async fn announce(State(daemon): State<Daemon>, body: Bytes) -> Response {
    match selected(&body) {
        Ok(select) => told(daemon.announce(&select).await),
        Err(refused) => refusal(&refused),
    }
}

fn changes(body: &[u8]) -> Result<(Vec<Selector>, Changes), Refused> {
    let request: SetRequest = read(body)?;
    let select = check(&request.select)?;
    let priority = |wanted| match wanted {
        Wanted::Skip => Priority::Skip,
        Wanted::Normal => Priority::Normal,
        Wanted::First => Priority::High,
    };
    let changes = Changes {
        labels: request.labels,
        add_labels: request.add_labels,
        remove_labels: request.remove_labels,
        up: request.up_limit,
        down: request.down_limit,
        until: match request.until.as_deref() {
            None => Until::Stays,
            Some("rules") => Until::Becomes(None),
            Some(goal) => Until::Becomes(Some(goal.parse().map_err(bad)?)),
        },
        only: request.only,
        first: request.first,
        files: request.files.into_iter().map(|files| (files.indices, priority(files.priority))).collect(),
    };
    if changes == Changes::default() {
        return Err(bad("nothing is to be changed: see the keys in docs/api.md".to_owned()));
    }
    Ok((select, changes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_stays_and_null_is_no_limit() {
        let of = |body: &str| changes(body.as_bytes()).map(|(_, changes)| changes).map_err(|refused| refused.2);
        let both = of(r#"{"select":["all"],"up_limit":null,"files":[{"indices":[1,2],"priority":"first"}]}"#).unwrap();
        assert_eq!((both.up, both.down), (Limit::Becomes(None), Limit::Stays));
        assert_eq!(both.files, [(vec![1, 2], Priority::High)]);
        assert!(of(r#"{"select":["all"]}"#).unwrap_err().contains("nothing"));
        assert!(of(r#"{"select":[],"up_limit":1}"#).unwrap_err().contains("selectors"));
        assert!(of(r#"{"select":["all"],"comment":"x"}"#).unwrap_err().contains("comment"));
    }
}
