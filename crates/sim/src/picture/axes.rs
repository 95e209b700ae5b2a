//! A panel with axes (own design): from values to places, ticks at round values, a grid that stays behind.
use super::palette::{FAINT, GRID, INK};
use super::svg::Svg;

const AXIS: &str = "#8c959f";
/// About so many pixels lie between two ticks.
const TICK_X: f64 = 80.0;
const TICK_Y: f64 = 26.0;

/// A rectangle in which lines are drawn; both axes begin at 0.
pub(super) struct Panel {
    pub left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) x_max: f64,
    pub(crate) y_max: f64,
}

impl Panel {
    /// Where a value lies; what is beyond an axis lies on its end.
    pub(super) fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let part = |value: f64, most: f64| (value / most).clamp(0.0, 1.0);
        (self.left + part(x, self.x_max) * self.width, self.top + self.height * (1.0 - part(y, self.y_max)))
    }

    /// Where those values lie that are not beyond the panel.
    pub(super) fn places(&self, values: &[(f64, f64)]) -> Vec<(f64, f64)> {
        values.iter().filter(|(x, _)| *x <= self.x_max).map(|&value| self.place(value)).collect()
    }

    /// Draws title, grid, axes and labels; times are labelled only where they are asked for.
    pub(super) fn frame(&self, svg: &mut Svg, title: &str, label: impl Fn(f64) -> String, times: bool) {
        let (right, bottom) = (self.left + self.width, self.top + self.height);
        svg.text((self.left, self.top - 12.0), title, "start", 13, INK, false);
        for value in ticks(self.y_max, self.height / TICK_Y) {
            let (_, y) = self.place((0.0, value));
            svg.line((self.left, y), (right, y), GRID, 1.0, "");
            svg.text((self.left - 8.0, y + 4.0), &label(value), "end", 12, FAINT, false);
        }
        for value in ticks(self.x_max, self.width / TICK_X) {
            let (x, _) = self.place((value, 0.0));
            svg.line((x, self.top), (x, bottom), GRID, 1.0, "");
            if times {
                svg.text((x, bottom + 18.0), &format!("{value}"), "middle", 12, FAINT, false);
            }
        }
        svg.line((self.left, bottom), (right, bottom), AXIS, 1.0, "");
        svg.line((self.left, self.top), (self.left, bottom), AXIS, 1.0, "");
    }

    /// A vertical line at a time, with words at its foot, on the side where there is room.
    pub(super) fn mark(&self, svg: &mut Svg, x: f64, words: &str) {
        let (x, bottom) = self.place((x, 0.0));
        svg.line((x, self.top), (x, bottom), INK, 1.2, "5 4");
        let (side, anchor) = if x > self.left + self.width / 3.0 { (-6.0, "end") } else { (6.0, "start") };
        svg.text((x + side, bottom - 8.0), words, anchor, 12, INK, false);
    }
}

/// Round values from 0 to the most, about that many steps.
pub(super) fn ticks(most: f64, steps: f64) -> Vec<f64> {
    let rough = most / steps.max(1.0);
    let mut power = 1.0;
    while power > rough {
        power /= 10.0;
    }
    while power * 10.0 <= rough {
        power *= 10.0;
    }
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|times| times * power).find(|step| *step >= rough);
    let step = step.unwrap_or(power * 10.0);
    // Rounded, so that 0.1 times 3 is labelled 0.3.
    let count = (most / step * 1.0001) as u32;
    (0..=count).map(|i| (f64::from(i) * step * 1e6).round() / 1e6).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        assert_eq!(ticks(100.0, 5.0), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(ticks(1.2, 4.0), [0.0, 0.5, 1.0]);
        assert_eq!(ticks(0.35, 4.0), [0.0, 0.1, 0.2, 0.3]);
    }
}
