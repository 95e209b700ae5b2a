//! What is changed over HTTP (own design): `POST /teem/v1/torrents/set` and `/announce`.
use crate::answer::{Refused, SelectRequest, bad, check, read, refusal, selected, told};
use crate::change::{Changes, Limit, Until};
use crate::daemon::Daemon;
use crate::select::Selector;
use crate::tiers::Edit;
use crate::told::Told;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeSet;
use teem_client::Priority;
use teem_web::extract::State;
use teem_web::{Bytes, Response};
use utoipa::ToSchema;

/// What is to be otherwise of the selected torrents: a key that is left out stays, a limit that is `null` is none.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetRequest {
    /// Which torrents: selectors, as for `pause`.
    select: Vec<String>,
    /// These labels and no others.
    labels: Option<BTreeSet<String>>,
    /// Labels that they get beside those that they have.
    #[serde(default)]
    add_labels: BTreeSet<String>,
    /// Labels that they lose.
    #[serde(default)]
    remove_labels: BTreeSet<String>,
    /// Limit of what each of them sends, in payload bytes a second; null for none of its own.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>)]
    up_limit: Limit,
    /// Limit of what each of them receives, in payload bytes a second; null for none of its own.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>)]
    down_limit: Limit,
    /// The goal of each, as `teem add --until` says it, or `rules` for what the daemon's file says.
    until: Option<String>,
    /// Patterns of paths and names: the files that are wanted; all where there is none.
    only: Option<Vec<String>>,
    /// Patterns of paths and names: the files that are wanted first.
    first: Option<Vec<String>>,
    /// URLs of trackers, in tiers: these and no others.
    trackers: Option<Vec<Vec<String>>>,
    /// URLs of trackers that they get besides, each in a tier of its own behind the others.
    #[serde(default)]
    add_trackers: Vec<String>,
    /// URLs of trackers that they lose.
    #[serde(default)]
    remove_trackers: Vec<String>,
    /// How much single files are wanted, by their indices.
    #[serde(default)]
    files: Vec<FilesRequest>,
}

/// How much some files are wanted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FilesRequest {
    /// Which: places among all files, from 0, padding counted.
    indices: Vec<u32>,
    /// How much they are wanted.
    priority: Wanted,
}

/// How much a file is wanted, as it is asked for.
#[derive(Deserialize, ToSchema, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Wanted {
    /// Not at all.
    Skip,
    /// Like the rest.
    Normal,
    /// Before the rest.
    First,
}

/// What is there, `null` too.
pub(super) fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Limit, D::Error> {
    Option::deserialize(value).map(Limit::Becomes)
}

/// Changes torrents: all of the selected, or none where one of them cannot have what is wanted.
#[utoipa::path(post, path = "/teem/v1/torrents/set", request_body = SetRequest, responses((status = 200, body = Vec<Told>, description = "the torrents")))]
pub(super) async fn set(State(daemon): State<Daemon>, body: Bytes) -> Response {
    match changes(&body) {
        Ok((select, changes)) => told(daemon.set(&select, changes).await),
        Err(refused) => refusal(&refused),
    }
}

/// Has trackers asked as soon as they let themselves be asked again.
#[utoipa::path(post, path = "/teem/v1/torrents/announce", request_body = SelectRequest, responses((status = 200, body = Vec<Told>, description = "the torrents")))]
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
    let mut trackers: Vec<Edit> = request.trackers.map(Edit::All).into_iter().collect();
    if !request.remove_trackers.is_empty() {
        trackers.push(Edit::Remove(request.remove_trackers));
    }
    if !request.add_trackers.is_empty() {
        trackers.push(Edit::Add(request.add_trackers.into_iter().map(|url| vec![url]).collect()));
    }
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
        trackers,
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
        let trackers = of(r#"{"select":["all"],"add_trackers":["u:1","u:2"],"remove_trackers":["u:3"],"trackers":[]}"#);
        let one = |url: &str| vec![url.to_owned()];
        let edits = [Edit::All(vec![]), Edit::Remove(one("u:3")), Edit::Add(vec![one("u:1"), one("u:2")])];
        assert_eq!(trackers.unwrap().trackers, edits);
        assert!(of(r#"{"select":["all"]}"#).unwrap_err().contains("nothing"));
        assert!(of(r#"{"select":[],"up_limit":1}"#).unwrap_err().contains("selectors"));
        assert!(of(r#"{"select":["all"],"comment":"x"}"#).unwrap_err().contains("comment"));
    }
}
