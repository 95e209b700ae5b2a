//! rtorrent 0.9.8: configured by a file of commands; runs one when a download is finished.

use std::fs;
use std::process::Command;

use crate::client::{Client, Job, Running, Seat};
use crate::namespace::Needs;
use crate::setting::{Asked, Family, Role};

/// One process with one torrent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rtorrent;

impl Client for Rtorrent {
    fn name(&self) -> &'static str {
        "rtorrent"
    }

    fn needs(&self) -> Needs {
        Needs::Command("rtorrent", "-h")
    }

    fn version(&self) -> String {
        let output = Command::new("rtorrent").arg("-h").output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let version = text.split("version ").nth(1).and_then(|rest| rest.split_whitespace().next());
        version.unwrap_or_default().trim_end_matches('.').to_string()
    }

    fn cannot(&self, asked: Asked) -> Option<&'static str> {
        let metadata = asked.role == Role::Seeds && asked.magnet && asked.many;
        let why = metadata.then_some("gives nobody metadata of some hundred KiB");
        why.or((asked.family == Family::V6).then_some("binds to addresses of IPv4 only"))
    }

    fn start(&self, seat: &Seat, job: &Job<'_>) -> Running {
        let (hook, whole) = seat.hook();
        let session = seat.home.join("session");
        fs::create_dir_all(&session).expect("the folder is writable");
        let (ip, port, kib) = (seat.ip, seat.listen().port(), job.up >> 10);
        let (session, folder, hook, link) = (session.display(), job.folder.display(), hook.display(), job.link);
        let commands = format!(
            r#"system.daemon.set = true
session.path.set = "{session}"
directory.default.set = "{folder}"
network.bind_address.set = {ip}
network.port_range.set = {port}-{port}
network.port_random.set = no
dht.mode.set = disable
protocol.pex.set = no
trackers.use_udp.set = yes
protocol.encryption.set = allow_incoming,try_outgoing,enable_retry
throttle.global_up.max_rate.set_kb = {kib}
method.set_key = event.download.finished,mark,"execute.nothrow={hook}"
schedule2 = add,0,0,((load.start,"{link}"))
"#
        );
        let file = seat.home.join("commands");
        fs::write(&file, commands).expect("the folder is writable");
        seat.start(Command::new("rtorrent").arg("-n").arg("-o").arg(format!("import={}", file.display())), whole)
    }
}
