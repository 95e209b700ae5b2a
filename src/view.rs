//! What `get` and `seed` show: one live line for all torrents, what happened, and why nothing moves.
use crate::foreign::plain;
use crate::lost_here::LostHere;
use crate::progress::Progress;
use crate::reach::{self, Reach};
use crate::stall::Watch;
use crate::units::{Bytes, Count, Time};
use crate::{json, standing, told};
use serde_json::Value;
use std::time::Duration;
use teem_client::event::{Event, Snapshot, State};
use teem_client::{Client, Datagrams, Events, Heard, Torrent};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How often figures are fetched.
pub(crate) const EVERY: Duration = Duration::from_millis(500);
/// How often a status line is written with `--json`.
const JSON_EVERY: Duration = Duration::from_secs(1);
/// Words of jobs that may wait for the view.
const WORDS_MAX: usize = 1024;

/// How a job speaks while the view owns the terminal.
#[derive(Clone)]
pub(crate) struct Voice {
    json: bool,
    words: mpsc::Sender<Word>,
}

/// What a job says: for the terminal, or for scripts.
enum Word {
    Say(String),
    Json(Value),
}

impl Voice {
    /// Says something that stays, on the terminal.
    pub(crate) fn say(&self, text: &str) {
        // Only a view that ended, or a thousand lines behind, loses words.
        let _ = self.words.try_send(Word::Say(text.to_owned()));
    }

    /// Writes a line for scripts, with `--json`, after the events that came before it.
    pub(crate) fn json(&self, value: Value) {
        if self.json {
            let _ = self.words.try_send(Word::Json(value));
        }
    }
}

struct Row {
    torrent: Torrent,
    name: Option<String>,
    watch: Watch,
    last: Option<Snapshot>,
}

impl Row {
    /// Bytes of the content, 0 while that is unknown.
    fn size(&self) -> u64 {
        self.torrent.status().info.map_or(0, |info| info.content_size())
    }
}

/// The view of all torrents of one command.
pub(crate) struct View {
    client: Client,
    events: Events,
    json: bool,
    progress: Progress,
    rows: Vec<Row>,
    voice: Voice,
    words: mpsc::Receiver<Word>,
    json_at: Option<Instant>,
    lost_here: LostHere,
    standing: standing::Watch,
    reach: Reach,
    /// All that is known is told when nothing moves.
    reports: bool,
}

impl View {
    /// A view of all that a client has from now on.
    pub(crate) fn new(client: &Client, json: bool) -> Self {
        let (sender, words) = mpsc::channel(WORDS_MAX);
        let voice = Voice { json, words: sender };
        let (client, events, lost_here) = (client.clone(), client.events(), LostHere::new(client));
        let (progress, rows, reach) = (Progress::new(json), Vec::new(), Reach::new(&client, json, false));
        Self {
            client,
            events,
            json,
            progress,
            rows,
            voice,
            words,
            json_at: None,
            lost_here,
            standing: standing::Watch::default(),
            reach,
            reports: false,
        }
    }

    pub(crate) fn voice(&self) -> Voice {
        self.voice.clone()
    }

    /// Says whether others reach this machine too, which one who gives wants to know.
    pub(crate) fn tell_reach(&mut self) {
        self.reach.speak();
    }

    /// Tells all that is known once when nothing moves, and at the end when it is given up.
    pub(crate) fn tell_why(&mut self, reports: bool) {
        self.reports = reports;
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.progress.say(text);
    }

    /// Shows a torrent too; `left_out` says which URLs of its link are of no use.
    pub(crate) fn add(&mut self, torrent: &Torrent, name: Option<String>, left_out: Vec<String>) {
        let watch = Watch::new(self.reports, left_out);
        self.rows.push(Row { torrent: torrent.clone(), name, watch, last: None });
    }

    /// Passes on what happened since the last time.
    pub(crate) fn hear(&mut self) {
        while let Some(heard) = self.events.try_next() {
            // What a view that lagged has lost is told by the figures.
            let Heard::Event(event) = heard else { continue };
            let of = |row: &&mut Row| Some(row.torrent.id()) == event.torrent();
            let Some(row) = self.rows.iter_mut().find(of) else { continue };
            if let Event::Metadata { info, .. } = &event {
                row.name = Some(info.name().to_owned());
            }
            if self.json {
                if let Some(value) = told::value(&row.torrent.info_hash().to_string(), &event) {
                    json::line(&value);
                }
            } else if let Some(text) = told::text(&event, row.size()) {
                self.progress.say(&text);
            }
        }
        while let Ok(word) = self.words.try_recv() {
            match word {
                Word::Say(text) => self.progress.say(&text),
                Word::Json(value) => json::line(&value),
            }
        }
    }

