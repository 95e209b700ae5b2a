//! A network of a swarm's own: the chore starts itself again in a namespace whose loopback device holds 198.18.0.0/15 (a range
//! kept for measuring), because on loopback and private addresses some clients switch their upload slots off.
use super::measure::measure;
use super::outcome::Outcome;
use super::wishes::Wishes;
use crate::bench::Failed;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use teem_rig::namespace::wrapped;

/// Set inside: the binary to measure.
const INSIDE: &str = "TEEM_BENCH_TEEM";
/// Set inside: the folder for all that is written.
const FOLDER: &str = "TEEM_BENCH_FOLDER";

/// The binary to measure, when this process is the one inside.
pub(super) fn inside() -> Option<OsString> {
    std::env::var_os(INSIDE)
}

/// Inside: measures, and returns the line to print.
pub(super) fn run_inside(wishes: &Wishes, teem: &Path) -> Result<String, Failed> {
    let Some(folder) = std::env::var_os(FOLDER) else { return Err(Failed::new(format!("{FOLDER} is not set"))) };
    fs::create_dir_all(&folder)?;
    let told = measure(wishes, teem, Path::new(&folder))?;
    Ok(format!("{{{}}}\n", told.members()))
}

/// Outside: has a swarm measured in a namespace; `words` are what [`Wishes::read`] reads.
pub(super) fn run(teem: &Path, words: &[&str], keep: Option<&Path>) -> Result<Outcome, Failed> {
    let Some(mut inner) = wrapped(std::env::current_exe()?) else {
        return Err(Failed::new("no network namespace can be made (unshare -n)".into()));
    };
    let scratch = std::env::temp_dir().join(format!("teem-swarm-{}", std::process::id()));
    inner.args(["bench", "swarm"]).args(words);
    let folder = keep.unwrap_or(&scratch);
    let output = inner.env(INSIDE, teem).env(FOLDER, folder).stderr(Stdio::inherit()).output();
    if keep.is_none() {
        let _ = fs::remove_dir_all(&scratch);
    }
    let output = output?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    Outcome::read(&told)
        .filter(|_| output.status.success())
        .ok_or_else(|| Failed::new(format!("the swarm was not measured: {}", output.status)))
}
