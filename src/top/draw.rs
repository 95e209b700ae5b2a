//! How the state looks: a line of totals, the table, a line that says what is up. Only rows in sight are looked at.
//!
//! Texts of others were made safe when they were taken in (`row`, `state`).
use super::row::{Row, looked_at};
use super::state::{Mode, Top};
use crate::units::{Bytes, Count, Time};
use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Text};
use ratatui::widgets::{self, Paragraph, Wrap};
use std::fmt::Write as _;
use std::time::Duration;

/// Cells that a name has at least, before other columns go.
const NAME_MIN: u16 = 20;

/// A column of figures or words: its title, its cells, whether it stands at the right, and what it shows of a row.
struct Column {
    title: &'static str,
    width: u16,
    right: bool,
    show: fn(&Row) -> String,
}

/// The columns after the name.
const COLUMNS: [Column; 8] = [
    Column { title: "state", width: 12, right: false, show: |row| row.state.clone() },
    Column { title: "done %", width: 6, right: true, show: |row| row.progress.map_or_else(unknown, percent) },
    Column { title: "down", width: 10, right: true, show: |row| rate(row.down) },
    Column { title: "up", width: 10, right: true, show: |row| rate(row.up) },
    Column { title: "ratio", width: 6, right: true, show: |row| row.ratio.map_or_else(unknown, |r| format!("{r:.2}")) },
    Column { title: "peers", width: 5, right: true, show: |row| row.peers().to_string() },
    Column { title: "time left", width: 11, right: true, show: |row| row.eta.map_or_else(unknown, time) },
    Column { title: "label", width: 12, right: false, show: |row| row.labels.clone() },
];

/// Where there is no room for all, these go one after the other; name and `done %` stay (`docs/daemon.md`).
const GO: [&str; 7] = ["label", "ratio", "peers", "time left", "up", "state", "down"];

/// The keys, for the help.
const KEYS: [(&str, &str); 14] = [
    ("up, down", "go to another torrent"),
    ("PageUp, PageDown", "go a page up or down"),
    ("Home, End", "go to the first or the last"),
    ("s", "sort by the next key"),
    ("S", "sort the other way round"),
    ("/", "show names with a text alone (Enter keeps that, Esc shows all)"),
    ("Enter", "say why the torrent moves or not"),
    ("p", "pause it"),
    ("r", "resume it"),
    ("c", "recheck it: hash all that it has again"),
    ("a", "announce it: ask its trackers now"),
    ("d", "remove it from the daemon (asks first; its files stay)"),
    ("?", "this help; any key leaves it"),
    ("q, Ctrl-C", "quit; the daemon goes on"),
];

pub(super) fn draw(top: &mut Top, frame: &mut Frame<'_>) {
    let area = frame.area();
    let line = |y: u16| Rect { y: area.y + y, height: 1, ..area }.intersection(area);
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(2), ..area }.intersection(area);
    top.height = usize::from(body.height.saturating_sub(1)).max(1);
    frame.render_widget(Line::styled(head(top), Modifier::BOLD), line(0));
    match &top.mode {
        Mode::Help => {
            let lines = KEYS.iter().map(|(key, what)| Line::raw(format!("{key:<17} {what}")));
            frame.render_widget(lines.collect::<Text<'_>>(), body);
        }
        Mode::Details { hash, why, scroll } => {
            let text = Paragraph::new(details(top, hash, why.as_deref())).wrap(Wrap { trim: false });
            frame.render_widget(text.scroll((*scroll, 0)), body);
        }
        Mode::Table | Mode::Filter(_) | Mode::Remove { .. } => table(top, frame, body),
    }
    if area.height > 1 {
        frame.render_widget(status(top), line(area.height - 1));
    }
}

