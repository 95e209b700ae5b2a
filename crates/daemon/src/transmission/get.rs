//! `torrent-get` (Transmission's rpc-spec, "Torrent accessor"): the fields that are asked for, of the torrents that are asked for, and nothing else is computed.
use super::chosen::{Chosen, choose};
use super::envelope::{Call, Dialect, Outcome, Refused};
use super::fields::{Field, Look, Needs, field};
use super::names::{Style, inside, styled};
use crate::daemon::Daemon;
use crate::standing::{Ask, Facts, Parts, Standing};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use teem_client::policy::Goal;

/// Fields that one request may ask for; there are fewer.
const FIELDS_MAX: usize = 200;

/// What is asked for: each field with the name that it is answered under.
struct Wanted {
    fields: Vec<(String, &'static Field)>,
    style: Style,
    table: bool,
    secrets: bool,
    goal: Goal,
}

/// Carries `torrent_get` out, with passkeys of trackers where `secrets` says so.
pub(super) async fn get(daemon: &Daemon, call: &Call, secrets: bool) -> Outcome {
    let Some(names) = call.args.texts("fields") else {
        return Err(Refused::Arguments("no fields specified".to_owned()));
    };
    let known = names.into_iter().take(FIELDS_MAX).filter_map(|name| {
        let field = field(&inside(&name))?;
        Some((name, field))
    });
    let fields: Vec<_> = known.collect();
    let style = if call.dialect == Dialect::Legacy { Style::Camel } else { Style::Snake };
    let wanted = Wanted {
        fields,
        style,
        table: call.args.text("format") == Some("table"),
        secrets,
        goal: daemon.0.policy.rules().goal,
    };
    let Chosen { torrents, removed } = choose(daemon, &call.args.ids()).await.map_err(Refused::cannot)?;
    let hashes: Vec<_> = torrents.iter().map(|(_, hash)| *hash).collect();
    let ask = wanted.fields.iter().map(|(_, field)| field.needs.ask()).max().unwrap_or(Ask::Nothing);
    let standing = daemon.standing(&hashes, ask).await.map_err(Refused::cannot)?;
    let parts = if wanted.fields.iter().any(|(_, field)| field.needs.pieces()) {
        daemon.parts(&standing).await.map_err(Refused::cannot)?
    } else {
        Vec::new()
    };
    let places = if wanted.fields.iter().any(|(_, field)| field.name == "queue_position") {
        daemon.places()
    } else {
        HashMap::new()
    };
    let numbers: HashMap<_, _> = torrents.into_iter().map(|(number, hash)| (hash, number)).collect();
    // Tens of thousands of torrents take a while to be written.
    let told = tokio::task::spawn_blocking(move || {
        let of = |standing: &Standing| {
            let place = places.get(&standing.hash).copied().unwrap_or(0);
            (numbers.get(&standing.hash).copied().unwrap_or(0), place)
        };
        wanted.tell(&standing, &parts, of)
    });
    let mut answer = Map::new();
    answer.insert("torrents".to_owned(), told.await.map_err(Refused::cannot)?);
    if let Some(removed) = removed {
        answer.insert("removed".to_owned(), json!(removed));
    }
    Ok((answer, Style::Snake))
}

impl Wanted {
    fn tell(&self, standing: &[Standing], parts: &[Option<Parts>], of: impl Fn(&Standing) -> (u64, usize)) -> Value {
        let needs_facts = self.fields.iter().any(|(_, field)| field.needs.facts());
        let mut rows = Vec::with_capacity(standing.len() + 1);
        if self.table {
            rows.push(self.fields.iter().map(|(name, _)| Value::from(name.as_str())).collect());
        }
        let needs_files = self.fields.iter().any(|(_, field)| field.needs == Needs::Files);
        for (index, standing) in standing.iter().enumerate() {
            let parts = parts.get(index).and_then(Option::as_ref);
            let files = parts.filter(|_| needs_files).map(|parts| parts.files(standing)).unwrap_or_default();
            let facts = if needs_facts { standing.facts() } else { Facts::default() };
            let (number, place) = of(standing);
            let numbers = self.style == Style::Camel;
            let goal = self.goal;
            let look = Look {
                goal,
                number,
                place,
                standing,
                facts: &facts,
                parts,
                files: &files,
                numbers,
                secrets: self.secrets,
            };
            let value = |field: &Field| styled((field.of)(&look), self.style);
            rows.push(if self.table {
                self.fields.iter().map(|(_, field)| value(field)).collect()
            } else {
                let pairs = self.fields.iter().map(|(name, field)| (name.clone(), value(field)));
                Value::Object(pairs.collect())
            });
        }
        Value::Array(rows)
    }
}
