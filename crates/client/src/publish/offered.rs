//! What is served of one torrent on the port of the peers: its tracker, its .torrent, its part of the page (BEP 3, 15, 23).
use super::links;
use crate::client::Client;
use crate::web::site::{Offer, Site};
use std::sync::Arc;

/// What is served of one torrent, until this is dropped.
pub(super) struct Offered {
    site: Arc<Site>,
    path: String,
}

impl Offered {
    /// Has the client's port serve it.
    pub(super) fn begin(client: &Client, offer: Offer, hosts: &[String]) -> Self {
        let site = client.site();
        let paths = links::torrent_paths(&offer.info, offer.torrent.info_hash());
        let path = site.offer(offer, paths, hosts.iter().cloned());
        Self { site, path }
    }

    /// The path of the .torrent.
    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

impl Drop for Offered {
    fn drop(&mut self) {
        self.site.withdraw(&self.path);
    }
}
