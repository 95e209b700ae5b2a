//! How many queries a node of the DHT answers over a socket in a second of one core: what `crates/dht/examples/serve.rs` measures, in a release build.

use std::path::Path;
use std::process::Command;

use crate::bench::Failed;

/// Seconds that are measured.
const SECONDS: &str = "10";
/// When only asked whether it works.
const SECONDS_SMOKE: &str = "1";

/// Builds and runs it; the line that it prints.
pub fn run(root: &Path, words: &[&str]) -> Result<String, Failed> {
    let seconds = match words {
        [] => SECONDS,
        ["--smoke"] => SECONDS_SMOKE,
        _ => return Err(Failed::new("usage: cargo xtask bench dht [--smoke]".into())),
    };
    let mut cargo = Command::new("cargo");
    cargo.args(["run", "--quiet", "--release", "--locked", "-p", "teem-dht", "--example", "serve", "--", seconds]);
    let output = cargo.current_dir(root).output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() && !said.starts_with("0 ") {
        Ok(said)
    } else {
        Err(Failed::new(format!("the node answered nothing: {said}{}", String::from_utf8_lossy(&output.stderr))))
    }
}
