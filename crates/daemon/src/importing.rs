//! Torrents that are taken over from elsewhere, and told for others to take over (own design). What was verified there is not hashed again where the files are
//! as they were left.
use crate::daemon::{Daemon, now};
use crate::exported::Exported;
use crate::failed::{AddFailed, Failed};
use crate::label::Label;
use crate::row::{Origin, Row};
use crate::select::SelectError;
use crate::told::Told;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use teem_client::metainfo::{Info, InfoHash};
use teem_client::{AddError, Source};
use teem_disk::root::RealFs;
use teem_disk::{Carried, Place, Said};

/// What came of an import.
pub(crate) struct Imported {
    pub(crate) hash: InfoHash,
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    /// How it stands; `None` where nothing was to be changed.
    pub(crate) torrent: Option<Told>,
    /// Pieces that another program had which are believed, and those that are hashed.
    pub(crate) believed: Option<(u32, u32)>,
}

impl Daemon {
    /// Takes a torrent over, or says only whether it would be.
    pub(crate) async fn import(&self, exported: Exported, dry_run: bool) -> Result<Imported, AddFailed> {
        let wish = AddFailed::Wish;
        let source = exported.source().map_err(wish)?;
        let key = source.transferable().map_err(AddFailed::Client)?;
        let hash = key.wire();
        let is_there = || self.torrents().contains_key(&hash);
        if is_there() {
            return Err(AddFailed::Client(AddError::Already(key)));
        }
        let row = exported.row(&source, self.next_place(), now()).map_err(wish)?;
        let (carried, told) = (exported.carried().map_err(wish)?, exported.verified().map_err(wish)?);
        let claims = told.as_ref().is_some_and(|told| told.pieces.iter().any(|byte| *byte != 0));
        let info = source.info.clone();
        let row = self.in_place(row, info.clone(), carried.clone(), claims).await.map_err(wish)?;
        let name = source.info.as_ref().map(|info| info.name().to_owned()).or_else(|| source.name.clone());
        let name = name.unwrap_or_else(|| hash.to_string());
        let folder = row.folder.clone();
        if dry_run {
            return Ok(Imported { hash, name, folder, torrent: None, believed: None });
        }
        self.know_categories(&exported).await?;
        let _turn = self.0.turn.lock().await;
        if is_there() {
            return Err(AddFailed::Client(AddError::Already(key)));
        }
        let mut row = Row { course: crate::row::Course { order: self.next_place(), ..row.course }, ..row };
        let mut totals = exported.counted();
        if let (Some(carried), Some(info)) = (carried, info) {
            let put = self.put_carried(row.clone(), info, carried).await.map_err(AddFailed::Store)?;
            if let Some(said) = put {
                let counted = totals.get_or_insert_default();
                counted.downloaded = counted.downloaded.max(said.downloaded);
                counted.uploaded = counted.uploaded.max(said.uploaded);
                let is_said = !row.files.is_empty() || !row.only.is_empty() || !row.first.is_empty();
                if !is_said && row.shared.is_none() {
                    row.files = said.selection.files().to_vec();
                }
            }
        }
        let believed = match told {
            Some(told) => Some(self.0.client.believe(&row.add(source.clone()), told).await.map_err(wish)?),
            None => None,
        };
        let torrent = self.keep_new(row, source, crate::adding::Brought { hashed: None, totals }).await?;
        Ok(Imported { hash, name, folder, torrent: Some(torrent), believed })
    }

    /// The row with its folders without links, if what is said of its content can be true. Its disk may hang.
    async fn in_place(
        &self,
        row: Row,
        info: Option<Arc<Info>>,
        carried: Option<Carried>,
        claims: bool,
    ) -> Result<Row, String> {
        let state_dir = self.0.state_dir.clone();
        self.look(&row.folder.clone(), move |daemon| {
            let folder = match row.shared {
                Some(_) => daemon.readable(&row.folder)?,
                None => daemon.below_roots(&row.folder)?,
            };
            let goes_to = row.goes_to.as_ref().map(|folder| daemon.below_roots(folder)).transpose()?;
            let mut row = row;
            (row.folder, row.goes_to) = (folder, goes_to);
            let Some(info) = info else { return Ok(row) };
            let place = place(&row, &state_dir);
            let is_away = carried.is_some() && fs::symlink_metadata(&row.folder).is_err();
            let said = carried.map(|carried| carried.says(&RealFs, &place, &info)).transpose();
            let said = said.map_err(|e| format!("{}: {e}", row.folder.display()))?.flatten();
            let root = row.folder.join(row.name.as_deref().unwrap_or(info.name()));
            if claims && let Some(begun) = begun_elsewhere(&root, &info) {
                return Err(format!(
                    "it is not complete, and {} is a file of the other program's: have it finish there, or have it give its files their own names",
                    begun.display()
                ));
            }
            let is_claimed = claims || is_away || said.is_some_and(|said| said.have > 0);
            if is_claimed && info.content_size() > 0 && fs::symlink_metadata(&root).is_err() {
                return Err(format!(
                    "{} is not there: mount its disk, or have it downloaded anew by `teem add`",
                    root.display()
                ));
            }
            Ok(row)
        })
        .await
    }

