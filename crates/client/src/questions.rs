//! Carrying out what the engine asks of the world (own design; BEP 3, 9): announces over HTTP, names, places for content.
//!
//! A question comes with its id through a bounded queue, and each has one answer, which goes to the host by that id. A new kind of question
//! gets its arm in `answer_to`. When the queue is full the router answers that it is busy, and the engine asks again; when the
//! mailbox of the host is full the answer waits here.
use crate::client::Inner;
use crate::places::AddError;
use crate::resolve::resolve;
use crate::trackers::Announces;
use core::time::Duration;
use std::sync::{Arc, Weak};
use teem_host::host::HostHandle;
use teem_host::mailbox::{HostMsg, SendError};
use teem_metainfo::Info;
use teem_swarm::ask::{Answer, AskId, Question};
use teem_swarm::command::Command;
use teem_swarm::ids::TorrentId;
use teem_swarm::selection::Selection;
use tokio::sync::mpsc;

/// Questions that may wait: far above what a turn of the async side leaves.
pub(crate) const QUESTIONS_MAX: usize = 4096;

/// The wait before a message is tried again that the host's mailbox had no room for.
const MAILBOX_WAIT: Duration = Duration::from_millis(50);

/// Carries questions out until the client is gone.
pub(crate) async fn carry_out(
    mut questions: mpsc::Receiver<(AskId, Question)>,
    client: Weak<Inner>,
    announces: Announces,
) {
    while let Some((id, question)) = questions.recv().await {
        let Some(inner) = client.upgrade() else { return };
        let announces = announces.clone();
        tokio::spawn(async move {
            let host = inner.host.clone();
            let placed = if let Question::Place { torrent, .. } = &question { Some(*torrent) } else { None };
            let answer = answer_to(question, inner, &announces).await;
            let homeless = placed.filter(|_| matches!(answer, Answer::Placed(Err(_))));
            deliver(&host, HostMsg::Answer { id, answer }).await;
            if let Some(torrent) = homeless {
                // The same torrent can then be added again for another folder.
                deliver(&host, HostMsg::Command(Command::Remove(torrent))).await;
            }
        });
    }
}

async fn answer_to(question: Question, inner: Arc<Inner>, announces: &Announces) -> Answer {
    match question {
        Question::Announce { url, announce } => {
            // The announce may wait for its turn; the client need not live on for it.
            drop(inner);
            announces.run(&url, &announce).await
        }
        Question::Resolve { host, port } => {
            drop(inner);
            Answer::Resolved(resolve(&host, port).await)
        }
        Question::Place { torrent, info } => {
            // Looking at the folder touches the disk, which may hang; nothing else waits for it here.
            let placed = tokio::task::spawn_blocking(move || place(&inner, torrent, &info)).await;
            placed.map_or_else(
                |e| Answer::Placed(Err(format!("no place was found for the content: {e}"))),
                Answer::Placed,
            )
        }
    }
}

/// The metadata of a magnet link came: its name decides the place, its files what is wanted.
fn place(inner: &Inner, torrent: TorrentId, info: &Info) -> Result<Option<Selection>, String> {
    let settled = inner.registry.places.settle(torrent, info).ok_or_else(|| String::from("the torrent was removed"))?;
    let (place, choice) = settled.map_err(|e| e.to_string())?;
    let selection = (!choice.is_all()).then(|| choice.of(info)).transpose();
    let selection = selection.map_err(|why| AddError::Choice(why).to_string())?;
    inner.disk.place(torrent, place);
    Ok(selection)
}

/// Gives the host a message, however full its mailbox is. A host that has ended needs none.
async fn deliver(host: &HostHandle, mut message: HostMsg) {
    while let Err(SendError::Full(back)) = host.send(message) {
        message = *back;
        tokio::time::sleep(MAILBOX_WAIT).await;
    }
}
