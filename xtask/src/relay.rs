//! `relay`: what Teem carries over lines of some rate, length, buffer and loss by uTP and by TCP, and what libtorrent carries by uTP, in turns. Two hosts in network
//! namespaces are joined by a relay that copies frames ([`teem_rig::relayed`]); each transfer has namespaces and a process of its own.
use crate::bench::{self, Failed};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use teem_rig::line::{Buffer, Nature};
use teem_rig::namespace::{Folder, wrapped};
use teem_rig::process::Process;
use teem_rig::relayed::{Carried, Program, play};

/// Set inside: the folder for all that is written.
const FOLDER: &str = "TEEM_RELAY_FOLDER";
/// The longest that one transfer may take in all, with making its content.
const LIMIT: Duration = Duration::from_secs(400);
/// The word before the line with which a transfer inside says what it came to.
const CAME: &str = "came to ";
/// Between these lines a document holds the table.
const MARKS: [&str; 2] = ["<!-- relay -->\n", "<!-- end of relay -->\n"];
/// A million in a second.
const MBIT: u64 = 1_000_000;
/// The buffer of a line, where that is not what it is about.
const SHORT: Duration = Duration::from_millis(100);

/// A line that is measured.
#[derive(Clone)]
struct World {
    /// What it is typed as: a name, or the line itself.
    name: Cow<'static, str>,
    about: Cow<'static, str>,
    nature: Nature,
    /// MiB of content for each of [`Program::ALL`]: what takes about 20 s.
    sizes: [u64; 3],
}

/// A line of so many Mbit/s and milliseconds there and back.
const fn nature(mbit: u64, round_ms: u64, buffer: Duration, loss_ppm: u32) -> Nature {
    Nature { bits: mbit * MBIT, delay: Duration::from_micros(round_ms * 500), buffer: Buffer::Time(buffer), loss_ppm }
}

const WORLDS: [World; 4] = [
    World {
        name: Cow::Borrowed("clean"),
        about: Cow::Borrowed("100 Mbit/s, 50 ms, buffer 100 ms"),
        nature: nature(100, 50, SHORT, 0),
        sizes: [192, 192, 192],
    },
    World {
        name: Cow::Borrowed("lossy"),
        about: Cow::Borrowed("the same with 1 % loss"),
        nature: nature(100, 50, SHORT, 10_000),
        sizes: [128, 64, 8],
    },
    World {
        name: Cow::Borrowed("long"),
        about: Cow::Borrowed("300 Mbit/s, 100 ms, buffer 100 ms, 0.1 % loss"),
        nature: nature(300, 100, SHORT, 1_000),
        sizes: [384, 192, 16],
    },
    World {
        name: Cow::Borrowed("deep"),
        about: Cow::Borrowed("10 Mbit/s, 50 ms, buffer 1 s"),
        nature: nature(10, 50, Duration::from_secs(1), 0),
        sizes: [20, 20, 20],
    },
];

/// What is asked whether it works at all: two seconds.
const SMOKE: World = World {
    name: Cow::Borrowed("smoke"),
    about: Cow::Borrowed("50 Mbit/s, 20 ms, buffer 100 ms, 0.5 % loss"),
    nature: nature(50, 20, SHORT, 5_000),
    sizes: [8, 8, 8],
};

/// What is asked for.
struct Wishes {
    worlds: Vec<World>,
    programs: Vec<Program>,
    reps: usize,
    mib: Option<u64>,
    teem: Option<PathBuf>,
    write: Option<PathBuf>,
    smoke: bool,
}