/// Figures of all rows, filtered or not, and the order.
fn head(top: &Top) -> String {
    let totals = top.table.totals();
    let mut head = Count(totals.torrents, "torrent").to_string();
    // Writing to a String cannot fail.
    if top.table.len() < totals.torrents {
        let _ = write!(head, " ({} shown)", top.table.len());
    }
    let _ = write!(head, "  down {}/s  up {}/s", Bytes(totals.down), Bytes(totals.up));
    if totals.troubled > 0 {
        let _ = write!(head, "  {} in trouble", totals.troubled);
    }
    let _ = write!(head, "  {}", top.table.order().words());
    head
}

fn table(top: &mut Top, frame: &mut Frame<'_>, area: Rect) {
    if top.table.len() == 0 {
        let none = if top.table.totals().torrents == 0 {
            "no torrents: `teem add LINK` adds one"
        } else {
            "no name holds this text: Esc shows all"
        };
        return frame.render_widget(Line::raw(none), area);
    }
    let (cursor, height) = (top.table.cursor(), top.height);
    let last = top.table.len().saturating_sub(height);
    top.offset = top.offset.clamp((cursor + 1).saturating_sub(height), cursor).min(last);
    let columns = columns(area.width);
    let mut widths = vec![Constraint::Fill(1)];
    widths.extend(columns.iter().map(|column| Constraint::Length(column.width)));
    let aligned =
        |text: String, column: &Column| if column.right { Line::from(text).right_aligned() } else { Line::from(text) };
    let titles = columns.iter().map(|column| aligned(column.title.to_owned(), column));
    let titles = widgets::Row::new([Line::from("name")].into_iter().chain(titles)).style(Modifier::UNDERLINED);
    let in_sight = top.offset..(top.offset + height).min(top.table.len());
    let lines = in_sight.filter_map(|line| Some((line, top.table.row(line)?))).map(|(line, row)| {
        looked_at();
        let cells = columns.iter().map(|column| aligned((column.show)(row), column));
        let style = if line == cursor {
            look(row, top.colours).add_modifier(Modifier::REVERSED)
        } else {
            look(row, top.colours)
        };
        widgets::Row::new([Line::from(row.name.as_str())].into_iter().chain(cells)).style(style)
    });
    frame.render_widget(widgets::Table::new(lines.collect::<Vec<_>>(), widths).header(titles), area);
}

/// The columns that there is room for.
fn columns(width: u16) -> Vec<Column> {
    let mut columns = Vec::from(COLUMNS);
    for goes in GO {
        if NAME_MIN + columns.iter().map(|column| column.width + 1).sum::<u16>() <= width {
            break;
        }
        columns.retain(|column| column.title != goes);
    }
    columns
}

/// Colour of a row, by what its owner has to know.
fn look(row: &Row, colours: bool) -> Style {
    let colour = match row.state.as_str() {
        _ if !colours => return Style::new(),
        _ if row.error.is_some() => Color::Red,
        "downloading" | "metadata" => Color::Cyan,
        "seeding" => Color::Green,
        "paused" | "queued" | "finished" => Color::DarkGray,
        _ => Color::Yellow,
    };
    Style::new().fg(colour)
}

/// One torrent, line by line.
fn details<'a>(top: &'a Top, hash: &'a str, why: Option<&'a [String]>) -> Text<'a> {
    let mut lines = Vec::new();
    match top.table.find(hash) {
        None => lines.push(Line::raw("it is not among the torrents any more")),
        Some(row) => {
            lines.push(Line::styled(row.name.as_str(), Modifier::BOLD));
            let figures = COLUMNS.iter().map(|column| (column.title, (column.show)(row)));
            let all = [("infohash", row.hash.clone())].into_iter().chain(figures);
            lines.extend(all.map(|(title, text)| Line::raw(format!("{title:<9}  {text}"))));
            lines.extend(row.error.iter().map(|error| Line::raw(format!("error      {error}"))));
        }
    }
    lines.push(Line::raw(""));
    match why {
        None => lines.push(Line::raw("asking why …")),
        Some(why) => lines.extend(why.iter().map(|line| Line::raw(line.as_str()))),
    }
    Text::from(lines)
}

