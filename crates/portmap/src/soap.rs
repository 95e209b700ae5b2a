//! What a gateway's service is asked and answers (own design, after UPnP Device Architecture 1.1 section 3; WANIPConnection 1 and 2,
//! WANIPv6FirewallControl 1).

use crate::description::Kind;
use crate::pcp::Protocol;
use crate::xml;
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What mappings are called in the lists of routers.
const DESCRIPTION: &str = "Teem";

/// What is asked of a service. Every value is ours: nothing that a gateway said is repeated to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Action {
    /// The address outside.
    ExternalAddress,
    /// A mapping; once more, it is renewed.
    Add {
        /// What is to travel through it.
        protocol: Protocol,
        /// The port outside.
        outside: u16,
        /// The port here.
        inside: u16,
        /// The address of ours that it leads to.
        client: Ipv4Addr,
        /// How long it is to last, in seconds; 0 is for ever.
        lease_s: u32,
    },
    /// The end of a mapping.
    Delete {
        /// That of the mapping.
        protocol: Protocol,
        /// That of the mapping.
        outside: u16,
    },
    /// Whether the firewall of IPv6 is there, and opens.
    FirewallStatus,
    /// A gap in it.
    AddPinhole {
        /// What is to travel through it.
        protocol: Protocol,
        /// The port here, which is that outside.
        port: u16,
        /// The address of ours that it leads to.
        client: Ipv6Addr,
        /// How long it is to last, in seconds.
        lease_s: u32,
    },
    /// A gap is to last longer.
    UpdatePinhole {
        /// The router's number of it.
        id: u16,
        /// How long it is to last from now on, in seconds.
        lease_s: u32,
    },
    /// The end of a gap.
    DeletePinhole {
        /// The router's number of it.
        id: u16,
    },
}

impl Action {
    /// What UPnP calls it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::ExternalAddress => "GetExternalIPAddress",
            Self::Add { .. } => "AddPortMapping",
            Self::Delete { .. } => "DeletePortMapping",
            Self::FirewallStatus => "GetFirewallStatus",
            Self::AddPinhole { .. } => "AddPinhole",
            Self::UpdatePinhole { .. } => "UpdatePinhole",
            Self::DeletePinhole { .. } => "DeletePinhole",
        }
    }

    /// The value of the header `SOAPAction`.
    pub(crate) fn header(&self, kind: Kind) -> String {
        format!("\"{}#{}\"", kind.urn(), self.name())
    }

    /// The body of the request.
    pub(crate) fn body(&self, kind: Kind) -> String {
        let (name, urn, arguments) = (self.name(), kind.urn(), self.arguments());
        format!(
            "<?xml version=\"1.0\"?>\r\n<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body><u:{name} xmlns:u=\"{urn}\">{arguments}</u:{name}>\
             </s:Body></s:Envelope>\r\n"
        )
    }

    fn arguments(&self) -> String {
        match *self {
            Self::ExternalAddress | Self::FirewallStatus => String::new(),
            Self::Add { protocol, outside, inside, client, lease_s } => format!(
                "<NewRemoteHost></NewRemoteHost><NewExternalPort>{outside}</NewExternalPort><NewProtocol>{}</NewProtocol>\
                 <NewInternalPort>{inside}</NewInternalPort><NewInternalClient>{client}</NewInternalClient><NewEnabled>1</NewEnabled>\
                 <NewPortMappingDescription>{DESCRIPTION}</NewPortMappingDescription><NewLeaseDuration>{lease_s}</NewLeaseDuration>",
                protocol.name()
            ),
            Self::Delete { protocol, outside } => format!(
                "<NewRemoteHost></NewRemoteHost><NewExternalPort>{outside}</NewExternalPort><NewProtocol>{}</NewProtocol>",
                protocol.name()
            ),
            Self::AddPinhole { protocol, port, client, lease_s } => format!(
                "<RemoteHost></RemoteHost><RemotePort>0</RemotePort><InternalClient>{client}</InternalClient><InternalPort>{port}</InternalPort>\
                 <Protocol>{}</Protocol><LeaseTime>{lease_s}</LeaseTime>",
                protocol.number()
            ),
            Self::UpdatePinhole { id, lease_s } => {
                format!("<UniqueID>{id}</UniqueID><NewLeaseTime>{lease_s}</NewLeaseTime>")
            }
            Self::DeletePinhole { id } => format!("<UniqueID>{id}</UniqueID>"),
        }
    }
}

