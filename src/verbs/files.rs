//! `teem move` and `teem remove`: what is done to the files of torrents.
use super::asked::{of, tell};
use super::shown::say;
use crate::cli::daemon::{Move, Remove};
use crate::exit::{Exit, Outcome, Stop};
use crate::remote::Remote;
use crate::units::Count;
use serde_json::json;
use std::io::{IsTerminal, stderr, stdin};

pub(crate) async fn relocate(options: &Move) -> Outcome {
    // The grammar asks for two at least.
    let Some((folder, select)) = options.select_and_folder.split_last() else { return Ok(Exit::Usage) };
    let folder = std::path::absolute(folder).map_err(|e| Stop::local(format!("{folder}: {e}")))?;
    let remote = Remote::new(options.reached.daemon.as_deref())?;
    let request = json!({"select": select, "folder": folder, "now": options.now});
    let torrents = remote.post("/teem/v1/torrents/move", &request).await?;
    let (under_way, others): (Vec<_>, Vec<_>) =
        torrents.as_array().cloned().unwrap_or_default().into_iter().partition(|torrent| torrent["state"] == "moving");
    let (later, moved): (Vec<_>, Vec<_>) = others.into_iter().partition(|torrent| torrent["incomplete"].is_string());
    tell(&json!(moved), "moved", options.json);
    tell(&json!(later), "will be moved once it is complete:", options.json);
    tell(&json!(under_way), "moving (`teem list` says how it stands)", options.json);
    Ok(Exit::Done)
}

pub(crate) async fn remove(options: &Remove) -> Outcome {
    let daemon = options.reached.daemon.as_deref();
    if options.with_data && !options.yes {
        let torrents = of(&options.select, "", daemon).await?;
        let count = torrents.as_array().or_else(|| torrents["torrents"].as_array()).map_or(0, Vec::len);
        if count > 1 && !agreed(count)? {
            return Ok(Exit::No);
        }
    }
    let request = json!({"select": options.select, "with_data": options.with_data});
    let torrents = Remote::new(daemon)?.post("/teem/v1/torrents/remove", &request).await?;
    tell(&torrents, if options.with_data { "removed with its files" } else { "removed" }, options.json);
    Ok(Exit::Done)
}

/// Asks a person; where there is none it is refused.
fn agreed(count: usize) -> Result<bool, Stop> {
    let count = Count(count, "torrent");
    if !stdin().is_terminal() || !stderr().is_terminal() {
        return Err(Stop::usage(format!("the files of {count} would be removed, and nobody can be asked: say --yes")));
    }
    say(&format!("Remove {count} and their files? [y/N]"));
    let mut line = String::new();
    stdin().read_line(&mut line).map_err(|e| Stop::local(format!("no answer can be read: {e}")))?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}
