//! The tokens that are kept (own design): who has one may drive the daemon, as far as its scope goes.
use crate::daemon::{Daemon, now};
use crate::failed::TokenFailed;
use crate::token::{self, Scope};
use std::net::IpAddr;
use teem_disk::Kind;
use tokio::time::sleep;

impl Daemon {
    /// What a token allows that was shown from there, if it is one, with its name. Where many wrong ones came from that is not known at once.
    pub(crate) async fn admits(&self, token: &str, from: IpAddr) -> Option<(String, Scope)> {
        let hash = token::hash(token);
        let wait = self.0.wrong.wait(from, &hash);
        if !wait.is_zero() {
            sleep(wait).await;
        }
        let known = self.of_hash(hash);
        match known {
            Some(_) => self.0.wrong.was_right(from, &hash),
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
