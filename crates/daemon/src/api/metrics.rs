//! Figures of the whole daemon, as Prometheus reads them (its text format 0.0.4): `GET /metrics`.
//!
//! They are summed up when they are asked for, from the lines in memory. No figure is told of single torrents: thousands of series would tell nobody anything.
use crate::daemon::{Daemon, STREAMS_MAX};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::{Registry, Unit};
use std::collections::BTreeMap;
use teem_web::extract::State;
use teem_web::http::header::CONTENT_TYPE;
use teem_web::http::{HeaderValue, StatusCode};
use teem_web::{Body, Response, plain};

/// What the text is called.
const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The sums over all torrents.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
struct Sums {
    states: BTreeMap<&'static str, u64>,
    down_rate: u64,
    up_rate: u64,
    downloaded: u64,
    uploaded: u64,
    seeds: u64,
    downloaders: u64,
    complete: u64,
    streams: u64,
    seconds: u64,
    /// Whether changes can be kept.
    keeps: bool,
}

/// Figures of the whole daemon, in the text that Prometheus reads.
#[utoipa::path(get, path = "/metrics", responses((status = 200, body = String, content_type = "text/plain", description = "the figures: names, types and what they are")))]
pub(super) async fn metrics(State(daemon): State<Daemon>) -> Response {
    let summed = tokio::task::spawn_blocking(move || written(&sums(&daemon))).await;
    let Ok(Ok(text)) = summed else {
        return plain(StatusCode::INTERNAL_SERVER_ERROR, "the figures cannot be written");
    };
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(KIND));
    response
}

fn sums(daemon: &Daemon) -> Sums {
    daemon.refresh();
    let mut sums = Sums {
        streams: (STREAMS_MAX - daemon.0.streams.available_permits().min(STREAMS_MAX)) as u64,
        seconds: daemon.0.since.elapsed().as_secs(),
        keeps: daemon.trouble().is_none(),
        ..Sums::default()
    };
    {
        let pulse = daemon.pulse();
        (sums.downloaded, sums.uploaded) = (pulse.downloaded, pulse.uploaded);
    }
    for kept in daemon.torrents().values() {
        let line = &kept.line;
        *sums.states.entry(line.state.word()).or_default() += 1;
        sums.down_rate += line.figures.down_rate;
        sums.up_rate += line.figures.up_rate;
        sums.seeds += u64::from(line.figures.seeds);
        sums.downloaders += u64::from(line.figures.downloaders);
        sums.complete += u64::from(line.complete);
    }
    sums
}

fn written(sums: &Sums) -> Result<String, std::fmt::Error> {
    let mut registry = Registry::with_prefix("teem");
    let states = Family::<Vec<(&'static str, &'static str)>, Gauge>::default();
    for (state, torrents) in &sums.states {
        states.get_or_create(&vec![("state", *state)]).set(i64::try_from(*torrents).unwrap_or(i64::MAX));
    }
    registry.register("torrents", "Torrents by what they do", states);
    registry.register("torrents_complete", "Torrents of which all that is wanted is there", gauge(sums.complete));
    let rates = [("received", sums.down_rate), ("sent", sums.up_rate)];
    for (what, rate) in rates {
        let help = format!("Payload {what} in the last second");
        registry.register_with_unit(format!("rate_{what}"), help, Unit::Bytes, gauge(rate));
    }
    for (what, bytes) in [("received", sums.downloaded), ("sent", sums.uploaded)] {
        let help = format!("Payload {what} since the daemon started");
        registry.register_with_unit(what, help, Unit::Bytes, ConstCounter::new(bytes));
    }
    registry.register("peers_seeding", "Connected peers that have everything", gauge(sums.seeds));
    registry.register("peers_downloading", "Connected peers that miss something", gauge(sums.downloaders));
    registry.register("streams", "Readers of windows and events that go on", gauge(sums.streams));
    registry.register("store_works", "Whether changes can be kept", gauge(u64::from(sums.keeps)));
    registry.register_with_unit("running", "Time since the daemon started", Unit::Seconds, gauge(sums.seconds));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(classic(&text))
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

    fn sample() -> String {
        let states = [("seeding", 2), ("paused", 1)].into();
        written(&Sums { states, downloaded: 7, up_rate: 9, keeps: true, ..Sums::default() }).unwrap()
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