/// Why a service did not do it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Its own number (UPnP Device Architecture 1.1 section 3.2.2, WANIPConnection 2.5).
    Error(u16),
    /// Not an answer of SOAP.
    Malformed,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error(401) => "its UPnP cannot map ports",
            Self::Error(606) => "its UPnP does not allow it",
            Self::Error(701) => "its UPnP has no room for more gaps in its firewall",
            Self::Error(702) => "its firewall of IPv6 is off",
            Self::Error(703) => "its UPnP does not open its firewall",
            Self::Error(718) => "the ports that its UPnP was asked for are taken",
            Self::Error(728) => "its UPnP has no room for more mappings",
            Self::Error(code) => return write!(f, "its UPnP says error {code}"),
            Self::Malformed => "its UPnP answers what cannot be understood",
        })
    }
}

/// The answer to a request: the text of the first element called `wanted`, nothing where none is wanted. Errors come with status 500.
pub(crate) fn answer(status: u16, body: &[u8], wanted: Option<&str>) -> Result<String, Fault> {
    let document = xml::parse(body);
    if status != 200 {
        let document = document.map_err(|_| Fault::Malformed)?;
        let code = xml::text_of(document.root(), "errorCode").and_then(|code| code.parse().ok());
        return Err(code.map_or(Fault::Malformed, Fault::Error));
    }
    let Some(wanted) = wanted else { return Ok(String::new()) };
    let document = document.map_err(|_| Fault::Malformed)?;
    xml::text_of(document.root(), wanted).map(String::from).ok_or(Fault::Malformed)
}

/// The address outside; some routers name none, or all zeros, while they have no connection.
pub fn external_address(status: u16, body: &[u8]) -> Result<Option<IpAddr>, Fault> {
    let text = answer(status, body, Some("NewExternalIPAddress"))?;
    Ok(text.parse::<Ipv4Addr>().ok().filter(|ip| !ip.is_unspecified()).map(IpAddr::from))
}

/// Whether the firewall of IPv6 lets itself be opened; one that is off says so when it is asked to.
pub(crate) fn opens(status: u16, body: &[u8]) -> Result<bool, Fault> {
    let allowed = answer(status, body, Some("InboundPinholeAllowed"))?;
    Ok(matches!(&*allowed, "1" | "true" | "yes"))
}

