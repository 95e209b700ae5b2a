//! For whom something is done (own design): the daemon's owner, or one who came over TCP with a token. It is known wherever a request leads, as long as it
//! stays in its task.
use std::future::Future;

tokio::task_local! {
    /// Set while a request is carried out that came over TCP.
    static TOKEN: ();
}

/// Carries out what one asks who came over TCP.
pub(crate) async fn for_a_token<T>(work: impl Future<Output = T>) -> T {
    TOKEN.scope((), work).await
}

/// Whether what is done now is done for one who came over TCP with a token, and not for the daemon's owner.
pub(crate) fn is_token() -> bool {
    TOKEN.try_with(|()| ()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_done_for_a_token_is_known_for_that() {
        assert!(!is_token());
        assert!(for_a_token(async { is_token() }).await);
    }
}
