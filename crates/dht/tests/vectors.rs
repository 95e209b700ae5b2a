//! Vectors that others publish: ids bound to addresses (BEP 42), filters (BEP 33), items and signatures (BEP 44).
mod common;

use common::{bytes_of, hex, vectors};
use std::net::{IpAddr, Ipv6Addr};
use teem_basis::rng::Rng;
use teem_dht::filter::Filter;
use teem_dht::id::Id;
use teem_dht::item::{is_signed, public_key, sign, signed_bytes, target_of_key, target_of_value};
use teem_dht::secure::{fits, id_for};

#[test]
fn ids_that_fit_their_addresses() {
    for case in vectors("bep42-node-ids") {
        let ip: IpAddr = case["ip"].as_str().unwrap().parse().unwrap();
        let id = Id::from_slice(&hex(case["node_id"].as_str().unwrap())).unwrap();
        assert_eq!(fits(id, ip), case["valid"].as_bool().unwrap(), "{}", case["id"]);
        if case["local_network_exempt"] == false {
            for bit in 0..21 {
                let mut other = id;
                other.0[bit / 8] ^= 0x80 >> (bit % 8);
                assert!(!fits(other, ip), "{}: bit {bit}", case["id"]);
            }
        }
    }
}

#[test]
fn ids_are_made_to_fit() {
    let mut rng = Rng::new(1);
    for ip in ["21.75.31.124", "2001:db8:1:2::3", "84.124.73.14", "2600::1"].map(|ip| ip.parse::<IpAddr>().unwrap()) {
        let ids = [(); 8].map(|()| id_for(ip, &mut rng));
        assert!(ids.iter().all(|id| fits(*id, ip)));
        assert!(ids.iter().all(|id| !fits(*id, "8.8.8.8".parse().unwrap())));
        assert!(ids.iter().skip(1).all(|id| id.0[3..] != ids[0].0[3..]), "the rest is drawn");
    }
}

#[test]
fn the_filter_of_the_specification() {
    let mut filter = Filter::default();
    assert_eq!(filter.estimate(), 0);
    (0..=255).for_each(|host| filter.insert([192, 0, 2, host].into()));
    let of_v4 = filter.clone();
    let first = u128::from("2001:db8::".parse::<Ipv6Addr>().unwrap());
    let mut of_v6 = Filter::default();
    (0..=0x3E7).for_each(|host| of_v6.insert(Ipv6Addr::from(first + host).into()));
    filter.union(&of_v6.0);
    for case in vectors("bep33-bloom") {
        assert_eq!(filter.0.to_vec(), hex(case["filter"].as_str().unwrap()));
        assert_eq!(filter.estimate(), case["estimate"].as_f64().unwrap().round() as u32);
    }
    assert!((230..280).contains(&of_v4.estimate()), "{}", of_v4.estimate());
    assert!(Filter([0xFF; 256]).estimate() > 6_000, "a full one says no more than many");
    let mut one = Filter::default();
    one.insert([1, 2, 3, 4].into());
    assert_eq!(one.estimate(), 1);
}

#[test]
fn items_lie_where_others_look_for_them_and_are_signed_as_they_check() {
    for case in vectors("bep44-items") {
        let text = |key: &str| case[key].as_str().unwrap_or_default();
        let (value, salt) = (text("value").as_bytes(), text("salt").as_bytes());
        let seq = case["seq"].as_i64().unwrap_or_default();
        let public: Option<[u8; 32]> = hex(text("public")).try_into().ok();
        let target = public.map_or_else(|| target_of_value(value), |key| target_of_key(&key, salt));
        if !case["target"].is_null() {
            assert_eq!(target.to_string(), text("target"), "{}", case["id"]);
        }
        if !case["signed_buffer"].is_null() {
            assert_eq!(signed_bytes(salt, seq, value), text("signed_buffer").as_bytes(), "{}", case["id"]);
        }
        if let (Some(key), Ok(signature)) = (public, <[u8; 64]>::try_from(hex(text("signature")))) {
            assert!(is_signed(&key, &signature, salt, seq, value), "{}", case["id"]);
            assert!(!is_signed(&key, &signature, salt, seq + 1, value), "{}", case["id"]);
            assert!(!is_signed(&key, &signature, b"x", seq, value), "{}", case["id"]);
        }
    }
}

#[test]
fn keys_follow_from_their_seeds() {
    for case in vectors("ed25519") {
        let seed: [u8; 32] = hex(case["seed"].as_str().unwrap()).try_into().unwrap();
        assert_eq!(public_key(&seed).to_vec(), hex(case["public"].as_str().unwrap()), "{}", case["id"]);
        // What is signed here is always an item; that the scheme is the same one shows in what others signed.
        assert!(!bytes_of(&case["message"]).is_empty());
        let signature = sign(&seed, b"salt", 7, b"1:x");
        assert!(is_signed(&public_key(&seed), &signature, b"salt", 7, b"1:x"), "{}", case["id"]);
    }
}
