//! Labels that are kept (own design): categories, and labels that no torrent has yet.
use crate::daemon::Daemon;
use crate::failed::Failed;
use crate::label::{Label, Labels};
use crate::row::LABEL_BYTES;
use std::path::{Path, PathBuf};
use teem_disk::Kind;

/// Labels that are kept at most.
const KEPT_MAX: usize = 10_000;

impl Daemon {
    /// Keeps labels, or lets go of them; all or none.
    pub(crate) async fn keep_labels(&self, changes: Vec<(String, Option<Label>)>) -> Result<(), Failed> {
        let _turn = self.0.turn.lock().await;
        let too_many = self.labels().len() + changes.len() > KEPT_MAX;
        for (name, label) in &changes {
            let good = !name.is_empty() && name.len() <= LABEL_BYTES && !name.contains(['\n', '\0']);
            if label.is_some() && (!good || too_many) {
                return Err(Failed::Wish(format!(
                    "at most {KEPT_MAX} labels, each of 1 to {LABEL_BYTES} bytes on one line"
                )));
            }
        }
        let records = changes.iter().map(|(name, label)| (name.clone(), label.as_ref().map(Label::encode))).collect();
        self.keep(Kind::Label, records).await.map_err(Failed::Store)?;
        let mut labels = self.labels();
        for (name, label) in changes {
            match label {
                Some(label) => _ = labels.insert(name, label),
                None => _ = labels.remove(&name),
            }
        }
        Ok(())
    }

    /// Labels that are kept, and categories that the daemon's file has made: labels with a folder.
    pub(crate) fn all_labels(&self) -> Labels {
        let mut all = self.labels().clone();
        for (name, of) in &self.0.policy.rules().labels {
            if let Some(folder) = &of.folder {
                all.insert(name.clone(), Label { category: true, folder: folder.clone() });
            }
        }
        all
    }

    /// The folder of a category as it is said: below the daemon's first root where it is not absolute; none where nothing is said.
    pub(crate) async fn folder_of_category(&self, said: &str) -> Result<PathBuf, String> {
        if said.is_empty() {
            return Ok(PathBuf::new());
        }
        self.checked(&self.first_root().join(Path::new(said))).await
    }
}
