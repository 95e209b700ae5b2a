//! Ports are mapped by PCP and NAT-PMP (RFC 6886, 6887), renewed, given back, and asked for anew where the gateway has forgotten them.
mod common;

use common::{LOCAL, Lab, OUTSIDE, PORT, ROUTER, Router, secs};
use std::time::Duration;
use teem_portmap::{Event, Way};

#[test]
fn pcp_maps_both_ports_at_once_renews_at_half_their_life_and_gives_them_back() {
    let mut lab = Lab::new(Router { pcp: true, lifetime_s: 60, ..Router::default() });
    lab.run(Duration::from_millis(20));
    let [mapped] = lab.news()[..] else { panic!("{:?}", lab.told) };
    assert_eq!((mapped.way, mapped.tcp, mapped.udp), (Way::Pcp, PORT, PORT));
    assert_eq!((mapped.inside, mapped.address), (LOCAL.into(), OUTSIDE.parse().unwrap()));
    let (tcp, udp) = (format!("pcp 6 {PORT} {PORT} 1200"), format!("pcp 17 {PORT} {PORT} 1200"));
    assert_eq!(lab.asked(), [tcp.clone(), udp.clone()]);
    lab.run(secs(29));
    assert_eq!(lab.asked(), [""; 0]);
    lab.run(secs(2));
    assert_eq!(lab.asked(), [tcp, udp], "half of the life that was given, not of what was asked for");
    lab.run(secs(3_600));
    assert!((236..=242).contains(&lab.asked().len()), "two each half minute");
    assert_eq!(lab.news(), [], "a renewal changes nothing");
    lab.close();
    assert_eq!((lab.router.mapped.len(), lab.mapper.is_closed()), (0, true));
}

#[test]
fn a_gateway_that_speaks_nat_pmp_alone_is_asked_in_it_at_once() {
    let mut lab = Lab::new(Router { nat_pmp: true, ..Router::default() });
    lab.run(Duration::from_millis(20));
    let [mapped] = lab.news()[..] else { panic!("{:?}", lab.told) };
    assert_eq!((mapped.way, mapped.tcp, mapped.udp), (Way::NatPmp, PORT, PORT));
    assert_eq!(mapped.address, OUTSIDE.parse::<std::net::IpAddr>().unwrap());
    assert_eq!(lab.router.mapped, [(6, PORT), (17, PORT)]);
    lab.close();
    assert_eq!((lab.router.mapped.len(), lab.mapper.is_closed()), (0, true));
}

#[test]
fn a_port_that_changes_is_told_and_both_protocols_have_one_number() {
    // TCP gets what it likes, UDP something else until both are asked for anew.
    let mut asked = 0;
    let port = move |protocol: u8, suggested: u16| {
        asked += 1;
        if asked == 2 && protocol == 17 { suggested ^ 1 } else { suggested }
    };
    let mut lab = Lab::new(Router { pcp: true, port: Box::new(port), ..Router::default() });
    lab.run(Duration::from_millis(50));
    let [mapped] = lab.news()[..] else { panic!("{:?}", lab.told) };
    assert!(mapped.tcp == mapped.udp && mapped.tcp != PORT, "{mapped:?}");
    lab.router.port = Box::new(|_, _| 40_001);
    lab.run(secs(610));
    let [changed] = lab.news()[..] else { panic!("{:?}", lab.told) };
    assert_eq!((changed.tcp, changed.udp), (40_001, 40_001));
}

#[test]
fn where_udp_never_gets_the_same_number_both_are_told() {
    let port = |protocol: u8, suggested: u16| suggested ^ u16::from(protocol == 17);
    for (pcp, nat_pmp) in [(true, false), (false, true)] {
        let mut lab = Lab::new(Router { pcp, nat_pmp, port: Box::new(port), ..Router::default() });
        lab.run(secs(1));
        let [mapped] = lab.news()[..] else { panic!("{:?}", lab.told) };
        assert_eq!(mapped.udp, mapped.tcp ^ 1);
        assert_eq!(lab.router.mapped.len(), 2, "nothing else is left at the gateway: {:?}", lab.router.mapped);
    }
}

