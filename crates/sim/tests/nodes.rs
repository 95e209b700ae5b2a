//! Worlds of DHT nodes: smaller ones of the kinds that `teem-sim dht-…` runs, held to what they must reach. All times are virtual.
use teem_sim::nodes::named::{idle, lookups, sybils};
use teem_sim::nodes::sybil::Choice;
use teem_wire::compact::Family;

#[test]
fn first_peers_come_soon_though_three_in_ten_are_dead() {
    let (warm, cold) = lookups(Family::V4, 400, 150, 3);
    let [ours, five] = &warm[..] else { panic!("two ways") };
    assert!(ours.found_permille() == 1_000, "{ours}");
    assert!(ours.first_ms(500) <= Some(200) && ours.first_ms(950) <= Some(400), "{ours}");
    assert!(ours.asked_mean() <= 25_000, "{ours}");
    assert!(five.found_permille() >= 990, "{five}");
    assert!(cold.found_permille() == 1_000 && cold.first_ms(500) <= Some(500), "{cold}");
}

/// The same code in a network of IPv6: compact nodes of 38 bytes, ids that fit by the first eight bytes of an address (BEP 32, 42).
#[test]
fn nodes_of_ipv6_find_peers_as_soon() {
    let (warm, cold) = lookups(Family::V6, 300, 100, 3);
    let ours = &warm[0];
    assert!(ours.found_permille() == 1_000 && cold.found_permille() == 1_000, "{ours}; {cold}");
    assert!(ours.first_ms(500) <= Some(200) && ours.first_ms(950) <= Some(400), "{ours}");
    assert!(ours.asked_mean() <= 25_000, "{ours}");
}

#[test]
fn a_party_that_takes_any_ids_keeps_few_from_the_honest() {
    let siege = sybils(200, 20, 3, Choice::Anywhere);
    assert!(siege.lookups.found_permille() >= 950, "{siege}");
}

#[test]
fn a_party_whose_ids_fit_keeps_few_from_the_honest() {
    let siege = sybils(200, 20, 3, Choice::Fitting);
    assert!(siege.lookups.found_permille() >= 950, "{siege}");
}

#[test]
fn an_idle_node_sends_and_gets_thirty_packets_a_minute_at_most() {
    let packets = idle(200, 10, 3);
    assert!((5_000..=30_000).contains(&packets), "{packets}");
}
