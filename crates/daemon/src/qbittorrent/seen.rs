//! What each program has seen of `sync/maindata` (qBittorrent's Web API, "Sync"), so that it is told what changed since: a revision of the table of torrents,
//! and a mark of eight bytes for each of the rest.
use serde_json::{Map, Value};
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use teem_client::metainfo::InfoHash;

/// Programs that are remembered; the one that asked longest ago gets everything anew.
const PROGRAMS_MAX: usize = 32;

/// What is told beside torrents, by kind: categories by their names, tags, what is said of the whole.
#[derive(Clone, PartialEq, Default, Debug)]
pub(super) struct Main {
    /// What the rules say of all torrents: each is told by it.
    pub(super) goal: String,
    pub(super) categories: BTreeMap<String, Value>,
    pub(super) tags: BTreeMap<String, Value>,
    pub(super) server: BTreeMap<String, Value>,
}

/// What a program knows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Since {
    /// The revision of the table up to which it knows all torrents.
    pub(super) revision: u64,
    /// Labels that are categories by now and were none, or the other way round: their torrents are told otherwise.
    pub(super) categories: BTreeSet<String>,
    /// All torrents are told otherwise.
    pub(super) all: bool,
}

/// What is told of torrents.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Changes {
    /// The revision of the table up to which it is told.
    pub(super) revision: u64,
    /// An object of torrents by info-hash, as it is written.
    pub(super) torrents: Vec<u8>,
    /// Those that went; `None` where all that there are is told.
    pub(super) gone: Option<Vec<InfoHash>>,
}

/// Marks of what was told.
#[derive(Default)]
struct Marks {
    categories: HashMap<String, u64>,
    tags: HashMap<String, u64>,
    server: HashMap<String, u64>,
}

struct Program {
    rid: i64,
    asked: Instant,
    revision: u64,
    goal: String,
    marks: Marks,
}

/// The programs that ask.
#[derive(Default)]
pub(crate) struct Seen(Mutex<HashMap<String, Program>>);

/// What changed of one kind, and what is gone.
fn values(now: &BTreeMap<String, Value>, marks: &mut HashMap<String, u64>) -> (Map<String, Value>, Vec<Value>) {
    let mark = |value: &Value| {
        let mut hasher = DefaultHasher::new();
        value.to_string().hash(&mut hasher);
        hasher.finish()
    };
    let marked = now.iter().map(|(key, value)| (key.clone(), mark(value))).collect();
    other(&marked, marks, |key| now.get(key).cloned())
}

