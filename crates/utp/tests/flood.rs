//! A flood of openings costs answers and no memory, and a stranger is served in the midst of it.
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use teem_utp::packet::{Head, Kind, Packet};
use teem_utp::{Event, Path, Settings, Socket};

fn address(number: u32) -> Path {
    let ip = Ipv4Addr::from(0x0A00_0000 | number);
    Path { remote: SocketAddr::new(IpAddr::V4(ip), 6881), local: None }
}

fn syn(id: u16, seq_nr: u16) -> [u8; 20] {
    let kind = Kind::Syn;
    let head = Head {
        kind,
        connection_id: id,
        timestamp_us: 1,
        timestamp_difference_us: 0,
        window: 1 << 20,
        seq_nr,
        ack_nr: 0,
    };
    head.encode()
}

/// What a socket sends, one datagram after the other.
fn sent(socket: &mut Socket, now_us: u64) -> Vec<(Path, Vec<u8>)> {
    let mut out = [0; 2_000];
    let mut all = Vec::new();
    while let Some(transmit) = socket.transmit(now_us, &mut out, 1) {
        all.push((transmit.path, out[..transmit.len].to_vec()));
    }
    all
}

/// What a stranger sends after it has heard the answer to its opening.
fn first_data(answer: &[u8], id: u16, seq_nr: u16) -> Vec<u8> {
    let Some(answer) = Head::decode(answer) else { panic!("the answer is no packet") };
    let ack_nr = answer.seq_nr.wrapping_sub(1);
    let head =
        Head { kind: Kind::Data, connection_id: id.wrapping_add(1), seq_nr: seq_nr.wrapping_add(1), ack_nr, ..answer };
    [&head.encode()[..], b"hello"].concat()
}

#[test]
fn a_hundred_thousand_openings_leave_nothing_and_a_stranger_is_served() {
    let mut socket = Socket::new(Settings::default(), [1, 2]);
    let stranger = address(0x00FF_FFFF);
    let mut answer = None;
    for number in 0..100_000_u32 {
        let now = u64::from(number) * 10;
        socket.receive(now, address(number % 10_000), &syn(number as u16, 7), |_, _| 0);
        if number == 50_000 {
            socket.receive(now, stranger, &syn(500, 9), |_, _| 0);
        }
        for (path, packet) in sent(&mut socket, now) {
            assert_eq!(packet.len(), 20, "an answer is no longer than what it answers");
            if path == stranger {
                answer = Some(packet);
            }
        }
        if number == 60_000 {
            socket.receive(now, stranger, &first_data(answer.as_ref().unwrap(), 500, 9), |_, _| 0);
            assert!(matches!(socket.event(), Some(Event::Accepted(_, remote)) if remote == stranger.remote));
        }
    }
    socket.check();
    assert_eq!(socket.connections(), 1);
    assert!(socket.memory() < 1_000, "{}", socket.memory());
}

#[test]
fn eight_of_a_network_may_be_unproven_and_the_others_of_it_wait() {
    let mut socket = Socket::new(Settings::default(), [1, 2]);
    for host in 0..20 {
        socket.receive(0, address(host), &syn(40, 1), |_, _| 0);
        let answer = sent(&mut socket, 0).pop().unwrap().1;
        socket.receive(0, address(host), &first_data(&answer, 40, 1), |_, _| 0);
        assert!(
            sent(&mut socket, 0).iter().all(|(_, packet)| Packet::decode(packet).unwrap().head.kind != Kind::Reset)
        );
    }
    socket.check();
    assert_eq!(socket.connections(), 8);
}

#[test]
fn what_belongs_to_nobody_is_reset_and_a_reset_never() {
    let mut socket = Socket::new(Settings::default(), [1, 2]);
    let packet = |kind| Head { kind, ..Head::decode(&syn(77, 3)).unwrap() }.encode();
    socket.receive(0, address(1), &packet(Kind::Reset), |_, _| 0);
    assert_eq!(sent(&mut socket, 0), []);
    for _ in 0..1_000 {
        socket.receive(0, address(1), &packet(Kind::State), |_, _| 0);
    }
    let resets = sent(&mut socket, 0);
    assert_eq!(resets.len(), 100, "no more than that in a second");
    assert!(resets.iter().all(|(_, packet)| Head::decode(packet).is_some_and(|head| head.kind == Kind::Reset)));
}

#[test]
fn slices_that_are_written_at_once_lie_in_one_packet() {
    let mut socket = Socket::new(Settings::default(), [1, 2]);
    let stranger = address(9);
    socket.receive(0, stranger, &syn(40, 1), |_, _| 0);
    let answer = sent(&mut socket, 0).pop().unwrap().1;
    socket.receive(0, stranger, &first_data(&answer, 40, 1), |_, _| 0);
    let Some(Event::Accepted(id, _)) = socket.event() else { panic!("nobody came") };
    let expected: Vec<u8> = (0..200).collect();
    assert_eq!(socket.write(0, id, &[&expected[..70], &[], &expected[70..]]), 200);
    let data = sent(&mut socket, 0).pop().unwrap().1;
    assert_eq!(Packet::decode(&data).unwrap().payload, expected);
}
