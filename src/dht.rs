//! `teem dht`: single questions to the DHT, by a node that answers nobody (BEP 43).
use crate::cli::dht::{Dht, What};
use crate::exit::{Exit, Outcome, Stop};
use crate::foreign::plain;
use crate::units::Count;
use crate::{filter, json, stdin, stdout};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path as File;
use std::time::Duration;
use teem_client::dht::{
    Id, Item, Once, Outcome as Ended, Question, Seen, Signature, public_key, sign, target_of_key, target_of_value,
};
use teem_client::path::Path;
use teem_client::source::{self, Source};
use teem_client::{http::fetch::Http, store};

/// Length of what is signed with, in bytes.
const SEED_LEN: usize = 32;
/// Targets that are looked up to tell how many nodes there are: each says something of the nodes around it.
const PLACES: u8 = 4;

pub(crate) async fn run(options: &Dht) -> Outcome {
    if options.proxy.is_some() {
        let why = "--proxy: the DHT speaks UDP, which this command does not send through a proxy, and nothing is to go past it";
        return Err(Stop::usage(why));
    }
    match tokio::time::timeout(options.timeout.0, ask(options)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Stop { exit: Exit::GaveUp, class: "timeout", message: "no answer in time".to_owned() }),
    }
}

async fn ask(options: &Dht) -> Outcome {
    match &options.what {
        What::Ping { node } => ping(options, node).await,
        What::Lookup { hash } => look_up(options, info_hash(options, hash).await?).await,
        What::Announce { hash, port } => announce(options, info_hash(options, hash).await?, *port).await,
        What::Get { of, salt } => get(options, of, salt.as_deref().unwrap_or_default()).await,
        What::Put { value, key, salt, seq } => {
            let salt = salt.as_deref().unwrap_or_default();
            put(options, value, key.as_deref(), salt, *seq).await
        }
        What::Stats => stats(options).await,
    }
}

async fn ping(options: &Dht, node: &str) -> Outcome {
    let path = path(options)?;
    let addrs = Once::addresses(&path, node).await.map_err(Stop::usage)?;
    let mut why = String::from("the name has no address");
    for addr in addrs {
        match Once::ping(&path, addr).await {
            Ok((id, took)) => {
                let ms = took.as_secs_f64() * 1_000.0;
                let line = json!({"event": "node", "node": addr.to_string(), "id": id.to_string(), "ms": ms});
                say(options, line, &format!("{addr}: node {id}, {ms:.1} ms"));
                return Ok(Exit::Done);
            }
            Err(e) => why = format!("{addr}: {e}"),
        }
    }
    Err(nothing(why))
}

async fn look_up(options: &Dht, info_hash: Id) -> Outcome {
    let mut once = open(options).await?;
    let mut found = 0;
    // libtorrent names no peers to one that asks for filters, so the two are asked for apart.
    let question = |scrape| Question::Peers { info_hash, no_seeds: false, scrape };
    let mut known = BTreeSet::new();
    let mut seen = |seen| {
        if let Seen::Peers { by, mut peers } = seen {
            peers.retain(|peer| known.insert(*peer));
            found += peers.len();
            for peer in peers {
                let line = json!({"event": "peer", "peer": peer.to_string(), "node": by.to_string()});
                say(options, line, &peer.to_string());
            }
        }
        true
    };
    once.look_up(question(false), &mut seen).await;
    let ended = once.look_up(question(true), &mut seen).await;
    let (seeds, others) = sizes(&ended);
    let nodes: u32 = ended.iter().map(|ended| ended.answered).sum();
    let line = json!({
        "event": "done", "peers": found, "seeds": seeds, "downloaders": others, "nodes": nodes,
        "asked": ended.iter().map(|ended| ended.asked).sum::<u32>(),
    });
    let estimate = format!("about {}, {}", Count(seeds as usize, "seed"), Count(others as usize, "downloader"));
    say(options, line, &format!("{}; {estimate}; {} answered", Count(found, "peer"), Count(nodes as usize, "node")));
    if found == 0 { Err(nothing("nobody announced this torrent")) } else { Ok(Exit::Done) }
}

async fn announce(options: &Dht, info_hash: Id, port: u16) -> Outcome {
    let mut once = open(options).await?;
    stored(options, once.announce(info_hash, port).await, info_hash, "announced")
}

