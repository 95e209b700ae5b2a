//! `teem top`: the daemon's torrents as a live table in the terminal (own design).
//!
//! One task follows the daemon's stream of changes, and begins again where it ends; one thread waits for keys; what is asked for is asked in tasks of its own. All
//! of it comes to one loop, which hands it to the state (`state`) and has that drawn (`draw`).
mod draw;
mod order;
mod row;
mod screen;
mod state;
mod table;

use crate::cli;
use crate::exit::{Outcome, Stop};
use crate::remote::{Remote, Stream};
use crate::signals::Signals;
use order::Order;
use ratatui::crossterm::event::Event;
use screen::Screen;
use serde_json::json;
use state::{Action, Told, Top, Verb};
use std::env;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::sleep;

/// How long it waits before it tries to reach a daemon again.
const AGAIN: Duration = Duration::from_secs(1);

/// What came from the daemon and waits to be shown.
const WAITING_MAX: usize = 4;

pub(crate) async fn run(options: &cli::daemon::Top) -> Outcome {
    let order = options.sort.as_deref().map(Order::parse).transpose().map_err(Stop::usage)?.unwrap_or_default();
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        let why = "`teem top` draws a table on a terminal, and this is none: `teem list` (also with --watch or --json) writes lines";
        return Err(Stop::usage(why));
    }
    let mut signals = Signals::listen().map_err(Stop::local)?;
    let remote = Arc::new(Remote::new(options.reached.daemon.as_deref())?);
    let target = target(&options.select);
    // Where there is no daemon that is said on the terminal as it is.
    let stream = remote.stream(&target).await?;
    let (tell, mut told) = mpsc::channel(WAITING_MAX);
    let mut screen = Screen::take()?;
    let mut events = screen::events()?;
    tokio::spawn(follow(Arc::clone(&remote), target, stream, tell.clone()));
    // By no-color.org it counts whatever it says.
    let colours = env::var_os("NO_COLOR").is_none_or(|word| word.is_empty());
    let mut top = Top::new(order, colours);
    loop {
        screen.draw(|frame| draw::draw(&mut top, frame))?;
        let mut event = tokio::select! {
            exit = signals.first() => return Ok(exit),
            // This function holds a sender.
            Some(told) = told.recv() => {
                top.take(told);
                continue;
            }
            event = events.recv() => event,
        };
        // Keys that are held down are drawn once for all that have come.
        while let Some(pressed) = event {
            let pressed = pressed.map_err(|e| Stop::local(format!("the terminal cannot be read: {e}")))?;
            #[cfg(debug_assertions)]
            crate::planted::pressed();
            match key(&pressed).map_or(Action::Nothing, |key| top.press(key)) {
                Action::Nothing => {}
                Action::Quit(exit) => return Ok(exit),
                Action::Do { verb, hash, name } => {
                    tokio::spawn(act(Arc::clone(&remote), verb, hash, name, tell.clone()));
                }
                Action::Why(hash) => {
                    tokio::spawn(why(Arc::clone(&remote), hash, tell.clone()));
                }
            }
            event = events.try_recv().ok();
        }
    }
}

/// The key of an event that is one; it is let go of in silence.
fn key(event: &Event) -> Option<ratatui::crossterm::event::KeyEvent> {
    event.as_key_event().filter(|key| !key.is_release())
}

/// What is asked for: these torrents, and what a row is made of.
fn target(select: &[String]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(select.iter().map(|select| ("select", select.as_str())));
    query.append_pair("fields", row::FIELDS);
    format!("/teem/v1/torrents?{}", query.finish())
}

/// Tells what the daemon says, and begins again where it ends, until nobody listens.
async fn follow(remote: Arc<Remote>, target: String, mut stream: Stream, tell: mpsc::Sender<Told>) {
    loop {
        // A stream begins with a window.
        let mut kind: fn(_) -> Told = Told::Window;
        let mut lost = loop {
            match stream.next().await {
                Ok(value) => {
                    if tell.send(kind(value)).await.is_err() {
                        return;
                    }
                    kind = Told::Changes;
                }
                Err(stop) => break stop,
            }
        };
        stream = loop {
            if tell.send(Told::Lost(lost.message)).await.is_err() {
                return;
            }
            sleep(AGAIN).await;
            match remote.stream(&target).await {
                Ok(stream) => break stream,
                Err(stop) => lost = stop,
            }
        };
    }
}

/// Has something done to one torrent, and tells what came of it.
async fn act(remote: Arc<Remote>, verb: Verb, hash: String, name: String, tell: mpsc::Sender<Told>) {
    // Files are not removed from here: that takes `teem remove --with-data`.
    let request = match verb {
        Verb::Remove => json!({"select": [hash], "with_data": false}),
        _ => json!({"select": [hash]}),
    };
    let answer = remote.post(&format!("/teem/v1/torrents/{}", verb.word()), &request).await;
    let what = answer.map_or_else(|stop| stop.message, |_| format!("{} {name}", verb.done()));
    // Without a listener the program ends.
    let _ = tell.send(Told::Done(what)).await;
}

/// Asks why a torrent moves or not.
async fn why(remote: Arc<Remote>, hash: String, tell: mpsc::Sender<Told>) {
    let answer = remote.get(&format!("/teem/v1/torrents/why?select={hash}")).await;
    let _ = tell.send(Told::Why { hash, answer: answer.map_err(|stop| stop.message) }).await;
}
