//! The bounds of announces, their order, and that nobody waits for ever (own design).
use super::*;
use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap as Map, BTreeSet as Set};
use alloc::format;
use proptest::prelude::*;

/// Torrents that want to announce to one tracker each, and what became of that.
#[derive(Default)]
struct World {
    announces: Announces,
    /// What each wants: the URL, for what, since when.
    wants: Map<TorrentId, (AnnounceUrl, Urgency, Time)>,
    ids: u64,
    /// What went out: when, whose, under which name, to whom.
    out: Vec<(Time, TorrentId, AskId, String)>,
}

impl World {
    fn want(&mut self, now: Time, id: u32, url: &str, urgency: Urgency) {
        let torrent = TorrentId(id);
        self.wants.insert(torrent, (AnnounceUrl::of_user(url), urgency, now));
        self.ask(now, torrent);
    }

    fn ask(&mut self, now: Time, torrent: TorrentId) {
        let Some((url, urgency, due)) = self.wants.get(&torrent) else { return };
        self.ids += 1;
        let id = AskId(self.ids);
        let wish = Wish { torrent, url, id, urgency: *urgency, due: *due };
        if self.announces.may_ask(now, wish) {
            self.out.push((now, torrent, id, url.reveal().to_owned()));
            self.wants.remove(&torrent);
        }
    }

    /// Calls those whose turn has come.
    fn turn(&mut self, now: Time) {
        while let Some(torrent) = self.announces.next(now) {
            self.ask(now, torrent);
            self.announces.called();
        }
        assert!(self.announces.deadline().is_none_or(|at| at > now), "nobody is kept waiting who need not");
    }

    /// Goes from deadline to deadline.
    fn until(&mut self, end: Time) {
        while let Some(at) = self.announces.deadline().filter(|at| *at <= end) {
            self.turn(at);
        }
    }
}

fn secs(s: u64) -> Time {
    Time::from_nanos(s * 1_000_000_000)
}

fn most_in_a_second(out: &[(Time, TorrentId, AskId, String)]) -> usize {
    (0..out.len())
        .map(|n| out[n..].iter().take_while(|(at, ..)| at.since(out[n].0) < Duration::from_secs(1)).count())
        .max()
        .unwrap_or(0)
}

#[test]
fn over_udp_two_hundred_go_out_in_a_second_and_downloads_first() {
    let mut w = World::default();
    for id in 0..1000 {
        w.want(secs(5), id, "udp://one:1", Urgency::Seed);
    }
    for id in 1000..1100 {
        w.want(secs(5), id, "udp://other:1", Urgency::Download);
    }
    assert_eq!(w.out.len(), 20, "so many go at once");
    w.until(secs(20));
    assert_eq!((w.out.len(), w.wants.len()), (1100, 0));
    assert!(most_in_a_second(&w.out) <= 200, "{}", most_in_a_second(&w.out));
    assert!(w.out[1099].0 <= secs(5) + Duration::from_millis(6010), "{:?}", w.out[1099]);
    let last = w.out.iter().rposition(|(_, id, ..)| id.0 >= 1000).unwrap();
    assert!(last < 160, "three of four are downloads, while there are any: {last}");
    let seeds: Vec<u32> = w.out.iter().map(|(_, id, ..)| id.0).filter(|id| *id < 1000).collect();
    assert!(seeds.is_sorted(), "the one that waits longest is next");
}

#[test]
fn no_seed_starves_however_many_downloads_come() {
    let mut w = World::default();
    for id in 0..100 {
        w.want(secs(1), id, "udp://one:1", Urgency::Seed);
    }
    for second in 2..12 {
        for n in 0..400 {
            w.want(secs(second), second as u32 * 1000 + n, "udp://one:1", Urgency::Download);
        }
        w.until(secs(second + 1));
    }
    assert!((0..100).all(|id| w.out.iter().any(|(_, torrent, ..)| torrent.0 == id)));
}

