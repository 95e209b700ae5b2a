//! What the table keeps, whom it lets go, and whom it names (BEP 5, "Routing Table"; BEP 42).
use super::*;
use core::time::Duration;
use teem_basis::rng::Rng;

fn at(seconds: u64) -> Time {
    Time::ZERO + Duration::from_secs(seconds)
}

/// Node `n` of its own /24, with an id that shares so many bits with zero.
fn node(n: u32, shared: u32, rng: &mut Rng) -> Contact {
    let mut id = Id::random(rng);
    let keep = (u32::MAX.checked_shr(shared).unwrap_or(0)) & u32::from_be_bytes([id.0[0], id.0[1], id.0[2], id.0[3]]);
    let first = keep | 1u32.checked_shl(31u32.saturating_sub(shared)).unwrap_or(0);
    id.0[..4].copy_from_slice(&first.to_be_bytes());
    Contact { id, addr: SocketAddr::new(IpAddr::from((0x0B00_0001 + n * 256).to_be_bytes()), 6881) }
}

fn own() -> Id {
    Id([0; ID_LEN])
}

/// A table that has heard of `count` nodes at each of the first distances.
fn filled(count: u32) -> (Table, Vec<Contact>) {
    let (mut table, mut rng, mut all) = (Table::new(own()), Rng::new(1), Vec::new());
    for shared in 0..8 {
        for n in 0..count {
            let contact = node(shared * 1_000 + n, shared, &mut rng);
            assert_eq!(contact.id.common_bits(own()), shared);
            table.answered(at(1), contact, true);
            all.push(contact);
        }
    }
    (table, all)
}

fn holds(table: &Table, contact: &Contact) -> bool {
    table.closest(contact.id, 1) == [*contact]
}

#[test]
fn far_buckets_are_wide_and_those_who_came_first_stay() {
    let (table, all) = filled(200);
    assert_eq!(table.len(), 128 + 64 + 32 + 16 + 8 * 4);
    for shared in 0..8 {
        let of_it = all.iter().filter(|contact| contact.id.common_bits(own()) == shared);
        let kept: Vec<bool> = of_it.map(|contact| holds(&table, contact)).collect();
        let room = capacity(shared as usize);
        assert!(kept[..room].iter().all(|kept| *kept) && !kept[room..].iter().any(|kept| *kept), "bucket {shared}");
    }
}

#[test]
fn the_closest_are_those_of_a_sorted_list() {
    let (table, all) = filled(8);
    let mut rng = Rng::new(5);
    for round in 0..200 {
        let mut target = Id::random(&mut rng);
        target.0[0] >>= round % 8;
        let mut sorted = all.clone();
        sorted.sort_by_key(|contact| contact.id.distance(target));
        assert_eq!(table.closest(target, 12), sorted[..12]);
        assert_eq!(table.closest_good(target, 64), sorted);
    }
}

#[test]
fn a_node_is_replaced_only_after_a_failure_and_by_one_that_waits() {
    let (mut table, all) = filled(9);
    let of_4: Vec<Contact> = all.iter().filter(|contact| contact.id.common_bits(own()) == 4).copied().collect();
    assert!(!holds(&table, &of_4[8]));
    table.failed(of_4[3].addr);
    assert!(holds(&table, &of_4[8]) && !holds(&table, &of_4[3]));
    // Nobody waits now: one failure is forgiven, and such a node is told to nobody meanwhile.
    table.failed(of_4[2].addr);
    assert!(holds(&table, &of_4[2]) && table.closest_good(of_4[2].id, 1) != [of_4[2]]);
    table.answered(at(2), of_4[2], true);
    assert_eq!(table.closest_good(of_4[2].id, 1), [of_4[2]]);
    table.failed(of_4[2].addr);
    table.failed(of_4[2].addr);
    assert!(!holds(&table, &of_4[2]));
    assert!(table.wants(&of_4[2]) && !table.wants(&of_4[1]));
}

