//! What thousands of complete torrents cost a client that has nothing to do: `idle FOLDER COUNT [publish | rest | asleep]`.
//!
//! The first run in a folder makes the files (one of some bytes for each torrent), adds them without any saved state and so has them hashed; the
//! next finds the state of the first. With `rest` torrents become records as soon as nobody is there, and with `asleep`, after a run with `rest`, they begin as such. Both print one line: seconds to add them and until all are known to be complete, memory that is resident
//! more than before, descriptors, processor time at rest, and seconds to a good end. The figures are in `docs/scale.md`.
#![allow(clippy::print_stdout)] // a program for a person
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use teem_client::{About, Add, AddAtRest, Client, Config, Listen, Source, source};

/// How long the client is watched while it rests.
const REST: Duration = Duration::from_secs(10);
/// After the last torrent is complete, so that what was begun for it is over.
const SETTLE: Duration = Duration::from_secs(3);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().ok_or("usage: idle FOLDER COUNT [publish | rest | asleep]")?);
    let count: u32 = args.next().ok_or("usage: idle FOLDER COUNT [publish | rest | asleep]")?.parse()?;
    let mode = args.next().unwrap_or_default();
    let (publish, rests) = (mode == "publish", ["rest", "asleep"].contains(&mode.as_str()));
    let content = folder.join("content");
    std::fs::create_dir_all(&content)?;
    let sources = (0..count).map(|n| made(&content, n)).collect::<Result<Vec<_>, _>>()?;

    let mut config = Config::new()?;
    config.listen = Listen { addr: Some([127, 0, 0, 1].into()), port: 0, fall_back: false };
    config.state_dir = folder.join("state");
    config.rest = rests.then_some(Duration::ZERO);
    let client = Client::start(config).await?;
    let (memory, begun) = (resident(), Instant::now());
    let mut torrents = Vec::with_capacity(sources.len());
    let sources = if mode == "asleep" {
        let sources = sources.into_iter().filter_map(|source| Some((source.key, source.info?)));
        let at_rest = sources.map(|(key, info)| AddAtRest::new(key, &content, About::of(&info))).collect();
        for torrent in client.add_at_rest(at_rest).await {
            torrents.push(torrent?);
        }
        Vec::new()
    } else {
        sources
    };
    for source in sources {
        let add = if publish { Add::publish(source, &content) } else { Add::download(source, &content) };
        torrents.push(client.add(add).await?);
    }
    let added = begun.elapsed();
    for torrent in &torrents {
        torrent.durable().await?;
        if rests {
            torrent.until(|status| status.rests.then_some(())).await?;
        }
    }
    let complete = begun.elapsed();
    drop(torrents);
    tokio::time::sleep(SETTLE).await;
    let (each, open) = (resident().saturating_sub(memory) / u64::from(count.max(1)), descriptors());
    let before = processor();
    tokio::time::sleep(REST).await;
    let busy = processor().saturating_sub(before);
    let ending = Instant::now();
    client.shutdown().await;
    println!(
        "{count} torrents: added in {:.2} s, complete after {:.2} s, {each} B each, {open} descriptors, {:.2} % CPU at rest, ended in {:.2} s",
        added.as_secs_f64(),
        complete.as_secs_f64(),
        busy as f64 / REST.as_secs_f64(),
        ending.elapsed().as_secs_f64(),
    );
    Ok(())
}

/// A torrent of one small file, which is made when it is not there.
fn made(content: &Path, n: u32) -> Result<Source, Box<dyn Error>> {
    let (name, bytes) = (format!("file-{n:07}"), format!("the content of {n}"));
    let path = content.join(&name);
    if !path.exists() {
        std::fs::write(path, &bytes)?;
    }
    let piece = teem_disk::hash::Kernel::SINGLE.sha1_many(&[vec![bytes.as_bytes()]])[0];
    let mut raw = format!("d4:infod6:lengthi{}e4:name{}:{name}", bytes.len(), name.len()).into_bytes();
    raw.extend(b"12:piece lengthi16384e6:pieces20:");
    raw.extend(piece);
    raw.extend(b"ee");
    Ok(source::from_bytes(&name, &raw)?)
}

/// Bytes of resident memory, where the system tells.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Descriptors that this process has open, where the system tells.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// Processor time of this process so far, in hundredths of a second (`proc(5)`: a tick is one).
fn processor() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(") ").next().unwrap_or_default();
    let fields = after.split_whitespace().skip(11).take(2).filter_map(|text| text.parse::<u64>().ok());
    fields.sum()
}
