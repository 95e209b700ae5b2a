//! What Transmission's dialects keep while the daemon runs (rpc-spec, "CSRF protection", `ids`): the session's id, and the numbers of torrents.
use super::numbers::Numbers;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Random bytes of a session's id: 48 letters, as many as Transmission's has.
const ID_BYTES: usize = 36;

/// The id and the numbers of one run.
pub(crate) struct Session {
    /// What each request has to repeat: a page of somebody else's cannot know it.
    pub(super) id: String,
    pub(super) begun: Instant,
    numbers: Mutex<Numbers>,
}

impl Default for Session {
    fn default() -> Self {
        let mut bytes = [0; ID_BYTES];
        teem_client::entropy::fill(&mut bytes);
        Self { id: URL_SAFE_NO_PAD.encode(bytes), begun: Instant::now(), numbers: Mutex::default() }
    }
}

impl Session {
    pub(super) fn numbers(&self) -> MutexGuard<'_, Numbers> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
