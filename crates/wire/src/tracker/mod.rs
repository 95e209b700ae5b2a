//! What trackers are told and what they answer, the same for HTTP (BEP 3, 7, 23, 31, 48) and UDP (BEP 15, 41).
pub mod announce;
pub mod http;
pub mod limits;
pub mod percent;
pub mod scrape;
pub mod udp;
pub mod url;
