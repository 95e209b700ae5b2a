//! The cases of the table and what is aimed at in each (own design; the figures are those of the project's design).
use super::figure::{Aim, Figure};
use super::worlds;
use crate::scenario::Scenario;
use teem_swarm::command::Spreading;

/// One line of worlds that differ in size alone.
#[derive(Debug)]
pub struct Case {
    /// By what the rows are chosen.
    pub name: &'static str,
    /// What it is in a few words.
    pub(crate) brief: &'static str,
    /// What it is, for people; with the bound where it is not plain.
    pub about: &'static str,
    /// How the source spreads when granting is on.
    pub spreading: Spreading,
    /// Its world for so many downloaders.
    pub world: fn(u32) -> Scenario,
    /// Whether it is compared with the equal swarm in which everybody stays.
    pub(crate) calm: bool,
    /// The numbers of downloaders with which it is run.
    pub sizes: &'static [u32],
    /// What is measured, and what is aimed at for each size.
    pub(crate) figures: &'static [(Figure, &'static [Aim])],
}

/// A case at one of its sizes.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The case that is run.
    pub case: &'static Case,
    /// The index of the size among [`Case::sizes`].
    pub index: usize,
    /// How many downloaders it has.
    pub n: u32,
}

impl Place {
    /// By what it is chosen: `equal-n100`.
    pub fn name(&self) -> String {
        format!("{}-n{}", self.case.name, self.n)
    }

    /// Its world with granting on or off.
    pub fn scenario(&self, granting: bool) -> Scenario {
        let spreading = if granting { self.case.spreading } else { Spreading::Ordinary };
        let world = (self.case.world)(self.n).spreading(spreading);
        Scenario { name: self.case.name, about: self.case.about, ..world }
    }

    /// The case that it is compared with, at the same size.
    pub(crate) fn calm(&self) -> Option<&'static str> {
        self.case.calm.then_some(EQUAL)
    }
}

/// All cases at all their sizes, small ones first.
pub(crate) fn places() -> Vec<Place> {
    let of = |case: &'static Case| (0..).zip(case.sizes).map(move |(index, &n)| Place { case, index, n });
    let mut places: Vec<Place> = CASES.iter().flat_map(of).collect();
    places.sort_by_key(|place| place.n);
    places
}

/// The case of that name at that size, even one that has no row.
pub fn place(name: &str, n: u32) -> Option<Place> {
    let case = CASES.iter().find(|case| case.name == name)?;
    Some(Place { case, index: case.sizes.iter().position(|&size| size == n).unwrap_or(0), n })
}

/// A world of the table by its name: `equal-n100`, or `equal-n100-off` with granting off. Any size will do.
pub fn world(name: &str) -> Option<Scenario> {
    let (name, granting) = name.strip_suffix("-off").map_or((name, true), |name| (name, false));
    let (case, n) = name.rsplit_once("-n")?;
    let n = n.parse().ok().filter(|n| (1..=100_000).contains(n))?;
    Some(place(case, n)?.scenario(granting))
}

/// The case with nothing special in it.
pub(crate) const EQUAL: &str = "equal";

const fn most(permille: u64) -> Aim {
    Aim::AtMost(permille, None)
}

const SMALL: &[u32] = &[10, 100, 1_000];
const LARGE: &[u32] = &[100, 1_000];
const WASTE: &[Aim] = &[most(5), most(5), most(5), Aim::Shown];
const PLAIN: &[(Figure, &[Aim])] = &[
    (Figure::AllOut, &[most(1_020), most(1_020)]),
    (Figure::OverOff, &[most(1_020), most(1_020)]),
    (Figure::Makespan, &[Aim::Shown, Aim::Shown]),
];
const PLAIN_CHURN: &[(Figure, &[Aim])] = &[
    (Figure::AllOut, &[most(1_100), most(1_100)]),
    (Figure::OverOff, &[most(1_020), most(1_020)]),
    (Figure::Makespan, &[Aim::Shown, Aim::Shown]),
];

const fn plain(name: &'static str, about: &'static str, world: fn(u32) -> Scenario, churn: bool) -> Case {
    let figures = if churn { PLAIN_CHURN } else { PLAIN };
    Case { name, brief: about, about, spreading: Spreading::Granting, world, calm: false, sizes: LARGE, figures }
}

const fn grants(
    name: &'static str,
    brief: &'static str,
    about: &'static str,
    world: fn(u32) -> Scenario,
    sizes: &'static [u32],
    figures: &'static [(Figure, &'static [Aim])],
) -> Case {
    Case { name, brief, about, spreading: Spreading::Granting, world, calm: false, sizes, figures }
}

