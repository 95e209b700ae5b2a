//! A picture of how costs grow (own design): both axes are logarithms, so that linear growth is a line of slope one whatever its
//! factor, and quadratic growth is seen at once to be steeper. The dashed line has slope one.

use super::course::WORKS;
use super::report::{Measured, grouped};
use std::fmt::Write as _;

/// Pixels of the whole, and of the part with the lines in it: left, top, right, bottom.
const SIZE: (f64, f64) = (880.0, 460.0);
const PLOT: (f64, f64, f64, f64) = (64.0, 48.0, 720.0, 410.0);
/// One for each work; readable on white, and apart for those who see few colours.
const COLOURS: [&str; WORKS.len()] =
    ["#1d5fd1", "#8c8c8c", "#2a9d5c", "#d9730d", "#b3261e", "#6f42c1", "#0aa5a5", "#a3790b"];
/// The least that is drawn, in seconds: the kernel counts in hundredths.
const LEAST: f64 = 0.01;

/// Processor time over size, as SVG.
pub(super) fn chart(measured: &Measured) -> String {
    let lines: Vec<(usize, Vec<(f64, f64)>)> = (0..WORKS.len())
        .map(|work| (work, measured.points(work, |cost| cost.seconds.max(LEAST))))
        .filter(|(_, points)| !points.is_empty())
        .collect();
    let all = || lines.iter().flat_map(|(_, points)| points);
    let sizes = (least(all().map(|p| p.0)), most(all().map(|p| p.0)));
    let top = 10_f64.powf(most(all().map(|p| p.1)).log10().ceil()).max(1.0);
    let x = |size: f64| place(size, sizes, (PLOT.0, PLOT.2));
    let y = |seconds: f64| place(seconds, (LEAST, top), (PLOT.3, PLOT.1));
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
        SIZE.0, SIZE.1
    );
    // Writing to a String cannot fail, here and below.
    let title = format!("Seconds of processor time by {}, both doubled at equal distances", measured.axis.title());
    let _ = writeln!(out, "<text x=\"{}\" y=\"26\" fill=\"#1f2328\" font-size=\"15\">{title}</text>", PLOT.0);
    let mut seconds = LEAST;
    while seconds <= top * 1.01 {
        let at = y(seconds);
        let label = if seconds < 1.0 { format!("{seconds:.2}") } else { format!("{seconds:.0}") };
        let _ = writeln!(
            out,
            "<line x1=\"{}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#e4e8ec\"/>",
            PLOT.0, PLOT.2
        );
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{:.1}\" fill=\"#57606a\" text-anchor=\"end\">{label}</text>",
            PLOT.0 - 8.0,
            at + 4.0
        );
        seconds *= 10.0;
    }
    for (size, _) in measured.sizes.iter().step_by(2) {
        let label = grouped(*size);
        let at = x(*size as f64);
        let _ = writeln!(
            out,
            "<text x=\"{at:.1}\" y=\"{}\" fill=\"#57606a\" text-anchor=\"middle\">{label}</text>",
            PLOT.3 + 20.0
        );
    }
    let from = (top / (sizes.1 / sizes.0)).max(LEAST);
    let start = sizes.1 * from / top;
    let _ = writeln!(
        out,
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#57606a\" stroke-dasharray=\"4 5\"/>",
        x(start),
        y(from),
        x(sizes.1),
        y(top)
    );
    let mut labels: Vec<(f64, usize)> = Vec::new();
    for (work, points) in &lines {
        let path: Vec<String> = points.iter().map(|(size, s)| format!("{:.1},{:.1}", x(*size), y(*s))).collect();
        let colour = COLOURS[*work];
        let _ = writeln!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            path.join(" ")
        );
        labels.extend(points.last().map(|(_, s)| (y(*s), *work)));
    }
    // Names stand at the ends of their lines, and keep off each other.
    labels.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut free = f64::MIN;
    for (at, work) in labels {
        let at = at.max(free);
        free = at + 17.0;
        let (name, colour) = (WORKS[work], COLOURS[work]);
        let _ = writeln!(out, "<text x=\"{}\" y=\"{:.1}\" fill=\"{colour}\">{name}</text>", PLOT.2 + 10.0, at + 4.0);
    }
    out + "</svg>\n"
}

/// Where a value lies between two pixels, by its logarithm between two values.
fn place(value: f64, (from, to): (f64, f64), (start, end): (f64, f64)) -> f64 {
    start + (end - start) * (value / from).ln() / (to / from).ln().max(f64::MIN_POSITIVE)
}

fn least(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(f64::INFINITY, f64::min)
}

fn most(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(LEAST, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scale::axis::Axis;
    use crate::scale::meter::Cost;

    #[test]
    fn every_work_has_its_line_and_its_name() {
        let cost = |n: u64| Cost { seconds: n as f64 / 1_000.0, memory: 1.0, open: 1 };
        let mut measured = Measured::new(Axis::Files);
        measured.sizes = (10..15).map(|k| 1 << k).map(|n| (n, [Some(cost(n)); WORKS.len()])).collect();
        let svg = chart(&measured);
        assert_eq!(svg.matches("<polyline").count(), WORKS.len());
        assert!(svg.contains(">get --only</text>") && svg.contains(">4,096</text>") && !svg.contains("NaN"), "{svg}");
    }
}
