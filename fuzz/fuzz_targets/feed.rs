//! Feeds: never a panic, and of what is understood each title is plain text and each link one that may be followed.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    for (title, link) in teem_daemon::hostile::feed(body).unwrap_or_default() {
        assert!(!title.contains(|c: char| c.is_control()), "{title:?}");
        let scheme = |link: &str| link.split(':').next().unwrap_or_default().to_ascii_lowercase();
        assert!(link.is_none_or(|link| ["magnet", "http", "https"].contains(&scheme(&link).as_str())));
    }
});
