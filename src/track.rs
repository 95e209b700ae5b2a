//! `teem track`: a tracker over HTTP and UDP.
use crate::exit::{Exit, Outcome, Stop};
use crate::progress::Progress;
use crate::signals::Signals;
use crate::{cli, json};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;
use teem_client::entropy;
use teem_client::metainfo::InfoHash;
use teem_tracker_server::net::{TrackConfig, track};
use teem_tracker_server::{Access, Limits, Tracker};
use tokio::time::Instant;

/// How often the table's size is shown, and told to scripts.
const EVERY: Duration = Duration::from_secs(1);
const JSON_EVERY: Duration = Duration::from_secs(60);

pub(crate) async fn run(options: &cli::Track) -> Outcome {
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
    let server = track(TrackConfig { http: options.http, udp: options.udp }, tracker)
        .await
        .map_err(|e| Stop::local(format!("{e}; choose other addresses with --http and --udp")))?;
    let mut progress = Progress::new(options.json);
    if options.json {
        json::line(&json!({
            "event": "listening", "http": server.http().to_string(), "udp": server.udp().to_string(), "open": open,
            "port": server.http().port(),
        }));
    }
    progress.say(&format!("tracking on http://{}/announce and udp://{}/announce", server.http(), server.udp()));
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
                let (swarms, peers) = server.counts();
                progress.show(&format!("{swarms} torrents, {peers} peers"));
                if options.json && json_at.elapsed() >= JSON_EVERY {
                    json_at = Instant::now();
                    json::line(&json!({"event": "status", "swarms": swarms, "peers": peers}));
                }
            }
        }
    };
    server.shutdown().await;
    match exit {
        Exit::Interrupted | Exit::Terminated => Ok(exit),
        _ => Ok(Exit::Done),
    }
}
