//! Peers that are known by a name, where all goes through a proxy (own design; RFC 1928, section 4): the name goes to the proxy, which alone looks it
//! up, and what it opens is attached to the torrent as a link without an address.
use crate::http::through_proxy;
use crate::resolve::{is_address, split};
use crate::torrent::Torrent;
use std::time::Duration;
use teem_path::Path;
use teem_path::opener::Target;

/// How long until one that was lost or not reached is tried again: first, then ever longer up to the last.
const AGAIN: Duration = Duration::from_secs(5);
const AGAIN_MAX: Duration = Duration::from_secs(5 * 60);

/// Takes those peers out that only the proxy can find.
pub(crate) fn only_by_name(path: &Path, peers: &mut Vec<String>) -> Vec<(String, u16)> {
    if path.proxy().is_none() {
        return Vec::new();
    }
    let mut named = Vec::new();
    peers.retain(|text| match split(text) {
        Some((host, port)) if !is_address(host) => {
            named.push((host.to_owned(), port));
            false
        }
        _ => true,
    });
    named
}

/// Keeps one of them connected until the torrent has gone.
pub(crate) fn keep(path: Path, torrent: Torrent, (host, port): (String, u16)) {
    tokio::spawn(async move {
        let kept = async {
            let mut wait = AGAIN;
            loop {
                let target = Target::Name(host.clone(), port);
                if let Ok(mut stream) = through_proxy(&path, &target).await {
                    let Ok(mut link) = torrent.attach() else { return };
                    let moved = tokio::io::copy_bidirectional(&mut stream, &mut link).await;
                    // One that gave us something is worth another look soon.
                    wait = if moved.is_ok_and(|(here, _)| here > 0) { AGAIN } else { wait };
                }
                tokio::time::sleep(wait).await;
                wait = AGAIN_MAX.min(wait * 2);
            }
        };
        tokio::select! {
            () = kept => {}
            _ = torrent.ended() => {}
        }
    });
}
