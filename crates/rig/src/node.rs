//! Programs for node: where the modules of an installed command lie, and how a script is run with them.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

/// Makes WebRTC, whose native half is downloaded when it is installed, look as if it were there: only TCP and UDP are used.
const WITHOUT_WEBRTC: &str = r"
import { register } from 'node:module'
const escape = text => 'data:text/javascript,' + encodeURIComponent(text)
const names = ['PeerConnection', 'RtcpReceivingSession', 'Video', 'Audio'].map(name => `export class ${name} {}`)
const stub = escape(names.join('\n') + '\nexport function cleanup () {}\nexport default {}')
register(escape(`export async function resolve (name, context, next) {
  return /^node-datachannel/.test(name) ? { url: '${stub}', shortCircuit: true } : next(name, context)
}`))
";

/// The `node_modules` in which the command of that name lies.
fn modules(command: &str) -> Option<PathBuf> {
    let found =
        env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(command)).find(|path| path.is_file())?;
    let real = fs::canonicalize(found).ok()?;
    real.ancestors().find(|folder| folder.ends_with("node_modules")).map(PathBuf::from)
}

/// The version of a package beside that command; empty when it is not there.
pub(crate) fn version(command: &str, package: &str) -> String {
    let file = modules(command).map(|modules| modules.join(package).join("package.json"));
    let text = file.and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
    let manifest: Value = serde_json::from_str(&text).unwrap_or_default();
    manifest["version"].as_str().unwrap_or_default().to_string()
}

/// Runs a script, which finds in `o` what it is told and in `modules` the folder as a URL.
pub(crate) fn script(command: &str, script: &str, told: &Value) -> Command {
    let modules = modules(command).unwrap_or_default();
    let head =
        format!("const o = {told}\nconst modules = {}\n", json!(format!("file://{}", modules.to_string_lossy())));
    let mut node = Command::new("node");
    node.args(["--no-warnings", "--input-type=module", "-e"]).arg([WITHOUT_WEBRTC, &head, script].concat());
    node
}
