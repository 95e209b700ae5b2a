//! `-`: a .torrent file, or links, from standard input.
use crate::exit::Stop;
use std::io::Read;
use teem_client::http::fetch::Http;
use teem_client::{Source, source};
use teem_metainfo::Limits;

pub(crate) fn is_dash(word: &str) -> bool {
    word == "-"
}

/// Standard input, with the limit of a .torrent file.
pub(crate) fn bytes() -> Result<Vec<u8>, Stop> {
    let mut all = Vec::new();
    let limit = Limits::FILE.bencode.bytes as u64 + 1;
    std::io::stdin()
        .take(limit)
        .read_to_end(&mut all)
        .map_err(|e| Stop::local(format!("standard input cannot be read: {e}")))?;
    Ok(all)
}

/// One torrent or link from standard input.
pub(crate) async fn source(http: &Http) -> Result<Source, Stop> {
    let bytes = bytes()?;
    match source::links(&bytes) {
        None => source::from_bytes("standard input", &bytes).map_err(|e| Stop::link(&e)),
        Some(links) => {
            let link = links.first().ok_or_else(|| Stop::usage("standard input holds no link"))?;
            let mut source = source::load(link, http).await.map_err(|e| Stop::link(&e))?;
            if links.len() > 1 {
                source.hints.push(format!("standard input holds {} links; this is the first", links.len()));
            }
            Ok(source)
        }
    }
}
