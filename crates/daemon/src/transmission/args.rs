//! What a request of Transmission's says (rpc-spec, "Torrent requests"): keys as written inside, values as leniently read as its server does.
use super::names::inside;
use serde_json::{Map, Value};
use teem_client::metainfo::InfoHash;

/// Torrents that one request names.
const IDS_MAX: usize = 200_000;

/// The arguments of a request.
#[derive(Clone, PartialEq, Default, Debug)]
pub(super) struct Args(Map<String, Value>);

/// Which torrents a request is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Ids {
    /// All there are: nothing was said.
    All,
    /// Those of which something was changed in the last minute.
    RecentlyActive,
    /// Those that are named, as far as there are any.
    These(Vec<Id>),
}

/// The name of a torrent in a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Id {
    /// By the number that it has in this run.
    Number(u64),
    /// By its info-hash.
    Hash(InfoHash),
}

impl Args {
    /// Of an object, whichever way its keys are written.
    pub(super) fn new(map: Map<String, Value>) -> Self {
        Self(map.into_iter().map(|(key, value)| (inside(&key), value)).collect())
    }

    /// All of them as an object.
    pub(super) fn told(&self) -> Value {
        Value::Object(self.0.clone())
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    /// A truth, also as 0, 1, and in words.
    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        match self.get(key)? {
            Value::Bool(flag) => Some(*flag),
            Value::Number(number) => number.as_f64().map(|number| number != 0.0),
            Value::String(word) => match word.as_str() {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn real(&self, key: &str) -> Option<f64> {
        self.get(key)?.as_f64()
    }

    /// The texts of a list; what is none is left out.
    pub(super) fn texts(&self, key: &str) -> Option<Vec<String>> {
        let list = self.get(key)?.as_array()?;
        Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// A whole number; what stands behind its point is left out.
    pub(super) fn int(&self, key: &str) -> Option<i64> {
        let value = self.get(key)?;
        value.as_i64().or_else(|| value.as_f64().map(|number| number as i64))
    }

    /// The whole numbers of a list; what is none is left out.
    pub(super) fn ints(&self, key: &str) -> Option<Vec<u64>> {
        Some(self.get(key)?.as_array()?.iter().filter_map(Value::as_u64).collect())
    }

    /// For which torrents it is: those that cannot be understood are none.
    pub(super) fn ids(&self) -> Ids {
        let one = |value: &Value| match value {
            Value::Number(number) => number.as_u64().map(Id::Number),
            Value::String(text) => text.parse().ok().map(Id::Hash),
            _ => None,
        };
        match self.get("ids") {
            None => Ids::All,
            Some(Value::Array(list)) => Ids::These(list.iter().take(IDS_MAX).filter_map(one).collect()),
            Some(Value::String(text)) if inside(text) == "recently_active" => Ids::RecentlyActive,
            Some(value) => Ids::These(one(value).into_iter().collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn args(value: Value) -> Args {
        match value {
            Value::Object(map) => Args::new(map),
            _ => Args::default(),
        }
    }

    #[test]
    fn ids_come_in_each_shape_and_what_is_no_id_is_no_torrent() {
        let hash = "ab".repeat(20);
        let by_hash = Id::Hash(hash.parse().unwrap());
        for (value, ids) in [
            (json!({}), Ids::All),
            (json!({"ids": 7}), Ids::These(vec![Id::Number(7)])),
            (json!({"ids": [7, hash, -1, null, "x"]}), Ids::These(vec![Id::Number(7), by_hash])),
            (json!({"ids": hash}), Ids::These(vec![by_hash])),
            (json!({"ids": []}), Ids::These(Vec::new())),
            (json!({"ids": "recently-active"}), Ids::RecentlyActive),
            (json!({"ids": "recently_active"}), Ids::RecentlyActive),
            (json!({"ids": {}}), Ids::These(Vec::new())),
        ] {
            assert_eq!(args(value.clone()).ids(), ids, "{value}");
        }
    }

    #[test]
    fn values_are_read_leniently() {
        let args = args(json!({"downloadDir": "/x", "a-b": 1, "c": "true", "d": 2.9, "e": ["x", 1], "f": [1, "x"]}));
        assert_eq!(args.text("download_dir"), Some("/x"));
        assert_eq!((args.flag("a_b"), args.flag("c"), args.flag("download_dir")), (Some(true), Some(true), None));
        assert_eq!((args.int("d"), args.real("d"), args.int("c")), (Some(2), Some(2.9), None));
        assert_eq!((args.texts("e"), args.ints("f")), (Some(vec!["x".to_owned()]), Some(vec![1])));
        assert_eq!(args.keys().count(), 6);
    }
}
