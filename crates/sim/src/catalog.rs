//! The scenarios that have a name (own design): what `--list` shows and the tests run.
use crate::scenario::{Arrival, Departure, Group, Role, Scenario};
use crate::table::worlds;
use crate::{adversaries, field, random};
use std::time::Duration;

/// All of them.
pub fn all() -> Vec<Scenario> {
    let mut all = vec![
        pair(),
        magnet(),
        far(),
        limited(),
        resumed(),
        swarm(10),
        swarm(50),
        zoo(),
        churn(),
        brief(),
        cornered(),
        corrupters(),
        free_riders(),
        nat(),
        slow_source(),
        mixed(),
        crawling(),
        orphans(),
        one_copy(),
        outnumbered(),
        arriving(),
        flash_crowd(),
        trackerless(100),
    ];
    all.extend(field::all());
    all.extend(adversaries::all());
    all
}

/// The one with that name; the seed matters only to `random`.
pub fn find(name: &str, seed: u64) -> Option<Scenario> {
    if name == random::NAME {
        return Some(random::scenario(seed));
    }
    all().into_iter().find(|scenario| scenario.name == name)
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// One seed, one downloader.
pub fn pair() -> Scenario {
    Scenario::new("pair", "one seed and one downloader")
        .with(Group::new(Role::Seed, 1))
        .with(Group::new(Role::Downloader, 1))
        .within(secs(300))
}

/// As `pair`, from the info-hash alone. More than one piece of metadata has to be fetched.
pub fn magnet() -> Scenario {
    Scenario::new("magnet", "two downloaders that know only the info-hash")
        .content(1000, 16_384, 100)
        .with(Group::new(Role::Seed, 1))
        .with(Group::new(Role::Downloader, 2).by_magnet())
        .within(secs(300))
}

/// A fast line 100 ms away: the pipeline of requests has to grow to fill it.
pub fn far() -> Scenario {
    let delay = Duration::from_millis(25);
    Scenario::new("far", "one downloader on 100 Mbit/s, 100 ms away")
        .content(512, 262_144, 0)
        .with(Group::new(Role::Seed, 1).rates(12_500_000, 12_500_000).delayed(delay, delay))
        .with(Group::new(Role::Downloader, 1).rates(12_500_000, 12_500_000).delayed(delay, delay))
        .within(secs(300))
}

/// Limits that the users set.
pub fn limited() -> Scenario {
    Scenario::new("limited", "a download limit of 200 kB/s at one peer, an upload limit of 300 kB/s at another")
        .content(64, 65_536, 0)
        .with(Group::new(Role::Seed, 1))
        .with(Group::new(Role::Downloader, 1).limits(None, Some(200_000)))
        .with(Group::new(Role::Downloader, 1).limits(Some(300_000), None))
        .within(secs(300))
}

/// A downloader with half of the content on its disk and no saved state.
pub fn resumed() -> Scenario {
    Scenario::new("resumed", "half of the content lies on the downloader's disk and has to be checked")
        .with(Group::new(Role::Seed, 1))
        .with(Group::new(Role::Downloader, 1).with_unclaimed(500))
        .within(secs(300))
}

/// One seed, `n` downloaders of its rate, all at once.
pub fn swarm(n: u32) -> Scenario {
    let name = if n <= 10 { "swarm10" } else { "swarm50" };
    Scenario::new(name, "one seed and that many downloaders, equal rates, all at once")
        .content(256, 65_536, 0)
        .with(Group::new(Role::Seed, 1))
        .with(Group::new(Role::Downloader, n))
        .within(secs(1200))
}

/// Everything at once: the scenario of the first issue.
pub fn zoo() -> Scenario {
    Scenario::new("zoo", "50 peers with churn, a liar, a corrupter, a flapper, a rejecter, a mute one")
        .content(64, 65_536, 20_000)
        .with(Group::new(Role::Seed, 1))
        .with(Group::new(Role::Downloader, 20).arriving(Arrival::Between(secs(0), secs(20))))
        .with(
            Group::new(Role::Downloader, 10).arriving(Arrival::Between(secs(0), secs(60))).leaving(Departure::Comes {
                life: secs(20),
                away: secs(10),
                crash_permille: 500,
            }),
        )
        .with(
            Group::new(Role::Downloader, 12)
                .arriving(Arrival::Between(secs(0), secs(30)))
                .leaving(Departure::WhenComplete(secs(1))),
        )
        .with(Group::new(Role::Downloader, 2).leaving(Departure::After(secs(15))))
        .with(Group::new(Role::Liar, 1))
        .with(Group::new(Role::Corrupter(300), 1))
        .with(Group::new(Role::Flapper, 1))
        .with(Group::new(Role::Rejecter, 1))
        .with(Group::new(Role::Mute, 1))
        .within(secs(1800))
}

/// Peers that die and come back.
pub fn churn() -> Scenario {
    Scenario::new("churn", "20 downloaders that leave or crash every 15 s and come back")
        .with(Group::new(Role::Seed, 1))
        .with(Group::new(Role::Downloader, 20).leaving(Departure::Comes {
            life: secs(15),
            away: secs(8),
            crash_permille: 500,
        }))
        .within(secs(1800))
}

/// Processes that hardly live as long as their lines take for a few pieces: what is begun has to be made whole.
pub(crate) fn brief() -> Scenario {
    Scenario::new("brief", "6 downloaders on 30 kB/s that leave or crash every 25 s and come back")
        .content(56, 131_072, 0)
        .with(Group::new(Role::Seed, 1).rates(30_000, 60_000))
        .with(Group::new(Role::Downloader, 6).rates(30_000, 60_000).leaving(Departure::Comes {
            life: secs(25),
            away: secs(8),
            crash_permille: 500,
        }))
        .within(secs(4 * 3600))
}

/// The last blocks are asked of liars, in processes that live hardly longer than it takes to tell.
pub(crate) fn cornered() -> Scenario {
    Scenario::new("cornered", "4 downloaders of 4 pieces that live 12 s, and 6 liars")
        .content(4, 32_768, 0)
        .with(Group::new(Role::Seed, 1).rates(30_000, 60_000))
        .with(Group::new(Role::Downloader, 4).rates(30_000, 60_000).leaving(Departure::Comes {
            life: secs(12),
            away: secs(5),
            crash_permille: 500,
        }))
        .with(Group::new(Role::Liar, 6))
        .within(secs(4 * 3600))
}

/// Half of the peers that claim something send wrong blocks.
pub fn corrupters() -> Scenario {
    Scenario::new("corrupters", "10 downloaders, a seed, and 10 peers that send one wrong block in five")
        .with(Group::new(Role::Seed, 1))
        .with(Group::new(Role::Downloader, 10))
        .with(Group::new(Role::Corrupter(200), 10))
        .within(secs(1800))
}

/// A quarter of the peers take and never give.
pub fn free_riders() -> Scenario {
    Scenario::new("free-riders", "12 downloaders and 4 free riders; the source sends twice what each peer does")
        .content(128, 65_536, 0)
        .with(Group::new(Role::Seed, 1).rates(2_500_000, 25_000_000))
        .with(Group::new(Role::Downloader, 12))
        .with(Group::new(Role::FreeRider, 4))
        .within(secs(1800))
}

/// Half of the peers can only dial out. They come one after the other: who is told of nobody asks again after a minute.
pub fn nat() -> Scenario {
    let arrival = Arrival::Between(secs(1), secs(10));
    Scenario::new("nat", "8 of 16 downloaders cannot be dialled")
        .with(Group::new(Role::Seed, 1))
        .with(Group::new(Role::Downloader, 8).arriving(arrival))
        .with(Group::new(Role::Downloader, 8).arriving(arrival).behind_nat())
        .within(secs(1200))
}

/// The source is the bottleneck.
pub fn slow_source() -> Scenario {
    Scenario::new("slow-source", "the seed sends a quarter of what each of 10 downloaders does")
        .with(Group::new(Role::Seed, 1).rates(312_500, 3_125_000))
        .with(Group::new(Role::Downloader, 10))
        .within(secs(1200))
}

/// Lines of three classes.
pub fn mixed() -> Scenario {
    Scenario::new("mixed", "20 downloaders: 4 send four times, 6 a quarter of what the others do; a fast source")
        .content(128, 65_536, 0)
        .with(Group::new(Role::Seed, 1).rates(5_000_000, 50_000_000))
        .with(Group::new(Role::Downloader, 4).rates(5_000_000, 50_000_000))
        .with(Group::new(Role::Downloader, 10))
        .with(Group::new(Role::Downloader, 6).rates(312_500, 3_125_000))
        .within(secs(1200))
}

/// Lines that take ten seconds for a block: requests grow old before they are answered.
pub(crate) fn crawling() -> Scenario {
    Scenario::new("crawling", "6 downloaders, half of which send 1.6 kB/s")
        .content(32, 65_536, 0)
        .with(Group::new(Role::Seed, 1).rates(200_000, 200_000))
        .with(Group::new(Role::Downloader, 3).rates(200_000, 200_000))
        .with(Group::new(Role::Downloader, 3).rates(1_600, 200_000))
        .within(secs(3600))
}

/// The only seed leaves when others have it all.
pub fn orphans() -> Scenario {
    Scenario::new("orphans", "the seed leaves after 30 s; 8 downloaders came at once and 4 come when it has gone")
        .with(Group::new(Role::Seed, 1).leaving(Departure::After(secs(30))))
        .with(Group::new(Role::Downloader, 8))
        .with(Group::new(Role::Downloader, 4).arriving(Arrival::Between(secs(40), secs(60))))
        .within(secs(1200))
}

/// The only seed leaves when the others hold one copy between them, and hardly anybody all of it.
pub fn one_copy() -> Scenario {
    Scenario::new(
        "one-copy",
        "the seed leaves as soon as 12 downloaders, half of them behind NAT, hold one copy together",
    )
    .with(Group::new(Role::Seed, 1).leaving(Departure::OnceCopied(Duration::ZERO)))
    .with(Group::new(Role::Downloader, 6))
    .with(Group::new(Role::Downloader, 6).behind_nat())
    .within(secs(1200))
}

/// Five hostile peers for each honest one.
pub fn outnumbered() -> Scenario {
    Scenario::new("outnumbered", "5 downloaders, one seed, and 30 liars, corrupters, flappers, rejecters and mute ones")
        .with(Group::new(Role::Seed, 1))
        .with(Group::new(Role::Downloader, 5))
        .with(Group::new(Role::Liar, 6))
        .with(Group::new(Role::Corrupter(1000), 6))
        .with(Group::new(Role::Flapper, 6))
        .with(Group::new(Role::Rejecter, 6))
        .with(Group::new(Role::Mute, 6))
        .within(secs(3600))
}

/// They come one after the other, and leave soon after they have it.
pub fn arriving() -> Scenario {
    let group = Group::new(Role::Downloader, 30);
    Scenario::new("arriving", "30 downloaders come one every 4 s or so, and leave 10 s after they have it")
        .with(Group::new(Role::Seed, 1))
        .with(group.arriving(Arrival::Poisson(secs(4))).leaving(Departure::WhenComplete(secs(10))))
        .within(secs(1800))
}

/// As `equal-n100` of the table, without a tracker: all come at once and have to find each other.
pub fn trackerless(n: u32) -> Scenario {
    let about =
        "a source and 100 downloaders of its rate find each other by the DHT; equal-n100 is the same with a tracker";
    Scenario { name: "trackerless", about, ..worlds::equal(4, n) }.without_tracker()
}

/// Most come at once, ever fewer afterwards; a third of them cannot be dialled, and lines bear few connections.
pub fn flash_crowd() -> Scenario {
    let crowd = |count| Group::new(Role::Downloader, count).arriving(Arrival::Flash(secs(15))).with_connections(20);
    Scenario::new("flash-crowd", "60 downloaders, most of them at once, a third behind NAT, 20 connections each")
        .with(Group::new(Role::Seed, 1))
        .with(crowd(40))
        .with(crowd(20).behind_nat())
        .within(secs(1800))
}
