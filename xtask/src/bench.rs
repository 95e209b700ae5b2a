//! Figures of the built binary on this machine: making a torrent, verifying it, and one seed to one downloader over
//! loopback. For the record and to notice what broke; comparisons with other programs need a quiet machine and repeats.

use std::fmt::{self, Write as _};
use std::fs;
use std::io::{self, BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Bytes of content.
const SIZE: u64 = 1 << 30;
/// Bytes of content when only asked whether all of it works.
const SIZE_SMOKE: u64 = 64 << 20;
/// How often the memory of a running program is looked at.
const SAMPLE_EVERY: Duration = Duration::from_millis(20);

/// What went wrong, in a sentence.
#[derive(Debug)]
pub struct Failed(String);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Failed {
    /// With that sentence.
    pub fn new(why: String) -> Self {
        Self(why)
    }
}

impl std::error::Error for Failed {}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self(format!("cannot measure: {error}"))
    }
}

/// One measured run.
struct Figure {
    what: &'static str,
    wall: Duration,
    memory_kib: u64,
}

/// Builds the release binary in `root`: where it lies.
pub fn built(root: &Path) -> Result<PathBuf, Failed> {
    let mut build = Command::new("cargo");
    // What cargo tells a program that it runs would make build scripts run again, and all that stands on them.
    let told = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars_os().filter(|(name, _)| told(&name.to_string_lossy())) {
        build.env_remove(name);
    }
    let built = build.args(["build", "--quiet", "--release", "--locked"]).current_dir(root).status()?;
    if !built.success() {
        return Err(Failed("the release build failed".into()));
    }
    Ok(release(root).join("teem"))
}

/// Puts a table in its place in a document, between two lines that it has.
pub fn put_between(marks: [&str; 2], document: &str, table: &str) -> Result<String, Failed> {
    let [begin, end] = marks;
    let missing = || Failed::new(format!("the document has no place for the table ({} {})", begin.trim(), end.trim()));
    let (before, rest) = document.split_once(begin).ok_or_else(missing)?;
    let (_, after) = rest.split_once(end).ok_or_else(missing)?;
    Ok([before, begin, table, end, after].concat())
}

/// Where the release build of `root` lies.
pub fn release(root: &Path) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    root.join(target).join("release")
}

/// Builds the release binary in `root`, measures it, and returns the table to print.
pub fn run(root: &Path, smoke: bool) -> Result<String, Failed> {
    let teem = built(root)?;
    let folder = std::env::temp_dir().join(format!("teem-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let size = if smoke { SIZE_SMOKE } else { SIZE };
    let figures = measure(&teem, &folder, size);
    let _ = fs::remove_dir_all(&folder);
    let mut table = format!("{:<12} {:>9} {:>9} {:>9}\n", "run", "wall s", "MiB/s", "peak MiB");
    for figure in figures? {
        let seconds = figure.wall.as_secs_f64();
        let rate = (size >> 20) as f64 / seconds;
        let memory = figure.memory_kib as f64 / 1024.0;
        let _ = writeln!(table, "{:<12} {seconds:>9.2} {rate:>9.0} {memory:>9.1}", figure.what);
    }
    Ok(table)
}

fn measure(teem: &Path, folder: &Path, size: u64) -> Result<Vec<Figure>, Failed> {
    let content = folder.join("content.bin");
    let torrent = folder.join("content.torrent");
    let out = folder.join("out");
    write_content(&content, size)?;
    let command = |args: &[&str], paths: &[&Path]| {
        let mut command = Command::new(teem);
        command.env("TEEM_NO_DHT", "1"); // peers come from where the measurement says
        command.args(args).args(paths).env("HOME", folder).env("XDG_STATE_HOME", folder.join("state"));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    };
    let mut figures = vec![
        to_end("create", &mut command(&["create", "-o"], &[&torrent, &content]))?,
        to_end("verify", &mut command(&["verify", "--data"], &[folder, &torrent]))?,
    ];
    let mut seed = command(&["seed", "--json", "--listen", "127.0.0.1:0", "--data"], &[folder, &torrent]);
    let mut seed = Running(seed.stdout(Stdio::piped()).spawn()?);
    let port = listening_port(&mut seed.0)?;
    let peer = format!("127.0.0.1:{port}");
    let get = &mut command(&["get", "--listen", "127.0.0.1:0", "--peer", &peer, "-o"], &[&out, &torrent]);
    figures.push(to_end("get", get)?);
    let memory_kib = peak_kib(seed.0.id());
    figures.push(Figure { what: "(its seed)", wall: figures[figures.len() - 1].wall, memory_kib });
    if fs::read(&content)? != fs::read(out.join("content.bin"))? {
        return Err(Failed("what arrived differs from what was sent".into()));
    }
    Ok(figures)
}

/// A child that is killed when dropped.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn to_end(what: &'static str, command: &mut Command) -> Result<Figure, Failed> {
    let begun = Instant::now();
    let mut child = Running(command.spawn()?);
    let mut memory_kib = 0;
    loop {
        memory_kib = memory_kib.max(peak_kib(child.0.id()));
        if let Some(status) = child.0.try_wait()? {
            let wall = begun.elapsed();
            let figure = Figure { what, wall, memory_kib };
            return if status.success() { Ok(figure) } else { Err(Failed(format!("{what}: {status}"))) };
        }
        std::thread::sleep(SAMPLE_EVERY);
    }
}

/// The most memory a running process has held; 0 where the system does not tell.
pub fn peak_kib(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.split_whitespace().next()).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

/// The port in the first JSON line.
fn listening_port(child: &mut Child) -> Result<u16, Failed> {
    port(&line_with(child, "")?)
}

/// The first line of a program's output with that word; the rest is read and dropped, so that the program never blocks on it.
pub fn line_with(child: &mut Child, word: &str) -> Result<String, Failed> {
    let Some(output) = child.stdout.take() else { return Err(Failed("the program has no output".into())) };
    let mut lines = BufReader::new(output).lines();
    loop {
        let Some(line) = lines.next().transpose()? else {
            return Err(Failed(format!("the program ended and never said {word}")));
        };
        if line.contains(word) {
            std::thread::spawn(move || lines.for_each(drop));
            return Ok(line);
        }
    }
}

/// The port that the first line of a seed's JSON names.
pub fn port(line: &str) -> Result<u16, Failed> {
    let port = line.split("\"port\":").nth(1).map(str::trim_start);
    let digits = port.map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
    digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| Failed(format!("the seed said no port: {line}")))
}

/// Bytes that do not compress and are the same every time (xorshift64).
pub fn write_content(path: &Path, size: u64) -> io::Result<()> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut chunk = vec![0; 1 << 20];
    let mut file = fs::File::create(path)?;
    for _ in 0..size >> 20 {
        for word in chunk.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes());
        }
        file.write_all(&chunk)?;
    }
    Ok(())
}