#[test]
fn a_node_is_one_address_and_two_of_a_24_or_64_share_a_bucket() {
    let (mut table, mut rng) = (Table::new(own()), Rng::new(2));
    let with = |text: &str, rng: &mut Rng| Contact { addr: text.parse().unwrap(), ..node(0, 0, rng) };
    for net in ["9.9.9", "2001:db8:1:1:"] {
        let texts: Vec<_> = (1..=4)
            .map(|n| if net.contains(':') { alloc::format!("[{net}:{n}]:1") } else { alloc::format!("{net}.{n}:1") })
            .collect();
        let contacts: Vec<Contact> = texts.iter().map(|text| with(text, &mut rng)).collect();
        for contact in &contacts {
            table.answered(at(1), *contact, true);
        }
        let kept: Vec<bool> = contacts.iter().map(|contact| holds(&table, contact)).collect();
        assert_eq!(kept, [true, true, false, false], "{net}");
    }
    let (first, second) = (with("8.8.8.8:1", &mut rng), with("8.8.8.8:2", &mut rng));
    table.answered(at(1), first, true);
    table.answered(at(1), second, true);
    assert!(holds(&table, &first) && !holds(&table, &second));
    table.failed(first.addr);
    table.answered(at(2), second, true);
    assert!(!holds(&table, &first) && holds(&table, &second), "the host listens elsewhere now");
    let near: Vec<Contact> = (1..=4).map(|n| with(&alloc::format!("127.0.0.1:{n}"), &mut rng)).collect();
    for contact in &near {
        table.answered(at(1), *contact, true);
    }
    assert!(near.iter().all(|contact| holds(&table, contact)), "nobody is crowded out on loopback");
}

#[test]
fn ids_that_fit_their_address_come_first() {
    let (mut table, mut rng) = (Table::new(own()), Rng::new(3));
    let all: Vec<Contact> = (0..16).map(|n| node(n, 5, &mut rng)).collect();
    for contact in &all[..8] {
        table.answered(at(1), *contact, false);
    }
    for contact in &all[8..12] {
        table.answered(at(1), *contact, true);
    }
    for contact in &all[12..] {
        table.answered(at(1), *contact, false);
    }
    let kept: Vec<Contact> = table.closest(own(), 20);
    assert_eq!(kept.len(), 8);
    assert!(all[8..12].iter().all(|contact| kept.contains(contact)));
    assert!(!all[12..].iter().any(|contact| kept.contains(contact)));
}

#[test]
fn what_is_saved_is_loaded_and_told_to_nobody_before_it_answers() {
    let (table, _) = filled(200);
    let saved = table.to_save();
    assert_eq!(saved.len(), table.good().min(SAVED_MAX));
    let mut next = Table::new(own());
    for contact in &saved {
        next.saved(at(0), *contact, true);
    }
    assert_eq!((next.len(), next.good()), (saved.len(), 0));
    assert!(next.closest_good(own(), 8).is_empty());
    let first = next.closest(own(), 1)[0];
    next.failed(first.addr);
    assert_ne!(next.closest(own(), 1), [first], "it is gone at its first failure");
    let second = next.closest(own(), 1)[0];
    next.answered(at(5), second, true);
    assert_eq!(next.closest_good(own(), 8), [second]);
}

#[test]
fn each_has_its_turn_and_another_id_of_ours_sorts_them_anew() {
    let (mut table, _) = filled(4);
    let turns: alloc::collections::BTreeSet<Contact> = (0..32).filter_map(|n| table.stalest(at(100 + n))).collect();
    // Near ones come twice as often, so not all far ones have had theirs in as many turns as there are nodes.
    assert!(turns.len() >= 24, "{}", turns.len());
    let (before, own) = (table.len(), Id([0xFF; ID_LEN]));
    table.rebase(own);
    assert_eq!(table.own, own);
    let closest = table.closest(own, 100);
    assert!(closest.len() >= before - 12 && closest.is_sorted_by_key(|contact| contact.id.distance(own)), "{before}");
}

#[test]
fn whatever_happens_places_and_buckets_agree() {
    let mut rng = Rng::new(9);
    for seed in 0..20 {
        let mut table = Table::new(Id::random(&mut Rng::new(seed)));
        let known: Vec<Contact> = (0..400).map(|n| node(n % 150, n % 9, &mut rng)).collect();
        for step in 0..2_000 {
            let Some(n) = rng.index(known.len()) else { continue };
            let contact = known[n];
            match rng.below(5) {
                0 => table.failed(contact.addr),
                1 => table.saved(at(step), contact, rng.below(2) == 0),
                2 => table.asked(at(step), contact.addr),
                _ => table.answered(at(step), contact, rng.below(2) == 0),
            }
            if step % 40 != 0 {
                continue;
            }
            let mut in_buckets: Vec<Contact> =
                table.buckets.iter().flat_map(Bucket::nodes).map(|entry| entry.contact).collect();
            let mut in_places: Vec<Contact> = table.places.values().copied().collect();
            in_buckets.sort_unstable();
            in_places.sort_unstable();
            assert!(in_buckets == in_places, "{} and {}", in_buckets.len(), in_places.len());
            for (shared, bucket) in table.buckets.iter().enumerate() {
                assert!(bucket.nodes().len() <= capacity(shared));
                assert!(bucket.nodes().iter().all(|entry| entry.contact.id.common_bits(table.own) as usize == shared));
            }
        }
        assert!(table.len() > 20);
    }
}
