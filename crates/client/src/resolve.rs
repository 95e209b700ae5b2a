//! Host names (own design): resolved off the engine's thread. Nothing else in this program looks a name up: the system is asked, or `names` does it where the user bound the way.
use crate::names::look_up;
use std::net::{IpAddr, SocketAddr};
use teem_path::Path;
use teem_wire::reach::Reach;

/// Addresses kept of one name.
const ADDRESSES_MAX: usize = 16;

/// Whether a host is written as an address, with brackets or without.
pub(crate) fn is_address(host: &str) -> bool {
    host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok()
}

/// All addresses of a name (or of an address, with brackets or without), at most 16, or why there are none.
pub(crate) async fn lookup(path: &Path, host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if path.proxy().is_some() && bare.parse::<IpAddr>().is_err() {
        return Err("names are not looked up past the proxy".to_owned());
    }
    if path.is_bound() || path.proxy().is_some() {
        let found = match bare.parse::<IpAddr>() {
            Ok(ip) => vec![ip],
            Err(_) => look_up(path, bare).await?,
        };
        return Ok(found.into_iter().take(ADDRESSES_MAX).map(|ip| SocketAddr::new(ip.to_canonical(), port)).collect());
    }
    let found = tokio::net::lookup_host((bare, port)).await.map_err(|e| e.to_string())?;
    Ok(found.take(ADDRESSES_MAX).map(|addr| SocketAddr::new(addr.ip().to_canonical(), addr.port())).collect())
}

/// The addresses of a name that can be used, or why there are none.
pub(crate) async fn resolve(path: &Path, host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    let found = lookup(path, host, port).await.map_err(|e| format!("{host} cannot be resolved: {e}"))?;
    let mut addrs = Vec::new();
    for addr in found {
        if Reach::of(addr.ip()) != Reach::Nowhere && !addrs.contains(&addr) {
            addrs.push(addr);
        }
    }
    if addrs.is_empty() { Err(format!("{host} has no address that can be used")) } else { Ok(addrs) }
}

/// Addresses of both families in turn, beginning with the one that the resolver prefers (RFC 8305, section 4).
pub(crate) fn in_turn(addrs: &[SocketAddr]) -> Vec<SocketAddr> {
    let first = addrs.first().is_some_and(SocketAddr::is_ipv4);
    let of = |v4: bool| addrs.iter().filter(move |addr| addr.is_ipv4() == v4).copied();
    let (mut one, mut other) = (of(first), of(!first));
    core::iter::from_fn(|| {
        let pair = [one.next(), other.next()];
        pair.iter().any(Option::is_some).then_some(pair)
    })
    .flatten()
    .flatten()
    .collect()
}

/// Resolves `host:port` as users and magnet links write it.
pub(crate) async fn resolve_peer(path: &Path, text: &str) -> Result<Vec<SocketAddr>, String> {
    if let Ok(addr) = text.parse::<SocketAddr>() {
        return Ok(vec![SocketAddr::new(addr.ip().to_canonical(), addr.port())]);
    }
    match split(text) {
        Some((host, port)) => resolve(path, host, port).await,
        None => Err(format!("`{text}` is not a peer's address: write HOST:PORT or [IPv6]:PORT")),
    }
}

/// Host and port of `HOST:PORT`.
pub(crate) fn split(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse::<u16>().ok().filter(|port| *port > 0)?;
    (!host.is_empty()).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns_from_the_preferred_one_on() {
        let addr = |text: &str| text.parse::<SocketAddr>().unwrap();
        let found = ["[2620::1]:80", "[2620::2]:80", "[2620::3]:80", "8.8.8.8:80"].map(addr);
        assert_eq!(in_turn(&found), ["[2620::1]:80", "8.8.8.8:80", "[2620::2]:80", "[2620::3]:80"].map(addr));
        assert_eq!(in_turn(&found[3..]), [addr("8.8.8.8:80")]);
    }
}
