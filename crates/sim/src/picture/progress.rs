//! How far the peers of a run are (own design): a line for each, or a band of them when they are many.
use super::axes::Panel;
use super::curve::Curve;
use super::svg::Svg;

/// Draws it into a panel of percents.
pub(super) fn draw(svg: &mut Svg, panel: &Panel, curve: &Curve<'_>, colour: &str) {
    let quantile = |i: usize| panel.places(&curve.points(|sample| f64::from(sample.progress_permille[i]) / 10.0));
    let peers = curve.samples.iter().map(|sample| sample.each_permille.len()).max().unwrap_or(0);
    if peers == 0 {
        svg.band(&quantile(3), &quantile(1), colour);
        for edge in [0, 4] {
            svg.faint(&quantile(edge), colour, 1.0, 0.6);
        }
    }
    for peer in 0..peers {
        let of = |permille: &[u32]| f64::from(permille.get(peer).copied().unwrap_or(0)) / 10.0;
        let points = panel.places(&curve.points(|sample| of(&sample.each_permille)));
        svg.faint(&points, colour, 1.0, 0.35);
    }
    svg.path(&quantile(2), colour, 2.4, "");
}
