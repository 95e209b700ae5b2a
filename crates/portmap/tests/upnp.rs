//! Ports are mapped by UPnP (WANIPConnection 1 and 2), however oddly a router answers.
mod common;

use common::{Lab, OUTSIDE, PORT, ROUTER, Router, secs};
use std::time::Duration;
use teem_portmap::{Event, Way};

fn upnp(soap: impl FnMut(&str) -> Result<String, u16> + 'static) -> Lab {
    Lab::new(Router { upnp: true, soap: Box::new(soap), ..Router::default() })
}

/// Requests for ports as they came: protocol, port outside, seconds.
fn adds(lab: &mut Lab) -> Vec<String> {
    lab.asked().iter().filter_map(|said| said.strip_prefix("AddPortMapping ").map(str::to_owned)).collect()
}

#[test]
fn ports_are_mapped_within_two_seconds_renewed_and_given_back() {
    let mut lab = upnp(|_| Ok(String::new()));
    lab.run(Duration::from_millis(900));
    assert_eq!(lab.asked(), ["GetExternalIPAddress"], "PCP and NAT-PMP have their turn first");
    lab.run(Duration::from_millis(200));
    let [mapped] = lab.news()[..] else { panic!("{:?}", lab.told) };
    assert_eq!((mapped.way, mapped.tcp, mapped.udp), (Way::Upnp, PORT, PORT));
    assert_eq!(mapped.address, OUTSIDE.parse::<std::net::IpAddr>().unwrap());
    let both = [format!("TCP {PORT} 1200"), format!("UDP {PORT} 1200")];
    assert_eq!(adds(&mut lab), both);
    lab.run(secs(601));
    assert_eq!(adds(&mut lab), both);
    lab.close();
    assert_eq!((lab.router.mapped.len(), lab.mapper.is_closed()), (0, true));
}

#[test]
fn after_725_a_lease_for_ever_is_asked_for_and_after_402_a_week() {
    for (refused, code, then) in [("1200", 725, "0"), ("1200", 402, "604800")] {
        let mut lab =
            upnp(
                move |said| {
                    if said.starts_with("Add") && said.ends_with(refused) { Err(code) } else { Ok(String::new()) }
                },
            );
        lab.run(secs(2));
        assert_eq!(lab.news().len(), 1, "{code}");
        let asked = adds(&mut lab);
        assert_eq!(asked[1..], [format!("TCP {PORT} {then}"), format!("UDP {PORT} {then}")], "{asked:?}");
        lab.run(secs(601));
        assert_eq!(adds(&mut lab).len(), 2, "whatever its life is, it is looked after");
        lab.close();
        assert_eq!(lab.router.mapped, []);
    }
}

#[test]
fn a_port_that_is_taken_is_exchanged_for_another_for_both_protocols() {
    for (taken, code) in [("TCP", 718), ("UDP", 718), ("TCP", 501)] {
        let taken = format!("AddPortMapping {taken} {PORT} 1200");
        let mut lab = upnp(move |said| if said == taken { Err(code) } else { Ok(String::new()) });
        lab.run(secs(2));
        let [mapped] = lab.news()[..] else { panic!("{:?}", lab.told) };
        assert!(mapped.tcp == mapped.udp && mapped.tcp != PORT && mapped.tcp >= 1_024, "{mapped:?}");
        assert_eq!(lab.router.mapped, [(6, mapped.tcp), (17, mapped.tcp)], "nothing is left at the taken port");
        lab.close();
        assert_eq!(lab.router.mapped, []);
    }
}

#[test]
fn a_router_that_refuses_everything_is_given_up_and_its_words_are_told() {
    for (code, words) in [(718, "are taken"), (606, "does not allow it"), (725, "error 725"), (402, "error 402")] {
        let mut lab = upnp(move |said| if said.starts_with("Add") { Err(code) } else { Ok(String::new()) });
        lab.run(secs(20));
        let [Event::Failed { why, .. }] = &lab.told[..] else { panic!("{:?}", lab.told) };
        assert!(why.contains(words), "{why}");
        assert!(lab.asked().len() < 20, "it is not asked for ever");
    }
}

#[test]
fn an_answer_to_the_search_that_names_another_host_is_refused() {
    for location in ["http://127.0.0.1:80/x", "http://169.254.169.254/x", "http://10.0.0.9/x", "https://10.0.0.1/x"] {
        let mut lab = upnp(|_| Ok(String::new()));
        lab.router.location = location.into();
        lab.run(secs(20));
        let [Event::Failed { why, .. }] = &lab.told[..] else { panic!("{:?}", lab.told) };
        assert!(why.contains("UPnP: it names"), "{why}");
        assert_eq!(lab.asked(), [""; 0]);
    }
}

#[test]
fn an_answer_of_another_machine_than_the_gateway_is_not_looked_at() {
    let mut lab = upnp(|_| Ok(String::new()));
    lab.router.upnp = false;
    lab.run(Duration::from_millis(10));
    let kind = "urn:schemas-upnp-org:device:InternetGatewayDevice:1";
    let text = format!("HTTP/1.1 200 OK\r\nST: {kind}\r\nLOCATION: http://10.0.0.9:5000/desc.xml\r\n\r\n");
    lab.packet(([10, 0, 0, 9], 1900).into(), text.as_bytes());
    lab.run(secs(20));
    assert!(matches!(&lab.told[..], [Event::Failed { why, .. }] if why.ends_with("no UPnP answers")), "{:?}", lab.told);
}

#[test]
fn a_flood_of_answers_to_the_search_is_cut() {
    let mut lab = upnp(|_| Ok(String::new()));
    lab.router.upnp = false;
    lab.run(Duration::from_millis(10));
    let kind = "urn:schemas-upnp-org:device:InternetGatewayDevice:1";
    lab.router.location = format!("http://{ROUTER}:5000/0");
    for n in 0..1_000 {
        let text = format!("HTTP/1.1 200 OK\r\nST: {kind}\r\nLOCATION: http://{ROUTER}:5000/{n}\r\n\r\n");
        lab.packet((ROUTER, 1900).into(), text.as_bytes());
    }
    lab.run(secs(2));
    assert_eq!(lab.news().len(), 1, "the first of them maps");
}

#[test]
fn what_upnp_has_asked_for_goes_back_when_pcp_answers_late() {
    let mut lab =
        upnp(|said| if said == format!("AddPortMapping TCP {PORT} 1200") { Err(718) } else { Ok(String::new()) });
    lab.run(Duration::from_millis(1_010));
    lab.router.pcp = true;
    lab.run(secs(3));
    let told = lab.news();
    assert_eq!(told.last().map(|mapped| mapped.way), Some(told[0].way), "one way holds");
    let outside = told[0].tcp;
    lab.run(secs(60));
    assert_eq!(lab.router.mapped, [(6, outside), (17, outside)]);
    lab.close();
    assert_eq!(lab.router.mapped, []);
}
