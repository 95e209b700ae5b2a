//! What a publisher gives to others: announce URLs, the magnet link, the URL of the .torrent (BEP 3, 9).
use super::addresses::Address;
use teem_metainfo::{Info, InfoHash, Magnet};
use teem_swarm::listening::Listening;

/// Announce URLs of our own tracker, a tier for each address: UDP first because it costs less, HTTP where UDP is blocked.
pub(crate) fn tracker_tiers(addresses: &[Address], port: u16) -> Vec<Vec<String>> {
    let tier = |a: &Address| {
        let at = a.with_port(port);
        vec![format!("udp://{at}/announce"), format!("http://{at}/announce")]
    };
    addresses.iter().map(tier).collect()
}

/// The magnet link: hash, name, trackers, web seeds and the seed's own addresses.
pub fn magnet(
    info: &Info,
    trackers: &[Vec<String>],
    web_seeds: &[String],
    addresses: &[Address],
    listening: &Listening,
) -> String {
    let mut magnet = Magnet::from(info.key());
    magnet.name = Some(info.name().to_owned());
    magnet.trackers = trackers.iter().flatten().cloned().collect();
    magnet.web_seeds = web_seeds.to_vec();
    if !info.is_private() {
        magnet.peers = addresses.iter().map(|a| a.with_port(a.port(listening))).collect();
    }
    magnet.to_string()
}

/// The paths under which the .torrent may be served, best first: its name unless there is anything unusual in it, and the info-hash.
pub(crate) fn torrent_paths(info: &Info, hash: InfoHash) -> [String; 2] {
    let name = info.name();
    let plain = name.len() <= 100 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    let unique = format!("/{hash}.torrent");
    [if plain { format!("/{name}.torrent") } else { unique.clone() }, unique]
}
