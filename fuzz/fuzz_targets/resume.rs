//! What qBittorrent and Transmission keep of a torrent, as anybody may have written it: never a panic, and no name that is understood of it leads elsewhere.
#![no_main]

use libfuzzer_sys::fuzz_target;

/// Two files and a single one, each of two pieces.
const TORRENTS: [&[u8]; 2] = [
    b"d4:infod5:filesld6:lengthi16384e4:pathl1:aeed6:lengthi9e4:pathl1:b1:ceee4:name4:show12:piece lengthi16384e6:pieces40:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxee",
    b"d4:infod6:lengthi16393e4:name4:film12:piece lengthi16384e6:pieces40:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxee",
];

fuzz_target!(|data: &[u8]| {
    let [which, resume @ ..] = data else { return };
    let torrent = TORRENTS[usize::from(which & 1)];
    if let Ok(row) = teem_daemon::hostile::resume(which & 2 != 0, resume, torrent) {
        assert!(row.names.iter().all(|name| !name.split('/').any(|part| part == "..")), "{row:?}");
    }
});
