//! One torrent of the table: what its line shows, safe for a terminal from the moment that it is taken in.
use crate::foreign::plain;
use serde_json::{Map, Value};

/// The keys of a torrent's object (`docs/api.md`) that a row is made of.
pub(super) const FIELDS: &str = "name,state,progress,down_rate,up_rate,ratio,seeds,downloaders,eta,labels,error,added";

#[derive(Default, Debug)]
pub(super) struct Row {
    pub(super) hash: String,
    pub(super) name: String,
    /// The name in small letters, which filters and orders look at.
    pub(super) folded: String,
    pub(super) state: String,
    /// From 0 to 1; none while the metadata is missing.
    pub(super) progress: Option<f64>,
    /// Payload bytes a second.
    pub(super) down: u64,
    pub(super) up: u64,
    pub(super) ratio: Option<f64>,
    seeds: u64,
    downloaders: u64,
    /// Seconds until it is complete.
    pub(super) eta: Option<u64>,
    pub(super) labels: String,
    pub(super) error: Option<String>,
    /// Seconds since 1970.
    pub(super) added: u64,
}

impl Row {
    pub(super) fn new(hash: &str) -> Self {
        Self { hash: plain(hash), ..Self::default() }
    }

    /// Takes over the keys that were told.
    pub(super) fn update(&mut self, told: &Map<String, Value>) {
        for (key, value) in told {
            let number = || value.as_u64().unwrap_or(0);
            let text = || plain(value.as_str().unwrap_or_default());
            match key.as_str() {
                "name" => {
                    self.name = text();
                    self.folded = self.name.to_lowercase();
                }
                "state" => self.state = text(),
                "progress" => self.progress = value.as_f64(),
                "down_rate" => self.down = number(),
                "up_rate" => self.up = number(),
                "ratio" => self.ratio = value.as_f64(),
                "seeds" => self.seeds = number(),
                "downloaders" => self.downloaders = number(),
                "eta" => self.eta = value.as_u64(),
                "labels" => {
                    let labels = value.as_array().into_iter().flatten().filter_map(Value::as_str).map(plain);
                    self.labels = labels.collect::<Vec<_>>().join(",");
                }
                "error" => self.error = value.as_str().map(plain),
                "added" => self.added = number(),
                _ => {}
            }
        }
    }

    /// How many peers are connected, seeds or not.
    pub(super) fn peers(&self) -> u64 {
        self.seeds.saturating_add(self.downloaders)
    }

    /// Whether its name holds this text of small letters.
    pub(super) fn fits(&self, folded: &str) -> bool {
        looked_at();
        self.folded.contains(folded)
    }
}

#[cfg(test)]
thread_local! {
    /// How often rows were compared, filtered and drawn: tests bound it where time would say nothing.
    pub(super) static LOOKS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Counts a look at a row, for the tests.
pub(super) fn looked_at() {
    #[cfg(test)]
    LOOKS.set(LOOKS.get() + 1);
}
