//! A torrent as lists tell it (own design): its row and its line, as one object.
use crate::kept::Kept;
use crate::line::Figures;
use crate::told::Told;
use teem_client::Torrent;
use teem_client::metainfo::InfoHash;

/// A torrent as it is told; by its last figures, where there are none of this moment.
pub(crate) fn told(hash: InfoHash, kept: &Kept, figures: Option<Figures>, life: u64) -> Told {
    let row = &kept.row;
    let other = figures.map(|figures| kept.line.with(figures));
    let line = other.as_ref().unwrap_or(&kept.line);
    let figures = line.figures;
    let (have, wanted) = line.progress();
    let error = line.error.as_deref().or(line.job_error.as_deref());
    let job = kept.torrent.as_ref().ok().filter(|_| line.moving).and_then(Torrent::progress);
    let progress = line.size.map(|_| if line.complete { 1.0 } else { share((have, wanted)) });
    Told {
        infohash: hash.to_string(),
        name: kept.name(hash),
        state: line.word().to_owned(),
        folder: row.home().to_string_lossy().into_owned(),
        incomplete: row.incomplete().map(|folder| folder.to_string_lossy().into_owned()),
        labels: row.labels.iter().cloned().collect(),
        added: row.added,
        size: line.size,
        wanted,
        have,
        complete: line.complete,
        down_rate: figures.down_rate,
        up_rate: figures.up_rate,
        downloaded: figures.downloaded,
        uploaded: figures.uploaded,
        downloaded_total: line.totals.downloaded,
        uploaded_total: line.totals.uploaded,
        progress,
        ratio: line.ratio(),
        seeds: figures.seeds,
        downloaders: figures.downloaders,
        eta: line.eta(),
        up_limit: row.up,
        down_limit: row.down,
        until: row.course.until.map(|goal| goal.to_string()),
        forced: row.course.forced,
        error: kept.torrent.as_ref().err().map(String::as_str).or(error).map(str::to_owned),
        job_done: job.map(|(done, _)| done),
        job_of: job.map(|(_, of)| of),
        lost: line.lost,
        tracker: line.trackers.first().map(ToString::to_string),
        completed: line.totals.completed,
        moved: line.totals.moved,
        active_time: line.totals.active.seconds(life),
        seeding_time: line.totals.seeding.seconds(life),
    }
}

/// What part is there, from 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "a share is shown with one digit")]
pub(crate) fn share((have, wanted): (u64, u64)) -> f64 {
    if wanted == 0 { 0.0 } else { have as f64 / wanted as f64 }
}
