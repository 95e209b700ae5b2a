//! Teem and other clients, where something of one client matters by itself. That all of them understand each other in every
//! way is what `cargo xtask matrix` shows.

use std::time::Duration;

use crate::common::clients::aria2::Aria2;
use crate::common::content::{self, Shape};
use crate::common::namespace::isolated;
use crate::common::teem::Teem;
use crate::common::torrent::Torrent;
use crate::common::{Client, Family, Job, Seat, tracker_url};

const LIMIT: Duration = Duration::from_secs(120);

/// aria2 dials with an encrypted handshake and comes back in plaintext when it is closed on at once.
#[test]
fn seeds_to_aria2_that_dials_encrypted() {
    isolated("seeds_to_aria2_that_dials_encrypted", &[Aria2.needs()], |folder| {
        content::write(folder, "to be shared", Shape::Tree, 1 << 20);
        let torrent = Torrent::create(folder, "to be shared", 64 << 10, &[&tracker_url()]);
        let _tracker = Teem::track(&folder.join("track"));
        let _seed = Teem::seed(&folder.join("home"), &torrent.path, folder);
        let (out, link) = (folder.join("out"), torrent.path.to_string_lossy());
        let seat = Seat::new(1, Family::V4, &folder.join("aria2"));
        Aria2.start(&seat, &Job::get(&link, &out)).wait_whole(LIMIT);
        content::assert_same(&folder.join("to be shared"), &out.join("to be shared"));
    });
}
