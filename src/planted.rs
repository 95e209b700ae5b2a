//! The tests' own seam: `TEEM_PLANT` names where a panic is to come. In debug builds only; a release knows nothing of it.
//!
//! `start`, `main`, `thread`, `task`, `engine`, `question`, `request`, `key`; `torrent NAME` and `disk NAME` for the one torrent of that name. With `TEEM_REACH` what panics first
//! reaches for what a sandbox is to keep from it: it writes a file of that path, runs a program, looks into the process that started it.
use std::fs::{self, File};
use std::io;
use std::os::unix::process::parent_id;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use teem_client::{Client, Config, Planted, StartError, Torrent};
use teem_disk::hooked::Hooked;
use teem_disk::root::RealFs;

fn wish() -> String {
    std::env::var("TEEM_PLANT").unwrap_or_default()
}

/// Panics before there is anything.
pub(crate) fn start_of_all() {
    assert!(wish() != "start", "planted at the start");
}

/// Panics with the first key that is pressed.
pub(crate) fn pressed() {
    assert!(wish() != "key", "planted in a key");
}

/// Reaches out of the sandbox from the thread that panics, and says what came of it.
pub(crate) fn reach() {
    let Some(path) = std::env::var_os("TEEM_REACH") else { return };
    let said = |done: io::Result<()>| done.map_or_else(|e| format!("{:?}", e.kind()), |()| "done".to_owned());
    let thread = std::thread::current().name().unwrap_or("without a name").to_owned();
    let wrote = said(fs::write(path, "reached"));
    let ran = said(Command::new("true").status().map(drop));
    let looked = said(File::options().write(true).open(format!("/proc/{}/mem", parent_id())).map(drop));
    eprintln!("reached from {thread}: wrote {wrote}, ran {ran}, looked {looked}");
}

/// Starts a client whose disk may panic.
pub(crate) async fn start(config: Config) -> Result<Client, StartError> {
    let wish = wish();
    let Some(name) = wish.strip_prefix("disk ").map(str::to_owned) else { return Client::start(config).await };
    let hook = move |call: &str, path: &Path| {
        let hit = call == "write" && path.file_name().is_some_and(|file| file.to_string_lossy() == name);
        assert!(!hit, "planted in a write");
        Ok(())
    };
    Client::start_on(config, Arc::new(Hooked::new(Arc::new(RealFs), Arc::new(hook)))).await
}

/// Panics, or plants a panic, now that this torrent is there.
pub(crate) fn added(client: &Client, torrent: &Torrent, name: Option<&str>) {
    match wish().as_str() {
        "main" => panic!("planted in main"),
        "thread" => drop(std::thread::spawn(|| panic!("planted in a thread"))),
        "task" => drop(tokio::spawn(async { panic!("planted in a task") })),
        "engine" => client.plant(Planted::Engine),
        "question" => client.plant(Planted::Question),
        "request" => client.plant(Planted::Request),
        wish if wish.strip_prefix("torrent ").is_some_and(|wanted| Some(wanted) == name) => {
            client.plant(Planted::Torrent(torrent.id()));
        }
        _ => {}
    }
}
