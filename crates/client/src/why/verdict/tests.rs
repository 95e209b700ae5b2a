//! Each verdict has the evidence that leads to it, and a sentence that helps.
use super::*;
use teem_metainfo::{AnnounceUrl, Origin};
use teem_swarm::event::{Snapshot, State};
use teem_swarm::ids::TorrentId;
use teem_swarm::search::{Counts, DhtSearch, Search};

const T: TorrentId = TorrentId(1);

fn why() -> Why {
    let mut why = Why::new(Snapshot::new(T, State::Downloading), Search::new(T, false, Counts::default()));
    why.us.port = 21_473;
    why
}

fn tracker(url: &str, last: Option<Result<u32, &str>>) -> TrackerStats {
    let mut tracker = TrackerStats::unasked(AnnounceUrl::new(url, Origin::User));
    tracker.last = last.map(|last| last.map_err(str::to_owned));
    tracker
}

fn dht(good: u32, answers: u64) -> DhtSearch {
    let mut dht = DhtSearch::default();
    (dht.looks, dht.good, dht.asked, dht.answers) = (true, good, 9, answers);
    dht
}

/// So many addresses are known, all were tried, and this came of it by each way over IPv4.
fn dialled(known: u32, ways: &[(Way, Dialled)]) -> Why {
    let mut why = why();
    (why.figures.dials.known, why.figures.dials.tried) = (known, known);
    let named = why.search.counts.of_mut(SourceKind::Tracker);
    (named.named, named.tried) = (known, known);
    for (way, of) in ways {
        *why.search.counts.by_mut(*way, Family::V4) = *of;
    }
    why
}

fn refused(n: u32) -> Dialled {
    Dialled { refused: n, ..Dialled::default() }
}

fn silent(n: u32) -> Dialled {
    Dialled { silent: n, ..Dialled::default() }
}

#[track_caller]
fn is(why: &Why, verdict: Verdict, helps: &str) {
    assert_eq!(why.verdict(), verdict, "{}", why.report().join("\n"));
    let help = why.help().unwrap_or_default();
    assert!(help.contains(helps), "{help}");
    assert!(why.sentence().ends_with(&help), "{}", why.sentence());
    assert!(why.report().last().is_some_and(|last| last.contains(&help) && last.len() > 40), "{:?}", why.report());
}

#[test]
fn what_stops_everything_comes_first() {
    let mut gone = dialled(3, &[(Way::Tcp, refused(3))]);
    gone.us.proxy = Some("socks5://127.0.0.1:9".into());
    gone.us.proxy_trouble = Some("it cannot be reached".into());
    is(
        &gone,
        Verdict::ProxyDown,
        "socks5://127.0.0.1:9 has to work, since nothing is tried past it: it cannot be reached",
    );
    (gone.us.gone, gone.us.cut_off) = (vec!["wg0".into()], true);
    is(&gone, Verdict::InterfaceGone, "Bring wg0 back");
    gone.us.cut_off = false;
    gone.us.proxy_trouble = None;
    is(&gone, Verdict::AllRefused, "");
}

#[test]
fn dials_that_failed_alike_are_named() {
    is(&dialled(3, &[(Way::Tcp, refused(3)), (Way::Utp, silent(3))]), Verdict::AllRefused, "start again");
    is(&dialled(3, &[(Way::Tcp, silent(3)), (Way::Utp, silent(3))]), Verdict::AllSilent, "router");
    is(&dialled(3, &[(Way::Utp, silent(3))]), Verdict::AllSilent, "if TCP and UDP port 21473 were forwarded");
    is(&dialled(2, &[(Way::Tcp, Dialled { filtered: 2, ..Dialled::default() })]), Verdict::Filtered, "--filter");
    is(&dialled(2, &[(Way::Tcp, Dialled { closed: 2, ..Dialled::default() })]), Verdict::AllClosed, "--encryption");
    is(&dialled(2, &[(Way::Tcp, Dialled { refused: 1, silent: 1, ..Dialled::default() })]), Verdict::Mixed, "offline");
    let none = Dialled { unreachable: 2, ..Dialled::default() };
    is(&dialled(2, &[(Way::Tcp, none)]), Verdict::Unreachable, "IPv4 alone");
    let mut six = dialled(2, &[]);
    *six.search.counts.by_mut(Way::Tcp, Family::V6) = none;
    is(&six, Verdict::Unreachable, "a network with IPv6 would help");
    six.us.v6.reached = Reached::Unknown;
    is(&six, Verdict::Unreachable, "routes");
}

