//! Carrying out what the engine asks of the world (own design; BEP 3, 9): announces over HTTP, names, places for content.
//!
//! A question comes with its id through a bounded queue, and each has one answer, which goes to the host by that id. A new kind of question
//! gets its arm in [`carry_out`]. When the queue is full the router answers that it is busy, and the engine asks again; when the
//! mailbox of the host is full the answer waits here.
use crate::behind::packets_to;
use crate::places::AddError;
use crate::registry::Registry;
use crate::trackers::Announces;
use std::sync::Arc;
use teem_disk::DiskHandle;
use teem_host::host::HostHandle;
use teem_host::mailbox::{HostMsg, SendError};
use teem_metainfo::Info;
use teem_path::Path;
use teem_swarm::ask::{Answer, AskId, Question};
use teem_swarm::command::Command;
use teem_swarm::ids::TorrentId;
use teem_swarm::selection::Selection;
use tokio::sync::mpsc;

/// Questions that may wait: far above what a turn of the async side leaves.
pub(crate) const QUESTIONS_MAX: usize = 4096;

/// What the answers need of a client.
pub(crate) struct Reach {
    /// The way to the engine.
    pub(crate) host: HostHandle,
    /// The way to the disk, which is told of places.
    pub(crate) disk: DiskHandle,
    /// The torrents, and where each goes.
    pub(crate) registry: Arc<Registry>,
}

/// Carries questions out as long as the client can be reached.
pub(crate) async fn carry_out(
    mut questions: mpsc::Receiver<(AskId, Question)>,
    client: impl Fn() -> Option<Reach>,
    announces: Announces,
    path: Path,
) {
    while let Some((id, question)) = questions.recv().await {
        let Some(Reach { host, disk, registry }) = client() else { return };
        let (announces, path) = (announces.clone(), path.clone());
        let (ends, ended) = (host.clone(), registry.clone());
        let carried = async move {
            #[cfg(debug_assertions)]
            assert!(!registry.planted.swap(false, std::sync::atomic::Ordering::SeqCst), "planted in a question");
            let (answer, homeless) = match question {
                Question::Announce { url, announce, .. } => (announces.run(&url, &announce).await, None),
                Question::Resolve { host: name, port, speaks } => {
                    let found = packets_to(&host, &path, &name, port, speaks).await;
                    (Answer::Resolved(found), None)
                }
                Question::Place { torrent, info } => {
                    // Looking at the folder touches the disk, which may hang; nothing else waits for it here.
                    let find = move || place(&disk, &registry, torrent, &info);
                    let fault = |what| Err(format!("a fault of this program, please report it: {what}"));
                    let find = move || teem_fault::contain(find).unwrap_or_else(fault);
                    let place = tokio::task::spawn_blocking(find);
                    let placed =
                        place.await.unwrap_or_else(|e| Err(format!("no place was found for the content: {e}")));
                    let homeless = placed.is_err().then_some(torrent);
                    (Answer::Placed(placed), homeless)
                }
                Question::Load { torrent } => {
                    let load = move || {
                        let (place, info) = registry.places.load(torrent)?;
                        disk.place(torrent, place);
                        Ok(info)
                    };
                    let fault = |what| Err(format!("a fault of this program, please report it: {what}"));
                    let load = tokio::task::spawn_blocking(move || teem_fault::contain(load).unwrap_or_else(fault));
                    let loaded = load.await.unwrap_or_else(|e| Err(format!("its metadata was not read: {e}")));
                    (Answer::Loaded(loaded), None)
                }
            };
            deliver(&host, HostMsg::Answer { id, answer }).await;
            if let Some(torrent) = homeless {
                // The same torrent can then be added again for another folder.
                deliver(&host, HostMsg::Command(Command::Remove(torrent))).await;
            }
        };
        tokio::spawn(async move {
            // A question without an answer would be waited for in vain.
            if let Err(why) = teem_fault::caught(Box::pin(carried)).await {
                ended.fail_and_end(&ends, &why);
            }
        });
    }
}

/// The metadata of a magnet link came: its name decides the place, its files what is wanted.
fn place(
    disk: &DiskHandle,
    registry: &Registry,
    torrent: TorrentId,
    info: &Arc<Info>,
) -> Result<Option<Selection>, String> {
    registry.places.recall_rivals(torrent, info);
    let settled = registry.places.settle(torrent, info).ok_or_else(|| String::from("the torrent was removed"))?;
    let (place, choice) = settled.map_err(|e| e.to_string())?;
    let selection = choice.is_said().then(|| choice.of(info)).transpose();
    let selection = selection.map_err(|why| AddError::Choice(why).to_string())?;
    disk.place(torrent, place);
    Ok(selection)
}

/// Gives the host a message, however full its mailbox is. A host that has ended needs none.
async fn deliver(host: &HostHandle, mut message: HostMsg) {
    while let Err(SendError::Full(back)) = host.send(message) {
        message = *back;
        host.room().await;
    }
}
