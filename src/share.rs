//! `teem share`: makes content available: hashes it, tracks it, seeds it, and prints the links for everybody else.
use crate::create::may_write;
use crate::exit::{Exit, Outcome, Stop};
use crate::progress::{Progress, plain};
use crate::seed::failed;
use crate::signals::Signals;
use crate::units::{Bytes, Copies, Count};
use crate::{addr, cli, job, json, making, told};
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use teem_client::create::hash::Digests;
use teem_client::create::memory;
use teem_client::create::recipe::Recipe;
use teem_client::publish::share::{ShareOptions, Shared, share};
use teem_client::swarm::event::{Event, Snapshot, State};
use teem_client::{Client, Config, Listen, store};
use teem_wire::reach::Reach;
use tokio::sync::broadcast;
use tokio::time::Instant;

/// How often figures are fetched, and lines for scripts written.
const EVERY: Duration = Duration::from_millis(500);
const JSON_EVERY: Duration = Duration::from_secs(1);
/// When to say that nobody came from outside.
const NOBODY_AFTER: Duration = Duration::from_secs(60);

pub(crate) async fn run(options: &cli::Share) -> Outcome {
    let wishes = making::wishes(&options.metainfo, options.output.as_deref())?;
    if let Some(output) = &options.output {
        may_write(output, options.force)?;
    }
    let listen = addr::listen(options.listen.as_deref(), true)?;
    let mut signals = Signals::listen().map_err(Stop::local)?;
    let recipe = making::plan(&options.path, wishes).await?;
    let mut progress = Progress::new(options.json);
    let mut config = Config { listen, up: options.up.and_then(|r| r.0), ..Config::new().map_err(Stop::local)? };
    let file = memory::file(&config.state_dir, &recipe.listing.root, &recipe.shape());
    let mut digests = Digests::remembered(&recipe, file);
    let before = digests.memory.port;
    if options.listen.is_none() && before != 0 {
        config.listen = Listen { port: before, ..config.listen };
    }
    let client = Client::start(config.clone()).await.map_err(|e| addr::taken(&e))?;
    if options.json {
        json::line(&json!({"event": "listening", "port": client.port()}));
    }
    warn_moved(&mut progress, before, client.port());
    making::say_skipped(&recipe, &mut progress);
    if !digests.complete(&recipe) {
        digests = making::digests(&recipe, Some(digests), options.json, &mut signals).await?;
    }
    let wanted = ShareOptions {
        bound: config.listen.addr,
        hosts: options.hosts.clone(),
        tracker: !options.no_tracker,
        up: None,
        spreading: options.spread.spreading(),
    };
    let shared = share(&client, &recipe, &mut digests, &wanted).await.map_err(|e| Stop::local(&e))?;
    if let Some(output) = &options.output {
        store::write_whole(output, &shared.torrent_file).map_err(Stop::local)?;
    }
    announce_ready(options, &recipe, &shared, client.port(), &mut progress);
    let outcome = watch(options, &shared, client.port(), &mut signals, &mut progress).await;
    drop(progress);
    drop(shared);
    client.shutdown().await;
    outcome
}

fn warn_moved(progress: &mut Progress, before: u16, now: u16) {
    if before != 0 && before != now {
        progress.say(&format!(
            "warning: the port {before} that earlier links hold is in use by another program; now it is {now}, and earlier links \
             reach this seed only through other peers"
        ));
    }
}

/// The command for the other side, quoted to be pasted into a shell.
fn command_for_others(shared: &Shared) -> String {
    let quoted = shlex::try_quote(&shared.magnet).map_or_else(|_| shared.magnet.clone(), std::borrow::Cow::into_owned);
    format!("teem get {quoted}")
}

