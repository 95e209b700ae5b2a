//! What others are given of torrents that are shared (own design): links, with what they lead to.
use crate::wanted::Sharing;
use serde::Serialize;
use std::collections::BTreeMap;
use teem_client::metainfo::InfoHash;
use teem_client::publish::addresses::Address;
use teem_client::publish::offer::Offering;
use teem_metainfo::redact::redact;
use utoipa::ToSchema;

/// Torrents that are offered.
pub(crate) type Offers = BTreeMap<InfoHash, (Offering, Sharing)>;

/// What others are given.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub(crate) struct Links {
    /// The 20 bytes that peers know it by, in hexadecimal digits.
    infohash: String,
    /// The magnet link for others.
    magnet: String,
    /// Where others fetch the .torrent; null where the daemon does not track it, and of private ones.
    torrent_url: Option<String>,
    /// Where a browser finds the page; null as above.
    page_url: Option<String>,
    /// The port of peers, of the tracker and of the page.
    port: u16,
    /// By which addresses this machine can be reached, best first.
    addresses: Vec<AddressTold>,
    /// URLs of the daemon's own tracker, in tiers.
    trackers: Vec<Vec<String>>,
    /// Trackers and web seeds that are left out, without what is a secret in them.
    withheld: Vec<String>,
}

/// One way to reach this machine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
struct AddressTold {
    /// An address, or a name that was given.
    host: String,
    /// From where it is of use: `loopback`, `private`, `public`, or `named` where that is not known.
    class: &'static str,
}

impl Links {
    pub(crate) fn of(hash: InfoHash, port: u16, offering: &Offering) -> Self {
        let address = |address: &Address| AddressTold { host: address.host.clone(), class: address.class() };
        Self {
            infohash: hash.to_string(),
            magnet: offering.magnet.clone(),
            torrent_url: offering.torrent_url.clone(),
            page_url: offering.page_url.clone(),
            port,
            addresses: offering.addresses.iter().map(address).collect(),
            trackers: offering.trackers.clone(),
            withheld: offering.withheld.iter().map(|url| redact(url)).collect(),
        }
    }
}
