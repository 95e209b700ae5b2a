//! How a run takes its torrents on (own design): by and by, so that nothing is held twice of a hundred thousand. Those that had all they wanted begin as
//! records, whose content is looked at before it is first served; the others, and those that have just given something, begin whole after that.
use crate::asleep::Asleep;
use crate::daemon::{Daemon, now};
use crate::failed::StartError;
use crate::kept::Kept;
use crate::line::Line;
use crate::row::Row;
use crate::totals::Totals;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use teem_client::metainfo::InfoHash;
use teem_disk::{Kind, Part};

/// Torrents that are taken on at once.
const AT_ONCE: usize = 500;

/// One that has given or got something so many seconds ago is likely to be wanted: it dials those that it knows.
const WANTED_S: u64 = 900;

/// What is kept of a torrent.
struct Found {
    hash: InfoHash,
    row: Row,
    totals: Totals,
    asleep: Option<Asleep>,
}

impl Daemon {
    /// Takes on all that are kept but these; what its owner should hear of them.
    pub(crate) async fn take_all_up(&self, but: &BTreeSet<InfoHash>) -> Result<Vec<String>, StartError> {
        let (mut remarks, mut awake) = (Vec::new(), Vec::new());
        let mut after = Some(String::new());
        while let Some(name) = after {
            let daemon = self.clone();
            let reading = tokio::task::spawn_blocking(move || {
                let mut told = Vec::new();
                daemon.found(&name, &mut told).map(|(found, next)| (found, next, told))
            });
            let read = reading.await.unwrap_or_else(|e| Err(io::Error::other(e)));
            let (found, next, told) = read.map_err(StartError::Rows)?;
            remarks.extend(told);
            after = next;
            let (mut resting, wanted_since) = (Vec::new(), now().saturating_sub(WANTED_S));
            for one in found.into_iter().filter(|one| !but.contains(&one.hash)) {
                let is_wanted = one.totals.moved.is_some_and(|at| at >= wanted_since);
                if one.asleep.is_some() && !is_wanted { resting.push(one) } else { awake.push(one) }
            }
            self.take_up_at_rest(resting).await;
        }
        for Found { hash, row, totals, asleep } in awake {
            let held = self.waits_first(&row).filter(|_| !row.paused);
            let (torrent, mut line) = self.begin(hash, &row, held.is_some()).await;
            line.count_from(totals);
            let torrent = torrent.map_err(|e| e.to_string());
            self.torrents().enter(hash, Kept { row, torrent, line, is_asleep: asleep.is_some() });
            if let Some(held) = held {
                self.hold(hash, held);
            }
        }
        Ok(remarks)
    }

    async fn take_up_at_rest(&self, all: Vec<Found>) {
        let (mut adds, mut resting) = (Vec::with_capacity(all.len()), Vec::with_capacity(all.len()));
        for Found { hash, row, totals, asleep } in all {
            let Some(asleep) = asleep else { continue };
            let held = self.waits_first(&row).filter(|_| !row.paused);
            let mut line = Line::asleep(&asleep);
            line.count_from(totals);
            adds.push(asleep.add(&row, row.paused || held.is_some()));
            resting.push((hash, row, line, held));
        }
        let added = self.client().add_at_rest(adds).await;
        for ((hash, row, line, held), torrent) in resting.into_iter().zip(added) {
            let torrent = torrent.map_err(|e| e.to_string());
            self.torrents().enter(hash, Kept { row, torrent, line, is_asleep: true });
            if let Some(held) = held {
                self.hold(hash, held);
            }
        }
    }

    /// Some of what is kept, and the name to go on after. Waits for the medium.
    fn found(&self, after: &str, remarks: &mut Vec<String>) -> io::Result<(Vec<Found>, Option<String>)> {
        let database = &self.0.database;
        let Part { records, next } = database.range(Kind::Row, after, None, AT_ONCE)?;
        let beside = |kind| {
            let part = database.range(kind, after, next.as_deref(), usize::MAX);
            part.map(|part| part.records.into_iter().collect::<BTreeMap<String, Vec<u8>>>())
        };
        let (totals, asleep) = (beside(Kind::Totals)?, beside(Kind::Rest)?);
        let mut found = Vec::with_capacity(records.len());
        for (name, bytes) in records {
            let (Some(hash), Some(row)) = (name.parse::<InfoHash>().ok(), Row::decode(&bytes)) else {
                remarks.push(format!("what is kept of {name} cannot be understood: it is left as it is"));
                continue;
            };
            let (row, file) = row.apart();
            if let Some(file) = file {
                // It was kept by an earlier version.
                self.put(Kind::File, &name, file.to_vec())?;
                self.put(Kind::Row, &name, row.encode())?;
            }
            let totals = totals.get(&name).map(|bytes| Totals::decode(bytes));
            if totals == Some(None) {
                remarks.push(format!("what was counted of {name} cannot be understood: it begins at 0"));
            }
            // What cannot be understood is begun as any other.
            let mut asleep = asleep.get(&name).and_then(|bytes| Asleep::decode(bytes));
            if let (Some(asleep), Some(trackers)) = (&mut asleep, &row.trackers) {
                asleep.trackers.clone_from(trackers);
            }
            found.push(Found { hash, row, totals: totals.flatten().unwrap_or_default(), asleep });
        }
        Ok((found, next))
    }
}
