//! rqbit 9.1. It dials and announces from whatever address the system picks, and opens all files of a torrent at once.

use std::process::Command;

use crate::client::{Client, Job, Running, Seat, Whole, printed_version};
use crate::http;
use crate::namespace::Needs;
use crate::setting::{Asked, Family, Role};

/// One process with one torrent.
#[derive(Clone, Copy, Debug)]
pub struct Rqbit;

impl Client for Rqbit {
    fn name(&self) -> &'static str {
        "rqbit"
    }

    fn needs(&self) -> Needs {
        Needs::Command("rqbit", "--version")
    }

    fn version(&self) -> String {
        printed_version(Command::new("rqbit").arg("--version"))
    }

    fn cannot(&self, asked: Asked) -> Option<&'static str> {
        let seeds_odd = asked.odd && asked.role == Role::Seeds;
        seeds_odd.then_some("as a seed of odd names never announces that it is complete")
    }

    fn files_max(&self) -> usize {
        2_000
    }

    fn start(&self, seat: &Seat, job: &Job<'_>) -> Running {
        let (port, control) = (seat.listen().port().to_string(), seat.control().to_string());
        let mut command = Command::new("rqbit");
        command.args(["-v", "warn", "--disable-lsd", "--disable-upnp-port-forward"]);
        if job.dht.is_empty() {
            command.arg("--disable-dht");
        } else {
            let nodes: Vec<String> = job.dht.iter().map(ToString::to_string).collect();
            command.args(["--disable-dht-persistence", "--dht-bootstrap-addrs", &nodes.join(",")]);
        }
        match seat.family() {
            Family::V4 => command.args(["--ipv4-only", "--listen-ip", "0.0.0.0"]),
            Family::V6 => command.args(["--listen-ip", "::"]),
        };
        command.args(["--listen-port", &port, "--announce-port", &port, "--http-api-listen-addr", &control]);
        if job.utp {
            command.args(["--experimental-enable-utp-listen", "--disable-tcp-listen", "--disable-tcp-connect"]);
        }
        if job.up > 0 {
            command.args(["--ratelimit-upload", &job.up.to_string()]);
        }
        command.arg("download").arg("-o").arg(job.folder);
        if job.role == Role::Seeds {
            command.arg("--overwrite");
        }
        let ask = move || {
            let answer = http::request(&control, "/torrents/0/stats/v1", &[], None);
            answer.is_ok_and(|answer| String::from_utf8_lossy(&answer.body).contains("\"finished\":true"))
        };
        seat.start(command.arg(job.link), Whole::Asked(Box::new(ask)))
    }
}
