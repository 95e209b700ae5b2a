//! Many figures at a glance (own design): for each case two dots, and a mark for what is aimed at.
use super::axes::ticks;
use super::palette::{COLOURS, FAINT, GRID, INK, WIDTH};
use super::svg::Svg;

const ROW: f64 = 26.0;
const TOP: f64 = 92.0;
/// Where the dots begin; the cases' names are on the left of it.
const LEFT: f64 = 292.0;
const GAP: f64 = 36.0;
const RIGHT: f64 = 26.0;

/// A figure in one case.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct Pair {
    /// The value with granting on.
    pub granting: Option<f64>,
    /// The value with granting off.
    pub(crate) off: Option<f64>,
    /// What is aimed at.
    pub(crate) aim: Option<f64>,
}

/// The picture: two figures, and for each case its name and its values of both.
pub(crate) fn overview(title: &str, figures: [&str; 2], cases: &[(String, [Pair; 2])]) -> String {
    let bottom = TOP + ROW * cases.len() as f64;
    let mut svg = Svg::new(WIDTH, bottom + 44.0, title);
    svg.text((22.0, 36.0), title, "start", 17, INK, true);
    let mut x = 22.0;
    for (colour, word) in COLOURS.into_iter().zip(["granting", "granting off"]) {
        svg.dot((x + 5.0, 54.0), 5.0, colour);
        svg.text((x + 16.0, 58.0), word, "start", 13, INK, false);
        x += 100.0;
    }
    svg.line((x + 18.0, 47.0), (x + 18.0, 61.0), INK, 2.0, "");
    svg.text((x + 28.0, 58.0), "aim", "start", 13, INK, false);
    for (i, (name, _)) in cases.iter().enumerate() {
        svg.text((22.0, TOP + ROW * (i as f64 + 0.5) + 4.0), name, "start", 13, INK, false);
    }
    let width = (WIDTH - LEFT - RIGHT - GAP) / 2.0;
    for (column, figure) in figures.into_iter().enumerate() {
        let pairs: Vec<Pair> = cases.iter().map(|(_, pairs)| pairs[column]).collect();
        let left = LEFT + (width + GAP) * column as f64;
        draw(&mut svg, left, width, figure, &pairs);
    }
    svg.finish()
}

fn draw(svg: &mut Svg, left: f64, width: f64, figure: &str, pairs: &[Pair]) {
    let bottom = TOP + ROW * pairs.len() as f64;
    let values = || pairs.iter().flat_map(|pair| [pair.granting, pair.off, pair.aim]).flatten();
    let most = values().fold(1.2, f64::max);
    let least = values().fold(1.0, f64::min);
    let (from, to) = (least - (most - least) * 0.04, most + (most - least) * 0.04);
    let place = |value: f64| left + (value - from) / (to - from) * width;
    svg.text((left, TOP - 12.0), figure, "start", 13, INK, true);
    for value in ticks(to, width / 40.0 * to / (to - from)).into_iter().filter(|value| *value >= from) {
        let x = place(value);
        svg.line((x, TOP), (x, bottom), GRID, 1.0, "");
        svg.text((x, bottom + 18.0), &format!("{value}"), "middle", 12, FAINT, false);
    }
    svg.line((place(1.0), TOP), (place(1.0), bottom), FAINT, 1.2, "");
    for (i, pair) in pairs.iter().enumerate() {
        let y = TOP + ROW * (i as f64 + 0.5);
        if let (Some(granting), Some(off)) = (pair.granting, pair.off) {
            svg.line((place(granting), y), (place(off), y), GRID, 4.0, "");
        }
        if let Some(aim) = pair.aim {
            svg.line((place(aim), y - 8.0), (place(aim), y + 8.0), INK, 2.0, "");
        }
        // The first is smaller and on top, so that both are seen when they are equal.
        for (value, radius, colour) in [(pair.off, 6.0, COLOURS[1]), (pair.granting, 4.5, COLOURS[0])] {
            if let Some(value) = value {
                svg.dot((place(value), y), radius, colour);
            }
        }
    }
}
