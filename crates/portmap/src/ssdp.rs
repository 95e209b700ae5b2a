//! Searching for gateways (own design, after UPnP Device Architecture 1.1 section 1.3): HTTP's form in datagrams.

use crate::url::{BadUrl, Url};
use alloc::format;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};

/// Where it is asked who is there.
pub const GROUP: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(239, 255, 255, 250), 1900);
/// Bytes of an answer that are read at most: one packet.
const LEN_MAX: usize = 1_500;
/// Lines of an answer that are read at most.
const LINES_MAX: usize = 32;
/// What is searched for. A device of version 2 answers to the first version too (section 1.3.2), though not every one does.
const KINDS: [&str; 2] =
    ["urn:schemas-upnp-org:device:InternetGatewayDevice:1", "urn:schemas-upnp-org:device:InternetGatewayDevice:2"];

/// The datagrams of a search: each kind once, answered within a second.
pub(crate) fn searches() -> impl Iterator<Item = Vec<u8>> {
    KINDS.iter().map(|kind| {
        format!("M-SEARCH * HTTP/1.1\r\nHOST: {GROUP}\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: {kind}\r\n\r\n")
            .into_bytes()
    })
}

/// Not the answer of a gateway.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoGateway {
    /// Not an answer to such a search.
    Malformed,
    /// The description is said to be where we don't look.
    Location(BadUrl),
}

/// Reads an answer that came from `from`: where the gateway describes itself.
pub fn answer(bytes: &[u8], from: Ipv4Addr) -> Result<Url, NoGateway> {
    let text = bytes.get(..bytes.len().min(LEN_MAX)).unwrap_or_default();
    let mut lines = text.split(|byte| *byte == b'\n').take(LINES_MAX).map(<[u8]>::trim_ascii);
    let first = lines.next().and_then(|line| core::str::from_utf8(line).ok()).ok_or(NoGateway::Malformed)?;
    let mut words = first.split(' ');
    let version = words.next().is_some_and(|word| word.starts_with("HTTP/1."));
    if !version || words.next() != Some("200") {
        return Err(NoGateway::Malformed);
    }
    let (mut location, mut kind) = (None, false);
    for line in lines.take_while(|line| !line.is_empty()) {
        let Some((name, value)) = core::str::from_utf8(line).ok().and_then(|line| line.split_once(':')) else {
            continue;
        };
        if name.trim().eq_ignore_ascii_case("location") {
            location = location.or(Some(value.trim()));
        } else if name.trim().eq_ignore_ascii_case("st") {
            kind = KINDS.contains(&value.trim());
        }
    }
    match location.filter(|_| kind) {
        Some(location) => Url::of(location, from).map_err(NoGateway::Location),
        None => Err(NoGateway::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    const FROM: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

    fn said(location: &str) -> String {
        format!(
            "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nST: {}\r\nEXT:\r\nSERVER: x\r\nLocation: {location}\r\n\r\n",
            KINDS[0]
        )
    }

    #[test]
    fn a_gateway_says_where_it_is_described() {
        let url = answer(said("http://10.0.0.1:5000/rootDesc.xml").as_bytes(), FROM).unwrap();
        assert_eq!((url.server.port(), &*url.path), (5000, "/rootDesc.xml"));
        let bare = said("http://10.0.0.1/x").replace("\r\n", "\n");
        assert!(answer(bare.as_bytes(), FROM).is_ok(), "lines end as they like");
        assert!(
            searches().all(|search| search.starts_with(b"M-SEARCH * HTTP/1.1\r\n") && search.ends_with(b"\r\n\r\n"))
        );
    }

    #[test]
    fn an_answer_that_names_another_host_is_refused() {
        for host in ["127.0.0.1", "10.0.0.2", "8.8.8.8", "169.254.169.254"] {
            let elsewhere = NoGateway::Location(BadUrl::Elsewhere(host.parse().unwrap()));
            assert_eq!(answer(said(&format!("http://{host}:80/x")).as_bytes(), FROM), Err(elsewhere));
        }
        let named = answer(said("http://router.local/x").as_bytes(), FROM);
        assert_eq!(named, Err(NoGateway::Location(BadUrl::Malformed)));
    }

    #[test]
    fn other_devices_and_garbage_are_no_gateway() {
        let good = said("http://10.0.0.1/x");
        for bad in [
            good.replace(KINDS[0], "upnp:rootdevice"),
            good.replace("200", "404"),
            good.replace("HTTP/1.1 200 OK", "NOTIFY * HTTP/1.1"),
            good.replace("Location", "Loc"),
            String::new(),
            "\r\n".into(),
            good.replace("EXT:\r\n", &"x: y\r\n".repeat(LINES_MAX)),
        ] {
            assert_eq!(answer(bad.as_bytes(), FROM), Err(NoGateway::Malformed), "{bad}");
        }
        assert_eq!(answer(&[0xff; 2_000], FROM), Err(NoGateway::Malformed));
    }
}