async fn get(options: &Dht, of: &str, salt: &str) -> Outcome {
    let target = match (hex::<20>(of), hex::<32>(of)) {
        (Some(target), _) => Id(target),
        (_, Some(key)) => target_of_key(&key, salt.as_bytes()),
        _ => return Err(Stop::usage("write a target of 40 hexadecimal digits, or a public key of 64")),
    };
    let mut once = open(options).await?;
    let item = newest(&mut once, target, salt).await.ok_or_else(|| nothing("nothing is stored there"))?;
    let value = text_of(&item.value);
    let signature = item.signature.as_ref();
    let line = json!({
        "event": "value", "target": target.to_string(), "value": String::from_utf8_lossy(&value),
        "encoded": digits(&item.value), "seq": signature.map(|of| of.seq), "key": signature.map(|of| digits(&of.key)),
    });
    if options.json {
        json::line(&line);
    } else {
        stdout::text(&format!("{}\n", String::from_utf8_lossy(&value)));
    }
    Ok(Exit::Done)
}

async fn put(options: &Dht, value: &str, key: Option<&File>, salt: &str, seq: Option<i64>) -> Outcome {
    let bytes = if stdin::is_dash(value) { stdin::bytes()? } else { value.as_bytes().to_vec() };
    let value = [format!("{}:", bytes.len()).as_bytes(), &bytes].concat();
    if value.len() > 1_000 || salt.len() > 64 {
        return Err(Stop::usage(
            "nodes store values of up to 1000 bytes, their length in front included, and salts of up to 64",
        ));
    }
    let seed = key.map(secret).transpose()?;
    let mut once = open(options).await?;
    let Some(seed) = seed else {
        let target = target_of_value(&value);
        let item = Item { value, signature: None };
        return stored(options, once.put(target, &item).await, target, "stored");
    };
    let key = public_key(&seed);
    let target = target_of_key(&key, salt.as_bytes());
    let (seq, cas) = if let Some(seq) = seq {
        (seq, None)
    } else {
        let before = newest(&mut once, target, salt).await.and_then(|item| item.signature).map(|of| of.seq);
        (before.map_or(1, |seq| seq.saturating_add(1)), before)
    };
    let signature = sign(&seed, salt.as_bytes(), seq, &value);
    let signature = Some(Signature { key, signature, seq, cas, salt: salt.as_bytes().to_vec() });
    let ended = once.put(target, &Item { value, signature }).await;
    if !options.json {
        stdout::text(&format!("key {}, sequence number {seq}\n", digits(&key)));
    }
    stored(options, ended, target, "stored")
}

async fn stats(options: &Dht) -> Outcome {
    let mut once = open(options).await?;
    for place in 0..PLACES {
        let mut target = [0; 20];
        teem_client::entropy::fill(&mut target);
        target[0] = place << 6 | target[0] & 0x3F;
        once.look_up(Question::Nodes { target: Id(target) }, |_| true).await;
    }
    let mut known = 0;
    for (family, network, nodes) in once.sizes() {
        known += nodes;
        let family = if family == teem_client::dht::Family::V4 { "IPv4" } else { "IPv6" };
        let line = json!({"event": "network", "family": family, "nodes": nodes, "network": network});
        let about = network.map_or("unknown".to_owned(), |network| format!("about {network}"));
        say(options, line, &format!("{family}: {} have answered, {about} in all", Count(nodes, "node")));
    }
    if known == 0 { Err(nothing("no node answers")) } else { Ok(Exit::Done) }
}

/// About how many seeds and others there are of a torrent, and how many nodes that was asked of.
pub(crate) async fn estimate(
    path: &Path,
    info_hash: Id,
    bootstrap: Option<&[String]>,
) -> Result<(u32, u32, u32), Stop> {
    let mut once = begin(path, bootstrap).await?;
    let question = Question::Peers { info_hash, no_seeds: false, scrape: true };
    let ended = once.look_up(question, |_| true).await;
    let (seeds, others) = sizes(&ended);
    Ok((seeds, others, ended.iter().map(|ended| ended.answered).sum()))
}

/// The nodes to begin with are there.
async fn open(options: &Dht) -> Result<Once, Stop> {
    let named = Some(&options.bootstrap[..]).filter(|names| !names.is_empty());
    begin(&path(options)?, named).await
}

/// The way that the options allow.
fn path(options: &Dht) -> Result<Path, Stop> {
    let path = Path::bound(options.bind.clone());
    filter::load(&path, &options.filter)?;
    Ok(path)
}

async fn begin(path: &Path, named: Option<&[String]>) -> Result<Once, Stop> {
    let state_dir = store::state_dir().map_err(Stop::local)?;
    let opened = Once::open(path, named, &state_dir).await;
    let once = opened.map_err(|e| match e.kind() {
        std::io::ErrorKind::InvalidInput => Stop::usage(format!("--dht-bootstrap: {e}")),
        _ => Stop::local(e),
    })?;
    if once.is_alone() {
        Err(nothing("no node is known to begin with; name one with --dht-bootstrap"))
    } else {
        Ok(once)
    }
}

