//! teem-client
