//! The table as a person reads it in a terminal (own design).
use super::rows::{Row, Spread};
use std::io::{self, Write};

/// Prints the rows under each other.
pub(super) fn print(rows: &[Row], broken: u64, out: &mut dyn Write) -> io::Result<()> {
    let name = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    let what = rows.iter().map(|row| row.what.chars().count()).max().unwrap_or(0);
    let head = ["case", "figure", "granting", "off", "target", ""];
    line(out, name, what, head.map(str::to_string))?;
    let mut before = "";
    for row in rows {
        let shown = if row.name == before { "" } else { &row.name };
        before = &row.name;
        let met = match row.met {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "",
        };
        let cells = [shown, row.what, &value(row, row.granting), &value(row, row.off), &row.target, met];
        line(out, name, what, cells.map(str::to_string))?;
    }
    let count = |met| rows.iter().filter(|row| row.met == Some(met)).count();
    writeln!(out, "{} figures met, {} missed; {broken} rules broken", count(true), count(false))
}

/// A figure as it is printed: the median over the seeds.
pub(super) fn value(row: &Row, spread: Option<Spread>) -> String {
    let Some(spread) = spread else { return "-".to_string() };
    spread.value().map_or_else(|| "incomplete".to_string(), |value| row.figure.show(value))
}

fn line(out: &mut dyn Write, name: usize, what: usize, cells: [String; 6]) -> io::Result<()> {
    let [case, figure, granting, off, target, met] = cells;
    let line = format!("{case:name$}  {figure:what$}  {granting:>10}  {off:>10}  {target:20}  {met}");
    writeln!(out, "{}", line.trim_end())
}
