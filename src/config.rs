//! `teem config`, and how the file that the daemon is set up by joins the command line (own design): a default yields to the file, the file to the
//! environment, that to what was typed.
//!
//! A reload reads the file again and lays the same command line over it. What cannot change while the daemon runs is compared: where the file says otherwise,
//! nothing of it is taken.
use crate::cli::daemon::{Config, ConfigVerb, Daemon, Given, Layers};
use crate::cli::{Cli, Command};
use crate::exit::{Exit, Outcome, Stop};
use crate::foreign::plain;
use crate::remote::Remote;
use crate::{json, stdout};
use clap::ValueEnum;
use clap::parser::ValueSource;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use teem_client::config::DEFAULT_PORT;
use teem_client::store;
use teem_daemon::config::{COMMENTED, File, Origin, Setting};

/// The file in the user's configuration folder.
const NAME: &str = "daemon.toml";

/// Connections of a daemon that is told no number.
pub(crate) const CONNECTIONS: usize = 400;

/// Lays the command line of a daemon over its file.
pub(crate) fn lay(cli: &mut Cli, given: Given) -> Result<(), Stop> {
    let Command::Daemon(options) = &mut cli.command else { return Ok(()) };
    let laid = over(options, given)?;
    if let (Some(sandbox), false) = (layers(&laid).file.sandbox, layers(&laid).given.contains_key("no_sandbox")) {
        cli.no_sandbox = !sandbox;
    }
    *options = laid;
    Ok(())
}

/// What was told apart; of options that were not laid over a file nothing was.
pub(crate) fn layers(options: &Daemon) -> Arc<Layers> {
    let none = || Layers { path: None, file: File::default(), typed: options.clone(), given: Given::new() };
    options.layers.clone().unwrap_or_else(|| Arc::new(none()))
}

/// The same command line over the file as it is now.
pub(crate) fn again(options: &Daemon) -> Result<Daemon, Stop> {
    let layers = layers(options);
    over(&layers.typed, layers.given.clone())
}

/// The file that was named, else the usual one where there is one.
fn path(named: Option<&PathBuf>) -> Option<PathBuf> {
    // Without a home there is no file.
    let usual = || store::config_dir().ok().map(|folder| folder.join(NAME)).filter(|path| path.exists());
    named.cloned().or_else(usual)
}

fn over(typed: &Daemon, given: Given) -> Result<Daemon, Stop> {
    let path = path(typed.config.as_ref());
    let file = path.as_deref().map(File::read).transpose().map_err(Stop::usage)?.unwrap_or_default();
    let mut all = typed.clone();
    let free = |id: &str| !given.contains_key(id);
    macro_rules! take {
        ($($id:literal: $to:expr, $from:expr);* $(;)?) => {
            $(if free($id) && let Some(value) = $from { $to = value; })*
        };
    }
    take! {
        "roots": all.roots, file.roots.as_ref().map(|all| all.iter().map(|root| root.value.0.clone()).collect());
        "listen": all.listen, file.listen.clone().map(Some);
        "api": all.api, file.api.clone();
        "encryption": all.with_peers.encryption, file.encryption.and_then(|wish| ValueEnum::from_str(wish.word(), false).ok());
        "transport": all.with_peers.transport, file.transport.and_then(|way| ValueEnum::from_str(way.word(), false).ok());
        "no_map": all.with_peers.no_map, file.map.map(|on| !on);
        "no_pex": all.with_peers.no_pex, file.pex.map(|on| !on);
        "no_lsd": all.with_peers.no_lsd, file.lsd.map(|on| !on);
        "no_dht": all.with_dht.no_dht, file.dht.map(|on| !on);
        "dht_bootstrap": all.with_dht.dht_bootstrap, file.dht_bootstrap.clone();
        "bind": all.path.bind, file.bind.as_ref().map(|all| all.iter().map(|bind| bind.value.clone()).collect());
        "filter": all.path.filter, file.filter.as_ref().map(|all| all.iter().map(|list| list.value.0.clone()).collect());
        "proxy": all.path.proxy, file.proxy.as_ref().map(|proxy| Some(proxy.text.clone()));
        "anonymous": all.path.anonymous, file.anonymous;
        "up": all.up, file.up.as_ref().map(|rate| Some(rate.value));
        "down": all.down, file.down.as_ref().map(|rate| Some(rate.value));
        "json": all.json, file.json;
    }
    all.layers = Some(Arc::new(Layers { path, file, typed: typed.clone(), given }));
    Ok(all)
}