fn announce_ready(options: &cli::Share, recipe: &Recipe, shared: &Shared, port: u16, progress: &mut Progress) {
    let hash = shared.torrent.info_hash().to_string();
    if options.json {
        let addresses =
            shared.addresses.iter().map(|a| json!({"host": a.host, "class": a.reach.map_or("named", Reach::word)}));
        json::line(&json!({
            "event": "ready", "magnet": shared.magnet, "torrent_url": shared.torrent_url, "page_url": shared.page_url,
            "infohash_v1": hash, "port": port, "web_port": if shared.page_url.is_some() { port } else { 0 }, "addresses": addresses.collect::<Vec<_>>(),
            "torrent_path": options.output.as_deref().map(Path::to_string_lossy), "skipped": making::skipped_json(recipe),
            "left_out": making::left_out_json(recipe),
            "size": shared.info.content_size(), "pieces": shared.info.piece_count(), "piece_length": shared.info.piece_length(),
        }));
        return;
    }
    let info = &shared.info;
    progress.say(&format!(
        "sharing {}: {} in {}, {} of {}",
        plain(info.name()),
        Bytes(info.content_size()),
        Count(info.files().len(), "file"),
        Count(info.piece_count() as usize, "piece"),
        Bytes(u64::from(info.piece_length()))
    ));
    for address in &shared.addresses {
        progress.say(&format!("  reachable at {} ({})", address.with_port(port), address.in_words()));
    }
    if shared.addresses.iter().all(|a| a.reach == Some(Reach::Loopback)) {
        progress.say("  only this machine can use these links; name an address that others reach with --host");
    }
    if let Some(path) = &options.output {
        progress.say(&format!(".torrent  {}", path.display()));
    }
    if let Some(url) = &shared.torrent_url {
        progress.say(&format!(".torrent  {url}"));
    }
    if let Some(url) = &shared.page_url {
        progress.say(&format!("page      {url}"));
    }
    progress.say(&format!("magnet    {}", shared.magnet));
    progress.say(&format!("others run:\n  {}", command_for_others(shared)));
}

async fn watch(
    options: &cli::Share,
    shared: &Shared,
    port: u16,
    signals: &mut Signals,
    progress: &mut Progress,
) -> Outcome {
    let torrent = &shared.torrent;
    let hash = torrent.info_hash().to_string();
    let mut events = torrent.events();
    let (started, mut json_at, mut told_nobody) = (Instant::now(), None::<Instant>, false);
    let mut tick = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            exit = signals.first() => {
                progress.say("stopping: telling the trackers; run the same command again to go on sharing, nothing is hashed twice");
                return Ok(exit);
            }
            ended = failed(torrent) => return Err(job::stop(ended)),
            event = events.recv() => match event {
                Ok(event) => say(options.json, &hash, &event, shared.info.content_size(), progress),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return Ok(Exit::Done),
            },
            _ = tick.tick() => {
                let Ok(s) = torrent.snapshot().await else { continue };
                if options.json && json_at.is_none_or(|t| t.elapsed() >= JSON_EVERY) {
                    json_at = Some(Instant::now());
                    json::line(&told::status(&hash, &s));
                }
                if !told_nobody && started.elapsed() >= NOBODY_AFTER && s.state == State::Seeding {
                    told_nobody = true;
                    if s.seeds + s.downloaders == 0 && s.uploaded == 0 {
                        progress.say(&nobody(port));
                    }
                }
                if progress.due() {
                    progress.show(&line(&s, shared.info.content_size()));
                }
            }
        }
    }
}

fn say(json: bool, hash: &str, event: &Event, size: u64, progress: &mut Progress) {
    if json {
        if let Some(value) = told::value(hash, event) {
            json::line(&value);
        }
        return;
    }
    if let Some(text) = told::text(event, size) {
        progress.say(&text);
    }
}

fn nobody(port: u16) -> String {
    format!(
        "nobody has connected yet. If others cannot reach this machine, it is behind a router or firewall: forward TCP and UDP port \
         {port} to it, and name the outside address with --host"
    )
}

fn line(s: &Snapshot, size: u64) -> String {
    match s.state {
        State::Checking if s.checked.1 == 0 => "looking at the files".to_owned(),
        State::Checking => format!("checking {} of {} pieces", s.checked.0, s.checked.1),
        State::DiskTrouble => "the content cannot be read: waiting for the disk".to_owned(),
        _ => format!(
            "{}  {}  {}/s up  {}  copies the swarm has {}",
            Count(s.downloaders as usize, "downloader"),
            Count(s.seeds as usize, "seed"),
            Bytes(s.up_rate),
            told::given(s, size),
            Copies(s.swarm_shown, size)
        ),
    }
}