/// The same by marks. Only what changed is told.
fn other(
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
    fn programs(&self) -> MutexGuard<'_, HashMap<String, Program>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a program knows that has had the answer `rid` last, where that is known.
    pub(super) fn since(&self, program: &str, rid: i64, now: &Main) -> Option<Since> {
        let programs = self.programs();
        let one = programs.get(program).filter(|one| rid > 0 && one.rid == rid)?;
        let before = &one.marks.categories;
        let new = now.categories.keys().filter(|name| !before.contains_key(*name));
        let gone = before.keys().filter(|name| !now.categories.contains_key(*name));
        let categories = new.chain(gone).cloned().collect();
        Some(Since { revision: one.revision, categories, all: one.goal != now.goal })
    }

    /// What a program is told that has had the answer `rid` last, written: everything where what changed of the torrents is not known.
    pub(super) fn tell(&self, program: &str, rid: i64, at: Instant, now: &Main, changes: Changes) -> Vec<u8> {
        let Changes { revision, torrents, gone } = changes;
        let mut programs = self.programs();
        if !programs.contains_key(program)
            && programs.len() >= PROGRAMS_MAX
            && let Some(oldest) = programs.iter().min_by_key(|(_, one)| one.asked).map(|(name, _)| name.clone())
        {
            programs.remove(&oldest);
        }
        let one = programs.entry(program.to_owned());
        let one = one.or_insert_with(|| Program {
            rid: 0,
            asked: at,
            revision,
            goal: String::new(),
            marks: Marks::default(),
        });
        let full = gone.is_none();
        // One that asks twice at once may take either answer.
        if full || one.rid != rid {
            one.marks = Marks::default();
        }
        (one.rid, one.asked, one.revision) = (one.rid.checked_add(1).unwrap_or(1), at, revision);
        one.goal.clone_from(&now.goal);
        let mut told = Map::new();
        told.insert("rid".to_owned(), one.rid.into());
        if full {
            told.insert("full_update".to_owned(), true.into());
        }
        let marks = &mut one.marks;
        let (categories, categories_gone) = values(&now.categories, &mut marks.categories);
        let (tags, tags_gone) = values(&now.tags, &mut marks.tags);
        let (server, _) = values(&now.server, &mut marks.server);
        let tags: Vec<Value> = tags.into_iter().map(|(tag, _)| tag.into()).collect();
        let mut say = |key: &str, empty: bool, value: Value| {
            if full || !empty {
                told.insert(key.to_owned(), value);
            }
        };
        say("categories", categories.is_empty(), categories.into());
        say("tags", tags.is_empty(), tags.into());
        say("server_state", server.is_empty(), server.into());
        if !full {
            let gone = gone.unwrap_or_default().iter().map(|hash| hash.to_string().into()).collect();
            for (key, gone) in
                [("torrents_removed", gone), ("categories_removed", categories_gone), ("tags_removed", tags_gone)]
            {
                say(key, gone.is_empty(), Value::Array(gone));
            }
        }
        let mut out = Value::Object(told).to_string().into_bytes();
        if full || torrents.len() > b"{}".len() {
            out.pop();
            out.extend(b",\"torrents\":");
            out.extend(torrents);
            out.push(b'}');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn main(tags: &[&str]) -> Main {
        Main { tags: tags.iter().map(|tag| ((*tag).to_owned(), Value::Null)).collect(), ..Main::default() }
    }

    fn changes(revision: u64, torrents: &Value, gone: Option<Vec<InfoHash>>) -> Changes {
        Changes { revision, torrents: torrents.to_string().into_bytes(), gone }
    }

    fn tell(seen: &Seen, program: &str, rid: i64, at: Instant, now: &Main, changes: Changes) -> Value {
        serde_json::from_slice(&seen.tell(program, rid, at, now, changes)).unwrap()
    }

    #[test]
    fn first_all_is_told_then_what_changed() {
        let (seen, now) = (Seen::default(), Instant::now());
        assert_eq!(seen.since("a", 0, &main(&["t"])), None);
        let all = json!({"x": {"n": 1}, "y": {"n": 1}});
        let first = tell(&seen, "a", 0, now, &main(&["t"]), changes(7, &all, None));
        assert_eq!((&first["rid"], &first["full_update"], &first["torrents"]), (&json!(1), &json!(true), &all));
        assert_eq!(
            (&first["tags"], &first["categories"], &first["server_state"]),
            (&json!(["t"]), &json!({}), &json!({}))
        );
        let since = |revision| Since { revision, categories: BTreeSet::new(), all: false };
        assert_eq!(seen.since("a", 1, &main(&["t"])), Some(since(7)));
        let nothing = changes(7, &json!({}), Some(Vec::new()));
        assert_eq!(tell(&seen, "a", 1, now, &main(&["t"]), nothing), json!({"rid": 2}));
        let gone = InfoHash([7; 20]);
        let changed = changes(9, &json!({"y": {"n": 2}}), Some(vec![gone]));
        let changed = tell(&seen, "a", 2, now, &main(&["u"]), changed);
        let said = json!({"rid": 3, "torrents": {"y": {"n": 2}}, "torrents_removed": [gone.to_string()], "tags": ["u"], "tags_removed": ["t"]});
        assert_eq!((changed, seen.since("a", 3, &main(&[]))), (said, Some(since(9))));
        let other = Main { goal: "ratio=2".into(), categories: [("tv".to_owned(), Value::Null)].into(), ..main(&[]) };
        let expected = Since { categories: ["tv".to_owned()].into(), all: true, ..since(9) };
        assert_eq!(seen.since("a", 3, &other), Some(expected));
    }

    #[test]
    fn an_answer_that_got_lost_is_made_good_by_all() {
        let (seen, now) = (Seen::default(), Instant::now());
        let ask = |program: &str, rid| {
            let since = seen.since(program, rid, &main(&[]));
            tell(&seen, program, rid, now, &main(&[]), changes(5, &json!({}), since.map(|_| Vec::new())))
        };
        assert_eq!(ask("a", 0)["full_update"], true);
        assert_eq!(ask("a", 1), json!({"rid": 2}));
        assert_eq!(ask("a", 1)["full_update"], true);
        assert_eq!(ask("b", 2)["full_update"], true, "each program by itself");
        for n in 0..PROGRAMS_MAX * 2 {
            ask(&n.to_string(), 0);
        }
        assert_eq!(seen.programs().len(), PROGRAMS_MAX);
    }
}