    /// Fetches the figures, draws the line, and explains what does not move.
    pub(crate) async fn draw(&mut self) {
        self.standing.look(&self.client, self.json, &mut self.progress);
        // A client that has ended has no figures.
        for snapshot in self.client.snapshots().await.unwrap_or_default() {
            let Some(row) = self.rows.iter_mut().find(|row| row.torrent.id() == snapshot.torrent) else { continue };
            row.watch.look(&self.client, &row.torrent, &snapshot, self.json, &mut self.progress).await;
            row.last = Some(snapshot);
        }
        self.hear();
        let udp = self.lost_here.look(&mut self.progress);
        let seen = reach::seen(self.rows.iter().filter_map(|row| row.last.as_ref()));
        self.reach.look(&seen, &mut self.progress);
        if self.json {
            self.status_lines(udp);
        } else if !crate::choose::is_asking() && self.progress.due() {
            let line = self.line();
            self.progress.show(&line);
        }
    }

    /// Says of each unfinished torrent why nothing moves.
    pub(crate) async fn explain(&mut self) {
        for row in &self.rows {
            if row.last.as_ref().is_some_and(|s| matches!(s.state, State::Metadata | State::Downloading)) {
                row.watch.at_the_end(&self.client, &row.torrent, self.json, &mut self.progress).await;
            }
        }
    }

    /// What went wrong while the client ended, such as what could not be saved.
    pub(crate) fn afterwards(&mut self) {
        self.hear();
    }

    /// What remains to be said at the end.
    pub(crate) fn last_words(&mut self, by_signal: bool) {
        self.hear();
        if by_signal {
            self.progress.say("stopping: telling the trackers and saving; the same command goes on from here");
        }
    }

    fn status_lines(&mut self, udp: Datagrams) {
        if self.json_at.is_some_and(|t| t.elapsed() < JSON_EVERY) {
            return;
        }
        self.json_at = Some(Instant::now());
        for row in &self.rows {
            if let Some(s) = &row.last {
                let (hash, path) = (row.torrent.info_hash().to_string(), self.client.http().path());
                json::line(&told::status(&hash, s, udp, path, self.reach.value()));
            }
        }
    }

    fn line(&self) -> String {
        let all: Vec<&Snapshot> = self.rows.iter().filter_map(|r| r.last.as_ref()).collect();
        match all[..] {
            [] => "starting".to_owned(),
            [one] => {
                let name = self.rows.first().and_then(|r| r.name.as_deref()).unwrap_or("");
                let info = self.rows.first().and_then(|r| r.torrent.status().info);
                let files = info.map_or(0, |info| info.content_files());
                single(one, name, files)
            }
            _ => several(&all),
        }
    }
}

fn percent(part: u64, whole: u64) -> u64 {
    if whole == 0 { 100 } else { (u128::from(part) * 100 / u128::from(whole)) as u64 }
}

fn single(s: &Snapshot, name: &str, files: usize) -> String {
    let name = plain(name);
    let peers = Count((s.seeds + s.downloaders) as usize, "peer");
    match s.state {
        State::Metadata if s.metadata.1 > 0 => {
            format!("metadata {} of {} from {peers}", s.metadata.0, s.metadata.1)
        }
        State::Metadata => format!("asking for the metadata: {peers}, {} dials under way", s.dials.pending),
        State::Choosing => format!("waiting for a choice of files  {name}"),
        State::Placing => format!("finding a place for the content  {name}"),
        State::Checking if s.checked.1 == 0 => format!("looking at the files  {name}"),
        State::Checking => format!("checking {} of {} pieces  {name}", s.checked.0, s.checked.1),
        State::Downloading | State::DiskTrouble => {
            let left = s.wanted.saturating_sub(s.have);
            let mut text = format!(
                "{} %  {} of {}  {}/s down  {}/s up",
                percent(s.have, s.wanted),
                Bytes(s.have),
                Bytes(s.wanted),
                Bytes(s.down_rate),
                Bytes(s.up_rate)
            );
            if s.down_rate > 0 {
                text += &format!("  {} left", Time(Duration::from_secs(left.div_ceil(s.down_rate))));
            }
            text += &format!("  {peers} ({})", Count(s.seeds as usize, "seed"));
            if let Some(file) = s.file.filter(|_| files > 1) {
                text += &format!("  file {} of {files}", file + 1);
            }
            if s.state == State::DiskTrouble { text + "  waiting for the disk" } else { format!("{text}  {name}") }
        }
        State::Seeding => format!(
            "seeding  {}  {}/s up  {}, {}  {name}",
            told::given(s, s.wanted),
            Bytes(s.up_rate),
            Count(s.downloaders as usize, "downloader"),
            Count(s.seeds as usize, "seed")
        ),
        other => format!("{}  {name}", other.word()),
    }
}

fn several(all: &[&Snapshot]) -> String {
    let sum = |figure: fn(&Snapshot) -> u64| all.iter().map(|s| figure(s)).sum::<u64>();
    let done = all.iter().filter(|s| s.state == State::Seeding).count();
    let (have, wanted, rate) = (sum(|s| s.have), sum(|s| s.wanted), sum(|s| s.down_rate));
    let mut text = format!(
        "{done} of {} done  {} %  {} of {}  {}/s down  {}/s up",
        all.len(),
        percent(have, wanted),
        Bytes(have),
        Bytes(wanted),
        Bytes(rate),
        Bytes(sum(|s| s.up_rate))
    );
    if rate > 0 && have < wanted {
        text += &format!("  {} left", Time(Duration::from_secs((wanted - have).div_ceil(rate))));
    }
    text
}
