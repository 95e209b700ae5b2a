//! The proxy of the user's, found before anything else is asked for (own design; `--proxy`).
use crate::resolve::resolve;
use teem_path::{Path, Proxy};

/// The path where everything goes through that proxy. Its own name is the only one that is looked up without it. Connections from others are taken where `listens` says
/// so: they come past it.
pub async fn through(path: &Path, proxy: Proxy, listens: bool) -> Result<Path, String> {
    let at = resolve(path, proxy.host(), proxy.port()).await.map_err(|why| format!("the proxy {proxy}: {why}"))?;
    Ok(path.through(proxy, at, listens))
}
