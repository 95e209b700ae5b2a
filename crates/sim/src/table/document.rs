//! The table as a document (own design): what it is, how to get it again, the rows.
use super::cases::Place;
use super::illustrate;
use super::rows::{Row, Spread};
use super::runs::{Runs, replace};
use super::text::value;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

/// Writes the document to `path`.
pub(super) fn write(path: &Path, rows: &[Row], places: &[Place], runs: &Runs) -> io::Result<()> {
    let mut text = String::from(INTRODUCTION);
    text.push_str("\n| case | N | figure | granting | off | target | |\n|---|--:|---|--:|--:|---|---|\n");
    let mut before = "";
    for row in rows.iter().filter(|row| row.granting.is_some() || row.off.is_some()) {
        let (about, n) = if row.name == before { ("", String::new()) } else { (row.about, grouped(row.n)) };
        before = &row.name;
        let met = row.met.map_or("", |met| if met { "met" } else { "**missed**" });
        let (granting, off) = (ranged(row, row.granting), ranged(row, row.off));
        let (about, what) = (about.replace('*', "\\*"), row.what.replace('*', "\\*"));
        let _ = writeln!(text, "| {about} | {n} | {what} | {granting} | {off} | {} | {met} |", row.target);
    }
    text.push_str(&seeds(places, runs));
    for (name, why) in WHY {
        if rows.iter().any(|row| row.name == *name && row.met == Some(false)) {
            let _ = write!(text, "\n**{name}**: {why}\n");
        }
    }
    let folder = path.parent().unwrap_or(Path::new("")).join("img");
    for picture in illustrate::pictures(runs) {
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(&picture.file), &picture.svg)?;
        let _ = write!(text, "\n![{}](img/{})\n", picture.about, picture.file);
    }
    replace(path, &text)
}

/// The median, and where there are several seeds from where to where they go.
fn ranged(row: &Row, spread: Option<Spread>) -> String {
    let median = value(row, spread);
    let Some(spread) = spread.filter(|spread| spread.min < spread.max) else { return median };
    format!("{median} ({} to {})", row.figure.show(spread.min), row.figure.show(spread.max))
}

fn seeds(places: &[Place], runs: &Runs) -> String {
    let mut sizes: Vec<(u32, u64)> = Vec::new();
    let mut events = 0;
    for run in runs.of(places) {
        events += run.report.events;
        match sizes.iter_mut().find(|(n, _)| *n == run.key.n) {
            Some((_, most)) => *most = run.key.seed.max(*most),
            None => sizes.push((run.key.n, run.key.seed)),
        }
    }
    sizes.sort_unstable();
    let each: Vec<String> = sizes
        .iter()
        .map(|(n, most)| {
            format!("{} for N = {}", if *most == 1 { "1".into() } else { format!("1 to {most}") }, grouped(*n))
        })
        .collect();
    format!(
        "\nSeeds: {}. {} million events; {} rules broken.\n",
        each.join(", "),
        events / 1_000_000,
        runs.violations(places)
    )
}

fn grouped(n: u32) -> String {
    if n >= 1_000 { format!("{},{:03}", n / 1_000, n % 1_000) } else { n.to_string() }
}

/// Why a figure is missed, as far as experiments tell.
const WHY: &[(&str, &str)] = &[
    (
        "equal-n10000",
        "half as many pieces make it a run of half the length, against which fixed times count twice: the way of the first \
     pieces through the swarm, the ramp-up of connections, the last pieces. A hundred downloaders take 1.093 times the bound with 512 \
     pieces where 1,024 take 1.050 (`equal-n100`, seed 1, with and without `--pieces 512`). It is missed by the last few: p99.9 is 1.191. \
     Before blocks were read in order it was 1.225. With a quarter of a second read ahead instead of three a thousand with 96 pieces take \
     1.53 instead of 1.60, but lines that are no faster than the receivers' stand idle (Kraken's shape).",
    ),
    (
        "kraken-n2600",
        "375 pieces are little content for so many: the bound is 79 s, against which the way of the first pieces through the swarm \
     counts three times as much as with 1,024. With 200 peers (seed 1) the mean is four seconds behind full lines after twelve seconds and \
     six after 23: one line in ten idles then that has pieces which others want, since who may ask there waits for the same pieces \
     elsewhere. What the number of slots does (`kraken-n200`, seed 1, before blocks were read in order; p50, p99): two 1.263, 1.576; four \
     1.136, 1.266; six 1.146, 1.213; eight 1.167, 1.204; sixteen 1.318, 1.337. In order six have 1.132, 1.190; with a quarter of a second \
     read ahead instead of three p50 is 1.155. The best so far is the engine as it stands.",
    ),
    (
        "mixed-n1000",
        "last are those whose lines send a quarter of the others': they get less while the others want something, since who gives gets. \
     One of a thousand is the makespan (p99.9 1.333, p99 1.307). Before blocks were read in order the same seed had 1.312, and 1.271 instead of \
     1.298 with 100: pieces that go to one peer at a time go to those first who give.",
    ),
];

const INTRODUCTION: &str = "\
# How close a swarm comes to what is possible

*Written by the simulator; don't edit it by hand.*

N downloaders want one file from one source. No client can beat the *fluid bound* T\\* = max { F/u_s, F/d_min,
N·F/(u_s + Σu_i) }: the source must send everything once, everybody must receive it, and all uploads together must carry
N copies. And no source can send less than one *copy* before everything has left it. The table says how close the engine
comes, with granting (a complete holder shows each piece to one peer first, who passes it on) and without, in worlds of
the project's own simulator: the very engine that moves real files, other people's lines, clocks and disks. Everything is
drawn from the seed, so anybody can get the same table, to the last digit:

```sh
cargo run --release -p teem-sim -- table --up-to 100
```

Lines send u = 10 Mbit/s and receive ten times that; round trips are drawn evenly from 20 to 150 ms for each pair; the
content has 1,024 pieces of 16 blocks of 16 KiB (512 pieces for N = 10,000). Connections ramp up as TCP does, every
message takes its place on the line, and everybody comes at once and stays unless the case says otherwise. T\\* comes from
the rates of the lines, on which the 13 bytes before each block travel too. Figures are medians over the seeds, with the
least and the most in brackets. A frugal source gives one copy (c = 1) and then only what peers cannot give each other; its
bound is max { F/u_s, F/d_min, (N-c)·F/Σu_i }. A free rider has u_i = 0. Under churn everybody dies after an exponential
life, without a word and for good; times are of those that got it before. Of the plain clients half are scripted after
libtorrent, a fifth each after Transmission and aria2, and a tenth after rqbit.
";
