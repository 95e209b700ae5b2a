//! What a request and its answer are wrapped in (Transmission's rpc-spec, "Message format"): the legacy one of 4.0.6, and JSON-RPC 2.0.
//!
//! A request is JSON-RPC's when it says so (`"jsonrpc": "2.0"`), or is a list of such. Nesting is bounded by the parser, at 128.
use super::args::Args;
use super::names::{Style, inside, styled};
use serde_json::{Map, Value, json};

/// Requests of one batch.
const BATCH_MAX: usize = 100;

/// Which of the two a request is written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Dialect {
    /// `{method, arguments, tag}`.
    Legacy,
    /// `{jsonrpc, method, params, id}`.
    JsonRpc,
}

/// A request in either dialect, unwrapped.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Call {
    pub(super) dialect: Dialect,
    /// As written inside: `torrent_get`.
    pub(super) method: String,
    pub(super) args: Args,
    /// `tag` or `id`, given back as it is; `None` of a notification, which is not answered.
    tag: Option<Value>,
}

/// What was sent.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Sent {
    /// A request by itself, not in a list.
    One(Call),
    /// Several in one, each a request or the answer to what is none.
    Batch(Vec<Result<Call, Value>>),
    /// No request: the answer to that.
    Nothing(Value),
}

/// Why a request is not carried out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Refused {
    /// There is no such method.
    Method,
    /// The arguments are not understood.
    Arguments(String),
    /// It cannot be done: a sentence.
    Cannot(String),
}

/// What was done.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Done {
    /// The arguments of the answer as written inside, and the style that the legacy dialect writes them in.
    pub(super) args: Map<String, Value>,
    pub(super) style: Style,
    /// The list of `torrents`, written already as it is to be: of tens of thousands each is let go of once it is written.
    pub(super) torrents: Option<Vec<u8>>,
}

impl From<(Map<String, Value>, Style)> for Done {
    fn from((args, style): (Map<String, Value>, Style)) -> Self {
        Self { args, style, torrents: None }
    }
}

impl Done {
    /// The arguments as an object.
    fn written(self, dialect: Dialect) -> Vec<u8> {
        let args = Value::Object(self.args);
        let mut out = match dialect {
            Dialect::Legacy => styled(args, self.style).to_string(),
            Dialect::JsonRpc => args.to_string(),
        }
        .into_bytes();
        if let Some(torrents) = self.torrents {
            out.pop();
            if out.len() > 1 {
                out.push(b',');
            }
            out.extend(b"\"torrents\":");
            out.extend(torrents);
            out.push(b'}');
        }
        out
    }
}

/// What became of a request.
pub(super) type Outcome = Result<Done, Refused>;

impl Refused {
    /// What cannot be done, in a sentence.
    pub(super) fn cannot(why: impl ToString) -> Self {
        Self::Cannot(why.to_string())
    }

    /// The legacy dialect's `result`.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::Method => "method name not recognized".to_owned(),
            Self::Arguments(why) | Self::Cannot(why) => why.clone(),
        }
    }

    /// JSON-RPC's error (section 5.1; positive numbers are Transmission's own).
    fn error(&self) -> Value {
        let (code, message) = match self {
            Self::Method => (-32601, "Method not found"),
            Self::Arguments(_) => (-32602, "Invalid params"),
            Self::Cannot(_) => (5, "system error"),
        };
        json!({"code": code, "message": message, "data": {"error_string": self.sentence(), "result": {}}})
    }
}

/// Understands what was sent.
pub(super) fn read(body: &[u8]) -> Sent {
    match serde_json::from_slice(body) {
        Ok(Value::Array(list)) if list.is_empty() || list.len() > BATCH_MAX => Sent::Nothing(bad_request(Value::Null)),
        Ok(Value::Array(list)) => {
            let json_rpc = |value| call(value).filter(|call| call.dialect == Dialect::JsonRpc);
            let calls = list.into_iter().map(|value| json_rpc(value).ok_or_else(|| bad_request(Value::Null)));
            Sent::Batch(calls.collect())
        }
        Ok(value) => {
            let is_json_rpc = value.get("jsonrpc").is_some();
            let tag = value.get("id").filter(|id| id.is_string() || id.is_number()).cloned().unwrap_or_default();
            match call(value) {
                Some(call) => Sent::One(call),
                None if is_json_rpc => Sent::Nothing(bad_request(tag)),
                None => Sent::Nothing(json!({"arguments": {}, "result": "no method name"})),
            }
        }
        Err(e) => {
            let why = format!("the request is no JSON: {e}");
            let error = json!({"code": -32700, "message": "Parse error", "data": {"error_string": why}});
            // Which dialect was meant cannot be told: each finds its own keys.
            Sent::Nothing(json!({"jsonrpc": "2.0", "error": error, "id": null, "arguments": {}, "result": why}))
        }
    }
}

fn bad_request(id: Value) -> Value {
    json!({"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": id})
}

