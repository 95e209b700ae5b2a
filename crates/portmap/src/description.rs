//! How a gateway describes itself (own design, after UPnP Device Architecture 1.1 section 2.3): which services of it we ask, and where.

use crate::url::Url;
use crate::xml::{self, BadXml};
use alloc::vec::Vec;

/// Services that are kept of a description; a router has one or two lines.
const SERVICES_MAX: usize = 8;

/// A service that maps ports, or lets in what comes to one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// Of a device of version 2.
    Ip2,
    /// The usual one.
    Ip1,
    /// That of a line which is dialled.
    Ppp1,
    /// That of the firewall before addresses of IPv6.
    Firewall6,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Ip2, Self::Ip1, Self::Ppp1, Self::Firewall6];

    /// Its name in descriptions and requests.
    pub(crate) fn urn(self) -> &'static str {
        match self {
            Self::Ip2 => "urn:schemas-upnp-org:service:WANIPConnection:2",
            Self::Ip1 => "urn:schemas-upnp-org:service:WANIPConnection:1",
            Self::Ppp1 => "urn:schemas-upnp-org:service:WANPPPConnection:1",
            Self::Firewall6 => "urn:schemas-upnp-org:service:WANIPv6FirewallControl:1",
        }
    }
}

/// A service, and where it is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Service {
    /// What it does.
    pub kind: Kind,
    /// Where it takes requests.
    pub control: Url,
}

/// The services of a description that was found at `at`, best first. Those that are to be asked elsewhere are left out.
pub fn services(body: &[u8], at: &Url) -> Result<Vec<Service>, BadXml> {
    let document = xml::parse(body)?;
    let base = xml::child(document.root_element(), "URLBase").filter(|base| !base.is_empty());
    let base = base.and_then(|base| at.resolve(base).ok()).unwrap_or_else(|| at.clone());
    let mut found = Vec::new();
    for node in document.descendants().filter(|node| node.tag_name().name() == "service") {
        let said = xml::child(node, "serviceType");
        let Some(kind) = Kind::ALL.into_iter().find(|kind| Some(kind.urn()) == said) else { continue };
        let control = xml::child(node, "controlURL").and_then(|path| base.resolve(path).ok());
        if let Some(control) = control.filter(|_| found.len() < SERVICES_MAX) {
            found.push(Service { kind, control });
        }
    }
    found.sort_by_key(|service| service.kind);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::{String, ToString};
    use core::net::Ipv4Addr;

    fn described(base: &str, services: &[(&str, &str)]) -> String {
        let service = |(kind, url): &(&str, &str)| {
            let urn = format!("urn:schemas-upnp-org:service:{kind}");
            format!("<service><serviceType>{urn}</serviceType><controlURL>{url}</controlURL></service>")
        };
        let services = services.iter().map(service).collect::<Vec<String>>().concat();
        format!(
            "<?xml version=\"1.0\"?><root xmlns=\"urn:schemas-upnp-org:device-1-0\">{base}<device><deviceList><device>\
             <serviceList>{services}</serviceList></device></deviceList></device></root>"
        )
    }

    #[test]
    fn services_are_found_wherever_they_stand_best_first() {
        let at = Url::of("http://10.0.0.1:5000/rootDesc.xml", Ipv4Addr::new(10, 0, 0, 1)).unwrap();
        let all = [
            ("Layer3Forwarding:1", "/ctl/L3F"),
            ("WANIPv6FirewallControl:1", "/ctl/6"),
            ("WANPPPConnection:1", "/ctl/PPP"),
            ("WANIPConnection:1", "ctl/IP"),
            ("WANIPConnection:2", "http://10.0.0.9/ctl"),
        ];
        let found = services(described("", &all).as_bytes(), &at).unwrap();
        let found: Vec<_> = found.iter().map(|service| (service.kind, service.control.to_string())).collect();
        let url = |path: &str| format!("http://10.0.0.1:5000{path}");
        assert_eq!(
            found,
            [(Kind::Ip1, url("/ctl/IP")), (Kind::Ppp1, url("/ctl/PPP")), (Kind::Firewall6, url("/ctl/6"))],
            "what is to be asked elsewhere is left out"
        );
        let based = described("<URLBase>http://10.0.0.1:49000/</URLBase>", &all[3..4]);
        let found = services(based.as_bytes(), &at).unwrap();
        assert_eq!(found[0].control.to_string(), "http://10.0.0.1:49000/ctl/IP");
        let led_away = described("<URLBase>http://8.8.8.8/</URLBase>", &all[3..4]);
        assert_eq!(services(led_away.as_bytes(), &at).unwrap()[0].control.to_string(), url("/ctl/IP"));
    }

    #[test]
    fn a_description_of_many_services_is_cut_and_garbage_refused() {
        let at = Url::of("http://10.0.0.1/", Ipv4Addr::new(10, 0, 0, 1)).unwrap();
        let many = [("WANIPConnection:1", "/a"); 100];
        assert_eq!(services(described("", &many).as_bytes(), &at).unwrap().len(), SERVICES_MAX);
        assert!(services(b"<html>", &at).is_err());
        assert_eq!(services(b"<html/>", &at), Ok(Vec::new()));
    }
}
