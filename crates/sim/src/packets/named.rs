//! Worlds with figures (own design): `teem-sim utp-NAME` prints them, and tests hold what each must reach.
//!
//! Flows go through one line and are acknowledged through another. A flow is a stream of uTP that never ends, or a Cubic. What is read at the other end counts,
//! and the queue is what each packet of whatever flow found before it.

use crate::packets::cubic::Cubic;
use crate::packets::host::{Host, Plan};
use crate::packets::line::{Line, Nature};
use crate::packets::world::{Kind, World, address};
use crate::report::stats::decimal;
use std::fmt;
use teem_utp::Settings;

/// A second in microseconds.
const SECOND: u64 = 1_000_000;
/// Bits in a second.
const MBIT: u64 = 1_000_000;

/// The worlds, and what each shows.
pub const WORLDS: [(&str, &str); 10] = [
    ("utp-alone", "one stream: 10 Mbit/s with a second of buffer, 100 Mbit/s and 50 ms"),
    ("utp-beside-cubic-deep", "beside a Cubic: 10 Mbit/s, 50 ms, a second of buffer"),
    ("utp-beside-cubic-shallow", "beside a Cubic: 10 and 100 Mbit/s, 50 ms, 30 ms of buffer"),
    ("utp-two", "two streams from the start: 10 and 100 Mbit/s, 50 ms, a second of buffer"),
    (
        "utp-latecomer",
        "two streams, the second a minute later or a little more: 10 and 100 Mbit/s, 50 ms, a second of buffer",
    ),
    ("utp-four", "four streams, one after the other: 100 Mbit/s, 50 ms, a second of buffer"),
    ("utp-loss", "100 Mbit/s, 50 ms with 0.1 to 3 % loss; 300 Mbit/s, 100 ms with 0.1 %"),
    ("utp-jitter", "50 Mbit/s, 50 ms and up to 20 ms more for each packet, in order and not"),
    ("utp-600ms", "20 Mbit/s and 600 ms, as over a satellite"),
    ("utp-uplink-full", "20 Mbit/s down while a Cubic fills the 2 Mbit/s up, with a second of buffer there"),
];

/// What one run came to.
#[derive(Clone, Debug)]
pub struct Figures {
    /// The world, with what was set in it.
    pub label: String,
    /// Bytes in a second that each flow brought over.
    pub rates: Vec<u64>,
    /// What waited before the line, in microseconds.
    pub queue_mean_us: u64,
    /// The longest wait.
    pub queue_max_us: u64,
    /// What the line carries in a second, in bytes.
    pub line: u64,
}

impl fmt::Display for Figures {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:", self.label)?;
        for rate in &self.rates {
            let (thousandths, share) = (rate * 1_000 / (1 << 20), rate * 1_000 / self.line);
            write!(out, " {} MiB/s ({} of the line)", decimal(Some(thousandths)), decimal(Some(share)))?;
        }
        let (mean, max) = (self.queue_mean_us, self.queue_max_us);
        write!(out, "; queue {} ms mean, {} ms at most", decimal(Some(mean)), decimal(Some(max)))
    }
}

/// What sends through a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Flow {
    /// A stream of uTP, and when it begins.
    Utp(u64),
    Cubic,
    /// A Cubic in the other direction.
    CubicBack,
}

/// Runs flows through lines, and measures from one second to another.
fn measure(label: String, there: &Nature, back: &Nature, flows: &[Flow], from: u64, to: u64) -> Figures {
    let mut world = World::new(vec![Line::new(there.clone()), Line::new(back.clone())], 1);
    world.checks_every = 997;
    let settings = Settings::default();
    let host = |node| {
        let quiet = Plan { bytes: 0, ..Plan::of(0) };
        Kind::Utp(Box::new(Host::new(settings, address(node), [node as u64, 7], quiet)))
    };
    for (at, flow) in flows.iter().enumerate() {
        let (left, right) = (2 * at, 2 * at + 1);
        match flow {
            Flow::Utp(_) => {
                world.add(host(left), 0);
                world.add(host(right), 1);
            }
            Flow::Cubic => {
                world.add(Kind::Cubic(Cubic::new(), right), 0);
                world.add(Kind::Sink, 1);
            }
            Flow::CubicBack => {
                world.add(Kind::Cubic(Cubic::new(), right), 1);
                world.add(Kind::Sink, 0);
            }
        }
    }
    let brought = |world: &mut World| -> Vec<u64> {
        (0..flows.len())
            .map(|at| match flows[at] {
                Flow::Utp(_) => world.host(2 * at + 1).streams.values().map(|stream| stream.read).sum(),
                Flow::Cubic | Flow::CubicBack => world.cubic(2 * at),
            })
            .collect()
    };
    let mut begins: Vec<(u64, usize)> = (0..flows.len())
        .filter_map(|at| if let Flow::Utp(begins) = flows[at] { Some((begins, at)) } else { None })
        .collect();
    begins.sort_unstable();
    for (begin, at) in begins {
        world.run_until(begin);
        let clock = world.clock(2 * at);
        world.host(2 * at).connect(clock, address(2 * at + 1), Plan::endless());
        world.wake(2 * at, begin);
    }
    world.run_until(from * SECOND);
    let before = brought(&mut world);
    if from > 5 {
        world.lines[0].measure_anew();
    }
    world.run_until(to * SECOND);
    let after = brought(&mut world);
    let line = &world.lines[0];
    Figures {
        label,
        rates: after.iter().zip(before).map(|(after, before)| (after - before) / (to - from)).collect(),
        queue_mean_us: line.waited_us / line.passed.max(1),
        queue_max_us: line.waited_max_us,
        line: there.rate,
    }
}

