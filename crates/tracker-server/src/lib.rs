//! teem-tracker-server