#[test]
fn one_that_others_reach_is_not_told_to_forward_a_port() {
    let mut why = dialled(3, &[(Way::Tcp, silent(3))]);
    why.us.v4.mapping = Mapping::Failed("192.168.1.1 says: no".into());
    is(&why, Verdict::AllSilent, "forwarded to this machine (the router at 192.168.1.1 says: no)");
    why.us.v4.reached = Reached::Directly;
    assert!(why.help().is_some_and(|help| !help.contains("forwarded")), "{:?}", why.help());
    why.us.v4.reached = Reached::Shared { outside: [100, 64, 0, 7].into() };
    is(&why, Verdict::AllSilent, "provider");
}

#[test]
fn what_is_under_way_may_come_to_something() {
    let mut why = dialled(5, &[(Way::Tcp, refused(4))]);
    why.figures.dials.pending = 1;
    is(&why, Verdict::Trying, "");
    assert_eq!(why.help(), None);
    why.figures.dials.tried = 9;
    is(&why, Verdict::AllRefused, "");
    let mut new = self::why();
    new.figures.dials.known = 2;
    is(&new, Verdict::Trying, "");
    new.figures.seeds = 1;
    is(&new, Verdict::Connected, "");
}

#[test]
fn udp_that_goes_nowhere_while_tcp_works_is_found_out() {
    let mut why = dialled(3, &[(Way::Tcp, refused(3)), (Way::Utp, silent(3))]);
    why.search.dht = Some(dht(0, 0));
    is(&why, Verdict::NoUdp, "port 21473");
    why.search.dht = Some(dht(3, 1));
    is(&why, Verdict::AllRefused, "");
    why.search.dht = None;
    why.figures.trackers = vec![tracker("udp://t.example:9/a", Some(Err("no answer")))];
    is(&why, Verdict::NoUdp, "");
    why.us.v6.unasked.udp = true;
    is(&why, Verdict::AllRefused, "");
    // Nobody to dial: a tracker over HTTP shows that TCP works.
    let mut why = self::why();
    why.search.dht = Some(dht(0, 0));
    why.figures.trackers =
        vec![tracker("http://t.example/a", Some(Ok(0))), tracker("udp://t.example:9/a", Some(Err("no answer")))];
    is(&why, Verdict::NoUdp, "");
    why.figures.trackers.pop();
    is(&why, Verdict::Nobody, "");
    why.us.datagrams.refused = 4;
    is(&why, Verdict::NoUdp, "");
    why.us.proxy = Some("socks5://127.0.0.1:9".into());
    assert!(!why.has_no_udp(), "through a proxy there is none, and that was said");
}

#[test]
fn sources_that_name_nobody_are_told_apart() {
    let mut why = why();
    is(&why, Verdict::NoSource, "ask for the whole link in quotes");
    why.left_out = vec!["a ws:// tracker is not understood".into()];
    is(&why, Verdict::NoSource, "can be used (a ws:// tracker is not understood)");
    why.search.dht = Some(dht(0, 0));
    is(&why, Verdict::DhtWithoutNodes, "--dht-bootstrap HOST:PORT");
    assert!(why.sentence().contains("no node of the DHT has answered"), "{}", why.sentence());
    why.search.dht = Some(dht(7, 30));
    is(&why, Verdict::Nobody, "start again");
    assert!(why.sentence().contains("the DHT (7 nodes) knows no other peer"), "{}", why.sentence());
    why.figures.trackers =
        vec![tracker("http://t.example/a", Some(Err("refused"))), tracker("http://u.example/a", None)];
    is(&why, Verdict::TrackerDead, "the DHT knows nobody");
    why.search.dht = Some(dht(0, 30));
    is(&why, Verdict::TrackerDead, "Neither a tracker");
    why.search.dht = None;
    is(&why, Verdict::TrackerDead, "let the DHT look too");
    why.figures.trackers.push(tracker("http://v.example/a", Some(Ok(0))));
    is(&why, Verdict::Nobody, "");
    assert!(why.sentence().contains("http://t.example/a: refused; "), "{}", why.sentence());
}

