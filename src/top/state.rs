//! The state of `teem top`: what was told goes in, keys go in, and what is to be done comes out. It neither asks nor draws.
use super::order::Order;
use super::table::Table;
use crate::exit::Exit;
use crate::foreign::plain;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde_json::Value;

/// The longest text that is filtered by, in characters.
const FILTER_MAX: usize = 200;

/// What comes from the daemon.
pub(super) enum Told {
    /// All torrents, when a stream begins.
    Window(Value),
    /// What changed of them.
    Changes(Value),
    /// There is no stream, and why.
    Lost(String),
    /// What came of something that was asked for.
    Done(String),
    /// What the daemon says of why a torrent moves or not.
    Why { hash: String, answer: Result<Value, String> },
}

/// What a key asks for.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Action {
    Nothing,
    Quit(Exit),
    /// Something is to be done to the torrent of that info-hash.
    Do {
        verb: Verb,
        hash: String,
        name: String,
    },
    /// It is to be asked why that torrent moves or not.
    Why(String),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verb {
    Pause,
    Resume,
    Recheck,
    Announce,
    Remove,
}

impl Verb {
    /// The end of its path in the interface.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Recheck => "recheck",
            Self::Announce => "announce",
            Self::Remove => "remove",
        }
    }

    /// What is said once it was done, before the name.
    pub(super) fn done(self) -> &'static str {
        match self {
            Self::Pause => "paused",
            Self::Resume => "resumed",
            Self::Recheck => "hashing again:",
            Self::Announce => "asked the trackers of",
            Self::Remove => "removed, its files left where they are:",
        }
    }
}

/// What is shown, and what keys mean there.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Mode {
    Table,
    /// A name is typed.
    Filter(String),
    /// It is asked whether this torrent is to be removed.
    Remove {
        hash: String,
        name: String,
    },
    /// One torrent, and why it moves or not once that was answered.
    Details {
        hash: String,
        why: Option<Vec<String>>,
        scroll: u16,
    },
    Help,
}

pub(super) struct Top {
    pub(super) table: Table,
    pub(super) mode: Mode,
    /// What came of the last thing that was asked for.
    pub(super) note: Option<String>,
    /// Why nothing comes from the daemon, if so.
    pub(super) lost: Option<String>,
    pub(super) colours: bool,
    /// The first line that is in sight, and how many are, as drawn last.
    pub(super) offset: usize,
    pub(super) height: usize,
}

impl Top {
    pub(super) fn new(order: Order, colours: bool) -> Self {
        let mut table = Table::default();
        table.sort(order);
        Self { table, mode: Mode::Table, note: None, lost: None, colours, offset: 0, height: 1 }
    }

    pub(super) fn take(&mut self, told: Told) {
        match told {
            Told::Window(window) => {
                self.lost = None;
                self.table.take(&window, true);
            }
            Told::Changes(changes) => self.table.take(&changes, false),
            Told::Lost(why) => self.lost = Some(plain(&why)),
            Told::Done(what) => self.note = Some(plain(&what)),
            Told::Why { hash, answer } => {
                if let Mode::Details { hash: shown, why, .. } = &mut self.mode
                    && *shown == hash
                {
                    *why = Some(answer.map_or_else(|refused| vec![plain(&refused)], |answer| sentences(&answer)));
                }
            }
        }
    }