    /// Puts what was saved of a torrent where it is looked for when the torrent is opened.
    async fn put_carried(&self, row: Row, info: Arc<Info>, carried: Carried) -> std::io::Result<Option<Said>> {
        let (database, place) = (self.0.database.clone(), place(&row, &self.0.state_dir));
        let put = move || teem_disk::put_carried(&RealFs, &*database, &place, &info, &carried);
        tokio::task::spawn_blocking(put).await.unwrap_or_else(|e| Err(std::io::Error::other(e)))
    }

    /// Makes categories of those of its labels that were some, where none is called so.
    async fn know_categories(&self, exported: &Exported) -> Result<(), AddFailed> {
        let known = self.all_labels();
        let mut new = Vec::new();
        for (name, folder) in exported.categories.iter().filter(|(name, _)| exported.labels.contains(*name)) {
            if !known.get(name).is_some_and(|label| label.category) {
                // A folder that is not the daemon's is left out.
                let folder = self.folder_of_category(folder).await.unwrap_or_default();
                new.push((name.clone(), Some(Label { category: true, folder })));
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        self.keep_labels(new).await.map_err(|e| AddFailed::Wish(e.to_string()))
    }

    /// A torrent with all that is kept of it.
    pub(crate) async fn export(&self, hash: InfoHash) -> Result<Exported, Failed> {
        let none = || Failed::Select(SelectError::Nothing(hash.to_string()));
        let life = self.life_now();
        let (row, exported) = {
            let torrents = self.torrents();
            let kept = torrents.get(&hash).ok_or_else(none)?;
            (kept.row.clone(), Exported::of(&kept.row, &kept.line, life).map_err(Failed::Wish)?)
        };
        let labels = self.all_labels();
        let categories = exported.labels.iter().filter_map(|label| {
            let of = labels.get(label).filter(|of| of.category)?;
            Some((label.clone(), of.folder.to_string_lossy().into_owned()))
        });
        let mut exported = Exported { categories: categories.collect(), ..exported };
        let daemon = self.clone();
        let read = tokio::task::spawn_blocking(move || {
            let source: Option<Source> = daemon.source(hash, &row);
            if let Some(file) = source.and_then(|source| source.file) {
                exported.describe(&file);
            } else if !matches!(row.origin, Origin::Link(_)) {
                return Err("its .torrent cannot be read".to_owned());
            }
            let place = place(&row, &daemon.0.state_dir);
            let carried = teem_disk::carried(&RealFs, &*daemon.0.database, &place, hash).map_err(|e| e.to_string())?;
            if let Some(carried) = &carried {
                exported.save(carried);
            }
            Ok(exported)
        });
        read.await.unwrap_or_else(|e| Err(e.to_string())).map_err(Failed::Wish)
    }
}

/// Files that are looked for under other programs' names.
const LOOKED_MAX: usize = 1_000;

/// A file that is missing and that another program has under its name for what is not finished.
fn begun_elsewhere(root: &Path, info: &Info) -> Option<PathBuf> {
    let path = |file: teem_client::metainfo::File<'_>| {
        if info.is_single_file() { root.to_owned() } else { root.join(file.path()) }
    };
    let stored = info.files().iter().filter(teem_client::metainfo::File::is_stored);
    let missing = stored.map(path).filter(|path| fs::symlink_metadata(path).is_err()).take(LOOKED_MAX);
    let part = |path: PathBuf| {
        let mut name = path.into_os_string();
        name.push(".part");
        PathBuf::from(name)
    };
    missing.map(part).find(|path| fs::symlink_metadata(path).is_ok())
}

/// Where its content lies, for the disk.
fn place(row: &Row, state_dir: &Path) -> Place {
    Place {
        name: row.name.clone(),
        names: row.names.clone(),
        read_only: row.shared.is_some(),
        ..Place::download(&row.folder, state_dir)
    }
}
