//! The few elements of SVG 1.1 that pictures are made of (own design).
use std::fmt::Write as _;

const FONT: &str = "system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif";

/// A picture in the making.
pub(super) struct Svg {
    text: String,
}

impl Svg {
    /// One of that size in pixels, with a light ground.
    pub(super) fn new(width: f64, height: f64, title: &str) -> Self {
        let title = escape(title);
        let (w, h) = (width - 1.0, height - 1.0);
        let text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\" font-family=\"{FONT}\">\n<title>{title}</title>\n<rect x=\"0.5\" y=\"0.5\" \
             width=\"{w}\" height=\"{h}\" rx=\"8\" fill=\"#ffffff\" stroke=\"#d0d7de\"/>\n"
        );
        Self { text }
    }

    /// The whole picture.
    pub(super) fn finish(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }

    /// A word or a line of them, with a rim of the ground's colour against lines behind it. The anchor is `start`, `middle` or `end`.
    pub(super) fn text(&mut self, at: (f64, f64), text: &str, anchor: &str, size: u32, colour: &str, bold: bool) {
        let (x, y) = at;
        let weight = if bold { " font-weight=\"600\"" } else { "" };
        let text = escape(text);
        let _ = writeln!(
            self.text,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\" fill=\"{colour}\" \
             paint-order=\"stroke\" stroke=\"#ffffff\" stroke-width=\"3\"{weight}>{text}</text>"
        );
    }

    /// A straight line; `dash` is empty or SVG's list of dashes.
    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: &str, width: f64, dash: &str) {
        let ((x1, y1), (x2, y2)) = (from, to);
        let dash = dashes(dash);
        let _ = writeln!(
            self.text,
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\" stroke-width=\"{width}\"{dash}/>"
        );
    }

    /// A line through points.
    pub(super) fn path(&mut self, points: &[(f64, f64)], colour: &str, width: f64, dash: &str) {
        let (points, dash) = (list(points), dashes(dash));
        let _ = writeln!(
            self.text,
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" \
             stroke-linejoin=\"round\"{dash}/>"
        );
    }

    /// As `path`, faint.
    pub(super) fn faint(&mut self, points: &[(f64, f64)], colour: &str, width: f64, opacity: f64) {
        let points = list(points);
        let _ = writeln!(
            self.text,
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" \
             stroke-opacity=\"{opacity}\" stroke-linejoin=\"round\"/>"
        );
    }

    /// A filled circle.
    pub(super) fn dot(&mut self, (x, y): (f64, f64), radius: f64, colour: &str) {
        let _ = writeln!(self.text, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{colour}\"/>");
    }

    /// What lies between two lines.
    pub(super) fn band(&mut self, upper: &[(f64, f64)], lower: &[(f64, f64)], colour: &str) {
        let around: Vec<(f64, f64)> = upper.iter().chain(lower.iter().rev()).copied().collect();
        let points = list(&around);
        let _ = writeln!(self.text, "<polygon points=\"{points}\" fill=\"{colour}\" fill-opacity=\"0.18\"/>");
    }
}

fn list(points: &[(f64, f64)]) -> String {
    let each: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    each.join(" ")
}

fn dashes(dash: &str) -> String {
    if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dash}\"") }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