/// The newest value under a target.
async fn newest(once: &mut Once, target: Id, salt: &str) -> Option<Item> {
    let mut newest: Option<Item> = None;
    let seq = |item: &Item| item.signature.as_ref().map(|of| of.seq);
    let question = Question::Item { target, salt: salt.as_bytes().to_vec() };
    let ended = once.look_up(question, |seen| {
        if let Seen::Item(item) = seen
            && newest.as_ref().is_none_or(|before| seq(before) < seq(&item))
        {
            newest = Some(item);
        }
        // What never changes needs no second answer.
        newest.as_ref().is_none_or(|item| item.signature.is_some())
    });
    ended.await;
    newest
}

fn stored(options: &Dht, ended: Vec<Ended>, target: Id, what: &str) -> Outcome {
    let nodes: u32 = ended.iter().map(|ended| ended.stored).sum();
    let took = ended.iter().map(|ended| ended.took).max().unwrap_or(Duration::ZERO).as_secs_f64();
    let line = json!({"event": what, "target": target.to_string(), "nodes": nodes, "seconds": took});
    if nodes == 0 {
        return Err(nothing("no node has taken it"));
    }
    say(options, line, &format!("{target}: {what} at {}", Count(nodes as usize, "node")));
    Ok(Exit::Done)
}

/// Seeds and others as the filters of all nodes together say.
fn sizes(ended: &[Ended]) -> (u32, u32) {
    let filters = ended.iter().filter_map(|ended| ended.filters.as_ref());
    filters.fold((0, 0), |(seeds, others), filters| {
        let count = |bytes: &[u8; 256]| teem_client::dht::Filter(*bytes).estimate();
        (seeds + count(&filters.seeds), others + count(&filters.peers))
    })
}

async fn info_hash(options: &Dht, text: &str) -> Result<Id, Stop> {
    let http = Http::new(Path::bound(options.bind.clone()), teem_client::config::AGENT);
    let source: Source = source::load(text, &http).await.map_err(|e| Stop::link(&e))?;
    if source.info.as_ref().is_some_and(|info| info.is_private()) {
        return Err(Stop::refused("private", "the torrent is private: the DHT is not told of it (BEP 27)"));
    }
    Ok(Id(source.key.wire().0))
}

/// What a value is signed with.
fn secret(file: &File) -> Result<[u8; SEED_LEN], Stop> {
    let shown = plain(&file.display().to_string());
    let bytes = std::fs::read(file)
        .map_err(|e| Stop::local(format!("{shown}: {e}; `head -c 32 /dev/urandom > {shown}` makes a key")))?;
    let whole = <[u8; SEED_LEN]>::try_from(&bytes[..]).ok();
    let written = || std::str::from_utf8(&bytes).ok().and_then(|text| hex(text.trim()));
    whole
        .or_else(written)
        .ok_or_else(|| Stop::refused("key", format!("{shown}: a key has 32 bytes, or 64 hexadecimal digits")))
}

/// The content of a bencoded string; anything else as it stands.
fn text_of(value: &[u8]) -> Vec<u8> {
    let parsed = teem_bencode::parse(value, &teem_bencode::Limits::MESSAGE).ok();
    parsed.and_then(|document| document.root().as_bytes().map(<[u8]>::to_vec)).unwrap_or_else(|| value.to_vec())
}

fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let is_hex = text.len() == 2 * N && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let bytes = (0..N).map_while(|at| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok());
    bytes.collect::<Vec<_>>().try_into().ok().filter(|_| is_hex)
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |all, byte| format!("{all}{byte:02x}"))
}

fn say(options: &Dht, line: serde_json::Value, words: &str) {
    if options.json {
        json::line(&line);
    } else {
        stdout::text(&format!("{}\n", plain(words)));
    }
}

fn nothing(why: impl ToString) -> Stop {
    Stop::refused("nothing", why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_values_are_read() {
        assert_eq!(hex::<2>("01fF"), Some([1, 255]));
        for text in ["", "01f", "01fFaa", "+1fF", "zzzz", "é1f"] {
            assert_eq!(hex::<2>(text), None, "{text}");
        }
        assert_eq!(digits(&[1, 255]), "01ff");
        assert_eq!((text_of(b"3:abc"), text_of(b"i7e")), (b"abc".to_vec(), b"i7e".to_vec()));
    }
}
