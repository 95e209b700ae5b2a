//! Addresses that people type: where to listen.
use crate::exit::Stop;
use std::net::{IpAddr, SocketAddr};
use teem_client::Listen;
use teem_client::config::DEFAULT_PORT;

/// Understands `PORT`, `:PORT`, `ADDR`, `ADDR:PORT`, `[IPv6]:PORT`. What the user names must be had; the default may fall back.
pub(crate) fn listen(text: Option<&str>, fall_back: bool) -> Result<Listen, Stop> {
    let Some(text) = text.map(str::trim) else {
        return Ok(Listen { addr: None, port: DEFAULT_PORT, fall_back });
    };
    let bad = || Stop::usage(format!("--listen: `{text}` is no address: write PORT, :PORT, ADDR:PORT or [IPv6]:PORT"));
    let port = |t: &str| t.parse::<u16>().map_err(|_| bad());
    let specific = |ip: IpAddr| (!ip.is_unspecified()).then_some(ip);
    let (addr, port) = if let Ok(addr) = text.parse::<SocketAddr>() {
        (specific(addr.ip()), addr.port())
    } else if let Ok(ip) = text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        (specific(ip), DEFAULT_PORT)
    } else if let Some(rest) = text.strip_prefix(':').or_else(|| text.strip_prefix("*:")) {
        (None, port(rest)?)
    } else {
        (None, port(text)?)
    };
    Ok(Listen { addr, port, fall_back: false })
}

/// What to say when the port cannot be had.
pub(crate) fn taken(e: &teem_client::StartError) -> Stop {
    match e {
        teem_client::StartError::Listen(e) => {
            Stop::local(format!("{e}; choose another port with --listen, or any free one with --listen :0"))
        }
        other => Stop::local(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listening_addresses() {
        let of = |text: &str| listen(Some(text), true).ok().map(|l| (l.addr.map(|a| a.to_string()), l.port));
        assert_eq!(of("0"), Some((None, 0)));
        assert_eq!(of(":7000"), Some((None, 7000)));
        assert_eq!(of("127.0.0.1:81"), Some((Some("127.0.0.1".into()), 81)));
        assert_eq!(of("0.0.0.0:81"), Some((None, 81)));
        assert_eq!(of("[::1]:81"), Some((Some("::1".into()), 81)));
        assert_eq!(of("::1"), Some((Some("::1".into()), DEFAULT_PORT)));
        assert_eq!(of("nonsense"), None);
        assert_eq!(of(":70000"), None);
        assert!(!listen(Some(":1"), true).unwrap().fall_back && listen(None, true).unwrap().fall_back);
    }
}
