//! What `share` shows while it runs: one live line, what happened, a line a second and torrent for scripts.
use crate::exit::{Exit, Outcome, Stop};
use crate::foreign::plain;
use crate::lost_here::LostHere;
use crate::progress::Progress;
use crate::reach::Reach;
use crate::signals::Signals;
use crate::stall::Watch;
use crate::units::{Bytes, Copies, Count};
use crate::{json, reach, standing, told};
use std::net::IpAddr;
use std::time::Duration;
use teem_client::event::{Event, Snapshot, State};
use teem_client::{Client, Events, Heard, Torrent};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How often events and figures are fetched, and lines for scripts written.
const EVERY: Duration = Duration::from_millis(500);
const JSON_EVERY: Duration = Duration::from_secs(1);
/// When to say that nobody came from outside.
const NOBODY_AFTER: Duration = Duration::from_secs(60);

/// A torrent that is shared.
pub(crate) struct Row {
    torrent: Torrent,
    name: String,
    hash: String,
    size: u64,
    last: Option<Snapshot>,
    stall: Watch,
}

impl Row {
    /// `size` in bytes; `reports` is whether it is told once why nobody comes.
    pub(crate) fn new(torrent: &Torrent, name: &str, size: u64, reports: bool) -> Self {
        let hash = torrent.info_hash().to_string();
        let stall = Watch::new(reports, Vec::new());
        Self { torrent: torrent.clone(), name: plain(name), hash, size, last: None, stall }
    }

    /// Says what happened, with the name where there are several.
    fn hear(&self, event: &Event, json: bool, several: bool, progress: &mut Progress) {
        if json {
            if let Some(value) = told::value(&self.hash, event) {
                json::line(&value);
            }
        } else if let Some(text) = told::text(event, self.size) {
            let before = if several { format!("{}: ", self.name) } else { String::new() };
            progress.say(&format!("{before}{text}"));
        }
    }
}

/// Watches until a signal comes, or until no torrent can go on. `events` are those since before the first was added; `hosts` those
/// that the links name.
pub(crate) async fn watch(
    client: &Client,
    events: &mut Events,
    json: bool,
    rows: &mut [Row],
    hosts: &[String],
    signals: &mut Signals,
    progress: &mut Progress,
) -> Outcome {
    let (port, mut ends) = (client.port(), JoinSet::new());
    for row in rows.iter() {
        let (torrent, name) = (row.torrent.clone(), row.name.clone());
        ends.spawn(async move { (name, torrent.ended().await) });
    }
    let (mut lost_here, mut reach) = (LostHere::new(client), Reach::new(client, json, true));
    let (started, mut json_at, mut told_nobody) = (Instant::now(), None::<Instant>, false);
    let mut seen: Vec<IpAddr> = Vec::new();
    let mut tick = tokio::time::interval(EVERY);
    let mut standing = standing::Watch::default();
    loop {
        tokio::select! {
            exit = signals.first() => {
                hear_all(rows, events, json, progress);
                progress.say("stopping: telling the trackers; run the same command again to go on sharing, nothing is hashed twice");
                return Ok(exit);
            }
            Some(ended) = ends.join_next() => {
                hear_all(rows, events, json, progress);
                let Ok((name, ended)) = ended else { return Ok(Exit::Done) };
                let stop = Stop::ended(ended);
                if ends.is_empty() {
                    return Err(stop);
                }
                progress.say(&format!("teem: {name}: {}", stop.message));
            }
            _ = tick.tick() => {
                standing.look(client, json, progress);
                hear_all(rows, events, json, progress);
                for snapshot in client.snapshots().await.unwrap_or_default() {
                    if let Some(row) = rows.iter_mut().find(|row| row.torrent.id() == snapshot.torrent) {
                        row.stall.look(client, &row.torrent, &snapshot, json, progress).await;
                        row.last = Some(snapshot);
                    }
                }
                let udp = lost_here.look(progress);
                reach.look(&reach::seen(snapshots(rows)), progress);
                if json && json_at.is_none_or(|t| t.elapsed() >= JSON_EVERY) {
                    json_at = Some(Instant::now());
                    for (row, s) in rows.iter().filter_map(|row| Some((row, row.last.as_ref()?))) {
                        json::line(&told::status(&row.hash, s, udp, client.http().path(), reach.value()));
                    }
                }
                for ip in snapshots(rows).flat_map(|s| s.external.iter()).collect::<Vec<_>>() {
                    if !seen.contains(&ip) {
                        seen.push(ip);
                        progress.say(&seen_at(ip, port, hosts));
                    }
                }
                if !told_nobody && started.elapsed() >= NOBODY_AFTER && seeding(rows) {
                    told_nobody = true;
                    if !reach.has_spoken() && snapshots(rows).all(|s| s.seeds + s.downloaders == 0 && s.uploaded == 0) {
                        progress.say(&nobody(port, &seen));
                    }
                }
                if progress.due() {
                    progress.show(&lines(rows));
                }
            }
        }
    }
}

