//! Figures of the whole daemon, as Prometheus reads them (its text format 0.0.4): `GET /metrics`.
//!
//! They are summed up when they are asked for, from the lines in memory. No figure is told of single torrents: thousands of series would tell nobody anything.
use crate::daemon::{Daemon, STREAMS_MAX};
use crate::sums::Sums;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::{Registry, Unit};
use std::fmt::Write as _;
use std::sync::Arc;
use teem_client::TurnTimes;
use teem_web::extract::State;
use teem_web::http::header::CONTENT_TYPE;
use teem_web::http::{HeaderValue, StatusCode};
use teem_web::{Body, Response, plain};

/// What the text is called.
const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What is told.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
struct Figures {
    all: Arc<Sums>,
    downloaded: u64,
    uploaded: u64,
    streams: u64,
    seconds: u64,
    turns: Option<TurnTimes>,
    /// Whether changes can be kept.
    keeps: bool,
}

/// Figures of the whole daemon, in the text that Prometheus reads.
#[utoipa::path(get, path = "/metrics", responses((status = 200, body = String, content_type = "text/plain", description = "the figures: names, types and what they are")))]
pub(super) async fn metrics(State(daemon): State<Daemon>) -> Response {
    let summed = tokio::task::spawn_blocking(move || written(&figures(&daemon))).await;
    let Ok(Ok(text)) = summed else {
        return plain(StatusCode::INTERNAL_SERVER_ERROR, "the figures cannot be written");
    };
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(KIND));
    response
}

fn figures(daemon: &Daemon) -> Figures {
    let all = daemon.sums();
    let (downloaded, uploaded) = {
        let pulse = daemon.pulse();
        (pulse.downloaded, pulse.uploaded)
    };
    Figures {
        all,
        downloaded,
        uploaded,
        streams: (STREAMS_MAX - daemon.0.streams.available_permits().min(STREAMS_MAX)) as u64,
        seconds: daemon.0.since.elapsed().as_secs(),
        turns: Some(daemon.client().turn_times()),
        keeps: daemon.trouble().is_none(),
    }
}

fn written(figures: &Figures) -> Result<String, std::fmt::Error> {
    let mut registry = Registry::with_prefix("teem");
    let states = Family::<Vec<(&'static str, &'static str)>, Gauge>::default();
    for (state, torrents) in &figures.all.states {
        states.get_or_create(&vec![("state", *state)]).set(i64::try_from(*torrents).unwrap_or(i64::MAX));
    }
    registry.register("torrents", "Torrents by what they do", states);
    registry.register(
        "torrents_complete",
        "Torrents of which all that is wanted is there",
        gauge(figures.all.complete),
    );
    let rates = [("received", figures.all.down_rate), ("sent", figures.all.up_rate)];
    for (what, rate) in rates {
        let help = format!("Payload {what} in the last second");
        registry.register_with_unit(format!("rate_{what}"), help, Unit::Bytes, gauge(rate));
    }
    for (what, bytes) in [("received", figures.downloaded), ("sent", figures.uploaded)] {
        let help = format!("Payload {what} since the daemon started");
        registry.register_with_unit(what, help, Unit::Bytes, ConstCounter::new(bytes));
    }
    registry.register("peers_seeding", "Connected peers that have everything", gauge(figures.all.seeds));
    registry.register("peers_downloading", "Connected peers that miss something", gauge(figures.all.downloaders));
    registry.register("streams", "Readers of windows and events that go on", gauge(figures.streams));
    registry.register("store_works", "Whether changes can be kept", gauge(u64::from(figures.keeps)));
    registry.register_with_unit("running", "Time since the daemon started", Unit::Seconds, gauge(figures.seconds));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    text = classic(&text);
    if let Some(turns) = &figures.turns {
        write_turns(turns, &mut text)?;
    }
    Ok(text)
}

/// Writes the turns of the engine as a histogram.
fn write_turns(turns: &TurnTimes, out: &mut String) -> std::fmt::Result {
    let name = "teem_engine_turn_seconds";
    writeln!(out, "# HELP {name} Turns of the thread that moves payload: while one lasts it hears nobody.")?;
    writeln!(out, "# TYPE {name} histogram")?;
    let mut number = 0;
    for (bound, count) in &turns.up_to {
        number += count;
        writeln!(out, "{name}_bucket{{le=\"{}\"}} {number}", bound.as_secs_f64())?;
    }
    number += turns.beyond;
    writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {number}")?;
    writeln!(out, "{name}_sum {}", turns.all.as_secs_f64())?;
    writeln!(out, "{name}_count {number}")
}

/// The same in the older text format, which every reader understands: there a counter is called as its values are, and units have no lines of their own.
fn classic(text: &str) -> String {
    let counters: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter")).collect();
    let mut out = String::with_capacity(text.len());
    for line in text.lines().filter(|line| !line.starts_with("# UNIT ") && *line != "# EOF") {
        let mut words = line.splitn(4, ' ');
        let of = words.by_ref().take(2).collect::<Vec<_>>().join(" ");
        match words.next() {
            Some(name) if of.starts_with("# ") && counters.contains(&name) => {
                out.extend([&of, " ", name, "_total ", words.next().unwrap_or_default()]);
            }
            _ => out += line,
        }
        out.push('\n');
    }
    out
}

/// A value of this moment. What is beyond the greatest is told as that.
fn gauge(value: u64) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    fn sample() -> String {
        let states = [("seeding", 2), ("paused", 1)].into();
        let all = Arc::new(Sums { states, up_rate: 9, ..Sums::default() });
        let turns = TurnTimes {
            up_to: vec![(Duration::from_millis(1), 5), (Duration::from_secs(1), 2)],
            beyond: 1,
            all: Duration::from_millis(2_500),
        };
        written(&Figures { all, downloaded: 7, keeps: true, turns: Some(turns), ..Figures::default() }).unwrap()
    }

    #[test]
    fn figures_have_names_types_and_help() {
        let text = sample();
        for line in [
            "# TYPE teem_torrents gauge",
            "teem_torrents{state=\"seeding\"} 2",
            "teem_torrents{state=\"paused\"} 1",
            "teem_received_bytes_total 7",
            "# TYPE teem_received_bytes_total counter",
            "teem_rate_sent_bytes 9",
            "teem_store_works 1",
            "teem_engine_turn_seconds_bucket{le=\"0.001\"} 5",
            "teem_engine_turn_seconds_bucket{le=\"1\"} 7",
            "teem_engine_turn_seconds_bucket{le=\"+Inf\"} 8",
            "teem_engine_turn_seconds_sum 2.5",
        ] {
            assert!(text.lines().any(|told| told == line), "{line} in {text}");
        }
        assert!(!text.contains("# EOF") && !text.contains("# UNIT"), "{text}");
    }

    #[test]
    fn promtool_finds_nothing_wrong() {
        let tool = Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).spawn();
        let Ok(mut tool) = tool else {
            eprintln!("skipped: promtool is not installed");
            return;
        };
        tool.stdin.take().unwrap().write_all(sample().as_bytes()).unwrap();
        assert!(tool.wait().unwrap().success());
    }
}