    pub(super) fn press(&mut self, key: KeyEvent) -> Action {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return if key.code == KeyCode::Char('c') { Action::Quit(Exit::Interrupted) } else { Action::Nothing };
        }
        match std::mem::replace(&mut self.mode, Mode::Table) {
            Mode::Table => return self.press_in_table(key.code),
            Mode::Filter(text) => self.press_in_filter(text, key.code),
            Mode::Remove { hash, name } => match key.code {
                KeyCode::Char('y' | 'Y') => return Action::Do { verb: Verb::Remove, hash, name },
                KeyCode::Char('n' | 'N' | 'q') | KeyCode::Esc => self.note = Some(format!("not removed: {name}")),
                // Anything else is no answer.
                _ => self.mode = Mode::Remove { hash, name },
            },
            Mode::Details { hash, why, scroll } => {
                let scroll = match key.code {
                    KeyCode::Up => scroll.saturating_sub(1),
                    KeyCode::Down => scroll.saturating_add(1),
                    KeyCode::PageUp => scroll.saturating_sub(self.height as u16),
                    KeyCode::PageDown => scroll.saturating_add(self.height as u16),
                    KeyCode::Home => 0,
                    _ => return Action::Nothing,
                };
                self.mode = Mode::Details { hash, why, scroll };
            }
            Mode::Help => {}
        }
        Action::Nothing
    }

    fn press_in_table(&mut self, code: KeyCode) -> Action {
        self.note = None;
        let (cursor, page) = (self.table.cursor(), self.height.max(1));
        let to = match code {
            KeyCode::Up => Some(cursor.saturating_sub(1)),
            KeyCode::Down => Some(cursor + 1),
            KeyCode::PageUp => Some(cursor.saturating_sub(page)),
            KeyCode::PageDown => Some(cursor + page),
            KeyCode::Home => Some(0),
            KeyCode::End => Some(usize::MAX),
            _ => None,
        };
        if let Some(to) = to {
            self.table.select(to);
            return Action::Nothing;
        }
        match code {
            KeyCode::Char('q') => return Action::Quit(Exit::Done),
            KeyCode::Char('s') => self.table.sort(self.table.order().next()),
            KeyCode::Char('S') => self.table.sort(self.table.order().turned()),
            KeyCode::Char('/') => self.mode = Mode::Filter(self.table.filtered_by().to_owned()),
            KeyCode::Char('?') => self.mode = Mode::Help,
            KeyCode::Esc => self.table.filter(""),
            _ => return self.press_for_torrent(code),
        }
        Action::Nothing
    }

    /// Keys that are about the torrent under the cursor.
    fn press_for_torrent(&mut self, code: KeyCode) -> Action {
        let Some(row) = self.table.selected() else { return Action::Nothing };
        let (hash, name) = (row.hash.clone(), row.name.clone());
        let verb = match code {
            KeyCode::Char('p') => Verb::Pause,
            KeyCode::Char('r') => Verb::Resume,
            KeyCode::Char('c') => Verb::Recheck,
            KeyCode::Char('a') => Verb::Announce,
            KeyCode::Char('d') => {
                self.mode = Mode::Remove { hash, name };
                return Action::Nothing;
            }
            KeyCode::Enter => {
                self.mode = Mode::Details { hash: hash.clone(), why: None, scroll: 0 };
                return Action::Why(hash);
            }
            _ => return Action::Nothing,
        };
        Action::Do { verb, hash, name }
    }

    /// Each letter filters at once; Enter keeps that, Esc shows all again.
    fn press_in_filter(&mut self, mut text: String, code: KeyCode) {
        match code {
            KeyCode::Enter => return,
            KeyCode::Esc => return self.table.filter(""),
            KeyCode::Backspace => drop(text.pop()),
            KeyCode::Char(c) if text.chars().count() < FILTER_MAX => text.push(c),
            _ => {}
        }
        self.table.filter(&text);
        self.mode = Mode::Filter(text);
    }
}

