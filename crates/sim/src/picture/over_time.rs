//! The picture of one run, or of two beside each other, over time (own design).
use super::axes::Panel;
use super::curve::Curve;
use super::palette::{COLOURS, FAINT, INK, WIDTH};
use super::progress;
use super::svg::Svg;
use crate::series::Sample;

/// Without the lines of the legend.
const HEIGHT: f64 = 672.0;
const LEGEND: f64 = 20.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 24.0;

/// The picture of one run, or of two beside each other.
pub fn draw(title: &str, curves: &[Curve<'_>]) -> String {
    let shift = LEGEND * curves.len() as f64;
    let height = HEIGHT + shift;
    let mut svg = Svg::new(WIDTH, height, title);
    svg.text((LEFT - 40.0, 36.0), title, "start", 17, INK, true);
    let mut y = 58.0;
    for (curve, colour) in curves.iter().zip(COLOURS) {
        svg.line((LEFT - 40.0, y - 4.0), (LEFT - 16.0, y - 4.0), colour, 3.0, "");
        svg.text((LEFT - 8.0, y), &curve.label, "start", 13, INK, false);
        y += LEGEND;
    }
    // The first is drawn last, on top.
    let pairs = || curves.iter().zip(COLOURS).rev();
    let last = curves.iter().map(Curve::end).fold(1.0, f64::max) * 1.03;
    let panel = |top: f64, height: f64, y_max: f64| Panel {
        left: LEFT,
        top,
        width: WIDTH - LEFT - RIGHT,
        height,
        x_max: last,
        y_max,
    };
    let percent = |value: f64| format!("{value:.0} %");
    let one = |value: f64| format!("{value}");

    let top = panel(78.0 + shift, 232.0, 100.0);
    let title = if curves.iter().all(Curve::has_lines) {
        "Downloaded: the median peer, and a thin line for every peer"
    } else {
        "Downloaded: the median peer, eight of ten peers (shaded), the slowest and the fastest (thin)"
    };
    top.frame(&mut svg, title, percent, false);
    for (curve, colour) in pairs() {
        progress::draw(&mut svg, &top, curve, colour);
    }
    top.mark(&mut svg, 1.0, "the bound T*");

    let copies = curves.iter().flat_map(|curve| curve.samples).map(|sample| sample.source_permille).max();
    let middle = panel(358.0 + shift, 108.0, (copies.unwrap_or(0) as f64 / 1000.0 * 1.08).max(1.2));
    middle.frame(&mut svg, "Copies the source has sent; dashed: how much of the content has left it", one, false);
    for (curve, colour) in pairs() {
        let of = |value: fn(&Sample) -> u64| curve.points(move |sample| value(sample) as f64 / 1000.0);
        svg.path(&middle.places(&of(|sample| sample.out_permille)), colour, 1.4, "4 3");
        svg.path(&middle.places(&of(|sample| sample.source_permille)), colour, 2.0, "");
    }

    let bottom = panel(514.0 + shift, 108.0, 100.0);
    let title = "Upload capacity in use; dashed: how many of the peers hold the rarest piece";
    bottom.frame(&mut svg, title, percent, true);
    for (curve, colour) in pairs() {
        let rarest = |sample: &Sample| f64::from(sample.rarest) * 100.0 / f64::from(sample.present.max(1));
        svg.path(&bottom.places(&curve.points(rarest)), colour, 1.4, "4 3");
        svg.path(&bottom.places(&curve.smooth()), colour, 2.0, "");
    }
    let bound = curves.first().map_or(0.0, |curve| curve.bound_ms as f64 / 1000.0);
    let label = format!("time in multiples of the bound T* = {bound:.1} s");
    svg.text(((LEFT + WIDTH - RIGHT) / 2.0, height - 14.0), &label, "middle", 12, FAINT, false);
    svg.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<Sample> {
        let sample = |step: u64| Sample {
            at_ms: step * 100,
            progress_permille: [(step * 100) as u32; 5],
            each_permille: Vec::new(),
            source_permille: step * 200,
            out_permille: step * 100,
            upload_permille: 900,
            present: 10,
            rarest: step as u32,
        };
        (0..=10).map(sample).collect()
    }

    #[test]
    fn a_picture_is_one_element_that_stays_within_itself() {
        let samples = samples();
        let curve = |label: &str| Curve { label: label.into(), samples: &samples, bound_ms: 1000 };
        let text = draw("A < B & C", &[curve("granting"), curve("off")]);
        assert!(text.starts_with("<svg ") && text.trim_end().ends_with("</svg>"), "{text}");
        assert!(text.contains("A &lt; B &amp; C") && !text.contains("NaN"), "{text}");
        let places = text.split("points=\"").skip(1).filter_map(|rest| rest.split('"').next());
        for place in places.flat_map(|points| points.split(' ')) {
            let (x, y) = place.split_once(',').unwrap();
            let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
            assert!((0.0..=WIDTH).contains(&x) && (0.0..=HEIGHT + 40.0).contains(&y), "{place}");
        }
    }
}
