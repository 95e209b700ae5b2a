//! `torrents/add` (qBittorrent's Web API): links and files, each added as the other wishes say, below the daemon's roots alone.
use super::form::Form;
use super::outcome::{Done, Outcome, Refused};
use super::sharing;
use crate::adding::{Incomplete, Wishes};
use crate::daemon::Daemon;
use crate::failed::AddFailed;
use crate::label::Label;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Torrents of one call.
const ADDED_MAX: usize = 1_000;

/// Bytes a second, where there is a limit.
fn rate(form: &Form, key: &str) -> Option<u64> {
    form.int(key).and_then(|rate| u64::try_from(rate).ok()).filter(|rate| *rate > 0)
}

/// Where content lies until it is complete, below the daemon's first folder where that is not absolute.
fn incomplete(daemon: &Daemon, form: &Form) -> Incomplete {
    let folder = form.text("downloadPath").map(|path| Incomplete::In(daemon.first_root().join(path)));
    match form.flag("useDownloadPath") {
        Some(false) => Incomplete::Never,
        Some(true) | None => folder.unwrap_or_default(),
    }
}

/// Carries `torrents/add` out: `Ok.` where one was added at least, and `Fails.` with why where none was.
pub(super) async fn add(daemon: &Daemon, form: &Form) -> Outcome {
    let category = form.text("category");
    let mut labels: BTreeSet<String> = form.list("tags", ',').into_iter().collect();
    if let Some(category) = category {
        labels.insert(category.to_owned());
        let known = daemon.all_labels().get(category).is_some_and(|label| label.category);
        if !known {
            let label = Label { category: true, folder: PathBuf::new() };
            daemon.keep_labels(vec![(category.to_owned(), Some(label))]).await?;
        }
    }
    let of_category = category.and_then(|category| daemon.all_labels().get(category).map(|label| label.folder.clone()));
    let named = form.text("savepath").map(|path| daemon.first_root().join(path));
    let wishes = Wishes {
        folder: named.or(of_category.filter(|folder| !folder.as_os_str().is_empty())),
        incomplete: incomplete(daemon, form),
        labels,
        paused: form.flag("stopped").or_else(|| form.flag("paused")).unwrap_or(false),
        up: rate(form, "upLimit"),
        down: rate(form, "dlLimit"),
        subfolder: form.text("contentLayout") == Some("Subfolder"),
        until: sharing::wanted(form).and_then(|parts| parts.goal(daemon.0.policy.rules().goal)),
        ..Wishes::default()
    };
    let (mut added, mut why): (usize, Option<AddFailed>) = (0, None);
    let links: Vec<String> = form.list("urls", '\n');
    for link in links.iter().take(ADDED_MAX) {
        match daemon.add_link(link, wishes.clone()).await {
            Ok(_) => added += 1,
            Err(e) => why = Some(e),
        }
    }
    for file in form.files().take(ADDED_MAX) {
        match daemon.add_file(file, wishes.clone()).await {
            Ok(_) => added += 1,
            Err(e) => why = Some(e),
        }
    }
    match why {
        None if added == 0 => Err(Refused::missing("urls")),
        Some(AddFailed::Wish(why)) if added == 0 => Err(Refused::conflict(why)),
        Some(AddFailed::Link(teem_client::source::LinkError::Torrent(..))) if added == 0 => Err(Refused(
            teem_web::http::StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "it is not a valid torrent file".to_owned(),
        )),
        Some(_) if added == 0 => Ok(Done::Text("Fails.".to_owned())),
        _ => Ok(Done::Text("Ok.".to_owned())),
    }
}
