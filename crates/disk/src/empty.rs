//! Files without content (BEP 3, `length` 0): no piece holds a byte of them, so they are made by themselves.
use crate::error::explain;
use crate::torrent::Torrent;
use teem_swarm::job::DiskError;

/// Makes those that are wanted and not there.
pub(crate) fn make_empty(torrent: &Torrent) -> Result<(), DiskError> {
    for file in torrent.content.stored().filter(|file| file.len == 0 && torrent.parts.wants(file.index)) {
        let fail = |e| explain(&e, "create", &torrent.whole_path(file.index));
        if torrent.seen(file.index).stat.is_none() {
            torrent.prepare(file.index).map(drop).map_err(fail)?;
        }
    }
    Ok(())
}
