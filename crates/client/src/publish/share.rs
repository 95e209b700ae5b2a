//! A seed with everything around it: a tracker of its own, the .torrent and a page over HTTP, links (BEP 3, 9, 15, 23).
use super::addresses::{Address, addresses, for_links};
use super::links;
use super::offered::Offered;
use crate::admission::Add;
use crate::client::Client;
use crate::create::hash::{self, Digests};
use crate::create::recipe::{MakeError, Recipe, without_secrets};
use crate::places::AddError;
use crate::source::{self, LinkError};
use crate::torrent::Torrent;
use crate::web::site::Offer;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use teem_metainfo::Info;
use teem_swarm::command::Spreading;
use teem_wire::tracker::url::{has_secret, has_token};

/// How content is to be shared.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct ShareOptions {
    /// The one address that is listened on; `None` is all.
    pub bound: Option<IpAddr>,
    /// Names and addresses that others reach this machine by.
    pub hosts: Vec<String>,
    /// Whether to run a tracker (and to serve the .torrent and a page).
    pub tracker: bool,
    /// Upload limit of this torrent, payload bytes a second.
    pub up: Option<u64>,
    /// How the content leaves this machine.
    pub spreading: Spreading,
    /// Whether all peers belong to one owner (a cluster): nobody is made to give before he gets.
    pub cooperative: bool,
}

/// Why content cannot be shared.
#[derive(Debug)]
#[non_exhaustive]
pub enum ShareError {
    /// No torrent can be made.
    Make(MakeError),
    /// The client does not take it.
    Add(AddError),
    /// What we made ourselves is not understood: a fault of ours.
    Link(LinkError),
}

impl fmt::Display for ShareError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Make(e) => write!(f, "{e}"),
            Self::Add(e) => write!(f, "{e}"),
            Self::Link(e) => write!(f, "{e}"),
        }
    }
}

impl std::error::Error for ShareError {}

/// Content that is being shared.
#[non_exhaustive]
pub struct Shared {
    /// The torrent that is seeded.
    pub torrent: Torrent,
    /// The metadata that was made of the content.
    pub info: Arc<Info>,
    /// The .torrent's bytes.
    pub torrent_file: Vec<u8>,
    /// The magnet link for others, without trackers and web seeds whose URLs hold something like a passkey.
    pub magnet: String,
    /// The trackers and web seeds that the link and the .torrent for others leave out for that reason.
    pub withheld: Vec<String>,
    /// Where the .torrent can be fetched, unless there is no tracker or the torrent is private.
    pub torrent_url: Option<String>,
    /// Where a browser finds the page, unless there is no tracker or the torrent is private.
    pub page_url: Option<String>,
    /// By which addresses this machine can be reached, best first.
    pub addresses: Vec<Address>,
    /// Last, so that the links work until nothing else is left.
    _offered: Option<Offered>,
}

/// Starts seeding and tracking, all on the client's one port. The digests must be complete; the port is written into their memory and kept.
/// Tracker and page end when what this returns is dropped, the seed ends with its client.
pub async fn share(
    client: &Client,
    recipe: &Recipe,
    digests: &mut Digests,
    options: &ShareOptions,
) -> Result<Shared, ShareError> {
    let pieces = digests.whole().map_err(ShareError::Make)?;
    // Behind a proxy nobody is let in: then no link names this machine, and no tracker runs on it.
    let listens = client.port() != 0;
    let all = if listens { addresses(client.http().path(), options.bound, &options.hosts) } else { Vec::new() };
    let tracks = options.tracker && listens;
    let in_links = for_links(&all, options.hosts.len());
    let memory = &mut digests.memory;
    if memory.made_at == 0 {
        memory.made_at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs().cast_signed());
    }
    let port = client.port();
    let own = if tracks { links::tracker_tiers(&in_links, port) } else { Vec::new() };
    let (info, torrent_file) = recipe.finish(&pieces, &own, memory.made_at).map_err(ShareError::Make)?;
    memory.port = port;
    let made_at = memory.made_at;
    // Without the memory the next start hashes again; that is no reason not to share now.
    let _ = digests.save();
    let source = source::from_bytes("our own torrent", &torrent_file).map_err(ShareError::Link)?;
    let trackers = source.metainfo.as_ref().map(|metainfo| metainfo.trackers.clone()).unwrap_or_default();
    let mut web_seeds = source.metainfo.as_ref().map(|m| m.web_seeds.clone()).unwrap_or_default();
    let closed: Vec<String> = web_seeds.extract_if(.., |url| has_token(url)).collect();
    let foreign = source.trackers.iter().skip(own.len()).cloned().collect();
    let folder = recipe.listing.root.parent().unwrap_or(&recipe.listing.root);
    let mut add = Add::publish(source::Source { trackers: foreign, ..source }, folder);
    add.name = Some(recipe.own_name().unwrap_or(&recipe.listing.name).to_owned());
    (add.up, add.spreading, add.cooperative) = (options.up, options.spreading, options.cooperative);
    add.vouched = Some(hash::files(recipe));
    let torrent = client.add(add).await.map_err(ShareError::Add)?;
    let told = without_secrets(&trackers);
    let withheld = trackers.iter().flatten().filter(|url| has_secret(url)).cloned().chain(closed).collect();
    let magnet = links::magnet(&info, &told, &web_seeds, &in_links, &client.listening());
    let file = if recipe.has_secrets() { recipe.published(&info, &own, made_at) } else { torrent_file.clone() };
    let info = Arc::new(info);
    let shown = !info.is_private();
    // Only now, so that nobody is told by a tracker which knows of nothing yet that the torrent is not there.
    let offered = tracks.then(|| {
        let offer = Offer { torrent: torrent.clone(), info: info.clone(), magnet: magnet.clone(), file, shown };
        Offered::begin(client, offer, &options.hosts)
    });
    let url = |path: &str| in_links.first().filter(|_| shown).map(|a| format!("http://{}{path}", a.with_port(port)));
    Ok(Shared {
        torrent_url: offered.as_ref().and_then(|offered| url(offered.path())),
        page_url: offered.as_ref().and_then(|_| url("/")),
        torrent,
        info,
        torrent_file,
        magnet,
        withheld,
        addresses: all,
        _offered: offered,
    })
}