#[test]
fn a_host_that_is_slow_keeps_only_those_waiting_that_ask_it() {
    let mut w = World::default();
    for id in 0..500 {
        w.want(secs(1), id, "http://slow/announce", Urgency::Download);
    }
    let mut answered = 0;
    for id in 500..1000 {
        w.want(secs(2), id, &format!("https://HOST{}/announce?passkey={id}", id % 100), Urgency::Seed);
    }
    while w.out.len() > answered {
        let (_, _, id, url) = w.out[answered].clone();
        answered += 1;
        if !url.contains("slow") {
            w.announces.answered(id);
        }
        w.turn(secs(3));
    }
    assert_eq!(w.out.iter().filter(|(.., url)| url.contains("slow")).count(), 2);
    assert_eq!(w.out.len(), 502, "all others have had their turn");
    // What is never answered gives its place up in the end.
    w.until(secs(92));
    assert_eq!(w.out.iter().filter(|(.., url)| url.contains("slow")).count(), 4);
}

#[test]
fn one_that_is_alone_never_waits_and_one_that_is_gone_does_not_either() {
    let mut w = World::default();
    for n in 0..51 {
        w.want(secs(1), n, &format!("http://t{n}/"), Urgency::Seed);
    }
    assert_eq!(w.out.len(), 50, "so many are under way at once");
    w.want(secs(1), 100, "http://t0/", Urgency::Last);
    w.want(secs(1), 101, "http://t0/", Urgency::Seed);
    for id in 0..=101 {
        w.announces.forget(TorrentId(id));
    }
    assert!(w.announces.waits.is_empty() && !w.announces.http.is_ready() && w.announces.http.waiting == 0);
    assert_eq!(w.announces.next(secs(2)), None);
    w.announces.among(30);
    assert_eq!(w.announces.spread(), Duration::from_secs(3));
    w.announces.among(100_000);
    assert_eq!(w.announces.spread(), Duration::from_secs(600));
}

#[derive(Clone, Debug)]
enum Step {
    Want(u32, usize, u8),
    Answer(usize),
    Forget(u32),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..200u32, 0..8usize, 0..3u8).prop_map(|(id, url, urgency)| Step::Want(id, url, urgency)),
        2 => (0..64usize).prop_map(Step::Answer),
        1 => (0..200u32).prop_map(Step::Forget),
        1 => (0..3000u64).prop_map(Step::Wait),
    ]
}

proptest! {
    /// Whatever happens: the bounds hold, nobody waits who need not, and everybody that waits and is not forgotten has his turn in the end.
    #[test]
    fn bounds_hold_and_everybody_has_his_turn(steps in proptest::collection::vec(step(), 1..400)) {
        const URLS: [&str; 8] =
            ["udp://a:1", "udp://b:1", "http://a/1", "http://a/2", "http://b/", "https://c/", "http://d/", "http://e:8/"];
        const URGENCIES: [Urgency; 3] = [Urgency::Last, Urgency::Download, Urgency::Seed];
        let mut w = World::default();
        let mut now = secs(1);
        let mut open: Map<AskId, (Time, String)> = Map::new();
        let mut seen = 0;
        for step in steps {
            match step {
                Step::Want(id, url, urgency) => {
                    w.announces.forget(TorrentId(id));
                    w.want(now, id, URLS[url], URGENCIES[urgency as usize]);
                }
                Step::Answer(n) => {
                    if let Some(id) = open.keys().nth(n % open.len().max(1)).copied() {
                        open.remove(&id);
                        w.announces.answered(id);
                    }
                }
                Step::Forget(id) => {
                    w.announces.forget(TorrentId(id));
                    w.wants.remove(&TorrentId(id));
                }
                Step::Wait(ms) => now = now + Duration::from_millis(ms),
            }
            w.turn(now);
            for (at, _, id, url) in &w.out[seen..] {
                if !url.starts_with("udp") {
                    let host = TrackerUrl::parse(url).unwrap().host;
                    open.insert(*id, (*at, host));
                }
            }
            seen = w.out.len();
            open.retain(|_, (at, _)| *at + HTTP_LOST > now);
            prop_assert!(open.len() <= HTTP_MAX);
            let hosts: Set<_> = open.values().map(|(_, host)| host.clone()).collect();
            for host in hosts {
                prop_assert!(open.values().filter(|(_, of)| *of == host).count() <= HTTP_PER_HOST_MAX);
            }
        }
        prop_assert!(most_in_a_second(&w.out.iter().filter(|(.., url)| url.starts_with("udp")).cloned().collect::<Vec<_>>()) <= 200);
        let end = now + Duration::from_secs(100_000);
        w.until(end);
        prop_assert!(w.wants.is_empty(), "{:?}", w.wants);
        prop_assert!(w.announces.waits.is_empty() && w.announces.udp.waiting + w.announces.http.waiting == 0);
    }
}