impl Wishes {
    fn read(words: &[&str]) -> Option<Self> {
        let mut wishes = Self {
            worlds: Vec::new(),
            programs: Vec::new(),
            reps: 1,
            mib: None,
            teem: None,
            write: None,
            smoke: false,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--smoke" => wishes.smoke = true,
                "--world" => wishes.worlds.push(world(words.next()?)?),
                "--line" => wishes.worlds.push(line(words.next()?)?),
                "--program" => wishes.programs.push(Program::read(words.next()?)?),
                "--reps" => wishes.reps = words.next()?.parse().ok().filter(|reps| *reps > 0)?,
                "--size" => wishes.mib = Some(words.next()?.parse().ok().filter(|mib| *mib > 0)?),
                "--teem" => wishes.teem = Some(PathBuf::from(*words.next()?)),
                "--write" => wishes.write = Some(PathBuf::from(*words.next()?)),
                _ => return None,
            }
        }
        if wishes.worlds.is_empty() {
            wishes.worlds = if wishes.smoke { vec![SMOKE] } else { WORLDS.to_vec() };
        }
        if wishes.programs.is_empty() {
            wishes.programs =
                if wishes.smoke { vec![Program::TeemUtp, Program::TeemTcp] } else { Program::ALL.to_vec() };
        }
        Some(wishes)
    }

    fn mib(&self, world: &World, program: Program) -> u64 {
        let place = Program::ALL.iter().position(|one| *one == program).unwrap_or(0);
        self.mib.unwrap_or(world.sizes[place])
    }
}

fn world(name: &str) -> Option<World> {
    WORLDS.iter().chain([&SMOKE]).find(|world| world.name == name).cloned()
}

/// A line of the user's own: Mbit/s, milliseconds there and back, a buffer in milliseconds or in bytes (`100ms`, `64KiB`), loss in percent; with commas between.
fn line(text: &str) -> Option<World> {
    let [mbit, round, buffer, loss] = text.split(',').collect::<Vec<_>>().try_into().ok()?;
    let mbit: u64 = mbit.parse().ok().filter(|mbit| *mbit > 0)?;
    let delay = Duration::from_micros(round.parse::<u64>().ok()? * 500);
    let buffer = match (buffer.strip_suffix("ms"), buffer.strip_suffix("KiB")) {
        (Some(ms), _) => Buffer::Time(Duration::from_millis(ms.parse().ok()?)),
        (_, Some(kib)) => Buffer::Bytes(kib.parse::<u64>().ok()? << 10),
        _ => return None,
    };
    let loss = loss.parse::<f64>().ok().filter(|loss| (0.0..100.0).contains(loss))?;
    let nature = Nature { bits: mbit * MBIT, delay, buffer, loss_ppm: (loss * 10_000.0).round() as u32 };
    // What takes ten seconds, or a good deal longer where much is lost.
    let mib = ((mbit * 10 * MBIT / 8) >> 20).max(1);
    Some(World { name: text.to_owned().into(), about: format!("`{text}`").into(), nature, sizes: [mib; 3] })
}

/// What one transfer came to.
#[derive(Clone, Copy, Debug)]
struct Came {
    mib: u64,
    took: Duration,
    mean: Duration,
    max: Duration,
    lost: u64,
    dropped: u64,
    /// What spoils the figures: frames that were not cut, and such as could not be put down.
    uncut: u64,
    refused: u64,
}

impl Came {
    fn of(mib: u64, carried: &Carried) -> Self {
        let (passed, far) = (carried.passed, carried.passed.far);
        Self {
            mib,
            took: carried.took,
            mean: far.mean(),
            max: far.waited_max,
            lost: far.lost,
            dropped: far.dropped,
            uncut: passed.uncut,
            refused: passed.refused,
        }
    }

    fn told(&self) -> String {
        let us = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        json!({
            "mib": self.mib, "took_us": us(self.took), "mean_us": us(self.mean), "max_us": us(self.max), "lost": self.lost,
            "dropped": self.dropped, "uncut": self.uncut, "refused": self.refused,
        })
        .to_string()
    }

    fn read(line: &str) -> Option<Self> {
        let told: Value = serde_json::from_str(line).ok()?;
        let us = |name: &str| told[name].as_u64().map(Duration::from_micros);
        let count = |name: &str| told[name].as_u64();
        Some(Self {
            mib: count("mib")?,
            took: us("took_us")?,
            mean: us("mean_us")?,
            max: us("max_us")?,
            lost: count("lost")?,
            dropped: count("dropped")?,
            uncut: count("uncut")?,
            refused: count("refused")?,
        })
    }

