//! Gaps in the firewall before an address of IPv6 (WANIPv6FirewallControl 1), asked for over the IPv4 of the same router.
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod common;

use common::{LOCAL, Lab, PORT, ROUTER, Router, secs};
use std::net::IpAddr;
use std::time::Duration;
use teem_portmap::{Event, Gateway, Mapped, Way};

const OURS: &str = "2001:db8::7";

fn ours() -> IpAddr {
    OURS.parse().unwrap()
}

/// A router with an address of each family, which refuses ports and answers as told when it is asked about its firewall.
fn lab(mut firewall: impl FnMut(&str) -> Result<String, u16> + 'static) -> Lab {
    let soap = move |said: &str| match said.split(' ').next() {
        Some("GetExternalIPAddress") => Ok(String::new()),
        Some("AddPortMapping") => Err(606),
        _ => firewall(said),
    };
    let gateways = vec![
        Gateway { local: LOCAL.into(), gateway: ROUTER.into(), scope: 0 },
        Gateway { local: ours(), gateway: "fe80::1".parse().unwrap(), scope: 2 },
    ];
    Lab::on(Router { upnp: true, soap: Box::new(soap), ..Router::default() }, gateways)
}

/// A firewall that opens, and numbers its gaps from 7 on.
fn opening() -> impl FnMut(&str) -> Result<String, u16> {
    let mut last = 6;
    move |said| {
        Ok(match said.split(' ').next() {
            Some("GetFirewallStatus") => {
                "<FirewallEnabled>1</FirewallEnabled><InboundPinholeAllowed>1</InboundPinholeAllowed>".into()
            }
            Some("AddPinhole") => {
                last += 1;
                format!("<UniqueID>{last}</UniqueID>")
            }
            _ => String::new(),
        })
    }
}

/// What was asked of the firewall.
fn asked(lab: &mut Lab) -> Vec<String> {
    lab.asked().into_iter().filter(|said| said.contains("Pinhole") || said.contains("Firewall")).collect()
}

fn opened(lab: &mut Lab) -> Option<Mapped> {
    lab.news().into_iter().find(|mapped| mapped.inside == ours())
}

#[test]
fn a_gap_for_each_protocol_is_opened_within_two_seconds_renewed_and_closed() {
    let mut lab = lab(opening());
    lab.run(secs(2));
    let mapped = opened(&mut lab).unwrap();
    assert_eq!((mapped.way, mapped.address, mapped.tcp, mapped.udp), (Way::Upnp, ours(), PORT, PORT));
    let add = |protocol: u8| format!("AddPinhole {protocol} {OURS} {PORT} 1200");
    assert_eq!(asked(&mut lab), ["GetFirewallStatus".to_owned(), add(6), add(17)]);
    lab.run(secs(601));
    assert_eq!(asked(&mut lab), ["UpdatePinhole 7 1200", "UpdatePinhole 8 1200"]);
    assert_eq!(opened(&mut lab), None, "nothing is news");
    lab.close();
    assert_eq!(asked(&mut lab), ["DeletePinhole 7", "DeletePinhole 8"]);
    assert!(lab.mapper.is_closed());
}

#[test]
fn a_gap_that_the_router_has_forgotten_is_opened_anew() {
    let mut open = opening();
    let mut lab = lab(move |said| if said == "UpdatePinhole 7 1200" { Err(704) } else { open(said) });
    lab.run(secs(2));
    asked(&mut lab);
    lab.run(secs(601));
    let add = format!("AddPinhole 6 {OURS} {PORT} 1200");
    assert_eq!(asked(&mut lab), ["UpdatePinhole 7 1200".to_owned(), add, "UpdatePinhole 8 1200".to_owned()]);
    lab.close();
    assert_eq!(asked(&mut lab), ["DeletePinhole 9", "DeletePinhole 8"]);
}

#[test]
fn a_firewall_that_does_not_open_is_said_in_words() {
    let closed = "<FirewallEnabled>1</FirewallEnabled><InboundPinholeAllowed>0</InboundPinholeAllowed>";
    let mut full = opening();
    for (mut lab, words) in [
        (lab(move |_| Ok(closed.into())), "does not open its firewall"),
        (lab(move |said| if said.starts_with("Add") { Err(701) } else { full(said) }), "no room for more gaps"),
        (lab(|_| Err(501)), "error 501"),
    ] {
        lab.run(secs(60));
        let said = lab.told.iter().find_map(|event| match event {
            Event::Failed { inside, why, .. } if *inside == ours() => Some(why.clone()),
            _ => None,
        });
        let said = said.unwrap();
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn a_gap_that_is_asked_for_when_all_ends_is_closed_by_its_number() {
    let mut lab = lab(opening());
    // The first is on its way: what is asked at a second is answered four milliseconds later.
    lab.run(Duration::from_millis(1_002));
    assert_eq!(asked(&mut lab).last().unwrap(), &format!("AddPinhole 6 {OURS} {PORT} 1200"));
    lab.close();
    assert_eq!(asked(&mut lab), ["DeletePinhole 7"]);
    lab.mapper.tick(lab.now + secs(1));
    assert!(lab.mapper.is_closed(), "PCP, which has said nothing, is waited for no longer");
}
