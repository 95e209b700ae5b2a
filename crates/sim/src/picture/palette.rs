//! Sizes and colours that all pictures share (own design).

/// Colours of the runs in one picture; readable on white, and apart for those who see few colours.
pub(super) const COLOURS: [&str; 2] = ["#1d5fd1", "#d9730d"];
/// The colour of words.
pub(super) const INK: &str = "#1f2328";
/// Labels of axes.
pub(super) const FAINT: &str = "#57606a";
/// Lines behind everything.
pub(super) const GRID: &str = "#e4e8ec";
/// How wide pictures are, in pixels.
pub(super) const WIDTH: f64 = 880.0;
