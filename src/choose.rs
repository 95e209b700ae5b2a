//! `get --files`: the files are listed, and somebody at the terminal says which.
use crate::exit::Stop;
use crate::foreign::plain;
use crate::units::Bytes;
use std::io::{BufRead, IsTerminal, Write, stderr, stdin};
use std::sync::atomic::{AtomicBool, Ordering};
use teem_client::event::State;
use teem_client::metainfo::{File, Info};
use teem_client::{Choice, Status, Torrent};
use tokio::sync::Mutex;

/// Files that are listed; more are to be chosen by a pattern.
const LISTED_MAX: usize = 500;

/// Somebody is being asked: the live line must not cover the question.
static ASKING: AtomicBool = AtomicBool::new(false);
/// One question at a time, however many torrents wait for an answer.
static TURN: Mutex<()> = Mutex::const_new(());

/// Whether a question stands on the terminal.
pub(crate) fn is_asking() -> bool {
    ASKING.load(Ordering::Relaxed)
}

/// Whether there is anybody to be asked.
pub(crate) fn can_ask() -> bool {
    stdin().is_terminal() && stderr().is_terminal()
}

/// Waits until the files of a torrent are known, and asks which of them are wanted.
pub(crate) async fn files(torrent: &Torrent) -> Result<(), Stop> {
    let waits = |s: &Status| (s.state == State::Choosing).then(|| s.info.clone()).flatten();
    let info = torrent.until(waits).await.map_err(Stop::ended)?;
    let turn = TURN.lock().await;
    ASKING.store(true, Ordering::Relaxed);
    // Standard error stays free for what else is to be said.
    let asked = tokio::task::spawn_blocking(move || converse(&info, &mut stdin().lock(), &mut stderr())).await;
    ASKING.store(false, Ordering::Relaxed);
    drop(turn);
    let choice = asked.map_err(Stop::local)?.map_err(|why| Stop::refused("no_such_file", why))?;
    torrent.choose(choice).await.map_err(Stop::not_chosen)
}

/// Lists a torrent's files and asks until the answer can be understood. Blocks.
fn converse(info: &Info, from: &mut impl BufRead, to: &mut impl Write) -> Result<Choice, String> {
    let fail = |e: std::io::Error| format!("--files: {e}");
    let files: Vec<(usize, File<'_>)> = info.files().iter().enumerate().filter(|(_, file)| !file.pad).collect();
    let listed = files.iter().take(LISTED_MAX).enumerate();
    let rows = listed.map(|(n, (_, file))| {
        let path = if info.is_single_file() { info.name().to_owned() } else { file.path() };
        format!("{:>5}  {:>10}  {}\n", n + 1, Bytes(file.length).to_string(), plain(&path))
    });
    let more = files.len().saturating_sub(LISTED_MAX);
    let rest = if more > 0 { format!("       … and {more} more\n") } else { String::new() };
    write!(to, "\n{}:\n{}{rest}", plain(info.name()), rows.collect::<String>()).map_err(fail)?;
    loop {
        write!(to, "Which? Numbers such as 1,3-5, or a pattern such as *.txt; nothing is everything: ")
            .map_err(fail)?;
        to.flush().map_err(fail)?;
        let mut line = String::new();
        if from.read_line(&mut line).map_err(fail)? == 0 {
            return Err("--files: no answer".to_owned());
        }
        match understand(info, &files, line.trim()) {
            Ok(choice) => return Ok(choice),
            Err(why) => writeln!(to, "{}", plain(&why)).map_err(fail)?,
        }
    }
}

/// What an answer means. Numbers count the files that are listed, from 1.
fn understand(info: &Info, files: &[(usize, File<'_>)], answer: &str) -> Result<Choice, String> {
    if answer.is_empty() {
        return Ok(Choice::All);
    }
    let numbers = answer.chars().all(|c| c.is_ascii_digit() || ",- ".contains(c));
    if !numbers {
        let only = answer.split_whitespace().map(str::to_owned).collect();
        let choice = Choice::Patterns { only, first: Vec::new() };
        return choice.of(info).map(|_| choice);
    }
    let mut wanted = Vec::new();
    for part in answer.split([',', ' ']).filter(|part| !part.is_empty()) {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let range = from.parse::<usize>().ok().zip(to.parse::<usize>().ok());
        let Some((from, to)) = range.filter(|(from, to)| (1..=*to).contains(from) && *to <= files.len()) else {
            return Err(format!("`{part}` is no number from 1 to {}, nor a range of them", files.len()));
        };
        // Pads lie between the files that are listed, and are wanted by nobody.
        wanted.push(files[from - 1].0 as u32..=files[to - 1].0 as u32);
    }
    Ok(Choice::Indices(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use teem_client::metainfo::Limits;

    fn info() -> Info {
        let file = |i| format!("d6:lengthi{i}e4:pathl6:f{i}.txtee");
        let files = [file(1), file(2), file(3), file(4)].concat();
        let raw = format!("d5:filesl{files}e4:name1:t12:piece lengthi16384e6:pieces20:{}e", "h".repeat(20));
        Info::parse(raw.as_bytes(), &Limits::FILE).unwrap()
    }

    fn answered(answers: &str) -> (Result<Vec<bool>, String>, String) {
        let (info, mut shown) = (info(), Vec::new());
        let chosen = converse(&info, &mut answers.as_bytes(), &mut shown);
        let chosen = chosen.and_then(|choice| choice.of(&info));
        (chosen.map(|s| (0..4).map(|i| s.wants(i)).collect()), String::from_utf8(shown).unwrap())
    }

    #[test]
    fn numbers_ranges_patterns_and_everything() {
        assert_eq!(answered("1, 3-4\n").0.unwrap(), [true, false, true, true]);
        assert_eq!(answered("f2* f3*\n").0.unwrap(), [false, true, true, false]);
        assert_eq!(answered("\n").0.unwrap(), [true; 4]);
    }

    #[test]
    fn what_cannot_be_understood_is_asked_again() {
        let (chosen, shown) = answered("0\n3-9\n*.iso\n2\n");
        assert_eq!(chosen.unwrap(), [false, true, false, false]);
        assert!(shown.contains("`0` is no number from 1 to 4") && shown.contains("`3-9`") && shown.contains("`*.iso`"));
        assert!(shown.contains("    2         2 B  f2.txt\n"), "{shown}");
        assert!(answered("").0.is_err());
    }
}