/// Every value that holds, with where it comes from.
pub(crate) fn settings(options: &Daemon, sandbox: bool) -> Vec<Setting> {
    let layers = layers(options);
    let (file, peers, way, dht) = (&layers.file, &options.with_peers, &options.path, &options.with_dht);
    let word = |value: Option<clap::builder::PossibleValue>| value.map(|value| value.get_name().to_owned());
    let rate = |rate: Option<crate::units::ByteRate>| rate.and_then(|rate| rate.0).unwrap_or(0);
    let shown = |paths: &[PathBuf]| paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
    // Without its password; `needs_restart` compares that.
    let proxy = || Some(way.proxy.as_deref()?.parse::<teem_client::path::Proxy>().ok()?.to_string());
    let connections = file.connections.as_ref().map_or(CONNECTIONS, |most| most.value.0);
    let listen = options.listen.clone().unwrap_or_else(|| format!(":{DEFAULT_PORT}"));
    // Name in the file, name on the command line, whether it is in the file, whether a reload changes it, value.
    let all: [(&'static str, &str, bool, bool, Value); 19] = [
        ("roots", "roots", file.roots.is_some(), false, json!(shown(&options.roots))),
        ("listen", "listen", file.listen.is_some(), false, json!(listen)),
        ("api", "api", file.api.is_some(), false, json!(options.api)),
        (
            "encryption",
            "encryption",
            file.encryption.is_some(),
            false,
            json!(word(peers.encryption.to_possible_value())),
        ),
        ("transport", "transport", file.transport.is_some(), false, json!(word(peers.transport.to_possible_value()))),
        ("connections", "", file.connections.is_some(), true, json!(connections)),
        ("map", "no_map", file.map.is_some(), false, json!(!peers.no_map)),
        ("pex", "no_pex", file.pex.is_some(), false, json!(!peers.no_pex)),
        ("lsd", "no_lsd", file.lsd.is_some(), false, json!(!peers.no_lsd)),
        ("dht", "no_dht", file.dht.is_some(), false, json!(!dht.no_dht)),
        ("dht-bootstrap", "dht_bootstrap", file.dht_bootstrap.is_some(), false, json!(dht.dht_bootstrap)),
        (
            "bind",
            "bind",
            file.bind.is_some(),
            false,
            json!(way.bind.iter().map(ToString::to_string).collect::<Vec<_>>()),
        ),
        ("proxy", "proxy", file.proxy.is_some(), false, json!(proxy())),
        ("anonymous", "anonymous", file.anonymous.is_some(), false, json!(way.anonymous)),
        ("filter", "filter", file.filter.is_some(), true, json!(shown(&way.filter))),
        ("up", "up", file.up.is_some(), true, json!(rate(options.up))),
        ("down", "down", file.down.is_some(), true, json!(rate(options.down))),
        ("json", "json", file.json.is_some(), false, json!(options.json)),
        ("sandbox", "no_sandbox", file.sandbox.is_some(), false, json!(sandbox)),
    ];
    all.into_iter()
        .map(|(key, id, in_file, live, value)| {
            let origin = match layers.given.get(id) {
                Some(ValueSource::EnvVariable) => Origin::Environment,
                Some(_) => Origin::CommandLine,
                None if in_file => Origin::File,
                None => Origin::Default,
            };
            Setting { key: key.to_owned(), value, origin, live }
        })
        .chain(file.tables_told())
        .collect()
}

/// What of a file that was read again cannot be taken in by a daemon that runs, as it ran and as it would; nothing where all can.
pub(crate) fn needs_restart(runs: &Daemon, wanted: &Daemon) -> Vec<String> {
    // Whether it is in its sandbox is compared as the file says.
    let sandbox = |options: &Daemon| layers(options).file.sandbox.unwrap_or(true);
    let fixed = |options: &Daemon| settings(options, sandbox(options)).into_iter().filter(|setting| !setting.live);
    let (before, after) = (fixed(runs), fixed(wanted));
    let is_other = |(a, b): &(Setting, Setting)| a.value != b.value;
    let mut keys: Vec<String> = before.zip(after).filter(is_other).map(|(a, _)| a.key).collect();
    let (before, after) = (layers(runs), layers(wanted));
    if before.file.watched() != after.file.watched() {
        keys.push("watch".to_owned());
    }
    // The helper that runs hooks is there from the start, or never.
    if before.file.hook.is_empty() != after.file.hook.is_empty() {
        keys.push("hook".to_owned());
    }
    if runs.path.proxy != wanted.path.proxy && !keys.iter().any(|key| key == "proxy") {
        keys.push("proxy".to_owned());
    }
    keys
}

pub(crate) async fn run(options: &Config) -> Outcome {
    match &options.what {
        ConfigVerb::Init => {
            stdout::text(COMMENTED);
            Ok(Exit::Done)
        }
        ConfigVerb::Check { file } => check(file.as_ref(), options.json),
        ConfigVerb::Show => show(options).await,
    }
}

fn check(named: Option<&PathBuf>, json: bool) -> Outcome {
    let Some(path) = path(named) else {
        return Err(Stop::local("there is no file: `teem config init` prints one, with comments"));
    };
    let file = File::read(&path).map_err(|e| Stop::refused("config", e))?;
    if json {
        json::line(&json!({"event": "config", "path": path.to_string_lossy(), "keys": !file.is_empty()}));
    } else {
        stdout::text(&format!("{} is understood\n", plain(&path.display().to_string())));
    }
    Ok(Exit::Done)
}

async fn show(options: &Config) -> Outcome {
    let remote = Remote::new(options.reached.daemon.as_deref())?;
    let told = match remote.get("/teem/v1/config").await {
        Ok(told) => told,
        Err(stop) if stop.class == "no_daemon" => {
            crate::progress::Progress::new(false).say("no daemon runs; one that were started now would have:");
            let (mut cli, given) = crate::cli::parse(vec!["teem".into(), "daemon".into()]).map_err(Stop::usage)?;
            lay(&mut cli, given)?;
            let Command::Daemon(daemon) = &cli.command else { return Ok(Exit::Done) };
            json!(settings(daemon, !cli.no_sandbox))
        }
        Err(stop) => return Err(stop),
    };
    let mut out = String::new();
    for setting in told.as_array().map(Vec::as_slice).unwrap_or_default() {
        if options.json {
            json::line(setting);
            continue;
        }
        let text = |key: &str| plain(setting[key].as_str().unwrap_or_default());
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{} = {}  # {}", text("key"), plain(&setting["value"].to_string()), text("origin"));
    }
    stdout::text(&out);
    Ok(Exit::Done)
}
