//! A seed with everything around it: a tracker of its own, the .torrent over HTTP, links (BEP 3, 9, 15, 23).
use super::addresses::{Address, addresses, for_links};
use super::links;
use super::web::Web;
use crate::client::{Add, Client};
use crate::create::hash::{self, Digests};
use crate::create::recipe::{MakeError, Recipe};
use crate::places::AddError;
use crate::source::{self, LinkError};
use crate::torrent::Torrent;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use teem_metainfo::Info;
use teem_swarm::command::Spreading;

/// How content is to be shared.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ShareOptions {
    /// The one address that is listened on; `None` is all.
    pub bound: Option<IpAddr>,
    /// Names and addresses that others reach this machine by.
    pub hosts: Vec<String>,
    /// Whether to run a tracker (and to serve the .torrent).
    pub tracker: bool,
    /// Upload limit of this torrent, payload bytes a second.
    pub up: Option<u64>,
    /// How the content leaves this machine.
    pub spreading: Spreading,
}

/// Why content cannot be shared.
#[derive(Debug)]
pub enum ShareError {
    /// No torrent can be made.
    Make(MakeError),
    /// The client does not take it.
    Add(AddError),
    /// The tracker cannot listen.
    Listen(io::Error),
    /// What we made ourselves is not understood: a fault of ours.
    Link(LinkError),
}

impl fmt::Display for ShareError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Make(e) => write!(f, "{e}"),
            Self::Add(e) => write!(f, "{e}"),
            Self::Listen(e) => write!(f, "the tracker cannot listen: {e}"),
            Self::Link(e) => write!(f, "{e}"),
        }
    }
}

impl std::error::Error for ShareError {}

/// Content that is being shared.
pub struct Shared {
    /// The seed.
    pub torrent: Torrent,
    /// Its metadata.
    pub info: Arc<Info>,
    /// The .torrent's bytes.
    pub torrent_file: Vec<u8>,
    /// The magnet link for others.
    pub magnet: String,
    /// Where the .torrent can be fetched, unless there is no tracker.
    pub torrent_url: Option<String>,
    /// By which addresses this machine can be reached, best first.
    pub addresses: Vec<Address>,
    /// TCP and UDP port of the tracker; 0 when there is none.
    pub web_port: u16,
    web: Option<Web>,
}

impl Shared {
    /// Ends the tracker; the seed ends with its client.
    pub async fn stop(self) {
        if let Some(web) = self.web {
            web.shutdown().await;
        }
    }
}

/// Starts seeding and tracking. The digests must be complete; the ports are written into their memory and kept.
pub async fn share(
    client: &Client,
    recipe: &Recipe,
    digests: &mut Digests,
    options: &ShareOptions,
) -> Result<Shared, ShareError> {
    let pieces = digests.whole().map_err(ShareError::Make)?;
    let all = addresses(options.bound, &options.hosts);
    let in_links = for_links(&all, options.hosts.len());
    let memory = &mut digests.memory;
    if memory.made_at == 0 {
        memory.made_at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs().cast_signed());
    }
    let web =
        options.tracker.then(|| Web::start(options.bound, memory.web_port)).transpose().map_err(ShareError::Listen)?;
    let web_port = web.as_ref().map_or(0, Web::port);
    let own = if options.tracker { links::tracker_tiers(&in_links, web_port) } else { Vec::new() };
    let (info, torrent_file) = recipe.finish(&pieces, &own, memory.made_at).map_err(ShareError::Make)?;
    (memory.port, memory.web_port) = (client.port(), if web_port == 0 { memory.web_port } else { web_port });
    // Without the memory the next start hashes again; that is no reason not to share now.
    let _ = digests.save();
    let source = source::from_bytes("our own torrent", &torrent_file).map_err(ShareError::Link)?;
    let trackers = source.trackers.clone();
    let web_seeds = source.metainfo.as_ref().map(|m| m.web_seeds.clone()).unwrap_or_default();
    let foreign = trackers.iter().skip(own.len()).cloned().collect();
    let folder = recipe.listing.root.parent().unwrap_or(&recipe.listing.root);
    let mut add = Add::publish(source::Source { trackers: foreign, ..source }, folder);
    add.name = Some(recipe.listing.name.clone());
    (add.up, add.spreading) = (options.up, options.spreading);
    add.vouched = Some(hash::files(recipe));
    let torrent = client.add(add).await.map_err(ShareError::Add)?;
    let path = links::torrent_path(&info);
    let torrent_url = web.as_ref().and(in_links.first()).map(|a| format!("http://{}{path}", a.with_port(web_port)));
    if let Some(web) = &web {
        web.offer(torrent.info_hash(), client.port(), path, &torrent_file);
    }
    let magnet = links::magnet(&info, &trackers, &web_seeds, &in_links, client.port());
    Ok(Shared { torrent, info: Arc::new(info), torrent_file, magnet, torrent_url, addresses: all, web_port, web })
}
