//! Records by and by (own design): so that one who takes on a hundred thousand never holds them twice.
use super::{Change, Database, Id, table};
use crate::state::Kind;
use redb::ReadableDatabase;
use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;

/// Some of the records of a kind.
pub struct Part {
    /// By their names, in that order.
    pub records: Vec<(String, Vec<u8>)>,
    /// The name after which there may be more.
    pub next: Option<String>,
}

impl Database {
    /// Records of a kind in the order of their names, those that wait to be committed included: what comes after a name, up to a last one that is named, at most
    /// `max` of them; and the name to go on after, where there may be more.
    pub fn range(&self, kind: Kind, after: &str, upto: Option<&str>, max: usize) -> io::Result<Part> {
        let mut changes: BTreeMap<Id, Change> = {
            let waiting = self.shared.waiting();
            waiting.committing.iter().chain(&waiting.changes).map(|(id, change)| (id.clone(), change.clone())).collect()
        };
        changes.retain(|(of, _), _| *of == kind);
        let read: Vec<(String, Vec<u8>)> = self.shared.read(|db| {
            let table = db.begin_read()?.open_table(table(kind))?;
            let names = (Bound::Excluded(after), upto.map_or(Bound::Unbounded, Bound::Included));
            let some = table.range::<&str>(names)?.take(max).map(|entry| {
                let (name, record) = entry?;
                Ok::<_, redb::Error>((name.value().to_owned(), record.value().to_vec()))
            });
            some.collect()
        })?;
        let next = read.last().filter(|_| read.len() == max).map(|(name, _)| name.clone());
        let last = next.as_deref().or(upto).map(str::to_owned);
        let is_among = |name: &str| name > after && last.as_deref().is_none_or(|last| name <= last);
        let mut records: BTreeMap<String, Vec<u8>> = read.into_iter().collect();
        for ((_, name), change) in changes.into_iter().filter(|((_, name), _)| is_among(name)) {
            match change {
                Some(record) => _ = records.insert(name.into(), record.to_vec()),
                None => _ = records.remove(&*name),
            }
        }
        Ok(Part { records: records.into_iter().collect(), next })
    }
}