/// The cases, in the order of the table.
pub const CASES: &[Case] = &[
    grants(
        EQUAL,
        "equal lines, source 1 u",
        "equal rates, u_s = u",
        |n| worlds::equal(4, n),
        &[10, 100, 1_000, 10_000],
        &[
            (Figure::Makespan, &[most(1_060), most(1_090), most(1_120), most(1_200)]),
            (Figure::AllOut, &[most(1_010), most(1_020), most(1_020), most(1_030)]),
            (Figure::Wasted, WASTE),
        ],
    ),
    grants(
        "source4",
        "source 4 u",
        "u_s = 4u",
        |n| worlds::equal(16, n),
        SMALL,
        &[(Figure::Makespan, &[most(1_050), most(1_060), most(1_080)])],
    ),
    grants(
        "source10",
        "source 10 u",
        "u_s = 10u",
        |n| worlds::equal(40, n),
        SMALL,
        &[(Figure::Makespan, &[most(1_060), most(1_070), most(1_090)])],
    ),
    Case {
        spreading: Spreading::Frugal,
        ..grants(
            "frugal",
            "frugal, source 4 u",
            "frugal, u_s = 4u; the frugal bound is that of one copy",
            |n| worlds::equal(16, n),
            SMALL,
            &[
                (Figure::Copies, &[most(1_020), most(1_020), most(1_020)]),
                (Figure::FrugalMakespan, &[most(1_060), most(1_070), most(1_080)]),
            ],
        )
    },
    Case {
        spreading: Spreading::Frugal,
        ..grants(
            "frugal-nat",
            "frugal, half behind NAT",
            "frugal, u_s = 4u, half of the peers only dial out",
            worlds::half_behind_nat,
            SMALL,
            &[
                (Figure::Completes, &[Aim::Yes, Aim::Yes, Aim::Yes]),
                (Figure::Copies, &[Aim::Shown, Aim::Shown, Aim::Shown]),
            ],
        )
    },
    grants(
        "slow",
        "slow source, u/4",
        "slow source, u_s = u/4",
        |n| worlds::equal(1, n),
        SMALL,
        &[
            (Figure::Makespan, &[most(1_030), most(1_030), most(1_040)]),
            (Figure::Wasted, &[Aim::Shown, Aim::Shown, Aim::Shown]),
        ],
    ),
    grants(
        "mixed",
        "mixed lines, source 4 u",
        "mixed lines (20 % 4u, 50 % u, 30 % u/4), u_s = 4u",
        worlds::mixed,
        LARGE,
        &[(Figure::Makespan, &[most(1_350), most(1_350)]), (Figure::Mean, &[most(980), most(950)])],
    ),
    grants(
        "riders",
        "25 % free riders, source 2 u",
        "25 % free riders, u_s = 2u",
        worlds::free_riders,
        LARGE,
        &[
            (Figure::Makespan, &[most(1_080), most(1_100)]),
            (Figure::Fairness, &[Aim::AtMost(950, Some(900)), Aim::AtMost(950, Some(900))]),
            (Figure::AllOut, &[Aim::Shown, Aim::Shown]),
        ],
    ),
    grants(
        "leaving",
        "all leave on completion",
        "everybody leaves on completion",
        worlds::leaving,
        SMALL,
        &[
            (Figure::Mean, &[most(1_050), most(1_120), most(1_120)]),
            (Figure::Percentile(990), &[most(1_150), most(1_250), most(1_250)]),
        ],
    ),
    Case {
        calm: true,
        ..grants(
            "churn",
            "churn, life 4 T*",
            "churn, mean life 4 T*",
            |n| worlds::churn(worlds::equal(4, n)),
            LARGE,
            &[(Figure::Slowdown, &[most(1_150), most(1_250)])],
        )
    },
    grants(
        "kraken",
        "Kraken's shape",
        "Kraken's shape: d = u, source 5u, 375 pieces, one owner",
        worlds::kraken,
        &[2_600],
        &[
            (Figure::Percentile(500), &[most(1_120)]),
            (Figure::Percentile(990), &[most(1_250)]),
            (Figure::Percentile(999), &[most(1_400)]),
            (Figure::Wasted, &[Aim::Shown]),
        ],
    ),
    plain("plain10", "10 % plain clients", |n| worlds::plain(10, n), false),
    plain("plain50", "50 % plain clients", |n| worlds::plain(50, n), false),
    plain("plain90", "90 % plain clients", |n| worlds::plain(90, n), false),
    plain("plain10-churn", "10 % plain clients, life 4 T*", |n| worlds::churn(worlds::plain(10, n)), true),
    plain("plain50-churn", "50 % plain clients, life 4 T*", |n| worlds::churn(worlds::plain(50, n)), true),
    plain("plain90-churn", "90 % plain clients, life 4 T*", |n| worlds::churn(worlds::plain(90, n)), true),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_has_an_aim_for_every_size() {
        for case in CASES {
            assert!(case.figures.iter().all(|(_, aims)| aims.len() >= case.sizes.len()), "{}", case.name);
        }
        assert_eq!(world("plain50-n7-off").map(|world| (world.name, world.wanting())), Some(("plain50", 7)));
        assert!(world("plain50").is_none() && world("equal-n0").is_none());
        assert_eq!(place("churn", 100).and_then(|place| place.calm()), Some(EQUAL));
    }
}
