//! opentracker, a stock tracker over HTTP and UDP. As Debian builds it, it serves only the info-hashes on its list.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::http;
use super::namespace::Needs;
use super::process::{Process, wait_until};
use super::torrent::Torrent;
use super::{TRACKER_IP, TRACKER_PORT};

/// What a test that uses it needs.
pub const NEEDS: Needs = Needs::Command("opentracker", "-v");

/// A running tracker.
pub struct Opentracker(Process);

impl Opentracker {
    /// Starts it on [`TRACKER_IP`] for one torrent.
    pub fn start(folder: &Path, torrent: &Torrent) -> Self {
        fs::create_dir_all(folder).expect("the folder is writable");
        let address = format!("{TRACKER_IP}:{TRACKER_PORT}");
        let conf = folder.join("opentracker.conf");
        let text = format!("listen.udp {address}\nlisten.tcp {address}\ntracker.user nobody\naccess.whitelist /list\n");
        fs::write(&conf, text).expect("the folder is writable");
        // Read after it made the folder its root.
        fs::write(folder.join("list"), format!("{}\n", torrent.info_hash)).expect("the folder is writable");
        let mut command = Command::new("opentracker");
        command.arg("-f").arg(&conf).arg("-d").arg(folder);
        let mut process = Process::start(&mut command);
        wait_until("listening opentracker", Duration::from_secs(20), || {
            process.assert_runs();
            let hash = torrent
                .info_hash
                .as_bytes()
                .chunks(2)
                .fold(String::new(), |url, pair| url + "%" + &String::from_utf8_lossy(pair));
            let path = format!(
                "/announce?info_hash={hash}&peer_id=-XX0000-000000000000&port=9&uploaded=0&downloaded=0&left=1&event=stopped"
            );
            let answer = http::request(&address, &path, &[], None).ok()?;
            (!String::from_utf8_lossy(&answer.body).contains("failure")).then_some(())
        });
        Self(process)
    }

    /// Its announce URL over HTTP.
    pub fn http() -> String {
        format!("http://{TRACKER_IP}:{TRACKER_PORT}/announce")
    }

    /// Its announce URL over UDP.
    pub fn udp() -> String {
        format!("udp://{TRACKER_IP}:{TRACKER_PORT}/announce")
    }
}