fn status(top: &Top) -> Line<'_> {
    let loud = if top.colours { Style::new().fg(Color::Yellow) } else { Style::new() };
    match (&top.mode, &top.lost, &top.note) {
        (Mode::Filter(text), ..) => Line::styled(format!("names with: {text}_   (Enter keeps, Esc shows all)"), loud),
        (Mode::Remove { name, .. }, ..) => Line::styled(format!("Remove it, and leave its files? y/n  {name}"), loud),
        (_, Some(why), _) => Line::styled(format!("trying to reach the daemon again: {why}"), loud),
        (Mode::Details { .. }, ..) => Line::raw("up, down: scroll   any other key: back"),
        (Mode::Help, ..) => Line::raw("any key: back"),
        (_, _, Some(note)) => Line::raw(note.as_str()),
        _ => Line::raw("?: help   s: sort   /: filter   Enter: why   q: quit"),
    }
}

fn unknown() -> String {
    "-".to_owned()
}

/// What is not there whole never shows as 100.
fn percent(progress: f64) -> String {
    if progress >= 1.0 { "100".to_owned() } else { format!("{:.1}", (progress * 1000.0).floor() / 10.0) }
}

fn rate(bytes: u64) -> String {
    if bytes == 0 { unknown() } else { format!("{}/s", Bytes(bytes)) }
}