    /// MiB in a second.
    fn rate(&self) -> f64 {
        self.mib as f64 / self.took.as_secs_f64()
    }
}

/// All transfers of one program over one line, or why there is none.
type Cell = Result<Vec<Came>, String>;

/// Measures what the words after `relay` ask for, with the binary that is named or the release build of `root`, and returns the table.
pub fn run(root: &Path, words: &[&str]) -> Result<String, Failed> {
    let wishes = Wishes::read(words).ok_or_else(|| Failed::new("relay: these words mean nothing".into()))?;
    if let (Some(folder), [world], [program]) = (env::var_os(FOLDER), &wishes.worlds[..], &wishes.programs[..]) {
        let teem = wishes.teem.clone().unwrap_or_default();
        let mib = wishes.mib(world, *program);
        let carried = play(*program, world.nature, mib << 20, &teem, Path::new(&folder));
        return Ok(format!("{CAME}{}\n", Came::of(mib, &carried).told()));
    }
    if env::current_exe().ok().and_then(wrapped).is_none() {
        let why = "no network namespace can be made (unshare -n)";
        // A machine that lends no network says nothing about us.
        return if wishes.smoke { Ok(format!("relay: skipped: {why}\n")) } else { Err(Failed::new(why.into())) };
    }
    let teem = wishes.teem.clone().map_or_else(|| bench::built(root), Ok)?;
    let mut cells: Vec<(&World, Vec<Cell>)> =
        wishes.worlds.iter().map(|world| (world, wishes.programs.iter().map(|_| Ok(Vec::new())).collect())).collect();
    for _ in 0..wishes.reps {
        for (world, cells) in &mut cells {
            for (program, cell) in wishes.programs.iter().zip(cells) {
                let mib = wishes.mib(world, *program);
                let came = played(world, *program, mib, &teem);
                match &came {
                    Ok(came) => {
                        eprintln!("{:6.2} MiB/s  {} {} ({})", came.rate(), world.name, program.word(), came.told());
                    }
                    Err(why) => eprintln!("FAILED  {} {}: {why}", world.name, program.word()),
                }
                match (cell.as_mut(), came) {
                    (Ok(all), Ok(came)) => all.push(came),
                    (Ok(_), Err(why)) => *cell = Err(why),
                    (Err(_), _) => {}
                }
            }
        }
    }
    let told = table(&wishes.programs, &cells);
    if let Some(path) = &wishes.write {
        fs::write(path, bench::put_between(MARKS, &fs::read_to_string(path)?, &told)?)?;
    }
    // Where something of Teem's fails the command does.
    let failed = cells.iter().any(|(_, cells)| cells.iter().any(Result::is_err));
    if failed { Err(Failed::new(told)) } else { Ok(told) }
}

/// One transfer, in namespaces of its own.
fn played(world: &World, program: Program, mib: u64, teem: &Path) -> Result<Came, String> {
    if let Some(missing) = program.needs().filter(|needs| !needs.is_there()) {
        return Err(format!("{missing:?} is not installed"));
    }
    let Some(mut command) = env::current_exe().ok().and_then(wrapped) else {
        return Err("no network namespace can be made (unshare -n)".to_owned());
    };
    let folder = Folder::new("relay");
    let typed = if world.name.contains(',') { "--line" } else { "--world" };
    command.args(["relay", typed, &world.name, "--program", program.word(), "--size", &mib.to_string(), "--teem"]);
    let mut inner = Process::start(command.arg(teem).env(FOLDER, &folder.0).env("RUST_BACKTRACE", "0"));
    let ended = inner.poll_exit(LIMIT).ok_or_else(|| format!("no end within {LIMIT:?}"))?;
    let log = inner.whole_log();
    let came = log.lines().find_map(|line| Came::read(line.strip_prefix(CAME)?)).filter(|_| ended.success());
    let came = came.ok_or_else(|| {
        let mut lines = log.lines().skip_while(|line| !line.contains("panicked at")).skip(1);
        lines.next().unwrap_or("it ended without a word").to_owned()
    })?;
    if came.uncut > 0 { Err(format!("{} frames were not cut as they are on a wire", came.uncut)) } else { Ok(came) }
}

