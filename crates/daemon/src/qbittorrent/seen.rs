//! What each program has seen of `sync/maindata` (qBittorrent's Web API, "Sync"), so that it is told what changed since: a mark of eight bytes for each torrent, not
//! the torrent.
use serde_json::{Map, Value};
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Programs that are remembered; the one that asked longest ago gets everything anew.
const PROGRAMS_MAX: usize = 32;

/// What is told, by kind: torrents and categories by their keys, tags, what is said of the whole.
#[derive(Clone, PartialEq, Default, Debug)]
pub(super) struct Main {
    /// Torrents by their info-hashes, each with a mark that is another where something of it is.
    pub(super) torrents: BTreeMap<String, u64>,
    pub(super) categories: BTreeMap<String, Value>,
    pub(super) tags: BTreeMap<String, Value>,
    pub(super) server: BTreeMap<String, Value>,
}

/// Marks of what was told.
#[derive(Default)]
struct Marks {
    torrents: HashMap<String, u64>,
    categories: HashMap<String, u64>,
    tags: HashMap<String, u64>,
    server: HashMap<String, u64>,
}

struct Program {
    rid: i64,
    asked: Instant,
    marks: Marks,
}

/// The programs that ask.
#[derive(Default)]
pub(crate) struct Seen(Mutex<HashMap<String, Program>>);

/// The same of values that are told as they are.
fn values(now: &BTreeMap<String, Value>, marks: &mut HashMap<String, u64>) -> (Map<String, Value>, Vec<Value>) {
    let mark = |value: &Value| {
        let mut hasher = DefaultHasher::new();
        value.to_string().hash(&mut hasher);
        hasher.finish()
    };
    let marked = now.iter().map(|(key, value)| (key.clone(), mark(value))).collect();
    changes(&marked, marks, |key| now.get(key).cloned())
}

/// What changed of one kind, by its marks, and what is gone. Only what changed is told.
fn changes(
    now: &BTreeMap<String, u64>,
    marks: &mut HashMap<String, u64>,
    tell: impl Fn(&str) -> Option<Value>,
) -> (Map<String, Value>, Vec<Value>) {
    let mut changed = Map::new();
    for (key, mark) in now {
        if marks.insert(key.clone(), *mark) != Some(*mark)
            && let Some(value) = tell(key)
        {
            changed.insert(key.clone(), value);
        }
    }
    let mut gone: Vec<String> = marks.keys().filter(|key| !now.contains_key(*key)).cloned().collect();
    gone.sort_unstable();
    for key in &gone {
        marks.remove(key);
    }
    (changed, gone.into_iter().map(Value::from).collect())
}

impl Seen {
    /// What a program is told that has had the answer `rid` last; everything where that is not known any more.
    pub(super) fn tell(
        &self,
        program: &str,
        rid: i64,
        at: Instant,
        now: &Main,
        torrent: impl Fn(&str) -> Option<Value>,
    ) -> Value {
        let mut programs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !programs.contains_key(program)
            && programs.len() >= PROGRAMS_MAX
            && let Some(oldest) = programs.iter().min_by_key(|(_, one)| one.asked).map(|(name, _)| name.clone())
        {
            programs.remove(&oldest);
        }
        let one = programs.entry(program.to_owned());
        let one = one.or_insert_with(|| Program { rid: 0, asked: at, marks: Marks::default() });
        let full = rid <= 0 || rid != one.rid;
        if full {
            one.marks = Marks::default();
        }
        (one.rid, one.asked) = (one.rid.checked_add(1).unwrap_or(1), at);
        let mut told = Map::new();
        told.insert("rid".to_owned(), one.rid.into());
        if full {
            told.insert("full_update".to_owned(), true.into());
        }
        let marks = &mut one.marks;
        let (torrents, torrents_gone) = changes(&now.torrents, &mut marks.torrents, torrent);
        let (categories, categories_gone) = values(&now.categories, &mut marks.categories);
        let (tags, tags_gone) = values(&now.tags, &mut marks.tags);
        let (server, _) = values(&now.server, &mut marks.server);
        let tags: Vec<Value> = tags.into_iter().map(|(tag, _)| tag.into()).collect();
        let mut say = |key: &str, empty: bool, value: Value| {
            if full || !empty {
                told.insert(key.to_owned(), value);
            }
        };
        say("torrents", torrents.is_empty(), torrents.into());
        say("categories", categories.is_empty(), categories.into());
        say("tags", tags.is_empty(), tags.into());
        say("server_state", server.is_empty(), server.into());
        if !full {
            for (key, gone) in [
                ("torrents_removed", torrents_gone),
                ("categories_removed", categories_gone),
                ("tags_removed", tags_gone),
            ] {
                say(key, gone.is_empty(), gone.into());
            }
        }
        Value::Object(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn main(torrents: &[(&str, u64)], tags: &[&str]) -> Main {
        Main {
            torrents: torrents.iter().map(|(key, n)| ((*key).to_owned(), *n)).collect(),
            tags: tags.iter().map(|tag| ((*tag).to_owned(), Value::Null)).collect(),
            ..Main::default()
        }
    }

    fn tell(seen: &Seen, program: &str, rid: i64, at: Instant, now: &Main) -> Value {
        seen.tell(program, rid, at, now, |key| Some(json!({"n": now.torrents.get(key)?})))
    }

    #[test]
    fn first_all_is_told_then_what_changed() {
        let (seen, now) = (Seen::default(), Instant::now());
        let first = tell(&seen, "a", 0, now, &main(&[("x", 1), ("y", 1)], &["t"]));
        assert_eq!((&first["rid"], &first["full_update"]), (&json!(1), &json!(true)));
        assert_eq!(first["torrents"], json!({"x": {"n": 1}, "y": {"n": 1}}));
        assert_eq!(
            (&first["tags"], &first["categories"], &first["server_state"]),
            (&json!(["t"]), &json!({}), &json!({}))
        );
        assert_eq!(tell(&seen, "a", 1, now, &main(&[("x", 1), ("y", 1)], &["t"])), json!({"rid": 2}));
        let changed = tell(&seen, "a", 2, now, &main(&[("y", 2)], &["t", "u"]));
        assert_eq!(changed, json!({"rid": 3, "torrents": {"y": {"n": 2}}, "torrents_removed": ["x"], "tags": ["u"]}));
    }

    #[test]
    fn an_answer_that_got_lost_is_made_good_by_all() {
        let (seen, now) = (Seen::default(), Instant::now());
        tell(&seen, "a", 0, now, &main(&[("x", 1)], &[]));
        tell(&seen, "a", 1, now, &main(&[("x", 2)], &[]));
        let again = tell(&seen, "a", 1, now, &main(&[("x", 2)], &[]));
        assert_eq!((&again["full_update"], &again["torrents"]), (&json!(true), &json!({"x": {"n": 2}})));
        assert_eq!(tell(&seen, "b", 2, now, &main(&[], &[]))["full_update"], json!(true), "each program by itself");
        for n in 0..PROGRAMS_MAX * 2 {
            tell(&seen, &n.to_string(), 0, now, &main(&[], &[]));
        }
        assert_eq!(seen.0.lock().unwrap().len(), PROGRAMS_MAX);
    }
}
