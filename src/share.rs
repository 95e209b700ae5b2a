//! `teem share`: makes content available: hashes it, tracks it, seeds it, and prints the links for everybody else.
use crate::create::may_write;
use crate::exit::{Outcome, Stop};
use crate::foreign::plain;
use crate::progress::Progress;
use crate::sandbox::Sandbox;
use crate::sharing::{Row, hear_all, watch};
use crate::signals::Signals;
use crate::units::{Bytes, Count};
use crate::{addr, cli, fault, json, making, stdout};
use serde_json::json;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;
use teem_client::create::hash::Digests;
use teem_client::create::memory;
use teem_client::create::recipe::{Recipe, Wishes};
use teem_client::publish::addresses::Address;
use teem_client::publish::share::{ShareOptions, Shared, share};
use teem_client::{Config, Listen, store};
use teem_metainfo::Info;
use teem_wire::reach::Reach;
use teem_wire::tracker::url::redact;

pub(crate) async fn run(options: &cli::Share, sandbox: &Sandbox) -> Outcome {
    let mut wishes = making::wishes(&options.metainfo, options.output.as_deref())?;
    wishes.unsigned = options.path.anonymous;
    if let Some(output) = &options.output {
        if options.paths.len() > 1 && options.together.is_none() {
            return Err(Stop::usage("-o names one file, and there are several torrents; --together makes one of them"));
        }
        may_write(output, options.force)?;
    }
    let listen = addr::listen(options.listen.as_deref(), true)?;
    let mut signals = Signals::listen().map_err(Stop::local)?;
    let recipes = recipes(options, wishes, &mut signals).await?;
    let mut progress = Progress::new(options.json);
    let mut config = Config::new().map_err(Stop::local)?;
    (config.listen, config.up) = (listen, options.up.and_then(|r| r.0));
    options.with_peers.apply(&mut config);
    options.path.apply(options.listen.as_deref(), &mut config).await?;
    options.with_dht.apply(&mut config);
    let remembered = |recipe: &Arc<Recipe>| {
        let file = memory::file(&config.state_dir, &recipe.listing.root, &recipe.shape());
        (recipe.clone(), Digests::remembered(recipe, file))
    };
    let mut lots: Vec<(Arc<Recipe>, Digests)> = recipes.iter().map(remembered).collect();
    let before = lots.iter().map(|(_, digests)| digests.memory.port).find(|port| *port != 0).unwrap_or(0);
    if options.listen.is_none() && before != 0 {
        config.listen = Listen { port: before, ..config.listen };
    }
    let client = fault::start(config.clone()).await.map_err(|e| addr::taken(&e))?;
    if options.json {
        json::line(&json!({"event": "listening", "port": client.port()}));
        stdout::check()?;
    }
    sandbox.tell(options.json);
    let mut events = client.events();
    warn_moved(&mut progress, before, client.port());
    let mut wanted = ShareOptions::default();
    (wanted.bound, wanted.hosts) = (config.listen.addr, options.hosts.clone());
    wanted.tracker = !options.no_tracker;
    (wanted.spreading, wanted.cooperative) = (options.spread.spreading(), options.spread.cooperative);
    let (mut all, mut rows) = (Vec::<Shared>::new(), Vec::new());
    for (recipe, mut digests) in lots.drain(..) {
        making::say_skipped(&recipe, &options.metainfo, &mut progress);
        if !digests.complete(&recipe) {
            digests = making::digests(&recipe, Some(digests), options.json, &mut signals).await?;
        }
        let shared = share(&client, &recipe, &mut digests, &wanted).await.map_err(|e| Stop::local(&e))?;
        if let Some(output) = &options.output {
            store::write_whole(output, &shared.torrent_file, making::readers(&recipe)).map_err(Stop::local)?;
        }
        let ready = Ready {
            hash: shared.torrent.info_hash().to_string(),
            info: &shared.info,
            magnet: &shared.magnet,
            torrent_url: shared.torrent_url.as_deref(),
            page_url: shared.page_url.as_deref(),
            addresses: &shared.addresses,
            withheld: &shared.withheld,
            port: client.port(),
        };
        ready.say(options, &recipe, &mut progress);
        // A link that nobody can read makes nothing available.
        stdout::check()?;
        #[cfg(debug_assertions)]
        crate::planted::added(&client, &shared.torrent, Some(shared.info.name()));
        rows.push(Row::new(&shared.torrent, shared.info.name(), shared.info.content_size(), options.with_why.why));
        all.push(shared);
    }
    let hosts: Vec<String> = all.iter().flat_map(|shared| &shared.addresses).map(|a| a.host.clone()).collect();
    let outcome = watch(&client, &mut events, options.json, &mut rows, &hosts, &mut signals, &mut progress).await;
    drop(all);
    client.shutdown().await;
    // What could not be saved.
    hear_all(&rows, &mut events, options.json, &mut progress);
    outcome
}

