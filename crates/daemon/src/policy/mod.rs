//! What the daemon does by itself (own design): who works when places are few, who has given enough, how fast all may be. The decisions are
//! functions in `client::policy`; here they get their facts, and are carried out.
mod driver;
mod held;
mod orders;
mod rules;
mod said;
mod speeds;

pub(crate) use held::Policy;
pub(crate) use orders::Move;
pub use rules::Rules;
pub(crate) use rules::{OfLabel, OfTracker, STALLED};
pub(crate) use said::{NONE as SAID_NONE, Said};
pub(crate) use speeds::{by_hand, word};
