//! Announces over HTTP and HTTPS (BEP 3, 7, 23): carried here, decided by the engine, which also says how many are under way at once.
//!
//! An announce tells one port. Where a router forwards another of one family a tracker is told once by each, since it takes the address that it sees.
use crate::http::egress::Egress;
use crate::http::error::HttpError;
use crate::http::fetch::{Http, Limits};
use teem_engine::input::PeerSource;
use teem_metainfo::AnnounceUrl;
use teem_swarm::ask::Answer;
use teem_swarm::listening::Doors;
use teem_wire::compact::Family;
use teem_wire::tracker::announce::{Announce, AnnounceError, AnnounceReply};
use teem_wire::tracker::http;

/// Carries announces; cheap to clone.
#[derive(Clone)]
pub(crate) struct Announces {
    http: Http,
    doors: Doors,
}

impl Announces {
    /// They go by `http`; `doors` say which ports lead here.
    pub(crate) fn new(http: Http, doors: Doors) -> Self {
        Self { http, doors }
    }

    /// Announces; says what came of it.
    pub(crate) async fn run(&self, url: &AnnounceUrl, announce: &Announce) -> Answer {
        let (source, reply) = self.announce(url, announce).await;
        Answer::Announced { source, reply }
    }

    async fn announce(&self, url: &AnnounceUrl, announce: &Announce) -> Announced {
        let listening = self.doors.get();
        let [v4, v6] = [Family::V4, Family::V6].map(|family| listening.outside(family));
        // Through a proxy it is not known by which family a tracker is reached, and nobody comes from outside.
        if v4 == v6 || v4 == 0 || v6 == 0 || self.http.path().proxy().is_some() {
            return self.announce_by(&self.http, url, announce).await;
        }
        let by = |family, port| {
            let (http, announce) = (self.http.over(family), Announce { port, ..announce.clone() });
            async move { self.announce_by(&http, url, &announce).await }
        };
        let (v4, v6) = tokio::join!(by(Family::V4, v4), by(Family::V6, v6));
        both(v4, v6)
    }

    async fn announce_by(&self, http: &Http, url: &AnnounceUrl, announce: &Announce) -> Announced {
        let full = http::announce_url(url.reveal(), announce);
        match http.get_within(&full, Limits::TRACKER, Egress::to_tracker(url)).await {
            Ok(answer) => (PeerSource::tracker(answer.from.ip()), judge(answer.status, &answer.body)),
            Err(e) => (PeerSource::PublicTracker, Err(failure(&e))),
        }
    }
}

/// What a tracker's answer is, and what it may name.
type Announced = (PeerSource, Result<AnnounceReply, AnnounceError>);

/// One answer of those to both families: a tracker that has addresses of one alone answers to that.
fn both(v4: Announced, v6: Announced) -> Announced {
    match (v4, v6) {
        ((source, Ok(mut reply)), (other, Ok(also))) => {
            let more = also.peers.into_iter().filter(|peer| !reply.peers.contains(peer)).collect::<Vec<_>>();
            reply.peers.extend(more);
            reply.ids.clear();
            // Neither names what is nearer than the farther of both.
            let source = if other == PeerSource::PublicTracker { other } else { source };
            (source, Ok(reply))
        }
        (answer @ (_, Ok(_)), _) | (_, answer @ (_, Ok(_))) => answer,
        ((_, Err(AnnounceError::Unreachable(_))), v6) => v6,
        (v4, _) => v4,
    }
}

/// Some trackers put their reason into the body of an error status, so the body is tried first.
fn judge(status: u16, body: &[u8]) -> Result<AnnounceReply, AnnounceError> {
    match http::decode_reply(body) {
        Err(AnnounceError::Malformed(_)) | Ok(_) if status != 200 => Err(AnnounceError::Status(status)),
        other => other,
    }
}

fn failure(e: &HttpError) -> AnnounceError {
    match e {
        HttpError::TimedOut(_) => AnnounceError::TimedOut,
        HttpError::Scheme(_) | HttpError::Egress { .. } => AnnounceError::Forbidden(e.to_string()),
        HttpError::BadUrl(_) | HttpError::Unreachable(_) | HttpError::Tls { .. } => {
            AnnounceError::Unreachable(e.to_string())
        }
        HttpError::Protocol(_) | HttpError::Redirects(_) | HttpError::TooLarge(_) => {
            AnnounceError::Malformed(e.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpListener};
    use teem_metainfo::InfoHash;
    use teem_path::Path;
    use teem_swarm::listening::Door;
    use teem_wire::peer::handshake::PeerId;
    use teem_wire::tracker::announce::{AnnounceEvent, Form};

    /// A tracker at that address that gives its one answer; what it was asked comes from the thread.
    fn tracker(at: &str) -> (SocketAddr, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind(at).unwrap();
        let addr = listener.local_addr().unwrap();
        let asked = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut request, mut room) = (Vec::new(), [0; 1024]);
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                let len = stream.read(&mut room).unwrap();
                request.extend_from_slice(&room[..len]);
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 27\r\n\r\nd8:intervali1800e5:peers0:e").unwrap();
            String::from_utf8(request).unwrap()
        });
        (addr, asked)
    }

    #[tokio::test]
    async fn a_tracker_is_told_the_port_of_the_family_that_it_is_reached_by() {
        let doors = Doors::from(7000);
        doors.set_door(Family::V4, Door { here: 7000, outside: Some(9000), reachable: false });
        let announces = Announces::new(Http::new(Path::direct(), ""), doors);
        let announce = Announce {
            info_hash: InfoHash([1; 20]),
            peer_id: PeerId([2; 20]),
            port: 9000,
            uploaded: 0,
            downloaded: 0,
            left: 0,
            event: AnnounceEvent::Started,
            num_want: 50,
            key: 3,
            tracker_id: None,
            form: Form::Full,
        };
        for (at, port) in [("127.0.0.1:0", "port=9000&"), ("[::1]:0", "port=7000&")] {
            let (addr, asked) = tracker(at);
            let url = AnnounceUrl::of_user(format!("http://{addr}/announce"));
            let Answer::Announced { reply, .. } = announces.run(&url, &announce).await else { panic!() };
            let asked = asked.join().unwrap();
            assert!(asked.contains(port), "{asked}");
            reply.unwrap_or_else(|why| panic!("{at}: {why}"));
        }
    }

    #[test]
    fn of_both_answers_one_is_made() {
        let reply = |peers: &[&str]| AnnounceReply {
            peers: peers.iter().map(|peer| peer.parse().unwrap()).collect(),
            ..AnnounceReply::default()
        };
        let (near, far) = (PeerSource::LocalTracker, PeerSource::PublicTracker);
        let (first, second) = (reply(&["8.8.8.8:1", "8.8.8.8:2"]), reply(&["8.8.8.8:2", "[2a00::1]:3"]));
        let (source, made) = both((near, Ok(first.clone())), (far, Ok(second)));
        assert_eq!((source, made), (far, Ok(reply(&["8.8.8.8:1", "8.8.8.8:2", "[2a00::1]:3"]))));
        let unreachable = || Err(AnnounceError::Unreachable("it has no address".into()));
        assert_eq!(both((far, unreachable()), (near, Ok(first.clone()))), (near, Ok(first.clone())));
        assert_eq!(both((near, Ok(first.clone())), (far, unreachable())), (near, Ok(first)));
        let silent = || Err(AnnounceError::TimedOut);
        assert_eq!(both((far, unreachable()), (far, silent())).1, silent());
        assert_eq!(both((far, silent()), (far, unreachable())).1, silent());
    }
}
