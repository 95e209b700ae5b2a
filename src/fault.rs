//! A fault of this program, which means a panic: it is said on standard error with what to report, state is saved, and the process ends with an
//! exit code of its own. One that is contained ends one torrent, or one connection of those that are served; its command goes on without that.
//!
//! Invariant: from the moment of a panic that is not contained the process ends within [`GRACE`], whatever hangs.
use crate::exit::{Exit, Outcome, Stop};
use crate::foreign::{lines, plain};
use std::future::Future;
use std::io::{self, Write};
use std::panic::PanicHookInfo;
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;
use teem_client::{Client, Config, StartError};
use teem_fault::Ends;
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// How long saving may take, before the process ends all the same: more than a client's own limit.
const GRACE: Duration = Duration::from_secs(8);

/// What panicked first.
static FAULT: LazyLock<watch::Sender<Option<String>>> = LazyLock::new(|| watch::channel(None).0);

/// Clients whose state is to be saved.
static KEPT: Mutex<Vec<Client>> = Mutex::new(Vec::new());

/// What is put in order before a panic is said.
static TIDY: OnceLock<fn()> = OnceLock::new();

/// Has this done before a panic is said: what stands in the way of a person reading it. The first one stays.
pub(crate) fn tidy_before_report(tidy: fn()) {
    TIDY.get_or_init(|| tidy);
}

/// From now on every panic is said, and those that are not contained end the process.
pub(crate) fn say_and_end() {
    std::panic::set_hook(Box::new(|info| {
        let ends = teem_fault::ends();
        if ends.is_none() {
            // First of all, since everything below may hang: standard error is a pipe that may be full.
            let _ = thread::Builder::new().name("teem-end".into()).spawn(|| {
                thread::sleep(GRACE);
                std::process::exit(Exit::Fault as i32);
            });
        }
        #[cfg(debug_assertions)]
        crate::planted::reach();
        if let Some(tidy) = TIDY.get() {
            tidy();
        }
        let (what, place) = facts(info);
        let report = report(&what, &place, ends);
        let _ = io::stderr().lock().write_all(lines(&report).as_bytes());
        if ends.is_none() {
            FAULT.send_if_modified(|fault| {
                let first = fault.is_none();
                fault.get_or_insert_with(|| format!("{what} ({place})"));
                first
            });
        }
    }));
}

/// Starts a client whose state is saved when there is a fault, whatever else becomes of the command.
pub(crate) async fn start(config: Config) -> Result<Client, StartError> {
    #[cfg(debug_assertions)]
    let client = crate::planted::start(config).await?;
    #[cfg(not(debug_assertions))]
    let client = Client::start(config).await?;
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).push(client.clone());
    Ok(client)
}

/// Runs a command until it ends or there is a fault; after a fault what can be saved is saved.
pub(crate) fn watched(runtime: &Runtime, command: impl Future<Output = Outcome>) -> Outcome {
    let mut raised = FAULT.subscribe();
    let ended = teem_fault::catch(|| {
        runtime.block_on(async {
            tokio::select! {
                biased;
                _ = raised.wait_for(Option::is_some) => None,
                outcome = command => Some(outcome),
            }
        })
    });
    let kept = std::mem::take(&mut *KEPT.lock().unwrap_or_else(PoisonError::into_inner));
    let what = FAULT.borrow().clone();
    match (what, ended) {
        (None, Ok(Some(outcome))) => outcome,
        (what, _) => {
            runtime.block_on(async {
                for client in kept {
                    client.shutdown().await;
                }
            });
            let what = what.unwrap_or_default();
            Err(Stop::fault(format!("ended by a fault of the program: {}. What could be saved is saved", plain(&what))))
        }
    }
}

/// What was said, and where.
fn facts(info: &PanicHookInfo<'_>) -> (String, String) {
    let place = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let thread = thread::current().name().unwrap_or("without a name").to_owned();
    (teem_fault::words(info.payload()), format!("{place}, thread {thread}"))
}

/// What a person reads and passes on.
fn report(what: &str, place: &str, ends: Option<Ends>) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let follows = match ends {
        Some(Ends::Torrent) => "One torrent is stopped by it; the others go on.",
        Some(Ends::Connection) => "One connection that was served is ended by it; the program goes on.",
        None => "The program ends; what can be saved is saved, and the same command goes on from there.",
    };
    // The live line, if there is one, lies before it.
    format!(
        "\nteem: a fault of the program, and not yours. {follows}\n\
         \x20 what:    {}\n  where:   {}\n  version: teem {version}, {} {}\n\
         Please report these lines as an issue of Teem's repository; if they show something that others can exploit, privately\n\
         (its SECURITY.md says how).\n",
        plain(what),
        plain(place),
        std::env::consts::OS,
        std::env::consts::ARCH,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_what_where_and_whereto_and_cannot_move_the_cursor() {
        let report = report("index 7\x1b[2J", "src/x.rs:1:2, thread teem-host", None);
        for part in
            ["index 7\u{FFFD}[2J", "src/x.rs:1:2, thread teem-host", env!("CARGO_PKG_VERSION"), "report", "ends"]
        {
            assert!(report.contains(part), "{part}: {report}");
        }
        assert!(super::report("x", "y", Some(Ends::Torrent)).contains("others go on"));
    }
}