/// The number that a gap is known by.
pub(crate) fn pinhole(status: u16, body: &[u8]) -> Result<u16, Fault> {
    answer(status, body, Some("UniqueID"))?.parse().map_err(|_| Fault::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_xml_and_says_what_is_wanted() {
        let client = Ipv4Addr::new(10, 0, 0, 7);
        let add = Action::Add { protocol: Protocol::Udp, outside: 40_000, inside: 21_473, client, lease_s: 1_200 };
        let body = add.body(Kind::Ip1);
        let document = xml::parse(body.as_bytes()).unwrap();
        for (name, value) in [
            ("NewRemoteHost", ""),
            ("NewExternalPort", "40000"),
            ("NewProtocol", "UDP"),
            ("NewInternalPort", "21473"),
            ("NewInternalClient", "10.0.0.7"),
            ("NewEnabled", "1"),
            ("NewLeaseDuration", "1200"),
        ] {
            assert_eq!(xml::text_of(document.root(), name), Some(value), "{name}");
        }
        assert_eq!(add.header(Kind::Ip1), "\"urn:schemas-upnp-org:service:WANIPConnection:1#AddPortMapping\"");
        for action in [Action::ExternalAddress, Action::Delete { protocol: Protocol::Tcp, outside: 1 }] {
            let body = action.body(Kind::Ppp1);
            let document = xml::parse(body.as_bytes()).unwrap();
            assert!(xml::text_of(document.root(), action.name()).is_some());
        }
    }

    #[test]
    fn a_gap_in_the_firewall_is_asked_for_by_the_arguments_of_its_service() {
        let client = "2001:db8::7".parse().unwrap();
        let add = Action::AddPinhole { protocol: Protocol::Udp, port: 21_473, client, lease_s: 1_200 };
        let (body, all) = (add.body(Kind::Firewall6), Action::UpdatePinhole { id: 9, lease_s: 60 });
        let document = xml::parse(body.as_bytes()).unwrap();
        for (name, value) in [
            ("RemoteHost", ""),
            ("RemotePort", "0"),
            ("InternalClient", "2001:db8::7"),
            ("InternalPort", "21473"),
            ("Protocol", "17"),
            ("LeaseTime", "1200"),
        ] {
            assert_eq!(xml::text_of(document.root(), name), Some(value), "{name}");
        }
        assert_eq!(add.header(Kind::Firewall6), "\"urn:schemas-upnp-org:service:WANIPv6FirewallControl:1#AddPinhole\"");
        let body = all.body(Kind::Firewall6);
        let document = xml::parse(body.as_bytes()).unwrap();
        assert_eq!(
            ["UniqueID", "NewLeaseTime"].map(|name| xml::text_of(document.root(), name)),
            [Some("9"), Some("60")]
        );
        let said = |inner: &str| format!("<e><r>{inner}</r></e>");
        let opens = |text: &str| opens(200, said(text).as_bytes());
        assert_eq!(
            opens("<FirewallEnabled>1</FirewallEnabled><InboundPinholeAllowed>1</InboundPinholeAllowed>"),
            Ok(true)
        );
        assert_eq!(opens("<InboundPinholeAllowed>0</InboundPinholeAllowed>"), Ok(false));
        assert_eq!(opens(""), Err(Fault::Malformed));
        let pinhole = |text: &str| pinhole(200, said(text).as_bytes());
        assert_eq!(pinhole("<UniqueID>65535</UniqueID>"), Ok(65_535));
        assert_eq!(pinhole("<UniqueID>65536</UniqueID>"), Err(Fault::Malformed));
    }

    #[test]
    fn answers_and_errors_are_read() {
        let address = |text: &str| {
            format!(
                "<s:Envelope xmlns:s=\"x\"><s:Body><u:R xmlns:u=\"y\"><NewExternalIPAddress>{text}</NewExternalIPAddress></u:R></s:Body>\
                 </s:Envelope>"
            )
        };
        let read = |text: &str| external_address(200, address(text).as_bytes());
        assert_eq!(read(" 198.18.0.1 "), Ok(Some("198.18.0.1".parse().unwrap())));
        assert_eq!((read("0.0.0.0"), read(""), read("(null)")), (Ok(None), Ok(None), Ok(None)));
        let fault = "<s:Envelope xmlns:s=\"x\"><s:Body><s:Fault><detail><UPnPError xmlns=\"z\"><errorCode>718</errorCode></UPnPError></detail>\
                     </s:Fault></s:Body></s:Envelope>";
        assert_eq!(answer(500, fault.as_bytes(), None), Err(Fault::Error(718)));
        assert_eq!(answer(500, b"<html/>", None), Err(Fault::Malformed));
        assert_eq!(answer(404, b"", None), Err(Fault::Malformed));
        assert_eq!(answer(200, b"whatever", None), Ok(String::new()), "the status alone says that it is done");
    }
}
