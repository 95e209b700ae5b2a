//! One size, measured: everything that the program does with content of it, command by command (own design).

use super::axis::Axis;
use super::meter::{self, Cost, Server};
use crate::bench::Failed;
use std::fs;
use std::path::Path;
use std::process::Command;

/// What is measured, in the order of the tables; not all of it on every axis.
pub(super) const WORKS: [&str; 8] =
    ["create", "show", "verify", "seed's start", "seed in all", "get", "resume", "get --only"];

/// The cost of each of [`WORKS`].
pub(super) type Costs = [Option<Cost>; WORKS.len()];

/// Measures all; `before` is the size that lies in `folder` already.
pub(super) fn measure(teem: &Path, folder: &Path, axis: Axis, before: u64, size: u64) -> Result<Costs, Failed> {
    let content = axis.grow(folder, before, size)?;
    let (torrent, out, part) = (folder.join("content.torrent"), folder.join("out"), folder.join("part"));
    let state = folder.join("state");
    let command = |words: &[&str], paths: &[&Path]| {
        let mut command = Command::new(teem);
        command.env("TEEM_NO_DHT", "1"); // peers come from where the measurement says
        command.args(words).args(paths).env("HOME", folder).env("XDG_STATE_HOME", &state);
        command
    };
    let mut costs = Costs::default();
    let made = axis.torrent(teem, folder, size)?;
    if let Some(bytes) = &made {
        fs::write(&torrent, bytes)?;
    } else {
        costs[0] = Some(meter::run("create", &mut command(&["create", "--force", "-o"], &[&torrent, &content]))?);
    }
    costs[1] = Some(meter::run("show", &mut command(&["show", "--json"], &[&torrent]))?);
    costs[2] = Some(meter::run("verify", &mut command(&["verify", "--data"], &[folder, &torrent]))?);
    let seed = &mut command(&["seed", "--json", "--listen", "127.0.0.1:0", "--data"], &[folder, &torrent]);
    let mut seed = Server::start(seed)?;
    let listening = seed.line_with(&["\"listening\""])?;
    seed.line_with(&["\"event\":\"state\"", "\"seeding\""])?;
    costs[3] = Some(seed.cost());
    if axis.is_stored() {
        let peer = format!("127.0.0.1:{}", port(&listening)?);
        let get = ["get", "--listen", "127.0.0.1:0", "--peer", &peer];
        costs[5] = Some(meter::run("get", command(&get, &[&torrent]).arg("-o").arg(&out))?);
        costs[4] = Some(seed.cost());
        costs[6] = Some(meter::run("resume", command(&get, &[&torrent]).arg("-o").arg(&out))?);
        if axis == Axis::Files {
            let mut only = command(&get, &[&torrent]);
            costs[7] = Some(meter::run("get --only", only.args(["--only", "file-*1.txt", "-o"]).arg(&part))?);
        }
    }
    drop(seed);
    for gone in [&out, &part, &state] {
        let _ = fs::remove_dir_all(gone);
    }
    Ok(costs)
}

fn port(line: &str) -> Result<u16, Failed> {
    let digits = line.split("\"port\":").nth(1).map(|rest| rest.chars().take_while(char::is_ascii_digit).collect());
    let port = digits.and_then(|digits: String| digits.parse().ok());
    port.ok_or_else(|| Failed::new(format!("the seed said no port: {line}")))
}
