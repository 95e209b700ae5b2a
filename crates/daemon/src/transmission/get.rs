//! `torrent-get` (Transmission's rpc-spec, "Torrent accessor"): the fields that are asked for, of the torrents that are asked for, and nothing else is computed.
//!
//! Some torrents are looked at at a time, and each is let go of once it is written: all of a hundred thousand are asked for every few seconds.
use super::chosen::{Chosen, choose};
use super::envelope::{Call, Dialect, Done, Outcome, Refused};
use super::fields::{Field, Look, Needs, field};
use super::names::{Style, inside, styled};
use crate::daemon::Daemon;
use crate::facts::{Facts, Shelf};
use crate::standing::{AT_ONCE, Ask, Parts, Standing};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use teem_client::metainfo::InfoHash;
use teem_client::policy::Goal;
use tokio::task::spawn_blocking;

/// Fields that one request may ask for; there are fewer.
const FIELDS_MAX: usize = 200;

/// What is asked for: each field with the name that it is answered under.
struct Wanted {
    fields: Vec<(String, &'static Field)>,
    style: Style,
    table: bool,
    secrets: bool,
    goal: Goal,
    places: HashMap<InfoHash, usize>,
    shelf: Shelf,
}

/// Carries `torrent_get` out, with passkeys of trackers where `secrets` says so.
pub(super) async fn get(daemon: &Daemon, call: &Call, secrets: bool) -> Outcome {
    let Some(names) = call.args.texts("fields") else {
        return Err(Refused::Arguments("no fields specified".to_owned()));
    };
    let mut once = HashSet::new();
    let known = names.into_iter().take(FIELDS_MAX).filter_map(|name| {
        let field = field(&inside(&name))?;
        once.insert(name.clone()).then_some((name, field))
    });
    let fields: Vec<_> = known.collect();
    let needs = |of: fn(Needs) -> bool| fields.iter().any(|(_, field)| of(field.needs));
    let ask = fields.iter().map(|(_, field)| field.needs.ask()).max().unwrap_or(Ask::Nothing);
    let (needs_facts, needs_pieces) = (needs(Needs::facts), needs(Needs::pieces));
    let needs_places = fields.iter().any(|(_, field)| field.name == "queue_position");
    let Chosen { torrents, removed } = choose(daemon, &call.args.ids()).await.map_err(Refused::cannot)?;
    let shelf = if needs_facts { daemon.shelf(torrents.len()).await } else { Shelf::default() };
    let wanted = Arc::new(Wanted {
        fields,
        style: if call.dialect == Dialect::Legacy { Style::Camel } else { Style::Snake },
        table: call.args.text("format") == Some("table"),
        secrets,
        goal: daemon.0.policy.rules().goal,
        places: if needs_places { daemon.places() } else { HashMap::new() },
        shelf,
    });
    let mut out = wanted.head();
    for some in torrents.chunks(AT_ONCE) {
        let hashes: Vec<_> = some.iter().map(|(_, hash)| *hash).collect();
        let standing = daemon.standing(&hashes, ask).await.map_err(Refused::cannot)?;
        let parts = if needs_pieces { daemon.parts(&standing).await.map_err(Refused::cannot)? } else { Vec::new() };
        let (wanted, some) = (wanted.clone(), some.to_vec());
        let writing = spawn_blocking(move || {
            wanted.write(&mut out, &standing, &parts, &some);
            out
        });
        out = writing.await.map_err(Refused::cannot)?;
    }
    out.push(b']');
    let args: Map<String, Value> = removed.map(|removed| ("removed".to_owned(), json!(removed))).into_iter().collect();
    Ok(Done { args, style: Style::Snake, torrents: Some(out) })
}

impl Wanted {
    /// What stands before the first torrent: where a table is asked for, the names of its columns.
    fn head(&self) -> Vec<u8> {
        let mut out = b"[".to_vec();
        if self.table {
            let names: Vec<&str> = self.fields.iter().map(|(name, _)| name.as_str()).collect();
            put(&mut out, &json!(names));
        }
        out
    }

    /// Writes these torrents behind those that are written; `some` has their numbers, and those that are gone by now.
    fn write(&self, out: &mut Vec<u8>, standing: &[Standing], parts: &[Option<Parts>], some: &[(u64, InfoHash)]) {
        let needs_facts = self.fields.iter().any(|(_, field)| field.needs.facts());
        let needs_files = self.fields.iter().any(|(_, field)| field.needs == Needs::Files);
        let mut numbers = some.iter();
        for (index, standing) in standing.iter().enumerate() {
            let number = numbers.find(|(_, hash)| *hash == standing.hash).map_or(0, |(number, _)| *number);
            let parts = parts.get(index).and_then(Option::as_ref);
            let files = parts.filter(|_| needs_files).map(|parts| parts.files(standing)).unwrap_or_default();
            let facts = if needs_facts { standing.facts_by(&self.shelf) } else { Facts::default() };
            let look = Look {
                goal: self.goal,
                number,
                place: self.places.get(&standing.hash).copied().unwrap_or(0),
                standing,
                facts: &facts,
                parts,
                files: &files,
                numbers: self.style == Style::Camel,
                secrets: self.secrets,
            };
            if out.len() > 1 {
                out.push(b',');
            }
            out.push(if self.table { b'[' } else { b'{' });
            for (at, (name, field)) in self.fields.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                if !self.table {
                    put(out, name);
                    out.push(b':');
                }
                put(out, &styled((field.of)(&look), self.style));
            }
            out.push(if self.table { b']' } else { b'}' });
        }
    }
}

/// Writes a value behind what is written.
fn put<T: serde::Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    // Memory takes all.
    let _ = serde_json::to_writer(out, value);
}
