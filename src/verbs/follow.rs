//! What the daemon does with torrents until they are complete, as `get --keep` and `share --keep` show it.
use super::shown::shown;
use super::watch::Rows;
use crate::exit::{Exit, Outcome, Stop};
use crate::progress::Progress;
use crate::remote::Remote;
use crate::signals::Signals;
use crate::units::{Bytes, Count, Time};
use crate::{json, stdout};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

/// What is followed, and how.
pub(crate) struct Followed<'a> {
    /// Info-hashes in hexadecimal digits.
    pub(crate) hashes: &'a [String],
    pub(crate) json: bool,
    /// When it is given up.
    pub(crate) deadline: Option<Instant>,
    /// Whether each is said to be done.
    pub(crate) says_done: bool,
}

/// Follows these torrents until each is complete. What ends it earlier leaves them to the daemon, and says so.
pub(crate) async fn follow(remote: &Remote, followed: &Followed<'_>, signals: &mut Signals) -> Outcome {
    let mut progress = Progress::new(followed.json);
    let exit = tokio::select! {
        exit = signals.first() => exit,
        () = at(followed.deadline) => Exit::GaveUp,
        done = until_done(remote, followed, &mut progress) => return done.map(|()| Exit::Done),
    };
    let goes_on = format!("the daemon goes on: `teem list {}` says how it stands", followed.hashes.join(" "));
    if exit == Exit::GaveUp {
        let message = format!("gave up after --timeout; {goes_on}");
        return Err(Stop { exit, class: "timeout", message });
    }
    progress.say(&goes_on);
    Ok(exit)
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

async fn until_done(remote: &Remote, followed: &Followed<'_>, progress: &mut Progress) -> Result<(), Stop> {
    let mut select = form_urlencoded::Serializer::new(String::new());
    select.extend_pairs(followed.hashes.iter().map(|hash| ("select", hash)));
    let mut stream = remote.stream(&format!("/teem/v1/torrents?{}", select.finish())).await?;
    let (mut rows, mut done) = (Rows::default(), BTreeSet::new());
    loop {
        rows.take(&stream.next().await?);
        let mut all = Vec::new();
        for hash in followed.hashes {
            let gone = || Stop::refused("removed", format!("{hash} was removed from the daemon"));
            all.push(rows.row(hash).ok_or_else(gone)?);
        }
        for row in &all {
            if followed.json {
                json::line(&status(row));
            }
            let hash = row["infohash"].as_str().unwrap_or_default();
            if row["complete"] == true && done.insert(hash.to_owned()) && followed.says_done {
                if followed.json {
                    json::line(&finished(row));
                }
                let name = shown(&row["name"]);
                progress.say(&format!("{name}: complete, verified and on the disk; the daemon goes on with it"));
            }
        }
        stdout::check()?;
        if done.len() == all.len() {
            return Ok(());
        }
        for row in &all {
            stuck(row)?;
        }
        progress.show(&line(&all));
    }
}

/// Why one cannot become complete, if that is so.
fn stuck(row: &Value) -> Result<(), Stop> {
    let (name, hash) = (shown(&row["name"]), shown(&row["infohash"]));
    if row["complete"] == true {
        return Ok(());
    }
    match row["state"].as_str() {
        Some("failed") => {
            let why = row["error"].as_str().map_or_else(|| "it has failed".to_owned(), crate::foreign::plain);
            Err(Stop::local(format!("{name}: {why} (`teem why {hash}`)")))
        }
        Some("paused") => {
            let message = format!("{name} is paused: `teem resume {hash}` has the daemon go on");
            Err(Stop { exit: Exit::GaveUp, class: "gave_up", message })
        }
        _ => Ok(()),
    }
}

fn number(row: &Value, key: &str) -> u64 {
    row[key].as_u64().unwrap_or(0)
}

/// How one stands, with the keys that `get` has by itself.
fn status(row: &Value) -> Value {
    json!({
        "event": "status", "infohash_v1": row["infohash"], "state": row["state"], "have": row["have"], "wanted": row["wanted"],
        "down_rate": row["down_rate"], "up_rate": row["up_rate"], "downloaded": row["downloaded"], "uploaded": row["uploaded"],
        "seeds": row["seeds"], "downloaders": row["downloaders"], "kept": true,
    })
}

fn finished(row: &Value) -> Value {
    let path = Path::new(row["folder"].as_str().unwrap_or_default()).join(row["name"].as_str().unwrap_or_default());
    json!({
        "event": "done", "infohash_v1": row["infohash"], "name": row["name"], "path": path.to_string_lossy(), "size": row["size"],
        "downloaded": row["downloaded"], "uploaded": row["uploaded"], "kept": true,
    })
}

/// One line for all of them.
fn line(all: &[Value]) -> String {
    let sum = |key: &str| all.iter().map(|row| number(row, key)).sum::<u64>();
    let (have, wanted, down) = (sum("have"), sum("wanted"), sum("down_rate"));
    let peers = Count((sum("seeds") + sum("downloaders")) as usize, "peer");
    let percent = if wanted == 0 { 0 } else { u128::from(have) * 100 / u128::from(wanted) };
    let mut figures = format!("{percent} %  {} of {}  {}/s down", Bytes(have), Bytes(wanted), Bytes(down));
    if down > 0 {
        figures += &format!("  {} left", Time(Duration::from_secs(wanted.saturating_sub(have).div_ceil(down))));
    }
    let [one] = all else {
        let done = all.iter().filter(|row| row["complete"] == true).count();
        return format!("{done} of {} done  {figures}", all.len());
    };
    let name = shown(&one["name"]);
    match one["state"].as_str().unwrap_or_default() {
        "metadata" => format!("asking for the metadata: {peers}"),
        "queued" => format!("waiting for a place among the daemon's torrents  {name}"),
        "checking" | "placing" => format!("looking at the files  {name}"),
        "disk_trouble" => format!("{figures}  waiting for the disk  {name}"),
        _ => format!("{figures}  {peers} ({})  {name}", Count(number(one, "seeds") as usize, "seed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_far_it_is() {
        let one = json!({
            "infohash": "ab", "name": "film", "state": "downloading", "have": 500, "wanted": 1000, "down_rate": 100, "seeds": 1, "downloaders": 2,
        });
        assert_eq!(
            line(std::slice::from_ref(&one)),
            "50 %  500 B of 0.98 KiB  100 B/s down  5 s left  3 peers (1 seed)  film"
        );
        let done = json!({"complete": true, "have": 1000, "wanted": 1000});
        assert!(line(&[one.clone(), done]).starts_with("1 of 2 done  75 %"), "{}", line(&[one]));
    }

    #[test]
    fn what_rests_or_has_failed_is_not_waited_for() {
        let of = |state: &str| stuck(&json!({"name": "film", "infohash": "ab", "state": state, "error": "no space"}));
        assert_eq!(of("failed").unwrap_err().exit, Exit::Local);
        assert_eq!(of("paused").unwrap_err().exit, Exit::GaveUp);
        assert!(of("downloading").is_ok() && of("queued").is_ok());
    }
}
