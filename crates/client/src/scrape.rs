//! What trackers say of a torrent without being announced to: a scrape (BEP 48 over HTTP, BEP 15 over UDP).
//!
//! Nobody hears of us by it: no peer id, no port, no counters are told.
use crate::http::egress::Egress;
use crate::http::fetch::{Http, Limits};
use crate::resolve::resolve;
use std::net::SocketAddr;
use std::time::Duration;
use teem_metainfo::{AnnounceUrl, InfoHash};
use teem_path::Path;
use teem_wire::compact::Family;
use teem_wire::reach::Reach;
pub use teem_wire::tracker::scrape::ScrapeEntry;
use teem_wire::tracker::scrape::{decode, scrape_url};
use teem_wire::tracker::udp::{Reply, Request, decode_reply, encode_request};
use teem_wire::tracker::url::{Scheme, TrackerUrl};
use tokio::net::UdpSocket;

/// Time for one tracker in all.
const LIMIT: Duration = Duration::from_secs(15);
/// How long a packet's answer is waited for; it is sent so often.
const REPEAT: Duration = Duration::from_secs(2);
const PACKETS_MAX: usize = 2;
/// Bytes of an answer: 8, and 12 for the torrent; what is longer is cut and not needed.
const PACKET_MAX: usize = 2048;

/// Asks one tracker for the numbers of a torrent; `None` when it does not know it (over UDP that cannot be told from nobody being
/// there). The error is a sentence for the user.
pub async fn scrape(http: &Http, tracker: &AnnounceUrl, hash: InfoHash) -> Result<Option<ScrapeEntry>, String> {
    let url = TrackerUrl::parse(tracker.reveal()).map_err(|e| tracker.without_secrets(&e.to_string()))?;
    let asked = async {
        match url.scheme {
            Scheme::Udp => over_udp(http.path(), &url, tracker, hash).await,
            Scheme::Http | Scheme::Https => over_http(http, tracker, hash).await,
        }
    };
    let told = tokio::time::timeout(LIMIT, asked).await;
    told.unwrap_or_else(|_| Err("the tracker did not answer in time".to_owned()))
        .map_err(|why| tracker.without_secrets(&why))
}

async fn over_http(http: &Http, tracker: &AnnounceUrl, hash: InfoHash) -> Result<Option<ScrapeEntry>, String> {
    let url = scrape_url(tracker.reveal(), &[hash])
        .ok_or_else(|| "this tracker cannot be scraped: its URL does not end in `announce` (BEP 48)".to_owned())?;
    let egress = Egress::to_tracker(tracker);
    let answer = http.get_within(&url, Limits::TRACKER, egress).await.map_err(|e| e.to_string())?;
    match decode(&answer.body) {
        Ok(entries) => Ok(entries.into_iter().find(|(found, _)| *found == hash).map(|(_, entry)| entry)),
        Err(_) if answer.status != 200 => Err(format!("the tracker answered with HTTP status {}", answer.status)),
        Err(why) => Err(why),
    }
}

/// Its addresses are asked one after the other, each family's first one first.
async fn over_udp(
    path: &Path,
    url: &TrackerUrl,
    tracker: &AnnounceUrl,
    hash: InfoHash,
) -> Result<Option<ScrapeEntry>, String> {
    let mut addrs = resolve(path, &url.host, url.port).await?;
    addrs.retain(|addr| Reach::of(addr.ip()) == Reach::Public || tracker.may_be_near_at(*addr));
    let mut why = String::from("it leads into this machine's own network, to more than a link may have asked there");
    for v4 in [true, false] {
        for addr in addrs.iter().filter(|addr| addr.is_ipv4() == v4) {
            match ask(path, *addr, hash).await {
                Ok(entry) => return Ok(Some(entry)),
                Err(e) => why = e,
            }
        }
    }
    Err(why)
}

async fn ask(path: &Path, addr: SocketAddr, hash: InfoHash) -> Result<ScrapeEntry, String> {
    let fail = |e: std::io::Error| format!("the tracker at {addr} cannot be reached: {e}");
    let socket = path.udp_toward(addr).and_then(UdpSocket::from_std).map_err(fail)?;
    socket.connect(addr).await.map_err(fail)?;
    let transaction = crate::entropy::number() as u32;
    let connection = match exchange(&socket, addr, &Request::Connect { transaction }).await? {
        Reply::Connect { connection, .. } => connection,
        other => return Err(refusal(other)),
    };
    let transaction = crate::entropy::number() as u32;
    let request = Request::Scrape { connection, transaction, hashes: vec![hash] };
    match exchange(&socket, addr, &request).await? {
        Reply::Scrape { entries, .. } => {
            entries.first().copied().ok_or_else(|| "the tracker's answer is of no use: it has no numbers".to_owned())
        }
        other => Err(refusal(other)),
    }
}

fn refusal(reply: Reply) -> String {
    match reply {
        Reply::Error { message, .. } => format!("the tracker refused: {}", message.escape_debug()),
        _ => "the tracker's answer is of no use: it is to something else".to_owned(),
    }
}

/// Sends a request until it is answered. Packets that are not from there or not to this request are passed over.
async fn exchange(socket: &UdpSocket, addr: SocketAddr, request: &Request) -> Result<Reply, String> {
    let fail = |e: std::io::Error| format!("the tracker at {addr} cannot be reached: {e}");
    let (Request::Connect { transaction: wanted }
    | Request::Announce { transaction: wanted, .. }
    | Request::Scrape { transaction: wanted, .. }) = request;
    let packet = encode_request(request, "");
    let mut buffer = vec![0; PACKET_MAX];
    for _ in 0..PACKETS_MAX {
        socket.send(&packet).await.map_err(fail)?;
        let answer = async {
            loop {
                let n = socket.recv(&mut buffer).await.map_err(fail)?;
                let Some(reply) = decode_reply(&buffer[..n], Family::of(addr.ip())) else { continue };
                let (Reply::Connect { transaction, .. }
                | Reply::Announce { transaction, .. }
                | Reply::Scrape { transaction, .. }
                | Reply::Error { transaction, .. }) = &reply;
                if transaction == wanted {
                    return Ok(reply);
                }
            }
        };
        if let Ok(answer) = tokio::time::timeout(REPEAT, answer).await {
            return answer;
        }
    }
    Err(format!("the tracker at {addr} did not answer"))
}