#[test]
fn a_gateway_that_has_begun_anew_is_seen_by_its_clock() {
    for (pcp, nat_pmp) in [(true, false), (false, true)] {
        let mut lab = Lab::new(Router { pcp, nat_pmp, ..Router::default() });
        lab.run(secs(300));
        assert_eq!((lab.news().len(), lab.asked().len()), (1, 2));
        // It tells everybody that it has kept nothing.
        (lab.router.since, lab.router.mapped) = (lab.now, Vec::new());
        let announced: &[u8] = if pcp {
            &[2, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        } else {
            &[0, 128, 0, 0, 0, 0, 0, 0, 203, 0, 113, 9]
        };
        lab.packet((ROUTER, 5351).into(), announced);
        lab.run(Duration::from_millis(20));
        assert_eq!(lab.router.mapped, [(6, PORT), (17, PORT)], "asked for again at once");
        assert_eq!(lab.news(), [], "the port outside is the same");
        // A clock that goes as ours does, a little slow, is no beginning.
        lab.asked();
        lab.run(secs(595));
        let mut slow = announced.to_vec();
        slow[if pcp { 8 } else { 4 }..][..4].copy_from_slice(&570_u32.to_be_bytes());
        lab.packet((ROUTER, 5351).into(), &slow);
        lab.run(Duration::from_millis(20));
        assert_eq!(lab.asked(), [""; 0]);
    }
}

#[test]
fn a_gateway_that_goes_silent_is_waited_for_while_the_ports_live_and_said_to_be_lost() {
    let mut lab = Lab::new(Router { pcp: true, lifetime_s: 120, ..Router::default() });
    lab.run(secs(1));
    assert_eq!(lab.news().len(), 1);
    lab.router.pcp = false;
    lab.run(secs(100));
    assert_eq!(lab.told, []);
    lab.run(secs(25));
    assert_eq!(lab.told.first(), Some(&Event::Lost { inside: LOCAL.into() }));
    lab.told.clear();
    lab.router.pcp = true;
    lab.run(secs(20 * 60));
    assert_eq!(lab.news().len(), 1, "it is asked again later");
}

#[test]
fn nobody_but_the_gateway_is_believed_and_garbage_changes_nothing() {
    let mut lab = Lab::new(Router::default());
    lab.run(Duration::from_millis(10));
    let wrong = [0, 129, 0, 0, 0, 0, 0, 7, 0x53, 0xe1, 0x9c, 0x40, 0, 0, 4, 0xb0];
    lab.packet(([10, 0, 0, 2], 5351).into(), &[2, 0x81, 0, 1, 0, 0, 0, 0]);
    lab.packet((ROUTER, 5350).into(), &[2, 0x81, 0, 1, 0, 0, 0, 0]);
    for len in 0..wrong.len() {
        lab.packet((ROUTER, 5351).into(), &wrong[..len]);
    }
    lab.packet((ROUTER, 5351).into(), &[0xff; 1_500]);
    // An answer of PCP without our nonce.
    let mut foreign = [0; 60];
    (foreign[0], foreign[1], foreign[36]) = (2, 0x81, 6);
    foreign[40..44].copy_from_slice(&[0x53, 0xe1, 0x53, 0xe1]);
    foreign[4..8].copy_from_slice(&[0, 0, 4, 0xb0]);
    lab.packet((ROUTER, 5351).into(), &foreign);
    assert_eq!(lab.told, []);
    lab.router.pcp = true;
    lab.run(secs(1));
    assert_eq!(lab.news().len(), 1, "it goes on as if nothing had come");
}

#[test]
fn what_each_way_came_to_is_said_once_and_tried_again_after_a_quarter_of_an_hour() {
    let mut lab = Lab::new(Router { nat_pmp: true, result: 2, ..Router::default() });
    lab.run(secs(10));
    let [Event::Failed { why, .. }] = &lab.told[..] else { panic!("{:?}", lab.told) };
    assert_eq!(why, "PCP: it speaks no PCP; NAT-PMP: it is not allowed to; UPnP: no UPnP answers");
    lab.run(secs(13 * 60));
    assert_eq!(lab.told.len(), 1);
    lab.router.result = 0;
    lab.run(secs(4 * 60));
    assert_eq!(lab.news().len(), 1);
    let mut silent = Lab::new(Router::default());
    silent.run(secs(20));
    let [Event::Failed { why, .. }] = &silent.told[..] else { panic!("{:?}", silent.told) };
    assert_eq!(why, "PCP: it does not answer; NAT-PMP: it does not answer; UPnP: no UPnP answers");
    silent.close();
    assert!(silent.mapper.is_closed());
}
