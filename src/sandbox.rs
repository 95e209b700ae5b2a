//! The sandbox that a command works in (own design; what it is made of is in the crate `sandbox`).
//!
//! Where a command writes follows from its options (`ground`). So it goes inside once, before it has a second thread and before it reads
//! anything that others wrote.
use crate::cli::{Cli, Command};
use crate::exit::Stop;
use crate::foreign::plain;
use crate::hooks::{self, Hooks};
use crate::json;
use crate::on_done::{Helper, Runner};
use crate::progress::Progress;
use crate::service;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{self, ExitCode, Stdio};
use std::sync::Arc;
use teem_client::policy::Hook;
use teem_sandbox::{Ground, Inside};

/// The word that makes this binary try whether it would live through going inside.
const TRIAL: &str = "--sandbox-trial";

/// How a command is confined, and what it needs for that.
pub(crate) struct Sandbox {
    state: State,
    is_wanted: bool,
    /// What is run when a download is done.
    pub(crate) on_done: Option<Runner>,
    /// What runs the daemon's hooks.
    pub(crate) hooks: Option<Hooks>,
}

enum State {
    /// What the command does has no need of it, or nobody wants it.
    Off(String),
    On {
        ground: Ground,
        inside: Inside,
    },
}

impl Sandbox {
    /// Goes inside, as far as this system lets it, unless the user does not want that. Call it before there is a second thread; `ground` makes what the
    /// command needs, and gives none for one that reads nothing of others.
    pub(crate) fn enter(cli: &Cli, ground: impl Fn(&Command) -> Result<Option<Ground>, Stop>) -> Result<Self, Stop> {
        #[cfg(debug_assertions)]
        crate::planted::start_of_all();
        let command = match &cli.command {
            Command::Get(options) => options.on_done.as_deref(),
            _ => None,
        };
        let hook = command.map(Hook::parse).transpose().map_err(|e| Stop::usage(format!("--on-done: {e}")))?;
        let is_wanted = !cli.no_sandbox;
        let hooks = match &cli.command {
            Command::Daemon(options) => {
                // Before there is a helper that they would be left to.
                service::take_sockets();
                hooks::start(options)?
            }
            _ => None,
        };
        let here = |why: String, hook: Option<Hook>| Self {
            state: State::Off(why),
            is_wanted,
            on_done: hook.map(Runner::Here),
            hooks: hooks.clone(),
        };
        if cli.no_sandbox {
            return Ok(here("off, as --no-sandbox asks".to_owned(), hook));
        }
        let Some(ground) = ground(&cli.command)? else { return Ok(here("not needed".to_owned(), hook)) };
        if cfg!(not(target_os = "linux")) {
            return Ok(here("none: only Linux has what it is made of".to_owned(), hook));
        }
        if let Err(why) = tried() {
            return Ok(here(format!("none: {why}"), hook));
        }
        let on_done = match command.map(Helper::start).transpose() {
            Ok(helper) => helper.map(|helper| Runner::Apart(Arc::new(helper))),
            Err(e) => {
                return Ok(here(format!("none: what is to run the program of --on-done cannot be started: {e}"), hook));
            }
        };
        let inside = teem_sandbox::enter(&ground);
        Ok(Self { state: State::On { ground, inside }, is_wanted, on_done, hooks: hooks.clone() })
    }

    /// Whether its user wants it.
    pub(crate) fn is_wanted(&self) -> bool {
        self.is_wanted
    }

    /// Says what is on.
    pub(crate) fn tell(&self, json: bool) {
        if json {
            json::line(&self.value());
        } else {
            Progress::new(false).say(&format!("sandbox: {}", plain(&self.words())));
        }
    }

    /// Says of what was denied that it may have been by the sandbox: a folder that is another one by now, made or mounted since the start, cannot
    /// be written to.
    pub(crate) fn explain(&self, stop: Stop) -> Stop {
        match &self.state {
            State::On { inside, .. } if inside.files.is_ok() && stop.class == "denied" => {
                let why = "if you may write there, it is the sandbox, which knows no folder that was not there when this began: begin again";
                Stop { message: format!("{}; {why}, or try --no-sandbox", stop.message), ..stop }
            }
            _ => stop,
        }
    }

    fn words(&self) -> String {
        let (ground, inside) = match &self.state {
            State::Off(why) => return why.clone(),
            State::On { ground, inside } => (ground, inside),
        };
        let folders: Vec<String> = folders(ground).map(|folder| folder.display().to_string()).collect();
        let writes = match &folders[..] {
            [] => "writes no files".to_owned(),
            [all @ .., last] if !all.is_empty() => format!("writes only below {} and {last}", all.join(", ")),
            [last, ..] => format!("writes only below {last}"),
        };
        let runs = match (&self.on_done, &self.hooks) {
            (Some(_), _) => "runs no program but that of --on-done",
            (_, Some(_)) => "runs no program but the hooks of its file",
            _ => "runs no programs",
        };
        match (&inside.files, &inside.calls) {
            (Ok(level), Ok(())) => format!("{writes}, {runs} (Landlock {level}, seccomp)"),
            (Ok(level), Err(why)) => format!("{writes}, {runs} (Landlock {level}); {why}"),
            (Err(why), Ok(())) => format!("{runs} (seccomp); it could write anywhere: {why}"),
            (Err(files), Err(calls)) => format!("none: {files}; {calls}"),
        }
    }

    fn value(&self) -> Value {
        let (ground, inside) = match &self.state {
            State::Off(why) => return json!({"event": "sandbox", "on": false, "why": why}),
            State::On { ground, inside } => (ground, inside),
        };
        let why: Vec<&String> =
            [inside.files.as_ref().err(), inside.calls.as_ref().err()].into_iter().flatten().collect();
        json!({
            "event": "sandbox", "on": why.len() < 2, "landlock": inside.files.as_ref().ok(), "seccomp": inside.calls.is_ok(),
            "no_new_privs": inside.no_new_privs, "folders": folders(ground).map(|folder| folder.to_string_lossy().into_owned()).collect::<Vec<_>>(),
            "why": why,
        })
    }
}

/// The folders in full: `.` says little.
fn folders(ground: &Ground) -> impl Iterator<Item = PathBuf> {
    ground.told().map(|folder| std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()))
}

/// Whether going inside can be lived through: a filter that is on already, of a container or a service, may kill what asks for another. A
/// process of its own tries it then.
fn tried() -> Result<(), String> {
    if !teem_sandbox::is_filtered() {
        return Ok(());
    }
    let mut trial = process::Command::new("/proc/self/exe");
    let tried = trial.arg(TRIAL).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    match tried {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("what confines this process already lets it have none of its own ({status})")),
        Err(e) => Err(format!(
            "this process is confined already, and whether that lets it have one of its own cannot be tried: {e}"
        )),
    }
}

/// Is such a trial, if this process was started as one.
pub(crate) fn trial(args: &[OsString]) -> Option<ExitCode> {
    let [_, word] = args else { return None };
    (word == TRIAL).then(|| {
        teem_sandbox::enter(&Ground::default());
        ExitCode::SUCCESS
    })
}
