//! bittorrent-tracker, the stock tracker of npm, over HTTP and UDP.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::namespace::Needs;
use crate::node;
use crate::setting::{Family, Protocol};
use crate::tracker::{Swarm, Tracker};

const COMMAND: &str = "bittorrent-tracker";
const SCRIPT: &str = r"
const { Server } = await import(modules + '/bittorrent-tracker/index.js')
const server = new Server({ http: true, udp: true, ws: false, stats: false })
for (const name of ['error', 'warning', 'start', 'complete']) server.on(name, what => console.log(name, String(what)))
server.listen(o.port, { http: o.ip, udp: o.v6 ? '127.0.0.1' : o.ip, udp6: o.v6 ? o.ip : '::1' })
";

/// The stock tracker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BittorrentTracker;

impl Tracker for BittorrentTracker {
    fn name(&self) -> &'static str {
        COMMAND
    }

    fn needs(&self, _protocol: Protocol) -> Needs {
        Needs::Command(COMMAND, "--version")
    }

    fn version(&self) -> String {
        node::version(COMMAND, COMMAND)
    }

    fn cannot(&self, protocol: Protocol, family: Family) -> Option<&'static str> {
        let udp6 = protocol == Protocol::Udp && family == Family::V6;
        udp6.then_some("tells nobody of IPv6 in its answers over UDP")
    }

    fn command(&self, swarm: &Swarm, _folder: &Path) -> Command {
        let (ip, v6) = (swarm.at.ip().to_string(), swarm.at.is_ipv6());
        node::script(COMMAND, SCRIPT, &json!({ "port": swarm.at.port(), "ip": ip, "v6": v6 }))
    }
}
