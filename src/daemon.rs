//! `teem daemon`: many torrents that outlive the process.
use crate::exit::{Exit, Outcome, Stop};
use crate::foreign::plain;
use crate::progress::Progress;
use crate::sandbox::Sandbox;
use crate::service::{self, Handed};
use crate::signals::Signals;
use crate::units::Count;
use crate::{addr, cli, config, filter, json, remote, stdout};
use sd_notify::NotifyState;
use serde_json::json;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use teem_client::policy::Speed;
use teem_client::{Config, store};
use teem_daemon::{Daemon, Rules, Socket, StartError, api};
use teem_web::Server;
use tokio::signal::unix::{SignalKind, signal};

/// The folders that content may go into, made where they are missing.
pub(crate) fn roots(options: &cli::daemon::Daemon) -> Result<Vec<PathBuf>, Stop> {
    let wanted = if options.roots.is_empty() {
        vec![store::downloads_dir().map_err(|e| Stop::usage(format!("--root: {e}")))?]
    } else {
        options.roots.clone()
    };
    let root = |folder: &PathBuf| {
        teem_daemon::root(folder).map_err(|e| Stop::local(format!("--root: {} cannot be used: {e}", folder.display())))
    };
    wanted.iter().map(root).collect()
}

/// Where the API is asked over TCP unless told otherwise.
const API: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 21_490);

/// The word for nowhere but on the socket.
const NONE: &str = "none";

/// The socket, where a place of the API names it, else the usual one.
pub(crate) fn socket(options: &cli::daemon::Daemon) -> Result<PathBuf, Stop> {
    let named = options.api.iter().find(|place| place.starts_with(remote::SCHEME));
    let usual = || std::env::var("TEEM_DAEMON").ok();
    remote::socket(named.cloned().or_else(usual).as_deref())
}

/// The addresses that the API is asked on.
fn places(options: &cli::daemon::Daemon) -> Result<Vec<SocketAddr>, Stop> {
    let named = options.api.iter().filter(|place| !place.starts_with(remote::SCHEME) && *place != NONE);
    let place = |text: &String| {
        let usage = |_| Stop::usage(format!("--api: `{text}` is no address: write ADDR:PORT, unix:PATH or {NONE}"));
        text.parse::<SocketAddr>().map_err(usage)
    };
    named.map(place).collect()
}

/// Has the API asked over TCP, and says where: where a manager of services listens already, else where options say.
fn listen(
    server: &mut Server,
    options: &cli::daemon::Daemon,
    handed: Vec<TcpListener>,
) -> Result<Vec<SocketAddr>, Stop> {
    if !handed.is_empty() {
        return handed.into_iter().map(|listener| server.listen(listener).map_err(Stop::local)).collect();
    }
    let mut begin = |addr: SocketAddr| {
        // The way that is kept to for torrents is not that of those who ask.
        let path = teem_client::path::Path::direct();
        let place = path.places(Some(addr.ip())).into_iter().next();
        let listener = place.map(|place| path.listen_tcp(&place, addr.port()));
        listener
            .unwrap_or_else(|| Err(io::ErrorKind::AddrNotAvailable.into()))
            .and_then(|listener| server.listen(listener))
    };
    let places = places(options)?;
    if options.api.is_empty() {
        return match begin(API) {
            Ok(addr) => Ok(vec![addr]),
            // The socket serves.
            Err(e) => {
                Progress::new(false).say(&format!("warning: nobody can ask on {API}: {e}"));
                Ok(Vec::new())
            }
        };
    }
    let listen =
        |addr: SocketAddr| begin(addr).map_err(|e| Stop::local(format!("--api: {addr} cannot be listened on: {e}")));
    places.into_iter().map(listen).collect()
}

/// What the client is to do.
async fn wanted(options: &cli::daemon::Daemon) -> Result<Config, Stop> {
    let mut config = Config::new().map_err(Stop::local)?;
    config.listen = addr::listen(options.listen.as_deref(), true)?;
    (config.up, config.down) = (options.up.and_then(|rate| rate.0), options.down.and_then(|rate| rate.0));
    config.connections = Some(connections(options));
    options.with_peers.apply(&mut config);
    options.path.set(options.listen.as_deref(), &mut config).await?;
    options.with_dht.apply(&mut config);
    Ok(config)
}

/// Connections to peers of all torrents together.
fn connections(options: &cli::daemon::Daemon) -> usize {
    config::layers(options).file.connections.as_ref().map_or(config::CONNECTIONS, |most| most.value.0)
}

/// The rules for many torrents.
fn rules(options: &cli::daemon::Daemon) -> Rules {
    let rate = |rate: Option<crate::units::ByteRate>| rate.and_then(|rate| rate.0);
    config::layers(options).file.rules(Speed { up: rate(options.up), down: rate(options.down) })
}

