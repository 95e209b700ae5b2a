//! What was changed by whom (own design): a line of JSON for each request that changes something, in a file of the folder of saved state.
//!
//! A line is written before the request is answered. Secrets are left out: URLs stand as they are shown everywhere, contents of files as their length. The file
//! is bounded: when it is full it becomes the one before, which goes.
use crate::asker::{Asker, asker};
use serde::Serialize;
use serde_json::{Map, Value};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use teem_metainfo::deceives;
use teem_metainfo::redact::redact_link;

/// The file, and the one before it.
const FILE: &str = "audit.jsonl";
const BEFORE: &str = "audit.1.jsonl";

/// Bytes of either.
const FILE_BYTES: u64 = 8 << 20;
/// Bytes of what is noted of one request.
const WHAT_BYTES: usize = 4 << 10;
/// Characters of one text, items of one list, and objects within objects.
const TEXT_CHARS: usize = 300;
const ITEMS_MAX: usize = 20;
const DEPTH_MAX: usize = 4;

/// Keys of files' contents, and of what is nobody's to read.
const CONTENTS: [&str; 2] = ["torrent", "metainfo"];
const SECRETS: [&str; 5] = ["password", "token", "cookie", "cookies", "peer_password"];

/// One request that changes something.
#[derive(Serialize)]
struct Line<'a> {
    /// When, in seconds since 1970.
    time: u64,
    /// The user who asked over the socket.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<u32>,
    /// The token that was shown, by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// The address that the request came from, with its port.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// `teem`, `transmission` or `qbittorrent`.
    interface: &'a str,
    /// What was to be done, in the interface's word.
    verb: &'a str,
    /// With what, as far as it is no secret.
    what: Value,
    /// `done`, or why not.
    outcome: &'a str,
}

/// The file that lines are added to.
pub(crate) struct Audit {
    folder: PathBuf,
    bytes_max: u64,
    /// Once open: with its length.
    file: Mutex<Option<(File, u64)>>,
    /// Why the last line could not be written.
    trouble: Mutex<Option<String>>,
}

impl Audit {
    /// In that folder; nothing is made before there is something to be written.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, bytes_max: FILE_BYTES, file: Mutex::default(), trouble: Mutex::default() }
    }

    /// The folder that it was made for.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What keeps lines from being written at present.
    pub(crate) fn trouble(&self) -> Option<String> {
        locked(&self.trouble).clone()
    }

    /// Adds a line. Waits for the medium.
    fn add(&self, line: &str) {
        let mut file = locked(&self.file);
        let added = self.try_add(&mut file, line);
        if added.is_err() {
            // It is opened anew with the next.
            *file = None;
        }
        *locked(&self.trouble) = added.err().map(|e| format!("{}: {e}", self.folder.join(FILE).display()));
    }

    fn try_add(&self, file: &mut Option<(File, u64)>, line: &str) -> io::Result<()> {
        if file.is_none() {
            *file = Some(self.open()?);
        }
        if file.as_ref().is_some_and(|(_, len)| *len + line.len() as u64 > self.bytes_max) {
            *file = None;
            fs::rename(self.folder.join(FILE), self.folder.join(BEFORE))?;
            *file = Some(self.open()?);
        }
        if let Some((file, len)) = file {
            file.write_all(line.as_bytes())?;
            *len += line.len() as u64;
        }
        Ok(())
    }

    fn open(&self) -> io::Result<(File, u64)> {
        let options = OpenOptions::new().read(true).append(true).create(true).mode(0o600).to_owned();
        let mut file = options.open(self.folder.join(FILE))?;
        let mut len = file.metadata()?.len();
        // What a kill or a full disk has torn ends there.
        let mut last = [b'\n'];
        if len > 0 {
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
        }
        if last != [b'\n'] {
            file.write_all(b"\n")?;
            len += 1;
        }
        Ok((file, len))
    }
}

impl Audit {
    /// Notes what was done for the one who asks now, or why it was not.
    pub(crate) async fn note(self: &Arc<Self>, interface: &str, verb: &str, what: &Value, outcome: Result<(), String>) {
        let (user, token, address) = match asker() {
            Some(Asker::Owner(user)) => (user, None, None),
            Some(Asker::Token(name, from)) => (None, name, from.map(|from| from.to_string())),
            None => (None, None, None),
        };
        let outcome = outcome.map_or_else(|why| shown(&why), |()| "done".to_owned());
        let verb = shown(verb);
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let line = Line { time, user, token, address, interface, verb: &verb, what: told(what), outcome: &outcome };
        // INVARIANT: it is texts, numbers and lists of these, under keys that are texts.
        let mut text = serde_json::to_string(&line).expect("JSON");
        text.push('\n');
        let audit = self.clone();
        // A line that cannot be written is trouble, which `/healthz` tells.
        let _ = tokio::task::spawn_blocking(move || audit.add(&text)).await;
    }
}

