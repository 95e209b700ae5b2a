//! `teem show --scrape`: how large the swarm is, by each tracker of the torrent (BEP 48) and by what nodes of the DHT keep (BEP 33).
use crate::cli::peers::DhtOptions;
use crate::foreign::plain;
use crate::units::Count;
use serde_json::{Value, json};
use std::time::Duration;
use teem_client::Source;
use teem_client::dht::Id;
use teem_client::http::fetch::Http;
use teem_client::scrape::{ScrapeEntry, scrape};
use tokio::task::JoinSet;

/// Stands where a tracker's URL stands for what the DHT tells.
const DHT: &str = "dht";

/// Trackers that are asked, all at once; a torrent has a handful.
const TRACKERS_MAX: usize = 100;

/// The DHT is asked no longer than this.
const DHT_MAX: Duration = Duration::from_secs(10);

/// One tracker, or the DHT, and what it said.
pub(crate) struct Told {
    url: String,
    answer: Result<Said, String>,
}

enum Said {
    /// The numbers of a tracker, which may not know the torrent.
    Tracker(Option<ScrapeEntry>),
    /// What the filters of so many nodes let estimate.
    Dht { seeds: u32, others: u32, nodes: u32 },
}

/// Asks all trackers of a torrent; the answers in the order of the trackers.
pub(crate) async fn all(source: &Source, http: &Http, dht: &DhtOptions) -> Vec<Told> {
    let (mut told, by_dht) = tokio::join!(by_trackers(source, http), by_dht(source, http, dht));
    told.extend(by_dht);
    told
}

/// The DHT's answer, for a torrent that it may know of.
async fn by_dht(source: &Source, http: &Http, dht: &DhtOptions) -> Option<Told> {
    let private = source.info.as_ref().is_some_and(|info| info.is_private());
    if private || dht.no_dht {
        return None;
    }
    let hash = Id(source.key.wire().0);
    let asked =
        tokio::time::timeout(DHT_MAX, crate::dht::estimate(http.path(), hash, dht.bootstrap().as_deref())).await;
    let answer = match asked {
        Ok(Ok((seeds, others, nodes))) if nodes > 0 => Ok(Said::Dht { seeds, others, nodes }),
        Ok(Err(stop)) => Err(stop.message),
        _ => Err(String::from("no node answers")),
    };
    Some(Told { url: String::from(DHT), answer })
}

async fn by_trackers(source: &Source, http: &Http) -> Vec<Told> {
    let hash = source.key.wire();
    let mut asks = JoinSet::new();
    for (n, url) in source.trackers.iter().flatten().take(TRACKERS_MAX).cloned().enumerate() {
        let http = http.clone();
        asks.spawn(async move {
            let answer = scrape(&http, &url, hash).await.map(Said::Tracker);
            (n, Told { url: url.shown(), answer })
        });
    }
    let mut told = asks.join_all().await;
    told.sort_by_key(|(n, _)| *n);
    told.into_iter().map(|(_, told)| told).collect()
}

impl Told {
    /// Whether it is the DHT's.
    pub(crate) fn is_dht(&self) -> bool {
        self.url == DHT
    }

    /// Whether there was any answer of use.
    pub(crate) fn is_answer(&self) -> bool {
        self.answer.is_ok()
    }

    pub(crate) fn value(&self) -> Value {
        match &self.answer {
            Ok(Said::Dht { seeds, others, nodes }) => json!({
                "url": self.url, "seeds": seeds, "downloaders": others, "nodes": nodes,
            }),
            Ok(Said::Tracker(Some(entry))) => json!({
                "url": self.url, "seeds": entry.complete, "downloaders": entry.incomplete, "completed": entry.downloaded,
            }),
            Ok(Said::Tracker(None)) => json!({"url": self.url, "unknown": true}),
            Err(why) => json!({"url": self.url, "error": why}),
        }
    }

    /// The same in words.
    pub(crate) fn words(&self) -> String {
        let said = match &self.answer {
            Ok(Said::Dht { seeds, others, nodes }) => {
                let (seeds, others) = (Count(*seeds as usize, "seed"), Count(*others as usize, "downloader"));
                format!("about {seeds}, {others}, as {} say", Count(*nodes as usize, "node"))
            }
            Ok(Said::Tracker(Some(entry))) => {
                let (seeds, others) =
                    (Count(entry.complete as usize, "seed"), Count(entry.incomplete as usize, "downloader"));
                format!("{seeds}, {others}, completed {} times", entry.downloaded)
            }
            Ok(Said::Tracker(None)) => "it does not know this torrent".to_owned(),
            Err(why) => plain(why),
        };
        format!("{}: {said}", self.url)
    }
}