/// Runs the world of that name; `None` where there is none.
pub fn run(name: &str) -> Option<Vec<Figures>> {
    let label = |with: &str| format!("{name} {with}");
    let deep = Nature::new(10 * MBIT, 25_000, SECOND);
    let wide = Nature::new(100 * MBIT, 25_000, SECOND);
    let fast = Nature::new(100 * MBIT, 25_000, 100_000);
    let one = [Flow::Utp(0)];
    Some(match name {
        "utp-alone" => vec![
            measure(label("10 Mbit/s, 1 s of buffer"), &deep, &deep, &one, 0, 60),
            measure(label("100 Mbit/s, 50 ms"), &fast, &fast, &one, 0, 30),
        ],
        "utp-beside-cubic-deep" => beside(&label, &deep),
        "utp-beside-cubic-shallow" => [10, 100]
            .into_iter()
            .flat_map(|mbit| {
                let label = |with: &str| label(&format!("{mbit} Mbit/s, {with}"));
                beside(&label, &Nature::new(mbit * MBIT, 25_000, 30_000))
            })
            .collect(),
        "utp-two" => vec![
            measure(label("10 Mbit/s"), &deep, &deep, &[Flow::Utp(0), Flow::Utp(500_000)], 60, 180),
            measure(label("100 Mbit/s"), &wide, &wide, &[Flow::Utp(0), Flow::Utp(500_000)], 60, 120),
        ],
        "utp-four" => {
            let flows = [0, 7, 15, 29].map(|begin| Flow::Utp(begin * SECOND));
            vec![measure(label(""), &wide, &wide, &flows, 60, 120)]
        }
        "utp-latecomer" => [60, 66, 75]
            .into_iter()
            .map(|late| {
                let label = label(&format!("10 Mbit/s, {late} s"));
                measure(label, &deep, &deep, &[Flow::Utp(0), Flow::Utp(late * SECOND)], 90, 240)
            })
            .chain([30, 41].map(|late| {
                let label = label(&format!("100 Mbit/s, {late} s"));
                measure(label, &wide, &wide, &[Flow::Utp(0), Flow::Utp(late * SECOND)], 60, 120)
            }))
            .collect(),
        "utp-loss" => {
            let lossy = |bits, delay, ppm| Nature { loss_ppm: ppm, ..Nature::new(bits, delay, 100_000) };
            let mut runs: Vec<Figures> = [(1_000, "0.1 %"), (3_000, "0.3 %"), (10_000, "1 %"), (30_000, "3 %")]
                .into_iter()
                .map(|(ppm, text)| {
                    measure(label(text), &lossy(100 * MBIT, 25_000, ppm), &lossy(100 * MBIT, 25_000, ppm), &one, 0, 12)
                })
                .collect();
            let long = lossy(300 * MBIT, 50_000, 1_000);
            runs.push(measure(label("0.1 %, 300 Mbit/s, 100 ms"), &long, &long, &one, 0, 20));
            runs
        }
        "utp-jitter" => [(false, "in order"), (true, "out of order")]
            .into_iter()
            .map(|(reorders, text)| {
                let line = Nature { jitter_us: 20_000, reorders, ..Nature::new(50 * MBIT, 25_000, 200_000) };
                measure(label(text), &line, &line, &one, 0, 30)
            })
            .collect(),
        "utp-600ms" => {
            let line = Nature::new(20 * MBIT, 300_000, 300_000);
            vec![measure(label(""), &line, &line, &one, 30, 120)]
        }
        "utp-uplink-full" => {
            let (down, up) = (Nature::new(20 * MBIT, 25_000, 500_000), Nature::new(2 * MBIT, 25_000, SECOND));
            vec![measure(label(""), &down, &up, &[Flow::Utp(0), Flow::CubicBack], 10, 60)]
        }
        _ => return None,
    })
}

/// A Cubic alone, and the same beside a stream of uTP.
fn beside(label: &dyn Fn(&str) -> String, line: &Nature) -> Vec<Figures> {
    vec![
        measure(label("Cubic alone"), line, line, &[Flow::Cubic], 10, 130),
        measure(label("Cubic, uTP"), line, line, &[Flow::Cubic, Flow::Utp(5 * SECOND)], 10, 130),
    ]
}
