//! teem-disk
