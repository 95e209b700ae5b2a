//! teem-host
