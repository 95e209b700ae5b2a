//! Answers of name servers: whatever comes, only bounded addresses of the family that was asked for are taken, of a question that was asked.
#![no_main]

use libfuzzer_sys::fuzz_target;
use teem_path::dns::{Answer, Family, Question};
use teem_path::names::{Resolv, in_hosts};

fuzz_target!(|input: (u16, bool, bool, Vec<u8>)| {
    let (id, v6, follows, bytes) = input;
    let family = if v6 { Family::V6 } else { Family::V4 };
    let question = Question::new(id, "tracker.example", family).expect("a name");
    // Half of the inputs lead into the depth: the head and the question are those of an answer.
    let packet = if follows {
        let mut packet = question.packet();
        (packet[2], packet[3]) = (0x81, 0x80);
        packet[7] = bytes.first().copied().unwrap_or(0);
        [&packet, bytes.get(1..).unwrap_or_default()].concat()
    } else {
        bytes.clone()
    };
    match question.answer(&packet) {
        Answer::Addrs(addrs) => assert!(addrs.len() <= 16 && addrs.iter().all(|ip| ip.is_ipv6() == v6)),
        Answer::Alias(name) => _ = Question::new(id, &name, family),
        _ => {}
    }
    let text = String::from_utf8_lossy(&bytes);
    assert!(Resolv::parse(&text).servers.len() <= 3);
    let _ = in_hosts(&text, "tracker.example");
});
