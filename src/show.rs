//! `teem show`: what a .torrent file or a link contains.
use crate::exit::{Exit, Outcome, Stop};
use crate::foreign::plain;
use crate::scrape::{self, Told};
use crate::units::Bytes;
use crate::{cli, json, stdin};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use teem_client::config::AGENT;
use teem_client::http::fetch::Http;
use teem_client::{Source, source};
use teem_metainfo::redact::redact_file;
use teem_metainfo::{AnnounceUrl, File, Info, Metainfo};

pub(crate) async fn run(options: &cli::Show) -> Outcome {
    let http = Http::new(options.path.path(false).await?, AGENT);
    let source = if stdin::is_dash(&options.link) {
        stdin::source(&http).await?
    } else {
        source::load(&options.link, &http).await.map_err(|e| Stop::link(&e))?
    };
    let swarm = if options.scrape { Some(scrape::all(&source, &http, &options.with_dht).await) } else { None };
    if options.json {
        json::long_line(&document(&source, swarm.as_deref()));
    } else {
        crate::stdout::text(&report(&source, swarm.as_deref().unwrap_or_default(), options.files));
    }
    match swarm {
        Some(told) if told.is_empty() => {
            let why = source.left_out.iter().fold(String::new(), |why, left_out| why + "; " + &plain(left_out));
            Err(Stop::refused("no_tracker", format!("it names no tracker that could be asked{why}")))
        }
        Some(told) if !told.iter().any(Told::is_answer) => {
            let who = if told.iter().any(Told::is_dht) { "neither a tracker nor the DHT" } else { "no tracker" };
            Err(Stop::refused("no_answer", format!("{who} told of the swarm; the reasons stand above")))
        }
        _ => Ok(Exit::Done),
    }
}

/// The path of a file from the torrent's name down, with slashes.
pub(crate) fn path(info: &Info, file: &File<'_>) -> String {
    info.full_path(file).collect::<Vec<_>>().join("/")
}

/// What stands under a key.
enum Field<'a> {
    Value(Value),
    /// The list of files, which may be a million and is written one by one.
    Files(&'a Info),
}

impl Serialize for Field<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => value.serialize(serializer),
            Self::Files(info) => serializer.collect_seq(info.files().iter().map(|file| entry(info, &file))),
        }
    }
}

/// Everything as one JSON object; the keys are documented in `docs/json.md`.
fn document<'a>(source: &'a Source, swarm: Option<&[Told]>) -> BTreeMap<&'static str, Field<'a>> {
    let mut out = BTreeMap::new();
    let mut put = |key: &'static str, value: Value| {
        out.insert(key, Field::Value(value));
    };
    if let Some(hash) = source.key.v1() {
        put("infohash_v1", json!(hash.to_string()));
    }
    if let Some(hash) = source.key.v2() {
        put("infohash_v2", json!(hash.to_string()));
    }
    put("trackers", json!(source.trackers.iter().flatten().map(AnnounceUrl::reveal).collect::<Vec<_>>()));
    let tiers = source.trackers.iter().enumerate().flat_map(|(tier, urls)| urls.iter().map(move |_| tier));
    put("tracker_tiers", json!(tiers.collect::<Vec<_>>()));
    if let Some(swarm) = swarm {
        put("scrape", json!(swarm.iter().map(Told::value).collect::<Vec<_>>()));
    }
    if let Some(name) = &source.name {
        put("name", json!(name));
    }
    if let Some(magnet) = &source.magnet {
        put("web_seeds", json!(magnet.web_seeds));
        put("peers", json!(magnet.peers));
    }
    if let Some(metainfo) = &source.metainfo {
        out.extend(torrent(metainfo));
    }
    if !source.hints.is_empty() {
        out.insert("hints", Field::Value(json!(source.hints)));
    }
    out
}

fn torrent(metainfo: &Metainfo) -> BTreeMap<&'static str, Field<'_>> {
    let info = &metainfo.info;
    let mut out = BTreeMap::from([("file_list", Field::Files(info))]);
    let mut put = |key: &'static str, value: Value| {
        out.insert(key, Field::Value(value));
    };
    put("files", json!(info.files().len()));
    put("real_files", json!(info.content_files()));
    put("total_size", json!(info.total()));
    put("size_without_pads", json!(info.content_size()));
    put("piece_length", json!(info.piece_length()));
    put("pieces", json!(info.piece_count()));
    put("private", json!(info.is_private()));
    put("web_seeds", json!(metainfo.web_seeds));
    put("http_seeds", json!(metainfo.http_seeds));
    put("dht_nodes", json!(metainfo.nodes));
    for (key, text) in [("comment", &metainfo.comment), ("created_by", &metainfo.created_by)] {
        if let Some(text) = text {
            put(key, json!(text));
        }
    }
    if let Some(source) = info.source() {
        put("source", json!(source));
    }
    if let Some(date) = metainfo.creation_date {
        put("creation_date", json!(date));
    }
    out
}

fn entry(info: &Info, file: &File<'_>) -> Value {
    let mut out = Map::new();
    out.insert("path".into(), json!(path(info, file)));
    out.insert("size".into(), json!(file.length));
    if file.pad {
        out.insert("pad".into(), json!(true));
    }
    if file.executable {
        out.insert("executable".into(), json!(true));
    }
    if let Some(target) = file.symlink() {
        out.insert("symlink".into(), json!(target.join("/")));
    }
    if let Some(root) = file.pieces_root() {
        let hex = root.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        out.insert("pieces_root".into(), json!(hex));
    }
    Value::Object(out)
}

/// The same for a person.
fn report(source: &Source, swarm: &[Told], files: bool) -> String {
    let mut out = String::new();
    let mut row = |key: &str, value: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{key:<15}{}", plain(value));
    };
    row("name", source.name.as_deref().unwrap_or("(known when the metadata has been fetched)"));
    if let Some(hash) = source.key.v1() {
        row("info-hash", &hash.to_string());
    }
    if let Some(hash) = source.key.v2() {
        row("info-hash v2", &hash.to_string());
    }
    if let Some(metainfo) = &source.metainfo {
        let info = &metainfo.info;
        let count = info.content_files();
        let word = if count == 1 { "file" } else { "files" };
        row("content", &format!("{} in {count} {word} ({} bytes)", Bytes(info.content_size()), info.content_size()));
        row("pieces", &format!("{} of {}", info.piece_count(), Bytes(u64::from(info.piece_length()))));
        row("private", if info.is_private() { "yes: peers come from its trackers only" } else { "no" });
        for (key, text) in [("comment", &metainfo.comment), ("created by", &metainfo.created_by)] {
            if let Some(text) = text {
                row(key, text);
            }
        }
        for seed in &metainfo.web_seeds {
            row("web seed", &redact_file(seed));
        }
    }
    for (tier, urls) in source.trackers.iter().enumerate() {
        for url in urls {
            row(if tier == 0 { "tracker" } else { "tracker, next" }, &url.shown());
        }
    }
    for told in swarm {
        row("swarm", &told.words());
    }
    for peer in &source.peers {
        row("peer", peer);
    }
    for hint in &source.hints {
        row("hint", hint);
    }
    if let Some(metainfo) = source.metainfo.as_ref().filter(|_| files) {
        out.push('\n');
        for file in metainfo.info.files().iter().filter(|f| !f.pad) {
            let _ = writeln!(out, "{:>10}  {}", Bytes(file.length).to_string(), plain(&path(&metainfo.info, &file)));
        }
    }
    out
}
