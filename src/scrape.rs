//! `teem show --scrape`: how large the swarm is, by each tracker of the torrent (BEP 48).
use crate::foreign::plain;
use crate::units::Count;
use serde_json::{Value, json};
use teem_client::Source;
use teem_client::http::fetch::Http;
use teem_client::scrape::{ScrapeEntry, scrape};
use tokio::task::JoinSet;

/// Trackers that are asked, all at once; a torrent has a handful.
const TRACKERS_MAX: usize = 100;

/// One tracker, and what it said.
pub(crate) struct Told {
    url: String,
    answer: Result<Option<ScrapeEntry>, String>,
}

/// Asks all trackers of a torrent; the answers in the order of the trackers.
pub(crate) async fn all(source: &Source, http: &Http) -> Vec<Told> {
    let hash = source.key.wire();
    let mut asks = JoinSet::new();
    for (n, url) in source.trackers.iter().flatten().take(TRACKERS_MAX).cloned().enumerate() {
        let http = http.clone();
        asks.spawn(async move {
            let answer = scrape(&http, &url, hash).await;
            (n, Told { url: url.shown(), answer })
        });
    }
    let mut told = asks.join_all().await;
    told.sort_by_key(|(n, _)| *n);
    told.into_iter().map(|(_, told)| told).collect()
}

impl Told {
    /// Whether there was any answer of use.
    pub(crate) fn is_answer(&self) -> bool {
        self.answer.is_ok()
    }

    pub(crate) fn value(&self) -> Value {
        match &self.answer {
            Ok(Some(entry)) => json!({
                "url": self.url, "seeds": entry.complete, "downloaders": entry.incomplete, "completed": entry.downloaded,
            }),
            Ok(None) => json!({"url": self.url, "unknown": true}),
            Err(why) => json!({"url": self.url, "error": why}),
        }
    }

    /// The same in words.
    pub(crate) fn words(&self) -> String {
        let said = match &self.answer {
            Ok(Some(entry)) => {
                let (seeds, others) =
                    (Count(entry.complete as usize, "seed"), Count(entry.incomplete as usize, "downloader"));
                format!("{seeds}, {others}, completed {} times", entry.downloaded)
            }
            Ok(None) => "it does not know this torrent".to_owned(),
            Err(why) => plain(why),
        };
        format!("{}: {said}", self.url)
    }
}
