//! An HTTP tracker of the tests' own (BEP 3, 23): it answers what it is told to, and remembers who announced what.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::process::wait_until;

/// What it answers.
#[derive(Clone)]
pub enum Answer {
    /// This bencoded body.
    Body(&'static str),
    /// Nobody: an empty list of peers.
    Nobody,
    /// Nothing at all to `event=stopped`: the connection stays open. Nobody otherwise.
    HangsAtStopped,
}

/// A listening tracker; its threads end with the process.
pub struct Tracker {
    /// Its announce URL.
    pub url: String,
    queries: Arc<Mutex<Vec<String>>>,
}

impl Tracker {
    /// Listens on [`super::TRACKER_IP`].
    pub fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind((super::TRACKER_IP, super::TRACKER_PORT)).expect("the namespace is our own");
        let queries = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&queries);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, answer) = (Arc::clone(&seen), answer.clone());
                std::thread::spawn(move || serve(stream, &seen, &answer));
            }
        });
        Self { url: format!("http://{}:{}/announce", super::TRACKER_IP, super::TRACKER_PORT), queries }
    }

    /// The queries of all announces so far, in order.
    pub fn queries(&self) -> Vec<String> {
        self.queries.lock().expect("no panics in there").clone()
    }

    /// How many announces had this event.
    pub fn count(&self, event: &str) -> usize {
        let wanted = format!("event={event}");
        self.queries().iter().filter(|query| query.split('&').any(|part| part == wanted)).count()
    }

    /// Waits for an announce with this event.
    pub fn wait_event(&self, event: &str, limit: Duration) {
        wait_until(&format!("announce with event={event}"), limit, || (self.count(event) > 0).then_some(()));
    }
}

/// One connection, several requests.
fn serve(mut stream: TcpStream, seen: &Mutex<Vec<String>>, answer: &Answer) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut request = String::new();
        reader.read_line(&mut request).ok().filter(|bytes| *bytes > 0)?;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok().filter(|bytes| *bytes > 0)?;
            if header.trim().is_empty() {
                break;
            }
        }
        let query = request.split(' ').nth(1)?.split_once('?')?.1.to_string();
        let stopped = query.contains("event=stopped");
        seen.lock().ok()?.push(query);
        let body = match answer {
            Answer::Body(body) => body,
            Answer::HangsAtStopped if stopped => loop {
                std::thread::park(); // for as long as the process lives
            },
            Answer::Nobody | Answer::HangsAtStopped => "d8:intervali1800e5:peers0:e",
        };
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).ok()?;
    }
}