fn time(seconds: u64) -> String {
    Time(Duration::from_secs(seconds)).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::order::Order;
    use super::super::row::LOOKS;
    use super::super::state::Told;
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
    use serde_json::{Value, json};

    fn top(torrents: Value, colours: bool) -> Top {
        let mut top = Top::new(Order::default(), colours);
        top.take(Told::Window(json!({"torrents": torrents})));
        top
    }

    fn some() -> Value {
        json!([
            {"infohash": "aa", "name": "debian\u{1b}[2J\u{202e}.iso", "state": "downloading", "progress": 0.9999, "down_rate": 2_000_000, "up_rate": 512,
             "ratio": 0.5, "seeds": 3, "downloaders": 4, "eta": 7800, "labels": ["linux", "iso"], "added": 1},
            {"infohash": "bb", "name": "broken", "state": "failed", "progress": null, "ratio": null, "eta": null, "error": "no space", "added": 2},
        ])
    }

    /// The lines of the screen, without the blanks at their ends.
    fn screen(top: &mut Top, width: u16, height: u16) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(top, frame)).unwrap();
        let buffer = terminal.backend().buffer();
        let line = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
        (0..height).map(line).collect()
    }

    fn press(top: &mut Top, code: KeyCode) {
        top.press(KeyEvent::new(code, KeyModifiers::NONE));
    }

    #[test]
    fn a_table_has_totals_columns_rows_and_a_line_that_says_what_is_up() {
        let mut top = top(some(), false);
        let expected = [
            "2 torrents  down 1.91 MiB/s  up 512 B/s  1 in trouble  by added",
            "name                    state        done %       down         up  ratio peers   time left label",
            "debian\u{FFFD}[2J\u{FFFD}.iso         downloading    99.9 1.91 MiB/s    512 B/s   0.50     7  2 h 10 min linux,iso",
            "broken                  failed            -          -          -      -     0           -",
            "",
            "?: help   s: sort   /: filter   Enter: why   q: quit",
        ];
        assert_eq!(screen(&mut top, 103, 6), expected);
    }

    #[test]
    fn a_narrow_terminal_has_fewer_columns() {
        for (width, titles) in [
            (100, "name state done % down up ratio peers time left label"),
            (99, "name state done % down up ratio peers time left"),
            (80, "name state done % down up peers time left"),
            (79, "name state done % down up time left"),
            (62, "name state done % down up"),
            (51, "name state done % down"),
            (40, "name done % down"),
            (30, "name done %"),
        ] {
            let line = &screen(&mut top(some(), true), width, 5)[1];
            assert_eq!(line.split_whitespace().collect::<Vec<_>>().join(" "), titles, "{width}");
        }
        for (width, height) in [(1, 1), (3, 2), (200, 1), (1, 50)] {
            screen(&mut top(some(), true), width, height);
        }
    }

    #[test]
    fn filter_question_and_loss_stand_in_the_last_line() {
        let mut top = top(some(), false);
        for key in "/brok".chars() {
            press(&mut top, KeyCode::Char(key));
        }
        let shown = screen(&mut top, 60, 4);
        assert!(shown[0].starts_with("2 torrents (1 shown)") && shown[2].starts_with("broken"), "{shown:?}");
        assert_eq!(shown[3], "names with: brok_   (Enter keeps, Esc shows all)");
        press(&mut top, KeyCode::Enter);
        press(&mut top, KeyCode::Char('d'));
        assert_eq!(screen(&mut top, 60, 4)[3], "Remove it, and leave its files? y/n  broken");
        press(&mut top, KeyCode::Char('n'));
        assert_eq!(screen(&mut top, 60, 4)[3], "not removed: broken");
        top.take(Told::Lost("it has ended".to_owned()));
        assert_eq!(screen(&mut top, 60, 4)[3], "trying to reach the daemon again: it has ended");
        top.take(Told::Window(json!({"torrents": []})));
        assert_eq!(screen(&mut top, 60, 4)[1], "no torrents: `teem add LINK` adds one");
    }

    #[test]
    fn details_and_help_take_the_place_of_the_table() {
        let mut top = top(some(), false);
        press(&mut top, KeyCode::End);
        press(&mut top, KeyCode::Enter);
        assert!(screen(&mut top, 60, 20).contains(&"asking why …".to_owned()));
        let answer = Ok(json!([{"why": "the disk is full", "help": "make room"}]));
        top.take(Told::Why { hash: "bb".to_owned(), answer });
        let shown = screen(&mut top, 60, 20);
        assert_eq!(shown[1..3], ["broken", "infohash   bb"]);
        for line in ["error      no space", "the disk is full", "make room"] {
            assert!(shown.contains(&line.to_owned()), "{line}: {shown:?}");
        }
        press(&mut top, KeyCode::Esc);
        press(&mut top, KeyCode::Char('?'));
        let shown = screen(&mut top, 90, 20);
        assert!(KEYS.iter().zip(&shown[1..]).all(|((key, _), line)| line.starts_with(key)), "{shown:?}");
    }

    #[test]
    fn without_colours_there_are_none_and_the_cursor_is_still_seen() {
        for colours in [true, false] {
            let mut top = top(some(), colours);
            let mut terminal = Terminal::new(TestBackend::new(80, 5)).unwrap();
            terminal.draw(|frame| draw(&mut top, frame)).unwrap();
            let buffer = terminal.backend().buffer();
            assert_eq!(buffer.content.iter().any(|cell| cell.fg != Color::Reset), colours);
            assert!(buffer[(0, 2)].modifier.contains(Modifier::REVERSED));
        }
    }

    #[test]
    fn of_many_rows_those_in_sight_are_drawn() {
        let row = |n: u32| json!({"infohash": format!("{n:040x}"), "name": format!("name {n}"), "added": n});
        let mut top = top((0..100_000).map(row).collect(), true);
        LOOKS.set(0);
        assert!(screen(&mut top, 80, 24)[2].starts_with("name 0 "));
        press(&mut top, KeyCode::End);
        let shown = screen(&mut top, 80, 24);
        assert!(shown[22].starts_with("name 99999 "), "{shown:?}");
        press(&mut top, KeyCode::PageUp);
        assert!(screen(&mut top, 80, 24)[2].starts_with("name 99978 "));
        assert_eq!(LOOKS.get(), 3 * 21);
    }
}