/// One torrent of all paths, or one of each; the paths are listed before anything long is done.
pub(crate) async fn recipes(
    options: &cli::Share,
    wishes: Wishes,
    signals: &mut Signals,
) -> Result<Vec<Arc<Recipe>>, Stop> {
    if let Some(name) = &options.together {
        return Ok(vec![making::plan_together(&options.paths, name, wishes, options.json, signals).await?]);
    }
    let mut recipes: Vec<Arc<Recipe>> = Vec::new();
    for path in &options.paths {
        let recipe = making::plan(path, wishes.clone(), options.json, signals).await?;
        if !recipes.iter().any(|other| other.listing.root == recipe.listing.root) {
            recipes.push(recipe);
        }
    }
    Ok(recipes)
}

fn warn_moved(progress: &mut Progress, before: u16, now: u16) {
    if before != 0 && before != now {
        progress.say(&format!(
            "warning: the port {before} that earlier links hold is in use by another program; now it is {now}, and earlier links \
             reach this seed only through other peers"
        ));
    }
}

/// What can be had by others from now on, and how.
pub(crate) struct Ready<'a> {
    pub(crate) hash: String,
    pub(crate) info: &'a Info,
    pub(crate) magnet: &'a str,
    pub(crate) torrent_url: Option<&'a str>,
    pub(crate) page_url: Option<&'a str>,
    pub(crate) addresses: &'a [Address],
    pub(crate) withheld: &'a [String],
    /// Of peers, tracker and page.
    pub(crate) port: u16,
}

impl Ready<'_> {
    /// The command for the other side, quoted to be pasted into a shell.
    fn command_for_others(&self) -> String {
        let quoted = shlex::try_quote(self.magnet).unwrap_or(self.magnet.into());
        format!("teem get {quoted}")
    }

    /// Says it: the links last.
    pub(crate) fn say(&self, options: &cli::Share, recipe: &Recipe, progress: &mut Progress) {
        announce(self, options, recipe, progress);
    }
}

fn announce(shared: &Ready<'_>, options: &cli::Share, recipe: &Recipe, progress: &mut Progress) {
    let port = shared.port;
    if options.json {
        let addresses = shared.addresses.iter().map(|a| json!({"host": a.host, "class": a.class()}));
        json::line(&json!({
            "event": "ready", "magnet": shared.magnet, "torrent_url": shared.torrent_url, "page_url": shared.page_url,
            "infohash_v1": shared.hash, "port": port, "web_port": if shared.page_url.is_some() { port } else { 0 }, "addresses": addresses.collect::<Vec<_>>(),
            "torrent_path": options.output.as_deref().map(Path::to_string_lossy), "skipped": making::skipped_json(recipe),
            "left_out": making::left_out_json(recipe),
            "size": shared.info.content_size(), "pieces": shared.info.piece_count(), "piece_length": shared.info.piece_length(),
        }));
        return;
    }
    let info = shared.info;
    progress.say(&format!(
        "sharing {}: {} in {}, {} of {}",
        plain(info.name()),
        Bytes(info.content_size()),
        Count(info.files().len(), "file"),
        Count(info.piece_count() as usize, "piece"),
        Bytes(u64::from(info.piece_length()))
    ));
    for address in shared.addresses {
        progress.say(&format!("  reachable at {} ({})", address.with_port(port), address.in_words()));
    }
    if !shared.addresses.is_empty() && shared.addresses.iter().all(|a| a.reach == Some(Reach::Loopback)) {
        progress.say("  only this machine can use these links; name an address that others reach with --host");
    }
    if let Some(path) = &options.output {
        progress.say(&format!(".torrent  {}", path.display()));
    }
    if let Some(url) = shared.torrent_url {
        progress.say(&format!(".torrent  {url}"));
    }
    if let Some(url) = shared.page_url {
        progress.say(&format!("page      {url}"));
    }
    progress.say(&format!("magnet    {}", shared.magnet));
    for url in shared.withheld {
        progress.say(&format!(
            "warning: {} looks like it holds a passkey: it is announced to, and left out of what others are given",
            plain(&redact(url))
        ));
    }
    progress.say(&format!("others run:\n  {}", shared.command_for_others()));
    if !io::stdout().is_terminal() {
        stdout::text(&format!("{}\n", shared.magnet));
    }
}
