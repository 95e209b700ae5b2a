//! The tokens that are kept (own design): who has one may drive the daemon, as far as its scope goes.
use crate::daemon::{Daemon, now};
use crate::failed::TokenFailed;
use crate::token::{self, Scope};
use std::net::IpAddr;
use std::time::Instant;
use teem_disk::Kind;
use tokio::time::sleep;

impl Daemon {
    /// What a token allows that was shown from there, if it is one, with its name. Where many wrong ones came from that is not known at once.
    pub(crate) async fn admits(&self, token: &str, from: IpAddr) -> Option<(String, Scope)> {
        let hash = token::hash(token);
        self.judged(from, &hash, || self.of_hash(hash)).await
    }

    /// The same of a cookie, which stands for a token.
    pub(crate) async fn admits_cookie(&self, cookie: &str, from: IpAddr) -> Option<(String, Scope)> {
        self.judged(from, &token::hash(cookie), || self.of_cookie(cookie)).await
    }

    /// What one may who shows a cookie, without any wait: for where that decides nothing that could be seen.
    pub(crate) fn of_cookie(&self, cookie: &str) -> Option<(String, Scope)> {
        self.of_hash(self.logins().token(cookie, Instant::now())?)
    }

    async fn judged(
        &self,
        from: IpAddr,
        shown: &token::Hash,
        known: impl FnOnce() -> Option<(String, Scope)>,
    ) -> Option<(String, Scope)> {
        let wait = self.0.wrong.wait(from, shown);
        if !wait.is_zero() {
            sleep(wait).await;
        }
        let known = known();
        match known {
            Some(_) => self.0.wrong.was_right(from, shown),
            None => self.0.wrong.was_wrong(from),
        }
        known
    }

    /// The same of a token of which the words are not known any more.
    pub(crate) fn of_hash(&self, hash: token::Hash) -> Option<(String, Scope)> {
        let tokens = self.tokens();
        tokens.iter().find(|(_, kept)| kept.hash == hash).map(|(name, kept)| (name.clone(), kept.scope))
    }

    /// The tokens by name: what they allow, and when they were made.
    pub(crate) fn list_tokens(&self) -> Vec<(String, Scope, u64)> {
        self.tokens().iter().map(|(name, kept)| (name.clone(), kept.scope, kept.made)).collect()
    }

    /// Makes a token and gives its words, which nobody can ask for again.
    pub(crate) async fn make_token(&self, name: &str, scope: Scope) -> Result<String, TokenFailed> {
        let _turn = self.0.turn.lock().await;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.len() > token::NAME_BYTES || !name.chars().all(is_plain) {
            return Err(TokenFailed::Name(name.to_owned()));
        }
        if self.tokens().contains_key(name) {
            return Err(TokenFailed::Taken(name.to_owned()));
        }
        if self.tokens().len() >= token::TOKENS_MAX {
            return Err(TokenFailed::Many);
        }
        let words = token::draw();
        let kept = token::Kept { hash: token::hash(&words), scope, made: now() };
        self.keep(Kind::Token, vec![(name.to_owned(), Some(kept.encode()))]).await.map_err(TokenFailed::Store)?;
        self.tokens().insert(name.to_owned(), kept);
        Ok(words)
    }

    /// Makes a token useless at once.
    pub(crate) async fn revoke_token(&self, name: &str) -> Result<(), TokenFailed> {
        let _turn = self.0.turn.lock().await;
        if !self.tokens().contains_key(name) {
            return Err(TokenFailed::Unknown(name.to_owned()));
        }
        self.keep(Kind::Token, vec![(name.to_owned(), None)]).await.map_err(TokenFailed::Store)?;
        self.tokens().remove(name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Rules;
    use teem_client::{Config, Listen};

    #[tokio::test]
    async fn wrong_cookies_are_slowed_like_wrong_tokens_and_right_ones_are_not() {
        let folder = std::env::temp_dir().join(format!("teem-daemon-cookies-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("content")).unwrap();
        let folder = folder.canonicalize().unwrap();
        let mut config = Config::new().unwrap();
        config.listen = Listen { addr: Some([127, 0, 0, 1].into()), port: 0, fall_back: false };
        config.state_dir = folder.join("state");
        let daemon = Daemon::start(config, vec![folder.join("content")], Rules::default()).await.unwrap();
        let (here, wrong) = (IpAddr::from([192, 0, 2, 7]), &daemon.0.wrong);
        // As many as cost no wait.
        for n in 0..6 {
            assert_eq!(daemon.admits_cookie(&format!("cookie {n}"), here).await, None);
        }
        assert!(!wrong.wait(here, &token::hash("another")).is_zero());
        let words = daemon.make_token("sonarr", Scope::Control).await.unwrap();
        let cookie = daemon.logins().enter(token::hash(&words), Instant::now());
        assert_eq!(daemon.admits_cookie(&cookie, here).await, Some(("sonarr".to_owned(), Scope::Control)));
        assert!(wrong.wait(here, &token::hash(&cookie)).is_zero());
        daemon.shutdown().await;
        let _ = std::fs::remove_dir_all(&folder);
    }
}
