//! One shares, others download and pass on: all end up with the same bytes, and one copy leaves the source until everything is
//! out. How far from the bound their time was is printed; it is judged by `cargo xtask bench swarm`.

use std::time::{Duration, Instant};

use crate::common::content::{self, Shape};
use crate::common::namespace::isolated;
use crate::common::teem::Teem;
use crate::common::{PEER_PORT, TEEM_IP};

/// Bytes of content.
const SIZE: u64 = 32 << 20;
/// How many downloaders there are.
const COUNT: u64 = 8;
/// Upload limit of each, in bytes a second: `4M`.
const RATE: u64 = 4_000_000;
/// Many times the bound: nine debug builds share few cores here.
const LIMIT: Duration = Duration::from_secs(180);

#[test]
fn one_shares_and_eight_get() {
    isolated("one_shares_and_eight_get", &[], |folder| {
        let name = "spread.bin";
        content::write(folder, name, Shape::Single, SIZE);
        let path = folder.join(name);
        let listen = format!("{TEEM_IP}:{PEER_PORT}");
        let args = ["share", &path.to_string_lossy(), "--listen", &listen, "--up", "4M", "--piece-size", "64Ki"];
        let mut source = Teem::start(&folder.join("source"), &args);
        let ready = source.wait_event("ready", LIMIT);
        let magnet = ready["magnet"].as_str().expect("a magnet link").to_string();
        let begun = Instant::now();
        let mut others: Vec<_> = (1..=COUNT)
            .map(|i| {
                let home = folder.join(format!("peer{i}"));
                let (listen, out) = (format!("198.18.1.{i}:{PEER_PORT}"), home.join("out"));
                let args = ["get", &magnet, "-o", &out.to_string_lossy(), "--listen", &listen, "--seed", "--up", "4M"];
                (Teem::start(&home, &args), out)
            })
            .collect();
        for (other, _) in &mut others {
            other.wait_event("done", LIMIT);
        }
        let makespan = begun.elapsed().as_secs_f64();
        for (_, out) in &others {
            content::assert_same(&path, &out.join(name));
        }
        let all_out = source.wait_event("all_out", LIMIT)["sent"].as_u64().expect("bytes");
        // Kumar and Ross: no faster than the source sends one copy, nor than all lines together send all copies.
        let bound = (SIZE as f64 / RATE as f64).max((COUNT * SIZE) as f64 / ((COUNT + 1) * RATE) as f64);
        let (over, copies) = (makespan / bound, all_out as f64 / SIZE as f64);
        eprintln!("figure: makespan {makespan:.1} s, {over:.2} times the bound; {copies:.2} copies until all was out");
        assert!(copies <= 1.02, "{copies}");
    });
}

#[test]
fn a_cluster_of_one_owner() {
    isolated("a_cluster_of_one_owner", &[], |folder| {
        content::write(folder, "image", Shape::Single, 8 << 20);
        let (path, listen) = (folder.join("image"), format!("{TEEM_IP}:{PEER_PORT}"));
        let args = ["share", &path.to_string_lossy(), "--listen", &listen, "--cooperative"];
        let mut source = Teem::start(&folder.join("source"), &args);
        let ready = source.wait_event("ready", LIMIT);
        let magnet = ready["magnet"].as_str().expect("a magnet link");
        let mut nodes: Vec<_> = (1..=4)
            .map(|i| {
                let home = folder.join(format!("node{i}"));
                let (listen, out) = (format!("198.18.1.{i}:{PEER_PORT}"), home.join("out"));
                let args =
                    ["get", magnet, "-o", &out.to_string_lossy(), "--listen", &listen, "--seed", "--cooperative"];
                (Teem::start(&home, &args), out)
            })
            .collect();
        for (node, out) in &mut nodes {
            node.wait_event("done", LIMIT);
            content::assert_same(&path, &out.join("image"));
        }
    });
}
