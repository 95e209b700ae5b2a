//! Much of everything through the binary: pieces longer than half of the pool, and thousands of files through a few handles. How it
//! goes on from there is what `cargo xtask bench scale` shows.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::common::content::{self, Shape};
use crate::common::namespace::isolated;
use crate::common::process::wait_until;
use crate::common::teem::Teem;
use crate::common::torrent::Torrent;
use crate::common::{PEER_PORT, TEEM_IP};

/// Debug builds on a busy machine.
const LIMIT: Duration = Duration::from_secs(180);
/// Content files that may be open at once.
const OPEN_MAX: usize = 256;

/// Serves what lies in `folder`, from an address of its own.
fn seed(folder: &Path, torrent: &Torrent, n: u8) -> (Teem, String) {
    let at = format!("198.18.1.{n}:{PEER_PORT}");
    let (torrent, data) = (torrent.path.to_string_lossy(), folder.to_string_lossy());
    let home = folder.join(format!("seed{n}"));
    (Teem::start(&home, &["seed", &torrent, "--data", &data, "--listen", &at, "--no-granting"]), at)
}

/// A figure of a running process in KiB.
fn memory(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux tells");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// How many files below `folder` it has open; folders are held for moments only, to look at what is in them.
fn open_in(id: u32, folder: &Path) -> usize {
    let fds = fs::read_dir(format!("/proc/{id}/fd")).into_iter().flatten().flatten();
    fds.filter(|fd| fs::read_link(fd.path()).is_ok_and(|path| path.starts_with(folder) && !path.is_dir())).count()
}

#[test]
fn pieces_of_16_mib_go_through_a_pool_of_32() {
    isolated("pieces_of_16_mib_go_through_a_pool_of_32", &[], |folder| {
        // Five pieces from three sources at once: begun, they take more than there are buffers.
        content::write(folder, "long.bin", Shape::Single, 80 << 20);
        let torrent = Torrent::create(folder, "long.bin", 16 << 20, &[]);
        let seeds: Vec<(Teem, String)> = (1..=3).map(|n| seed(folder, &torrent, n)).collect();
        let out = folder.join("out");
        let (link, at) = (torrent.path.to_string_lossy(), format!("{TEEM_IP}:{PEER_PORT}"));
        let out_text = out.to_string_lossy();
        let mut args = vec!["get", &link, "-o", &out_text, "--listen", &at, "--seed"];
        for (_, seed) in &seeds {
            args.extend(["--peer", seed]);
        }
        let mut get = Teem::start(&folder.join("home"), &args);
        get.wait_event("done", LIMIT);
        content::assert_same(&folder.join("long.bin"), &out.join("long.bin"));
        let most = memory(get.id());
        eprintln!("figure: {} MiB at most", most >> 10);
        assert!(most < 96 << 10, "{most} KiB where the pool has 32 MiB");
    });
}

#[test]
fn thousands_of_files_and_few_are_open() {
    isolated("thousands_of_files_and_few_are_open", &[], |folder| {
        let tree = folder.join("tree");
        content::write(folder, "tree", Shape::Many(3_000), 1 << 20);
        let torrent = Torrent::create(folder, "tree", 16 << 10, &[]);
        let (seed, peer) = seed(folder, &torrent, 1);
        let out = folder.join("out");
        let (link, at, to) = (torrent.path.to_string_lossy(), format!("{TEEM_IP}:{PEER_PORT}"), out.to_string_lossy());
        let get =
            Teem::start(&folder.join("home"), &["get", &link, "-o", &to, "--listen", &at, "--peer", &peer, "--seed"]);
        let mut most = [0, 0];
        // Looked at again and again: that files are open has no event.
        wait_until("the end of the download", LIMIT, || {
            most = [most[0].max(open_in(seed.id(), &tree)), most[1].max(open_in(get.id(), &out))];
            (!get.events("done").is_empty()).then_some(())
        });
        eprintln!("figure: {} files open at the seed, {} at the downloader", most[0], most[1]);
        // The list is not read at one moment, and whoever reads a file holds it while it gives way to another.
        assert!(most.iter().all(|open| (1..OPEN_MAX + 16).contains(open)), "{most:?}");
        content::assert_same(&tree, &out.join("tree"));
    });
}
