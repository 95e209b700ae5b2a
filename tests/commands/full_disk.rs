//! A file system that fills up stops a download and says so; once there is room, it goes on by itself.

use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::common::content::{self, Shape};
use crate::common::namespace::{Needs, isolated};
use crate::common::scripted::{Manner, Scripted};
use crate::common::teem::Teem;
use crate::common::torrent::Torrent;

const LIMIT: Duration = Duration::from_secs(60);
/// There must be progress again this soon after there is room.
const RECOVERY: Duration = Duration::from_secs(10);

#[test]
fn a_file_system_that_fills_and_gets_room() {
    let needs = [Needs::Command("mount", "--version")];
    isolated("a_file_system_that_fills_and_gets_room", &needs, |folder| {
        content::write(folder, "content", Shape::Single, 16 << 20);
        let torrent = Torrent::create(folder, "content", 64 << 10, &[]);
        let seed =
            Scripted::start("198.18.2.1", "-HO0001-", &torrent, folder, Manner { rate: 4 << 20, ..Manner::default() });
        let out = folder.join("out");
        fs::create_dir(&out).expect("the folder is writable");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(&out).status();
        assert!(mounted.is_ok_and(|status| status.success()), "a tmpfs can be mounted in a namespace of one's own");
        let peer = seed.address.to_string();
        let link = torrent.path.to_string_lossy();
        let mut get = Teem::get(&folder.join("home"), &link, &out, &["--peer", &peer]);
        get.wait_event("status", LIMIT);
        fs::write(out.join("filler"), vec![0; 32 << 20]).expect_err("the filler takes all that is left");
        get.wait_event("disk", LIMIT);
        fs::remove_file(out.join("filler")).expect("the filler is ours");
        get.wait_event("disk_recovered", RECOVERY);
        get.wait_complete(LIMIT);
        content::assert_same(&folder.join("content"), &out.join("content"));
    });
}
