//! `teem`: publish, download, seed and track with BitTorrent.
use cli::Command;
use exit::{Exit, Outcome, Stop};
use sandbox::Sandbox;
use std::process::ExitCode;

mod addr;
mod choose;
mod cli;
mod completions;
mod config;
mod create;
mod daemon;
mod data;
mod dht;
mod edit;
mod exit;
mod fault;
mod filter;
mod foreign;
mod get;
mod ground;
mod hooks;
mod job;
mod json;
mod keep;
mod lost_here;
mod making;
mod man;
mod on_done;
#[cfg(debug_assertions)]
mod planted;
mod preset;
mod progress;
mod reach;
mod remote;
mod sandbox;
mod scrape;
mod seed;
mod service;
mod share;
mod sharing;
mod show;
mod signals;
mod stall;
mod standing;
mod state;
mod stdin;
mod stdout;
mod told;
mod top;
mod track;
mod units;
mod verbs;
mod verify;
mod view;
mod why;

fn main() -> ExitCode {
    fault::say_and_end();
    // What panics before or after the command has said so.
    teem_fault::catch(begin).unwrap_or_else(|_| Exit::Fault.into())
}

fn begin() -> ExitCode {
    let args = std::env::args_os().collect::<Vec<_>>();
    if let Some(ended) = on_done::helped(&args).or_else(|| hooks::helped(&args)).or_else(|| sandbox::trial(&args)) {
        return ended;
    }
    // The sandbox is entered before there is a second thread. What stops it is said later, when a limit on the size of files is no end.
    let ready = cli::parse(cli::with_default_command(args)).map(|(mut cli, given)| {
        let sandbox = config::lay(&mut cli, given).and_then(|()| Sandbox::enter(&cli, ground::ground));
        (cli, sandbox)
    });
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return end(false, Err(Stop::local(format!("no runtime: {e}")))),
    };
    {
        let _inside = runtime.enter();
        signals::outlive_file_limits();
    }
    let (cli, sandbox) = match ready {
        Ok(ready) => ready,
        // Help and version go to standard output and are no error.
        Err(e) if e.use_stderr() => {
            // What was typed may have been pasted, and stands in it.
            progress::Progress::new(false).say(e.render().to_string().trim_end());
            return Exit::Usage.into();
        }
        Err(e) => {
            stdout::note(e.print().and_then(|()| std::io::Write::flush(&mut std::io::stdout())));
            return end(false, Ok(Exit::Done));
        }
    };
    let json = wants_json(&cli.command);
    let outcome = sandbox.and_then(|sandbox| fault::watched(&runtime, run(&cli.command, &sandbox)));
    // Work that hangs (a dead disk, a slow name server) must not hold up the end.
    runtime.shutdown_background();
    end(json, outcome)
}

async fn run(command: &Command, sandbox: &Sandbox) -> Outcome {
    match command {
        Command::Share(options) if options.keep => keep::share(options).await,
        Command::Get(options) if options.keep => keep::get(options).await,
        Command::Share(options) => share::run(options, sandbox).await,
        Command::Get(options) => get::run(options, sandbox).await,
        Command::Seed(options) => seed::run(options, sandbox).await,
        Command::Create(options) => create::run(options).await,
        Command::Edit(options) => edit::run(options),
        Command::Show(options) => show::run(options).await,
        Command::Verify(options) => verify::run(options).await,
        Command::Track(options) => track::run(options, sandbox).await,
        Command::Dht(options) => dht::run(options).await,
        Command::Daemon(options) => daemon::run(options, sandbox).await,
        Command::Config(options) => config::run(options).await,
        Command::Add(options) => verbs::add(options).await,
        Command::List(options) => verbs::list(options).await,
        Command::Top(options) => top::run(options).await,
        Command::Why(options) => verbs::why(options).await,
        Command::Pause(options) => verbs::pause(options).await,
        Command::Resume(options) => verbs::resume(options).await,
        Command::Remove(options) => verbs::remove(options).await,
        Command::Move(options) => verbs::relocate(options).await,
        Command::Recheck(options) => verbs::recheck(options).await,
        Command::Set(options) => verbs::set(options).await,
        Command::Limits(options) => verbs::limits(options).await,
        Command::Events(options) => verbs::events(options).await,
        Command::Announce(options) => verbs::announce(options).await,
        Command::Feed(options) => verbs::feed(options).await,
        Command::Token(options) => verbs::token(options).await,
        Command::State(options) => state::run(options).await,
        Command::Completions(options) => Ok(completions::run(options)),
        Command::Man(options) => man::run(options),
    }
}

fn wants_json(command: &Command) -> bool {
    match command {
        Command::Share(o) => o.json,
        Command::Get(o) => o.json,
        Command::Seed(o) => o.json,
        Command::Create(o) => o.json,
        Command::Edit(o) => o.json,
        Command::Show(o) => o.json,
        Command::Verify(o) => o.json,
        Command::Track(o) => o.json,
        Command::Dht(o) => o.json,
        Command::Daemon(o) => o.json,
        Command::Config(o) => o.json,
        Command::Add(o) => o.json,
        Command::List(o) => o.json,
        Command::Why(o) | Command::Pause(o) | Command::Resume(o) | Command::Recheck(o) | Command::Announce(o) => o.json,
        Command::Remove(o) => o.json,
        Command::Move(o) => o.json,
        Command::Set(o) => o.json,
        Command::Limits(o) => o.json,
        Command::Events(o) => o.json,
        Command::Feed(o) => o.json,
        Command::Token(o) => o.json,
        Command::State(o) => o.json,
        Command::Top(_) | Command::Completions(_) | Command::Man(_) => false,
    }
}

/// Says why it ended, where that is not what was asked for. What was asked for and could not be written was not done.
fn end(json: bool, outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(Exit::Done | Exit::No) if stdout::failure().is_some() => Exit::Local.into(),
        Ok(exit) => exit.into(),
        // It has been said already.
        Err(stop) if stdout::failure().as_ref() == Some(&stop.message) => stop.exit.into(),
        Err(stop) => {
            if json {
                json::line(&serde_json::json!({"error": {"class": stop.class, "message": stop.message}}));
            }
            progress::Progress::new(false).say(&format!("teem: {}", stop.message));
            // A reason that was to stand above could not be written.
            if stop.exit == Exit::No && stdout::failure().is_some() { Exit::Local } else { stop.exit }.into()
        }
    }
}
