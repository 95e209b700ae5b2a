//! `teem daemon`: many torrents that outlive the process.
use crate::exit::{Exit, Outcome, Stop};
use crate::foreign::plain;
use crate::progress::Progress;
use crate::sandbox::Sandbox;
use crate::signals::Signals;
use crate::units::Count;
use crate::{addr, cli, json, remote, stdout};
use serde_json::json;
use std::path::PathBuf;
use teem_client::{Config, store};
use teem_daemon::{Daemon, Socket, StartError, api};
use teem_web::Server;

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

pub(crate) async fn run(options: &cli::daemon::Daemon, sandbox: &Sandbox) -> Outcome {
    let mut signals = Signals::listen().map_err(Stop::local)?;
    let path = remote::socket(options.api.as_deref())?;
    let socket = Socket::bind(&path).map_err(Stop::local)?;
    let mut config = Config::new().map_err(Stop::local)?;
    config.listen = addr::listen(options.listen.as_deref(), true)?;
    (config.up, config.down) = (options.up.and_then(|rate| rate.0), options.down.and_then(|rate| rate.0));
    options.with_peers.apply(&mut config);
    options.path.apply(options.listen.as_deref(), &mut config).await?;
    options.with_dht.apply(&mut config);
    let daemon = Daemon::start(config, roots(options)?).await.map_err(|e| match e {
        StartError::Client(e) => addr::taken(&e),
        other => Stop::local(other),
    })?;
    let server = Server::new(api::routes(daemon.clone()), api::LIMITS);
    let mut progress = Progress::new(false);
    sandbox.tell(options.json);
    for remark in daemon.remarks() {
        progress.say(&format!("warning: {}", plain(remark)));
    }
    let (port, torrents) = (daemon.client().port(), daemon.client().torrents().len());
    if options.json {
        json::line(&json!({"event": "ready", "port": port, "socket": path.to_string_lossy(), "torrents": torrents}));
        stdout::check()?;
    }
    let count = Count(torrents, "torrent");
    progress.say(&format!("{count}, peers on port {port}, commands on {}", plain(&path.display().to_string())));
    let outcome = tokio::select! {
        exit = signals.first() => Ok(exit),
        why = daemon.client().failed() => Err(Stop::fault(why)),
        served = socket.serve(&server) => Err(Stop::local(match served {
            Ok(()) => "the socket is gone".to_owned(),
            Err(e) => format!("{} cannot be listened on: {e}", path.display()),
        })),
    };
    // Commands that came in time are answered, and nobody is told of a torrent that is no more.
    drop(socket);
    server.shutdown().await;
    daemon.shutdown().await;
    match outcome {
        // A service that is asked to end has done what it was to do.
        Ok(Exit::Terminated) => Ok(Exit::Done),
        other => other,
    }
}
