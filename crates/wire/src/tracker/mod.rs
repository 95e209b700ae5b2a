//! What trackers are told and what they answer, the same for HTTP (BEP 3, 7, 23) and UDP (BEP 15).
pub mod announce;