/// Passes on what happened since the last time.
pub(crate) fn hear_all(rows: &[Row], events: &mut Events, json: bool, progress: &mut Progress) {
    while let Some(heard) = events.try_next() {
        // What is lost to a view that lagged is told by the figures.
        let Heard::Event(event) = heard else { continue };
        if let Some(row) = rows.iter().find(|row| Some(row.torrent.id()) == event.torrent()) {
            row.hear(&event, json, rows.len() > 1, progress);
        }
    }
}

fn snapshots(rows: &[Row]) -> impl Iterator<Item = &Snapshot> {
    rows.iter().filter_map(|row| row.last.as_ref())
}

fn seeding(rows: &[Row]) -> bool {
    snapshots(rows).any(|s| s.state == State::Seeding)
}

/// From where others see us, and what to do where our links lead elsewhere.
fn seen_at(ip: IpAddr, port: u16, hosts: &[String]) -> String {
    if hosts.iter().any(|host| host.parse() == Ok(ip)) {
        return format!("others see this machine at {ip}, where the links lead");
    }
    format!(
        "others see this machine at {ip}: for links that lead there, forward TCP and UDP port {port} to it, and add --host {ip}"
    )
}

fn nobody(port: u16, seen: &[IpAddr]) -> String {
    let outside = seen
        .last()
        .map_or_else(|| "and name the outside address with --host".to_owned(), |ip| format!("and add --host {ip}"));
    format!(
        "nobody has connected yet. If others cannot reach this machine, it is behind a router or firewall: forward TCP and UDP port \
         {port} to it, {outside}"
    )
}

fn line(s: &Snapshot, size: u64) -> String {
    match s.state {
        State::Checking if s.checked.1 == 0 => "looking at the files".to_owned(),
        State::Checking => format!("checking {} of {} pieces", s.checked.0, s.checked.1),
        State::DiskTrouble => "the content cannot be read: waiting for the disk".to_owned(),
        _ => format!(
            "{}  {}  {}/s up  {}  copies the swarm has {}",
            Count(s.downloaders as usize, "downloader"),
            Count(s.seeds as usize, "seed"),
            Bytes(s.up_rate),
            told::given(s, size),
            Copies(s.swarm_shown, size)
        ),
    }
}

/// The live line: of one torrent all figures, of several their sums.
fn lines(rows: &[Row]) -> String {
    if let [row] = rows {
        return row.last.as_ref().map_or_else(String::new, |s| line(s, row.size));
    }
    let sum = |of: fn(&Snapshot) -> u64| snapshots(rows).map(of).sum::<u64>();
    let ready = snapshots(rows).filter(|s| s.state == State::Seeding).count();
    format!(
        "{ready} of {}  {}  {}  {}/s up  {} sent",
        Count(rows.len(), "torrent"),
        Count(sum(|s| u64::from(s.downloaders)) as usize, "downloader"),
        Count(sum(|s| u64::from(s.seeds)) as usize, "seed"),
        Bytes(sum(|s| s.up_rate)),
        Bytes(sum(|s| s.uploaded)),
    )
}
