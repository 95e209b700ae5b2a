//! Teem over uTP alone (BEP 29), with itself and with libtorrent, both ways, in the clear and encrypted (MSE).

mod common;

use std::time::Duration;

use common::clients::libtorrent::Libtorrent;
use common::clients::teem::Teem as TeemClient;
use common::content::{self, Shape};
use common::namespace::isolated;
use common::teem::Teem;
use common::torrent::Torrent;
use common::{Client, Family, Job, Seat, tracker_url};
use teem_rig::setting::Encryption;

/// The longest that a client may take: it hangs.
const LIMIT: Duration = Duration::from_secs(120);

#[test]
fn both_ways_with_itself_and_with_libtorrent() {
    let teem = TeemClient { binary: env!("CARGO_BIN_EXE_teem").into(), plain: false };
    let libtorrent = Libtorrent { super_seeds: false };
    let needs = [libtorrent.needs()];
    isolated("both_ways_with_itself_and_with_libtorrent", &needs, |folder| {
        let _tracker = Teem::track(&folder.join("track"));
        let pairs: [(&dyn Client, &dyn Client); 3] = [(&teem, &teem), (&teem, &libtorrent), (&libtorrent, &teem)];
        let cases = pairs.iter().flat_map(|pair| [Encryption::Allow, Encryption::Require].map(|wish| (*pair, wish)));
        let mut plays = Vec::new();
        for (n, ((seeds, gets), wish)) in (1u16..).zip(cases) {
            let name = format!("content-{n}");
            content::write(folder, &name, Shape::Single, (4 << 20) + u64::from(n));
            let torrent = Torrent::create(folder, &name, 64 << 10, &[&tracker_url()]);
            let link = torrent.path.to_string_lossy();
            let seat = |number| Seat::new(number, Family::V4, &folder.join(format!("seat-{number}")));
            let seed = Job { encryption: Some(wish), utp: true, ..Job::seed(&link, folder) };
            let out = folder.join(format!("out-{n}"));
            let get = Job { encryption: Some(wish), utp: true, ..Job::get(&link, &out) };
            let seeding = seeds.start(&seat(2 * n), &seed);
            plays.push((seeding, gets.start(&seat(2 * n + 1), &get), name, out));
        }
        for (_, getting, name, out) in &mut plays {
            getting.wait_whole(LIMIT);
            content::assert_same(&folder.join(&*name), &out.join(&*name));
        }
    });
}