#[test]
fn a_private_torrent_is_its_trackers_alone() {
    let mut why = why();
    why.search.private = true;
    is(&why, Verdict::NoSource, "");
    why.figures.trackers = vec![tracker("http://t.example/a", Some(Err("unregistered torrent")))];
    is(&why, Verdict::Private, "none of them answers as it should");
    why.figures.trackers[0].last = Some(Ok(0));
    is(&why, Verdict::Private, "they know none");
    assert!(!why.help().unwrap_or_default().contains("--peer"), "nobody named by hand is taken");
    let mut why = dialled(3, &[(Way::Tcp, refused(3))]);
    why.search.private = true;
    assert!(!why.help().unwrap_or_default().contains("--peer"), "{:?}", why.help());
}

#[test]
fn one_that_gives_is_told_what_keeps_others_away() {
    let mut why = why();
    why.figures.state = State::Seeding;
    is(&why, Verdict::NoSource, "Neither a tracker nor the DHT is told");
    why.figures.trackers = vec![tracker("http://t.example/a", Some(Err("refused")))];
    is(&why, Verdict::TrackerDead, "No tracker takes our announces");
    why.us.tracks = true;
    is(&why, Verdict::Closed, "");
    why.us.tracks = false;
    why.figures.trackers[0].last = Some(Ok(0));
    is(&why, Verdict::Closed, "if TCP and UDP port 21473 were forwarded");
    why.us.v6.reached = Reached::Directly;
    is(&why, Verdict::Nobody, "give the link");
    why.figures.downloaders = 1;
    is(&why, Verdict::Connected, "");
}

#[test]
fn the_sentence_names_the_ways_that_were_tried() {
    let mut why = why();
    assert!(why.sentence().contains("no peer is known"));
    why.figures.dials.known = 5;
    assert!(why.sentence().contains("no peer connected (5 known, 0 tried: waiting)"), "{}", why.sentence());
    let mut why = dialled(4, &[(Way::Tcp, refused(4)), (Way::Utp, silent(2)), (Way::Punch, silent(1))]);
    assert!(why.sentence().contains("7 tried: 4 by TCP refused, 3 by uTP silent)"), "{}", why.sentence());
    (why.figures.dials.pending, why.figures.dials.known) = (1, 5);
    why.search.counts.by_mut(Way::Utp, Family::V6).closed = 2;
    let told = "10 tried: 4 by TCP refused, 3 by uTP silent, 2 by uTP closed in the handshake, 1 under way)";
    assert!(why.sentence().contains(told), "{}", why.sentence());
}

#[test]
fn the_report_has_a_line_for_each_source_way_and_door() {
    let mut why = dialled(4, &[(Way::Tcp, refused(4)), (Way::Punch, silent(1))]);
    why.figures.trackers = vec![tracker("http://t.example/a", Some(Ok(4)))];
    why.search.dht = Some(dht(7, 8));
    why.search.dht.as_mut().unwrap().last = Some(("198.18.0.9:6881".parse().unwrap(), 2));
    why.us.v4.reached = Reached::Unknown;
    (why.us.ranges, why.us.barred.dials) = (3, 2);
    let vote = |believed| teem_swarm::search::Vote {
        ip: [198, 18, 0, 1].into(),
        believed,
        trackers: vec!["t.example".into()],
        networks: 2,
    };
    why.search.votes = vec![vote(true), vote(false)];
    let report = why.report();
    for line in [
        "  trackers: 4 named, 4 tried, 0 reached; http://t.example/a named 4 peers",
        "  DHT: 0 named, 0 tried, 0 reached; 8 of 9 queries were answered, 7 nodes are good; last 198.18.0.9:6881 named 2",
        "  PEX: 0 named, 0 tried, 0 reached",
        "  local network: 0 named, 0 tried, 0 reached",
        "  link: 0 named, 0 tried, 0 reached",
        "  saved: 0 named, 0 tried, 0 reached",
        "  by TCP v4: 4 tried, 0 reached, 4 refused",
        "  by uTP with a third's help (punch) v4: 1 tried, 0 reached, 1 silent",
        "  this machine: seen at 198.18.0.1 by t.example, 2 networks of peers and nodes",
        "  this machine: seen at 198.18.0.1 (not believed) by t.example, 2 networks of peers and nodes",
        "  this machine: v4 port 21473: no router was asked; no stranger came over TCP or UDP",
        "  this machine: 3 ranges of addresses are kept out, which concerned 2 dials, 0 connections, 0 packets",
    ] {
        assert!(report.iter().any(|said| said == line), "{line}\nis not in\n{}", report.join("\n"));
    }
}
