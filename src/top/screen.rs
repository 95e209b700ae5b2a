//! The terminal while `teem top` has it: keys come one by one, the table has a screen of its own, and it is given back as it was however the program ends.
//!
//! What is written here was made safe when it was taken in (`row`, `state`), and is written by cells: ratatui leaves out control characters besides.
use crate::exit::Stop;
use crate::fault;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{self, Event};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::{Frame, Terminal};
use std::io::{self, Stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use tokio::sync::mpsc;

/// Keys that wait to be taken.
const WAITING_MAX: usize = 64;

/// Whether the terminal is to be given back.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// A terminal that was taken; dropping it gives it back.
pub(super) struct Screen(Terminal<CrosstermBackend<Stdout>>);

impl Screen {
    pub(super) fn take() -> Result<Self, Stop> {
        fault::tidy_before_report(give_back);
        TAKEN.store(true, Ordering::Relaxed);
        let taken = enable_raw_mode().and_then(|()| {
            execute!(io::stdout(), EnterAlternateScreen)?;
            Terminal::new(CrosstermBackend::new(io::stdout()))
        });
        taken.map(Self).map_err(|e| {
            give_back();
            Stop::local(format!("the terminal cannot be set up for a table: {e}"))
        })
    }

    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> Result<(), Stop> {
        let drawn = self.0.draw(draw).map(|_| ());
        drawn.map_err(|e| Stop::local(format!("the terminal cannot be written to: {e}")))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back as it was, once.
fn give_back() {
    if TAKEN.swap(false, Ordering::Relaxed) {
        // There is nothing else to be done for a terminal that takes nothing.
        let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}

/// What is pressed, and that the size changed, from a thread that waits for it.
pub(super) fn events() -> Result<mpsc::Receiver<io::Result<Event>>, Stop> {
    let (tell, told) = mpsc::channel(WAITING_MAX);
    let wait = move || {
        loop {
            let event = event::read();
            let failed = event.is_err();
            if tell.blocking_send(event).is_err() || failed {
                return;
            }
        }
    };
    let thread = thread::Builder::new().name("teem-keys".into()).spawn(wait);
    thread.map_err(|e| Stop::local(format!("no thread for keys: {e}")))?;
    Ok(told)
}
