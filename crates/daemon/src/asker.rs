//! For whom something is done (own design): the daemon's owner, or one who came over TCP with a token. It is known wherever a request leads, as long as it
//! stays in its task.
use std::future::Future;
use std::net::SocketAddr;

/// The party that a request came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Asker {
    /// The owner of the daemon's socket, or root: the number of that user, as the system tells it.
    Owner(Option<u32>),
    /// One over TCP from that address, and the name of the token that was shown; `None` where none was needed.
    Token(Option<String>, Option<SocketAddr>),
}

tokio::task_local! {
    /// Set while a request is carried out.
    static ASKER: Asker;
}

/// Carries out what somebody asks.
pub(crate) async fn for_asker<T>(asker: Asker, work: impl Future<Output = T>) -> T {
    ASKER.scope(asker, work).await
}

/// The party for which something is done now; `None` of what the daemon does by itself.
pub(crate) fn asker() -> Option<Asker> {
    ASKER.try_with(Clone::clone).ok()
}

/// Whether what is done now is done for one who came over TCP with a token, and not for the daemon's owner.
pub(crate) fn is_token() -> bool {
    ASKER.try_with(|asker| matches!(asker, Asker::Token(..))).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_done_for_a_token_is_known_for_that() {
        assert!(!is_token() && asker().is_none());
        assert!(for_asker(Asker::Token(None, None), async { is_token() }).await);
        assert!(!for_asker(Asker::Owner(Some(7)), async { is_token() }).await);
    }
}
