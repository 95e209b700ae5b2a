//! teem-sim