/// What was sent, as far as it may be read by others.
fn told(what: &Value) -> Value {
    let told = safe("", what, 0);
    let text = told.to_string();
    if text.len() <= WHAT_BYTES { told } else { cut(&text, WHAT_BYTES).into() }
}

fn safe(key: &str, value: &Value, depth: usize) -> Value {
    match value {
        Value::String(text) if CONTENTS.contains(&key) => format!("{} bytes", text.len()).into(),
        _ if SECRETS.contains(&key) => "…".into(),
        Value::String(text) => shown(text).into(),
        Value::Array(_) | Value::Object(_) if depth >= DEPTH_MAX => "…".into(),
        Value::Array(list) => {
            let mut items: Vec<_> = list.iter().take(ITEMS_MAX).map(|item| safe(key, item, depth + 1)).collect();
            if list.len() > ITEMS_MAX {
                items.push(format!("… and {} more", list.len() - ITEMS_MAX).into());
            }
            items.into()
        }
        Value::Object(map) => {
            let keys = map.iter().take(ITEMS_MAX).map(|(key, value)| (shown(key), safe(key, value, depth + 1)));
            keys.collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

/// A text without secrets, and without characters that a terminal obeys or nobody sees.
fn shown(text: &str) -> String {
    let is_link = |line: &str| line.contains("://") || line.trim_start().to_ascii_lowercase().starts_with("magnet");
    let lines =
        text.lines().take(ITEMS_MAX).map(|line| if is_link(line) { redact_link(line) } else { line.to_owned() });
    let text = lines.collect::<Vec<_>>().join(" ");
    cut(&text, TEXT_CHARS).chars().map(|c| if deceives(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

/// A panic elsewhere does not make it unusable: each change leaves it whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_and_contents_are_left_out() {
        let what = json!({
            "torrent": "A".repeat(1000), "link": "magnet:?xt=urn:btih:abc&tr=http://t.example/announce?passkey=0123456789abcdef0123456789abcdef",
            "urls": "https://t.example/dl/7?passkey=0123456789abcdef0123456789abcdef\nhttps://u:pw@x.example/a",
            "password": "hunter2", "select": vec!["all"; 30], "name": "a\u{202e}b\u{9b}c",
        });
        let told = told(&what);
        let text = told.to_string();
        assert!(!text.contains("0123456789abcdef") && !text.contains("hunter2") && !text.contains("pw@"), "{text}");
        assert_eq!((&told["torrent"], &told["select"][20]), (&json!("1000 bytes"), &json!("… and 10 more")));
        assert_eq!(told["name"], "a\u{fffd}b\u{fffd}c");
        assert!(super::told(&json!(vec![vec!["x".repeat(300); 20]; 20])).to_string().len() < WHAT_BYTES + 3000);
    }

    #[test]
    fn the_file_is_bounded_and_a_torn_line_stays_alone() {
        let folder = std::env::temp_dir().join(format!("teem-audit-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let lines = |name: &str| {
            let text = fs::read_to_string(folder.join(name)).unwrap_or_default();
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        };
        fs::write(folder.join(FILE), "tor").unwrap();
        let audit = Audit { bytes_max: 20, ..Audit::new(folder.clone()) };
        audit.add("one\n");
        assert_eq!(lines(FILE), ["tor", "one"]);
        for n in 0..100 {
            audit.add(&format!("line {n:04}\n"));
            assert!(fs::metadata(folder.join(FILE)).unwrap().len() <= 20);
        }
        assert_eq!(
            (lines(FILE), lines(BEFORE)),
            (vec!["line 0099".into()], vec!["line 0097".into(), "line 0098".into()])
        );
        assert_eq!(audit.trouble(), None);
        fs::remove_dir_all(&folder).unwrap();
        *locked(&audit.file) = None;
        audit.add("nowhere\n");
        assert!(audit.trouble().unwrap().contains(FILE));
    }
}