fn call(value: Value) -> Option<Call> {
    let Value::Object(mut request) = value else { return None };
    let Some(Value::String(method)) = request.remove("method") else { return None };
    let dialect = match request.get("jsonrpc") {
        None => Dialect::Legacy,
        Some(Value::String(version)) if version == "2.0" => Dialect::JsonRpc,
        Some(_) => return None,
    };
    let (arguments, tag) = match dialect {
        Dialect::Legacy => (request.remove("arguments"), request.remove("tag")),
        Dialect::JsonRpc => (request.remove("params"), request.remove("id")),
    };
    let args = match (arguments, dialect) {
        (Some(Value::Object(map)), _) => Args::new(map),
        // By position there are none.
        (Some(_), Dialect::JsonRpc) => return None,
        _ => Args::default(),
    };
    // Each dialect knows its own spelling alone, so that one that tries the other hears of it.
    let foreign = if dialect == Dialect::Legacy { '_' } else { '-' };
    let method = if method.contains(foreign) { String::new() } else { inside(&method) };
    Some(Call { dialect, method, args, tag })
}

impl Call {
    /// The answer; none to a notification.
    pub(super) fn answer(&self, outcome: Outcome) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let mut parts: Vec<(&[u8], Vec<u8>)> = Vec::new();
        match self.dialect {
            Dialect::Legacy => {
                let (arguments, result) = match outcome {
                    Ok(done) => (done.written(self.dialect), "success".to_owned()),
                    Err(refused) => (b"{}".to_vec(), refused.sentence()),
                };
                parts.push((b"arguments", arguments));
                parts.push((b"result", Value::from(result).to_string().into_bytes()));
                parts.extend(self.tag.as_ref().map(|tag| (&b"tag"[..], tag.to_string().into_bytes())));
            }
            Dialect::JsonRpc => {
                let id = self.tag.as_ref()?;
                parts.push(match outcome {
                    Ok(done) => (b"result", done.written(self.dialect)),
                    Err(refused) => (b"error", refused.error().to_string().into_bytes()),
                });
                parts.push((b"jsonrpc", b"\"2.0\"".to_vec()));
                parts.push((b"id", id.to_string().into_bytes()));
            }
        }
        for (key, value) in parts {
            out.extend(if out.is_empty() { b"{\"" } else { b",\"" });
            out.extend(key);
            out.extend(b"\":");
            out.extend(value);
        }
        out.push(b'}');
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(body: &str) -> Call {
        match read(body.as_bytes()) {
            Sent::One(call) => call,
            other => panic!("{body}: {other:?}"),
        }
    }

    fn done() -> Done {
        ([("download_dir".to_owned(), json!("/x"))].into_iter().collect(), Style::Kebab).into()
    }

    fn answer(call: &Call, outcome: Outcome) -> Option<Value> {
        call.answer(outcome).map(|answer| serde_json::from_slice(&answer).unwrap())
    }

    #[test]
    fn the_legacy_dialect_is_answered_in_its_words() {
        let call = one(r#"{"method":"torrent-get","arguments":{"ids":7},"tag":4}"#);
        assert_eq!((call.method.as_str(), call.dialect), ("torrent_get", Dialect::Legacy));
        let told = json!({"arguments": {"download-dir": "/x"}, "result": "success", "tag": 4});
        assert_eq!(answer(&call, Ok(done())), Some(told));
        let bare = one(r#"{"method":"session-stats"}"#);
        let unknown = json!({"arguments": {}, "result": "method name not recognized"});
        assert_eq!(answer(&bare, Err(Refused::Method)), Some(unknown));
        assert_eq!(one(r#"{"method":"session_get"}"#).method, "", "not its spelling");
    }

    #[test]
    fn json_rpc_is_answered_by_id_and_notifications_are_not() {
        let call = one(r#"{"jsonrpc":"2.0","method":"session_get","params":{},"id":1}"#);
        assert_eq!(call.dialect, Dialect::JsonRpc);
        assert_eq!(
            answer(&call, Ok(done())),
            Some(json!({"jsonrpc": "2.0", "result": {"download_dir": "/x"}, "id": 1}))
        );
        let refused = answer(&call, Err(Refused::Method)).unwrap();
        assert_eq!((&refused["error"]["code"], &refused["id"]), (&json!(-32601), &json!(1)));
        assert_eq!(one(r#"{"jsonrpc":"2.0","method":"session_get"}"#).answer(Ok(done())), None);
        let Sent::Batch(batch) = read(br#"[{"jsonrpc":"2.0","method":"x","id":1},3]"#) else { panic!("no batch") };
        assert!(batch[0].is_ok() && batch[1].is_err());
    }

    #[test]
    fn torrents_that_are_written_stand_beside_what_else_is_told() {
        let call = one(r#"{"jsonrpc":"2.0","method":"torrent_get","params":{},"id":1}"#);
        let done = |args: Value| Done {
            args: args.as_object().unwrap().clone(),
            style: Style::Snake,
            torrents: Some(b"[{\"a\":1}]".to_vec()),
        };
        let told = |args| answer(&call, Ok(done(args))).unwrap()["result"].take();
        assert_eq!(told(json!({})), json!({"torrents": [{"a": 1}]}));
        assert_eq!(told(json!({"removed": [7]})), json!({"removed": [7], "torrents": [{"a": 1}]}));
    }

    #[test]
    fn what_is_no_request_is_told_so() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for body in
            ["", "[", "[]", "7", "{}", r#"{"method":1}"#, r#"{"jsonrpc":"2.0","method":"x","params":[1]}"#, &deep]
        {
            assert!(matches!(read(body.as_bytes()), Sent::Nothing(_)), "{}", &body[..body.len().min(60)]);
        }
    }
}
