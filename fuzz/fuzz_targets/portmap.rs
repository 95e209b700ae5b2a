//! What a gateway may send. The first byte says what the rest is: a packet of PCP or NAT-PMP, an answer to the search, a description, an answer of a
//! service, or a conversation in which every packet and answer comes from the input. However it answers, only the gateway is spoken to, and a step has
//! few consequences.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use teem_portmap::url::Url;
use teem_portmap::{Act, Gateway, HttpAnswer, Mapper, Network, description, natpmp, pcp, soap, ssdp};

const LOCAL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
/// Acts that one thing that came may lead to.
const ACTS_MAX: usize = 16;

fuzz_target!(|input: &[u8]| {
    let Some((kind, bytes)) = input.split_first() else { return };
    match kind % 6 {
        0 => drop(pcp::answer(bytes)),
        1 => drop(natpmp::answer(bytes)),
        2 => {
            if let Ok(url) = ssdp::answer(bytes, GATEWAY) {
                assert_eq!(*url.server.ip(), GATEWAY);
            }
        }
        3 => {
            let at = Url::of("http://10.0.0.1:5000/a/b", GATEWAY).expect("a URL");
            for service in description::services(bytes, &at).unwrap_or_default() {
                assert_eq!(*service.control.server.ip(), GATEWAY);
                assert!(service.control.path.bytes().all(|byte| byte.is_ascii_graphic()));
            }
        }
        4 => {
            let _ = soap::external_address(if kind & 8 == 0 { 200 } else { 500 }, bytes);
        }
        _ => talk(bytes),
    }
});

fn talk(mut input: &[u8]) {
    let gateways = vec![Gateway { local: LOCAL.into(), gateway: GATEWAY.into(), scope: 0 }];
    let (mut now, mut seed) = (Duration::from_secs(1), 0_u64);
    let random = Box::new(move || {
        seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        seed
    });
    let mut mapper = Mapper::new(&Network { gateways }, 21_473, random, now);
    let mut requests = Vec::new();
    let mut closed = false;
    loop {
        for step in 0.. {
            let Some(act) = mapper.poll() else { break };
            assert!(step < ACTS_MAX);
            match act {
                Act::Send { from, to, .. } => {
                    assert_eq!(from, IpAddr::from(LOCAL));
                    assert!(to.ip() == GATEWAY || to == ssdp::GROUP.into());
                }
                Act::Get { id, url } | Act::Post { id, url, .. } => {
                    assert_eq!(*url.server.ip(), GATEWAY);
                    requests.push(id);
                }
                Act::Tell(_) => {}
            }
        }
        assert!(requests.len() <= 4, "no more than one is under way, and those that were given up");
        assert!(mapper.deadline().is_none_or(|at| at > now || closed || at + Duration::from_secs(1) > now));
        let [what, len, rest @ ..] = input else { break };
        let (bytes, rest) = rest.split_at(rest.len().min(usize::from(*len)));
        input = rest;
        match what % 8 {
            0 | 1 => mapper.packet(now, LOCAL.into(), (GATEWAY, 5351).into(), bytes),
            2 => mapper.packet(now, LOCAL.into(), (GATEWAY, 1900).into(), bytes),
            3 | 4 => {
                if let Some(id) = requests.pop() {
                    let status = if what & 8 == 0 { 200 } else { 500 };
                    mapper.answered(now, id, Ok(&HttpAnswer { status, body: bytes.to_vec() }));
                }
            }
            5 => {
                if let Some(id) = requests.pop() {
                    mapper.answered(now, id, Err("it does not answer"));
                }
            }
            6 => {
                now = mapper.deadline().unwrap_or(now).max(now) + Duration::from_millis(u64::from(*len));
                mapper.tick(now);
            }
            _ if !closed => {
                closed = true;
                mapper.close(now);
            }
            _ => {}
        }
    }
}
