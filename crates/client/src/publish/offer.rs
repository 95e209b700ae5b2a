//! What others are given of a torrent that is in a client already: a tracker of ours that knows it, the .torrent and a page over HTTP, links (BEP 3, 9, 15, 23).
//!
//! [`offer`] is for those who keep torrents over runs and add them by themselves; [`share`](super::share::share) does all of it at once.
use super::addresses::{Address, addresses, for_links};
use super::links;
use super::offered::Offered;
use super::share::ShareOptions;
use crate::client::Client;
use crate::config::AGENT;
use crate::create::recipe::without_secrets;
use crate::torrent::Torrent;
use crate::web::site::Offer;
use teem_metainfo::Metainfo;
use teem_metainfo::create::{Options, torrent as written};
use teem_wire::tracker::url::{has_secret, has_token};

/// A torrent that others are given links to. Tracker and page end when this is dropped.
#[non_exhaustive]
pub struct Offering {
    /// The magnet link for others, without trackers and web seeds whose URLs hold something like a passkey.
    pub magnet: String,
    /// The trackers and web seeds that are left out for that reason.
    pub withheld: Vec<String>,
    /// Announce URLs of our own tracker, in tiers; none where it does not run.
    pub trackers: Vec<Vec<String>>,
    /// Where the .torrent can be fetched, unless there is no tracker or the torrent is private.
    pub torrent_url: Option<String>,
    /// Where a browser finds the page, unless there is no tracker or the torrent is private.
    pub page_url: Option<String>,
    /// By which addresses this machine can be reached, best first.
    pub addresses: Vec<Address>,
    _offered: Option<Offered>,
}

/// Offers a torrent of this client, of which this is in the .torrent, without trackers of ours; of the options those count that say where we are and whether
/// there is a tracker.
pub fn offer(client: &Client, torrent: &Torrent, metainfo: &Metainfo, options: &ShareOptions) -> Offering {
    let info = &metainfo.info;
    // Behind a proxy nobody is let in: then no link names this machine, and no tracker runs on it.
    let port = client.port();
    let all = if port == 0 { Vec::new() } else { addresses(client.http().path(), options.bound, &options.hosts) };
    let in_links = for_links(&all, options.hosts.len());
    let tracks = options.tracker && port != 0;
    let own = if tracks { links::tracker_tiers(&in_links, port) } else { Vec::new() };
    let trackers: Vec<Vec<String>> = own.iter().chain(&metainfo.trackers).cloned().collect();
    let (closed, web_seeds): (Vec<String>, Vec<String>) =
        metainfo.web_seeds.iter().cloned().partition(|url| has_token(url));
    let withheld = trackers.iter().flatten().filter(|url| has_secret(url)).cloned().chain(closed).collect();
    let told = without_secrets(&trackers);
    let magnet = links::magnet(info, &told, &web_seeds, &in_links, &client.listening());
    let shown = !info.is_private();
    let offered = tracks.then(|| {
        let around = Options {
            comment: metainfo.comment.clone(),
            created_by: metainfo.created_by.clone().or_else(|| Some(AGENT.to_owned())),
            creation_date: metainfo.creation_date,
            trackers: told,
            web_seeds,
            ..Options::default()
        };
        let file = written(info.raw(), &around);
        let (torrent, info, magnet) = (torrent.clone(), info.clone(), magnet.clone());
        Offered::begin(client, Offer { torrent, info, magnet, file, shown }, &options.hosts)
    });
    let url = |path: &str| in_links.first().filter(|_| shown).map(|a| format!("http://{}{path}", a.with_port(port)));
    Offering {
        torrent_url: offered.as_ref().and_then(|offered| url(offered.path())),
        page_url: offered.as_ref().and_then(|_| url("/")),
        magnet,
        withheld,
        trackers: own,
        addresses: all,
        _offered: offered,
    }
}
