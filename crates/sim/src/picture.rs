//! Pictures of runs as SVG (own design): peers' progress, what the source sent, upload use and the rarest piece, over time.
//!
//! They are written by hand, without a library. Each brings its own light ground, so that it can be read on a page of
//! any colour. Time is in multiples of the bound, so that runs of any size can be compared. Floating point is only for
//! places on the picture.
mod axes;
mod curve;
mod over_time;
mod overview;
mod palette;
mod progress;
mod svg;

pub use curve::Curve;
pub use over_time::draw;
pub(crate) use overview::{Pair, overview};