/// Takes the file in again: all of it, or nothing.
async fn reload(options: &mut cli::daemon::Daemon, daemon: &Daemon, sandbox: &Sandbox) -> Result<String, String> {
    let runs = options.clone();
    // Lists of a million ranges take a while.
    let looked = tokio::task::spawn_blocking(move || {
        let wanted = config::again(&runs).map_err(|stop| stop.message)?;
        let keys = config::needs_restart(&runs, &wanted);
        if !keys.is_empty() {
            return Err(format!("{} cannot change while the daemon runs: start it again", keys.join(", ")));
        }
        let filter = filter::look(&wanted.path.filter)?;
        Ok((wanted, filter))
    });
    let (wanted, (kept_out, words)) = looked.await.unwrap_or_else(|e| Err(e.to_string()))?;
    if let Some(hooks) = &sandbox.hooks {
        hooks.reload(&config::layers(&wanted).file).await?;
    }
    // Nothing below fails.
    let client = daemon.client();
    daemon.follow(rules(&wanted));
    daemon.follow_feeds(&config::layers(&wanted).file);
    client.connections(connections(&wanted));
    client.way().keep_out(kept_out);
    daemon.holds(config::settings(&wanted, sandbox.is_wanted()));
    let has_lists = !wanted.path.filter.is_empty();
    *options = wanted;
    Ok(if has_lists { format!("taken in again; {words}") } else { "taken in again".to_owned() })
}

/// Runs hooks as torrents come to be done.
async fn run_hooks(sandbox: &Sandbox, daemon: &Daemon) {
    match &sandbox.hooks {
        Some(hooks) => hooks.run(daemon.done()).await,
        None => std::future::pending().await,
    }
}

/// Takes the file in again at each SIGHUP, and says what came of it.
async fn reload_when_asked(
    mut hangup: tokio::signal::unix::Signal,
    mut options: cli::daemon::Daemon,
    daemon: &Daemon,
    sandbox: &Sandbox,
) {
    while hangup.recv().await.is_some() {
        service::tell_reloading();
        let outcome = reload(&mut options, daemon, sandbox).await;
        let file = match &config::layers(&options).path {
            Some(path) => plain(&path.display().to_string()),
            None => "the configuration".to_owned(),
        };
        let words = match &outcome {
            Ok(words) => format!("{file}: {words}"),
            Err(why) => format!("nothing of {file} was taken in: {}", plain(why)),
        };
        if options.json {
            json::line(&json!({"event": "reload", "ok": outcome.is_ok(), "text": words}));
        }
        Progress::new(false).say(&words);
        service::tell(NotifyState::Ready);
    }
}

pub(crate) async fn run(options: &cli::daemon::Daemon, sandbox: &Sandbox) -> Outcome {
    let mut signals = Signals::listen().map_err(Stop::local)?;
    // From now on it is no wish to end.
    filter::keep_hangup();
    let hangup = signal(SignalKind::hangup()).map_err(Stop::local)?;
    let handed = Handed::taken();
    let socket = match handed.unix {
        Some(listener) => Socket::handed(listener),
        None => Socket::bind(&socket(options)?),
    };
    let socket = socket.map_err(Stop::local)?;
    let path = socket.path().to_owned();
    let daemon = Daemon::start(wanted(options).await?, roots(options)?, rules(options)).await.map_err(|e| match e {
        StartError::Client(e) => addr::taken(&e),
        other => Stop::local(other),
    })?;
    let server = Server::new(api::routes(daemon.clone()), api::LIMITS);
    let mut guarded = Server::new(api::guarded_routes(daemon.clone()), api::LIMITS);
    let asked_on = listen(&mut guarded, options, handed.tcp)?;
    daemon.holds(config::settings(options, sandbox.is_wanted()));
    daemon.follow_feeds(&config::layers(options).file);
    let mut progress = Progress::new(false);
    sandbox.tell(options.json);
    for words in filter::words() {
        progress.say(&words);
    }
    for remark in daemon.remarks() {
        progress.say(&format!("warning: {}", plain(remark)));
    }
    let (port, torrents) = (daemon.client().port(), daemon.client().torrents().len());
    if options.json {
        json::line(
            &json!({"event": "ready", "port": port, "socket": path.to_string_lossy(), "api": asked_on, "torrents": torrents}),
        );
        stdout::check()?;
    }
    let count = Count(torrents, "torrent");
    progress.say(&format!("{count}, peers on port {port}, commands on {}", plain(&path.display().to_string())));
    for addr in &asked_on {
        progress.say(&format!("programs with a token (`teem token create NAME`) on http://{addr}"));
    }
    service::tell(NotifyState::Ready);
    let outcome = tokio::select! {
        exit = signals.first() => Ok(exit),
        () = reload_when_asked(hangup, options.clone(), &daemon, sandbox) => Err(Stop::local("signals cannot be heard")),
        () = service::feed_watchdog(daemon.client()) => Err(Stop::local("the watchdog ended")),
        () = run_hooks(sandbox, &daemon) => Err(Stop::local("hooks are not run any more")),
        () = daemon.watch(config::layers(options).file.watched()) => Err(Stop::local("folders are not watched any more")),
        why = daemon.client().failed() => Err(Stop::fault(why)),
        served = socket.serve(&server) => Err(Stop::local(match served {
            Ok(()) => "the socket is gone".to_owned(),
            Err(e) => format!("{} cannot be listened on: {e}", path.display()),
        })),
    };
    service::tell(NotifyState::Stopping);
    // Commands that came in time are answered, and nobody is told of a torrent that is no more.
    drop(socket);
    daemon.end_streams();
    tokio::join!(server.shutdown(), guarded.shutdown());
    daemon.shutdown().await;
    match outcome {
        // A service that is asked to end has done what it was to do.
        Ok(Exit::Terminated) => Ok(Exit::Done),
        other => other,
    }
}
