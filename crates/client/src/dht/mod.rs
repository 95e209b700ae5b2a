//! The DHT as a client has it (BEP 5): where its nodes begin, what is kept of them between runs, and single questions to it.
//!
//! Without trackers a bare info-hash is found by it. [`Config::dht`](crate::Config::dht) turns it on.
mod once;
mod saved;

pub use once::{Once, Seen};
pub(crate) use saved::Saved;
pub use teem_dht::filter::Filter;
pub use teem_dht::id::Id;
pub use teem_dht::item::{public_key, sign, target_of_key, target_of_value};
pub use teem_dht::{Item, Outcome, Question, Signature};
pub use teem_wire::compact::Family;

use crate::behind::packets_to;
use crate::config::Dht;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use teem_engine::config::DhtConfig;
use teem_host::host::HostHandle;
use teem_metainfo::Origin;
use teem_swarm::ask::Speaks;
use teem_wire::reach::Reach;

/// Where a node begins that knows no other. They are run by the makers of other clients, for everybody.
pub(crate) const PUBLIC: [&str; 3] =
    ["router.bittorrent.com:6881", "dht.transmissionbt.com:6881", "router.utorrent.com:6881"];
/// Ports below this belong to other services, which a stranger's torrent must not aim us at.
const PORT_MIN: u16 = 1024;

/// What the engine's nodes begin with: those of the last run, and names. A client that takes peers on this machine alone is somebody's experiment, and asks
/// nobody beyond it.
pub(crate) fn begin(dht: &Dht, path: &teem_path::Path, bound: &[SocketAddr], state_dir: &Path) -> DhtConfig {
    let saved = Saved::load(state_dir);
    // A relay leads everywhere, whatever is listened on here.
    let relayed = path.may_relay();
    let near = !relayed && bound.iter().all(|addr| addr.ip().is_loopback());
    let has = |family: &Family| relayed || bound.iter().any(|addr| Family::of(addr.ip()) == *family);
    let is_here = |addr: &SocketAddr| !near || Reach::of(addr.ip()) == Reach::Loopback;
    DhtConfig {
        families: [Family::V4, Family::V6].into_iter().filter(has).collect(),
        ids: saved.ids,
        saved: saved.nodes.into_iter().filter(|node| is_here(&node.addr)).collect(),
        bootstrap: match &dht.bootstrap {
            Some(names) => names.iter().filter_map(|name| split(name)).collect(),
            None if near => Vec::new(),
            None => PUBLIC.iter().filter_map(|name| split(name)).collect(),
        },
    }
}

/// A name or address with its port: `HOST:PORT`, `[IPv6]:PORT`.
pub(crate) fn split(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_whole = !bare.is_empty() && (bare == host) != bare.contains(':');
    Some((bare.to_owned(), port.parse().ok().filter(|port| *port != 0 && is_whole)?))
}

/// The addresses of nodes that a torrent names. A stranger's names nothing near, and no port of other services.
pub(crate) async fn named(
    host: &HostHandle,
    path: &teem_path::Path,
    names: Vec<(String, u16)>,
    origin: Origin,
) -> Vec<SocketAddr> {
    let mut addrs = Vec::new();
    for (name, port) in names {
        let found = packets_to(host, path, &name, port, Speaks::Dht).await.unwrap_or_default();
        let may = |ip: IpAddr| origin == Origin::User || Reach::of(ip) == Reach::Public && port >= PORT_MIN;
        addrs.extend(found.into_iter().filter(|addr| may(addr.ip())));
    }
    addrs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_have_a_port() {
        let is = |text: &str, host: &str, port| assert_eq!(split(text), Some((host.to_owned(), port)), "{text}");
        is("router.example:6881", "router.example", 6881);
        is("127.0.0.1:1", "127.0.0.1", 1);
        is("[2001:db8::1]:7", "2001:db8::1", 7);
        for text in ["", "router.example", ":6881", "router.example:0", "router.example:x", "2001:db8::1", "[::1]"] {
            assert_eq!(split(text), None, "{text}");
        }
        assert!(PUBLIC.iter().all(|name| split(name).is_some()));
    }

    /// A client that listens on this machine alone asks none of the public nodes, whatever is saved.
    #[test]
    fn who_listens_on_this_machine_asks_nobody_beyond_it() {
        let folder = std::env::temp_dir().join(format!("teem-dht-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let node =
            |n: u8, addr: &str| teem_dht::krpc::message::Contact { id: Id([n; 20]), addr: addr.parse().unwrap() };
        let nodes = vec![node(1, "20.0.0.1:9"), node(2, "127.0.0.1:9"), node(3, "[2001:db8::1]:9")];
        let saved = Saved { ids: vec![(Family::V4, Id([9; 20]))], nodes: nodes.clone() };
        saved.save(&folder).unwrap();
        let direct = teem_path::Path::direct();
        let begin_by = |path: &teem_path::Path, bound: &[&str], bootstrap| {
            let bound: Vec<SocketAddr> = bound.iter().map(|addr| addr.parse().unwrap()).collect();
            begin(&Dht { bootstrap }, path, &bound, &folder)
        };
        let config = |bound: &[&str], bootstrap| begin_by(&direct, bound, bootstrap);
        let here = config(&["127.0.0.1:5"], None);
        assert_eq!((here.bootstrap, here.saved, here.families), (vec![], vec![nodes[1]], vec![Family::V4]));
        let said = config(&["127.0.0.1:5"], Some(vec!["127.0.0.1:7".to_owned()]));
        assert_eq!(said.bootstrap, [("127.0.0.1".to_owned(), 7)]);
        let everywhere = config(&["0.0.0.0:5", "[::]:5"], None);
        assert_eq!((everywhere.bootstrap.len(), everywhere.saved, everywhere.ids), (3, nodes, saved.ids));
        let relayed = direct.through("socks5://127.0.0.1:1080".parse().unwrap(), Vec::new(), false);
        let behind = begin_by(&relayed, &[], None);
        assert_eq!((behind.bootstrap.len(), behind.families), (3, vec![Family::V4, Family::V6]));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
