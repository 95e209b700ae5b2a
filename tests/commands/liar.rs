//! A peer that corrupts what it sends, among honest ones: it is found, named and banned, nobody else is, and the
//! download ends whole.

use std::time::Duration;

use crate::common::content::{self, Shape};
use crate::common::namespace::isolated;
use crate::common::scripted::{Manner, Scripted, Vice};
use crate::common::teem::Teem;
use crate::common::torrent::Torrent;

const LIMIT: Duration = Duration::from_secs(120);

#[test]
fn the_liar_alone_is_banned() {
    isolated("the_liar_alone_is_banned", &[], |folder| {
        content::write(folder, "content", Shape::Single, 12 << 20);
        let torrent = Torrent::create(folder, "content", 256 << 10, &[]);
        let honest = Manner { rate: 2 << 20, ..Manner::default() };
        let seeds = [
            Scripted::start("198.18.2.1", "-HO0001-", &torrent, folder, honest),
            Scripted::start("198.18.2.2", "-HO0001-", &torrent, folder, honest),
            Scripted::start("198.18.2.3", "-qB4520-", &torrent, folder, Manner { vice: Vice::Lies, ..honest }),
        ];
        let peers: Vec<String> = seeds.iter().flat_map(|seed| ["--peer".into(), seed.address.to_string()]).collect();
        let peers: Vec<&str> = peers.iter().map(String::as_str).collect();
        let out = folder.join("out");
        let mut get = Teem::get(&folder.join("home"), &torrent.path.to_string_lossy(), &out, &peers);
        get.wait_complete(LIMIT);
        content::assert_same(&folder.join("content"), &out.join("content"));
        let banned = get.events("banned");
        assert_eq!(banned.len(), 1, "{banned:?}");
        assert!(banned[0]["addr"].as_str().is_some_and(|addr| addr.starts_with("198.18.2.3")), "{banned:?}");
        assert!(banned[0]["client"].as_str().is_some_and(|client| client.contains("qBittorrent")), "{banned:?}");
    });
}