/// What the daemon says of why one torrent moves or not, line by line.
fn sentences(answer: &Value) -> Vec<String> {
    let of = &answer[0];
    let why = of["why"].as_str().unwrap_or_default();
    // A reason may end with what would help.
    let help = of["help"].as_str().filter(|help| !why.contains(help));
    let sentences = [Some(why), help].into_iter().flatten().filter(|text| !text.is_empty());
    let report = of["report"].as_array().into_iter().flatten().filter_map(Value::as_str);
    sentences.map(plain).chain(report.map(|line| format!("  {}", plain(line)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn press(top: &mut Top, code: KeyCode) -> Action {
        top.press(KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn top() -> Top {
        let mut top = Top::new(Order::default(), true);
        let row = |hash: &str, name: &str| json!({"infohash": hash, "name": name, "state": "seeding"});
        top.take(Told::Window(json!({"torrents": [row("aa", "one"), row("bb", "two"), row("cc", "three")]})));
        top
    }

    #[test]
    fn a_removal_is_asked_for_and_may_be_declined() {
        let mut top = top();
        press(&mut top, KeyCode::Down);
        for no in [KeyCode::Char('n'), KeyCode::Esc] {
            assert_eq!(press(&mut top, KeyCode::Char('d')), Action::Nothing);
            assert_eq!(press(&mut top, KeyCode::Enter), Action::Nothing, "Enter is no answer");
            assert!(matches!(&top.mode, Mode::Remove { name, .. } if name == "two"));
            assert_eq!(press(&mut top, no), Action::Nothing);
            assert_eq!((&top.mode, top.note.as_deref()), (&Mode::Table, Some("not removed: two")));
        }
        press(&mut top, KeyCode::Char('d'));
        // The rows change between question and answer, which is about the one that was named.
        top.take(Told::Changes(json!({"torrents": [], "order": ["cc"]})));
        let removed = Action::Do { verb: Verb::Remove, hash: "bb".to_owned(), name: "two".to_owned() };
        assert_eq!(press(&mut top, KeyCode::Char('y')), removed);
    }

    #[test]
    fn keys_act_on_the_torrent_under_the_cursor() {
        let mut top = top();
        press(&mut top, KeyCode::End);
        for (key, verb) in [('p', Verb::Pause), ('r', Verb::Resume), ('c', Verb::Recheck), ('a', Verb::Announce)] {
            let action = Action::Do { verb, hash: "cc".to_owned(), name: "three".to_owned() };
            assert_eq!(press(&mut top, KeyCode::Char(key)), action);
        }
        assert_eq!(press(&mut top, KeyCode::Enter), Action::Why("cc".to_owned()));
        // An answer about another torrent comes too late.
        let why = |hash: &str, text: &str| Told::Why {
            hash: hash.to_owned(),
            answer: Ok(json!([{"why": text, "report": ["x"]}])),
        };
        top.take(why("aa", "elsewhere"));
        top.take(why("cc", "nobody\u{1b}[2J wants it"));
        let Mode::Details { why: Some(lines), .. } = &top.mode else { panic!("{:?}", top.mode) };
        assert_eq!(lines, &["nobody\u{FFFD}[2J wants it", "  x"]);
        press(&mut top, KeyCode::Esc);
        assert_eq!(press(&mut top, KeyCode::Char('q')), Action::Quit(Exit::Done));
        let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(top.press(interrupt), Action::Quit(Exit::Interrupted));
    }

    #[test]
    fn a_filter_narrows_with_each_letter() {
        let mut top = top();
        for key in ['/', 'T', 'h'] {
            press(&mut top, KeyCode::Char(key));
        }
        assert_eq!((top.table.len(), top.table.selected().unwrap().name.as_str()), (1, "three"));
        press(&mut top, KeyCode::Backspace);
        assert_eq!(top.table.len(), 2);
        press(&mut top, KeyCode::Enter);
        assert_eq!((&top.mode, top.table.len()), (&Mode::Table, 2));
        press(&mut top, KeyCode::Esc);
        assert_eq!(top.table.len(), 3);
        let mut none = Top::new(Order::default(), true);
        for key in ['p', 'd', 's', 'S'] {
            assert_eq!(press(&mut none, KeyCode::Char(key)), Action::Nothing);
        }
        assert_eq!(press(&mut none, KeyCode::Enter), Action::Nothing);
    }
}
