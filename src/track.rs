//! `teem track`: a tracker over HTTP and UDP.
use crate::exit::{Exit, Outcome, Stop};
use crate::progress::Progress;
use crate::sandbox::Sandbox;
use crate::signals::Signals;
use crate::{cli, json, stdout};
use serde_json::json;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;
use teem_client::entropy;
use teem_client::metainfo::InfoHash;
use teem_tracker_server::limits::Limits;
use teem_tracker_server::net::{Table, Udp, bind, routes};
use teem_tracker_server::tracker::{Access, Tracker};
use teem_web::Server;
use tokio::time::Instant;

/// How often the table's size is shown, and told to scripts.
const EVERY: Duration = Duration::from_secs(1);
const JSON_EVERY: Duration = Duration::from_secs(60);

pub(crate) async fn run(options: &cli::Track, sandbox: &Sandbox) -> Outcome {
    let allowed = options
        .allow
        .iter()
        .map(|text| text.parse::<InfoHash>())
        .collect::<Result<BTreeSet<_>, _>>()
        .map_err(|e| Stop::usage(format!("--allow: {e}")))?;
    let open = allowed.is_empty();
    let count = allowed.len();
    let access = if open { Access::Open } else { Access::Allow(allowed) };
    let mut signals = Signals::listen().map_err(Stop::local)?;
    let tracker = Tracker::new(Limits::DEFAULT, access, entropy::bytes());
    let taken = |option: &str, addr: SocketAddr| {
        let option = option.to_owned();
        move |e: std::io::Error| {
            Stop::local(format!("{addr} cannot be listened on: {e}; choose another address with {option}"))
        }
    };
    let http = bind::tcp(options.http).map_err(taken("--http", options.http))?;
    let udp = bind::udp(options.udp).map_err(taken("--udp", options.udp))?;
    let table = Table::new(tracker);
    let mut server = Server::new(routes(table.clone()), teem_web::Limits::DEFAULT);
    let http = http.into_iter().map(|listener| server.listen(listener)).collect::<Result<Vec<_>, _>>();
    let http = http.map_err(Stop::local)?;
    let asked = Udp::on(&table, udp).map_err(Stop::local)?;
    let (Some(http), Some(udp)) = (http.first().copied(), asked.bound().first().copied()) else {
        return Err(Stop::local("no address to listen on"));
    };
    let mut progress = Progress::new(options.json);
    if options.json {
        json::line(&json!({
            "event": "listening", "http": http.to_string(), "udp": udp.to_string(), "open": open,
            "port": http.port(),
        }));
        stdout::check()?;
    }
    sandbox.tell(options.json);
    progress.say(&format!("tracking on http://{}/announce and udp://{}/announce", here(http), here(udp)));
    progress.say(&if open {
        "open to every torrent that anybody announces; --allow HASH limits it".to_owned()
    } else {
        format!("for {count} torrents only")
    });
    let mut tick = tokio::time::interval(EVERY);
    let mut json_at = Instant::now();
    let exit = loop {
        tokio::select! {
            exit = signals.first() => break exit,
            _ = tick.tick() => {
                let (swarms, peers) = table.tracker().counts();
                progress.show(&format!("{swarms} torrents, {peers} peers"));
                if options.json && json_at.elapsed() >= JSON_EVERY {
                    json_at = Instant::now();
                    json::line(&json!({"event": "status", "swarms": swarms, "peers": peers}));
                }
            }
        }
    };
    server.shutdown().await;
    asked.shutdown().await;
    match exit {
        Exit::Interrupted | Exit::Terminated => Ok(exit),
        _ => Ok(Exit::Done),
    }
}

/// An address as others would write it; all addresses are "this machine".
fn here(addr: SocketAddr) -> String {
    if addr.ip().is_unspecified() { format!("ANY-ADDRESS-OF-THIS-MACHINE:{}", addr.port()) } else { addr.to_string() }
}