/// The table as Markdown: a row for each line, a column for each program, the median of the transfers.
fn table(programs: &[Program], cells: &[(&World, Vec<Cell>)]) -> String {
    let heads: Vec<String> = programs.iter().map(Program::to_string).collect();
    let mut text = format!("| line | {} |\n|---|{}\n", heads.join(" | "), "---|".repeat(programs.len()));
    for (world, cells) in cells {
        let told: Vec<String> = cells.iter().map(|cell| told(world, cell)).collect();
        let _ = writeln!(text, "| {} | {} |", world.about, told.join(" | "));
    }
    text
}

fn told(world: &World, cell: &Cell) -> String {
    let mut all = match cell {
        Ok(all) if !all.is_empty() => all.clone(),
        Ok(_) => return "–".to_owned(),
        Err(why) => return format!("failed: {why}"),
    };
    all.sort_by(|one, other| one.rate().total_cmp(&other.rate()));
    let median = all[all.len() / 2];
    let mut text = format!("{:.2} MiB/s", median.rate());
    if all.len() > 1 {
        let _ = write!(text, " ({:.2} to {:.2})", all[0].rate(), all[all.len() - 1].rate());
    }
    let _ = write!(text, ", {} MiB", median.mib);
    // By chance lost frames keep queues short; what a queue is says something on a clean line alone.
    if world.nature.loss_ppm == 0 {
        let ms = |time: Duration| time.as_millis();
        let worst = all.iter().map(|came| came.max).max().unwrap_or_default();
        let _ = write!(text, ", queue {} ms mean, {} at most", ms(median.mean), ms(worst));
        if median.dropped > 0 {
            let _ = write!(text, ", {} frames dropped", median.dropped);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came(took_ms: u64) -> Came {
        let ms = Duration::from_millis;
        Came {
            mib: 10,
            took: ms(took_ms),
            mean: ms(40),
            max: ms(took_ms / 100),
            lost: 0,
            dropped: 3,
            uncut: 0,
            refused: 0,
        }
    }

    #[test]
    fn a_transfer_is_read_as_it_is_told() {
        let read = Came::read(&came(2_500).told()).unwrap();
        assert_eq!(read.told(), came(2_500).told());
        assert!(Came::read("{}").is_none());
    }

    #[test]
    fn a_line_is_read_with_a_buffer_of_time_or_bytes() {
        let read = |text| line(text).map(|world| world.nature);
        let ms = Duration::from_millis;
        let wanted = Nature { bits: 100 * MBIT, delay: ms(25), buffer: Buffer::Time(ms(30)), loss_ppm: 1_500 };
        assert_eq!(read("100,50,30ms,0.15"), Some(wanted));
        assert_eq!(read("100,50,64KiB,0.15"), Some(Nature { buffer: Buffer::Bytes(65_536), ..wanted }));
        for nothing in ["", "100,50,30,0", "0,50,30ms,0", "100,50,30ms", "100,50,30ms,100", "a,b,c,d"] {
            assert_eq!(read(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn the_table_has_the_median_of_rates_and_the_longest_queue() {
        let cells = vec![(&WORLDS[0], vec![Ok(vec![came(1_000), came(5_000), came(2_000)]), Err("no".to_owned())])];
        let told = table(&[Program::TeemUtp, Program::TeemTcp], &cells);
        let cell =
            "| 5.00 MiB/s (2.00 to 10.00), 10 MiB, queue 40 ms mean, 50 at most, 3 frames dropped | failed: no |";
        assert!(told.ends_with(&format!("buffer 100 ms {cell}\n")), "{told}");
    }
}
