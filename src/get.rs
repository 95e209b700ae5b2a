//! `teem get`: downloads links, says honestly how it goes, and ends when everything is durable.
use crate::exit::{Exit, Outcome, Stop};
use crate::job::Job;
use crate::sandbox::Sandbox;
use crate::signals::Signals;
use crate::view::{self, View};
use crate::{addr, choose, cli, fault, json, keep, stdin, stdout};
use std::path::Path;
use teem_client::policy::Until;
use teem_client::{Add, Choice, Client, Config, Mode, Source, source, store};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// What is to be known before anything is asked of anybody; the folder to download into is made.
pub(crate) fn ready(options: &cli::Get) -> Result<(), Stop> {
    if options.files && !choose::can_ask() {
        return Err(Stop::usage("--files asks on a terminal, and there is none; use --only GLOB"));
    }
    may_download_into(&options.output)
}

pub(crate) async fn run(options: &cli::Get, sandbox: &Sandbox) -> Outcome {
    ready(options)?;
    let listen = addr::listen(options.listen.as_deref(), true)?;
    let mut signals = Signals::listen().map_err(Stop::local)?;
    let mut config = Config::new().map_err(Stop::local)?;
    config.listen = listen;
    options.with_peers.apply(&mut config);
    options.path.apply(options.listen.as_deref(), &mut config).await?;
    options.with_dht.apply(&mut config);
    (config.up, config.down) = (options.up.and_then(|r| r.0), options.down.and_then(|r| r.0));
    let client = fault::start(config).await.map_err(|e| addr::taken(&e))?;
    if options.json {
        json::line(&serde_json::json!({"event": "listening", "port": client.port()}));
        stdout::check()?;
    }
    sandbox.tell(options.json);
    let deadline = options.timeout.map(|t| Instant::now() + t.0);
    let mut view = View::new(&client, options.json);
    view.tell_why(options.with_why.why);
    let worked = tokio::select! {
        biased;
        exit = signals.first() => Ok(exit),
        worked = work(options, &client, sandbox, deadline, &mut view) => worked,
    };
    view.last_words(matches!(worked, Ok(Exit::Interrupted | Exit::Terminated)));
    client.shutdown().await;
    view.afterwards();
    worked
}

/// Refuses a folder that nothing can be written into before anybody is asked for anything. A folder that has something in it may hold
/// the content already, which only needs to be read.
fn may_download_into(folder: &Path) -> Result<(), Stop> {
    let bad = |e: &dyn std::fmt::Display| {
        Stop::local(format!("{}: nothing can be downloaded into it: {e}; choose another with -o", folder.display()))
    };
    match std::fs::metadata(folder) {
        Ok(there) if !there.is_dir() => Err(bad(&"it is no folder")),
        Ok(_) if std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) => Ok(()),
        Ok(_) => store::may_write_whole(&folder.join("teem")).map_err(|e| bad(&e)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => std::fs::create_dir_all(folder).map_err(|e| bad(&e)),
        Err(e) => Err(bad(&e)),
    }
}

async fn work(
    options: &cli::Get,
    client: &Client,
    sandbox: &Sandbox,
    deadline: Option<Instant>,
    view: &mut View,
) -> Outcome {
    let until = if options.seed { Until::Stopped } else { options.until.map_or(Until::Done, |until| until.0) };
    let mut jobs = JoinSet::new();
    for (link, source) in sources(options, client).await? {
        for hint in &source.hints {
            view.say(&format!("hint: {hint}"));
        }
        let (name, left_out) = (source.name.clone(), source.left_out.clone());
        let mode = Mode::Download { overwrite: options.overwrite };
        let choice = choice(options, &source);
        let (peers, cooperative) = (options.peers.clone(), options.cooperative);
        keep::refuse_what_is_kept(source.key.wire(), &options.output, name.as_deref()).await?;
        let mut add = Add::download(source, &options.output);
        (add.mode, add.choice, add.peers, add.cooperative) = (mode, choice, peers, cooperative);
        let torrent = client.add(add).await.map_err(|e| Stop::not_added(&e))?;
        #[cfg(debug_assertions)]
        crate::planted::added(client, &torrent, name.as_deref());
        view.add(&torrent, name, left_out);
        let (on_done, json) = (sandbox.on_done.clone(), options.json);
        jobs.spawn(Job { torrent, link, asks: options.files, until, on_done, json }.run(view.voice()));
    }
    let mut outcome = Ok(Exit::Done);
    let mut tick = tokio::time::interval(view::EVERY);
    loop {
        tokio::select! {
            _ = tick.tick() => view.draw().await,
            () = at(deadline) => {
                view.explain().await;
                return Err(Stop {
                    exit: Exit::GaveUp,
                    class: "timeout",
                    message: "gave up after --timeout; the same command goes on from here".to_owned(),
                });
            }
            ended = jobs.join_next() => match ended.map(|ended| ended.map(|ran| ran.map_err(|stop| sandbox.explain(stop)))) {
                None => return outcome,
                Some(Ok(Ok(()))) => {}
                Some(Ok(Err(stop))) if jobs.is_empty() && outcome.is_ok() => return Err(stop),
                Some(Ok(Err(stop))) => {
                    view.say(&format!("teem: {}", stop.message));
                    outcome = Ok(stop.exit);
                }
                Some(Err(e)) => return Err(Stop::local(format!("a task failed: {e}"))),
            },
        }
        view.hear();
    }
}

/// Which files are wanted: as the options say, else as the link does (BEP 53).
fn choice(options: &cli::Get, source: &Source) -> Choice {
    let (only, first) = (options.only.clone(), options.first.clone());
    if options.files {
        return Choice::Ask;
    }
    match &source.magnet {
        _ if !only.is_empty() || !first.is_empty() => Choice::Patterns { only, first },
        Some(magnet) if !magnet.selected.is_empty() => Choice::Indices(magnet.selected.clone()),
        _ => Choice::All,
    }
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// What the links lead to, with each link as it was typed.
async fn sources(options: &cli::Get, client: &Client) -> Result<Vec<(String, Source)>, Stop> {
    let mut found = Vec::new();
    for link in &options.links {
        if !stdin::is_dash(link) {
            for link in source::expand(link) {
                let source = load(&link, client).await?;
                found.push((link, source));
            }
            continue;
        }
        let bytes = stdin::bytes()?;
        match source::links(&bytes) {
            None => {
                let source = source::from_bytes("standard input", &bytes).map_err(|e| Stop::link(&e))?;
                found.push(("-".to_owned(), source));
            }
            Some(links) if links.is_empty() => return Err(Stop::usage("standard input holds no link")),
            Some(links) => {
                for link in links {
                    let source = load(&link, client).await?;
                    found.push((link, source));
                }
            }
        }
    }
    Ok(found)
}

async fn load(link: &str, client: &Client) -> Result<Source, Stop> {
    let source = source::load(link, client.http()).await.map_err(|e| Stop::link(&e))?;
    source.transferable().map_err(|e| Stop::not_added(&e))?;
    Ok(source)
}
