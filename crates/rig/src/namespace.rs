//! A network of a scenario's own. A program is started in new network, mount and process namespaces, in which all of
//! 198.18.0.0/15 and a few addresses of 2001:2::/48 (ranges kept for measuring) are local: every program gets an address
//! of its own, as strangers have, no port is ever taken, nothing leaves the machine, and whatever is left running dies
//! with the namespace.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::process::Process;

/// Set inside: the name of the test that runs there.
const INSIDE: &str = "TEEM_TEST_NAMESPACE";
/// Set inside: the folder it may write in, deleted by the outer process.
const FOLDER: &str = "TEEM_TEST_FOLDER";
/// Set to 1: nothing is skipped; what a test needs must be there.
const ALL: &str = "TEEM_TEST_ALL";

/// Addresses of IPv6 on the loopback device, beside all of IPv4's range: 2001:2::1 and so on.
pub(crate) const V6_ADDRESSES: u16 = 32;

/// What the first process inside does before it becomes the wanted one.
const SETUP: &str = r#"
ip link set lo up && ip address add 198.18.0.1/15 dev lo || exit 1
n=$1; shift
while [ "$n" -gt 0 ]; do printf 'address add 2001:2::%x/128 dev lo nodad\n' "$n"; n=$((n - 1)); done |
  ip -force -batch - || echo 'no IPv6 here' >&2
exec "$@""#;

/// Lines of a scenario's output that begin so are shown also when it passes.
const FIGURE: &str = "figure: ";

/// The longest a test may take in all.
const LIMIT: Duration = Duration::from_secs(240);

/// What a scenario needs besides ourselves: how to ask whether it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// A command in the search path, asked with the given argument.
    Command(&'static str, &'static str),
    /// A module of python3.
    Python(&'static str),
    /// A package of node, where `NODE_PATH` says.
    Node(&'static str),
}

impl Needs {
    /// Whether it is there.
    pub fn is_there(self) -> bool {
        let mut command = match self {
            Self::Command(name, argument) => {
                let mut command = Command::new(name);
                command.arg(argument);
                command
            }
            Self::Python(module) => {
                let mut command = Command::new("python3");
                command.args(["-c", &format!("import {module}")]);
                command
            }
            Self::Node(package) => {
                let mut command = Command::new("node");
                command.args(["-e", &format!("require.resolve('{package}/package.json')")]);
                command
            }
        };
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        match self {
            Self::Command(..) => quiet.status().is_ok(),
            Self::Python(_) | Self::Node(_) => quiet.status().is_ok_and(|status| status.success()),
        }
    }
}

/// Whether nothing may be skipped.
pub fn all_wanted() -> bool {
    env::var(ALL).as_deref() == Ok("1")
}

/// A command that runs `program` in namespaces of its own; arguments may follow. None where none can be made.
pub fn wrapped(program: impl AsRef<OsStr>) -> Option<Command> {
    let mut command = Command::new("unshare");
    command.args(namespaces()?).args(["sh", "-c", SETUP, "sh", &V6_ADDRESSES.to_string()]).arg(program);
    Some(command)
}

/// The whole name of the test of this binary whose function is called `test`: with the modules it lies in.
///
/// # Panics
///
/// Where the binary has no such test, or several: a test that is started by its name needs one of its own.
pub fn whole_name(test: &str) -> String {
    let exe = env::current_exe().expect("a test knows its own file");
    let listed = Command::new(exe).args(["--list", test]).output().expect("a test's own file can be started");
    let listed = String::from_utf8_lossy(&listed.stdout);
    let names = listed.lines().filter_map(|line| line.strip_suffix(": test"));
    let found: Vec<_> = names.filter(|name| name.rsplit("::").next() == test.rsplit("::").next()).collect();
    assert!(found.len() == 1, "the tests called {test}: {found:?}");
    found[0].to_owned()
}

/// Runs `scenario` in namespaces of its own, with an empty folder to write in. `test` is the name of the test function
/// that calls this. Without what it `needs` the test is skipped, and says so, unless all tests were asked for.
pub fn isolated(test: &str, needs: &[Needs], scenario: impl FnOnce(&Path)) {
    if env::var(INSIDE).as_deref() == Ok(test) {
        let folder = env::var_os(FOLDER).map(PathBuf::from).expect("the outer process names a folder");
        scenario(&folder);
        return;
    }
    let missing: Vec<_> = needs.iter().filter(|program| !program.is_there()).collect();
    if !missing.is_empty() {
        assert!(!all_wanted(), "{ALL}=1, but these are missing: {missing:?}");
        eprintln!("skipped: {test} needs {missing:?}");
        return;
    }
    let exe = env::current_exe().expect("a test knows its own file");
    let Some(mut command) = wrapped(exe) else {
        assert!(!all_wanted(), "{ALL}=1, but no network namespace can be made");
        eprintln!("skipped: {test} needs a network namespace (unshare -n)");
        return;
    };
    let folder = Folder::new(test);
    command.args(["--exact", &whole_name(test), "--nocapture"]);
    command.env("RUST_BACKTRACE", "0").env(INSIDE, test).env(FOLDER, &folder.0);
    let mut inner = Process::start(&mut command);
    let status = inner.wait_exit(LIMIT);
    let log = inner.whole_log();
    assert!(status.success() && log.contains("1 passed"), "{test}: {status}\n{log}");
    for figure in log.lines().filter(|line| line.starts_with(FIGURE)) {
        let _ = writeln!(io::stderr(), "{test}: {figure}"); // past the capture of passing tests' output: for the record
    }
}

/// The address of that number, below 512, that has a network of 24 bits to itself.
pub(crate) fn apart(number: u16) -> Ipv4Addr {
    Ipv4Addr::new(198, 18 + (number >> 8) as u8, number as u8, 1)
}

/// From here on these names of hosts mean that address, for every program of this namespace; no other name is known. The scenario must run in a namespace of its own.
pub fn name(folder: &Path, names: &[&str], ip: IpAddr) {
    let hosts = folder.join("hosts");
    fs::write(&hosts, format!("127.0.0.1 localhost\n{ip} {}\n", names.join(" "))).expect("the folder is writable");
    let bound = Command::new("mount").arg("--bind").arg(&hosts).arg("/etc/hosts").status();
    assert!(bound.is_ok_and(|status| status.success()), "a hosts file of the scenario's own");
}

/// The arguments with which `unshare` makes the namespaces here, if it can.
fn namespaces() -> Option<&'static [&'static str]> {
    static ARGS: OnceLock<Option<&'static [&'static str]>> = OnceLock::new();
    *ARGS.get_or_init(|| {
        let ways: [&[&str]; 2] = [
            &["-n", "-m", "-p", "-f", "--mount-proc", "--kill-child"],
            &["-r", "-n", "-m", "-p", "-f", "--mount-proc", "--kill-child"],
        ];
        ways.into_iter().find(|args| {
            let mut command = Command::new("unshare");
            command.args(*args).args(["ip", "link", "set", "lo", "up"]);
            command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
        })
    })
}

/// A temporary folder, deleted with the value.
pub struct Folder(pub PathBuf);

impl Folder {
    /// An empty folder with `name` in its name.
    pub fn new(name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let unique = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("teem-test-{}-{unique}-{}", std::process::id(), name.replace("::", "-"));
        let path = env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("the temporary folder is writable");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
