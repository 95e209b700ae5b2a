//! Records of the daemon's: never a panic, and what was understood is understood again when it is kept anew.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [kind, record @ ..] = data else { return };
    if let Some(kept) = teem_daemon::hostile::record(*kind, record) {
        assert_eq!(teem_daemon::hostile::record(*kind, &kept).as_ref(), Some(&kept));
    }
});
