//! Cookies of those that have logged in to qBittorrent's interface (its Web API, `auth/login`): each cookie with the token that it stands for, which ends it when it is revoked.
use crate::token::Hash;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a cookie is good that nobody uses, as qBittorrent has it.
const IDLE: Duration = Duration::from_secs(3600);

/// Cookies at a time; the one that was used longest ago gives way.
const LOGINS_MAX: usize = 1_000;

/// Random bytes of a cookie.
const BYTES: usize = 24;

/// The cookies that are good.
#[derive(Default)]
pub(crate) struct Logins(Mutex<HashMap<String, (Hash, Instant)>>);

impl Logins {
    fn table(&self) -> MutexGuard<'_, HashMap<String, (Hash, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new cookie for one who has shown a token.
    pub(crate) fn enter(&self, token: Hash, now: Instant) -> String {
        let mut bytes = [0; BYTES];
        teem_client::entropy::fill(&mut bytes);
        let cookie = URL_SAFE_NO_PAD.encode(bytes);
        let mut table = self.table();
        table.retain(|_, (_, used)| now.duration_since(*used) < IDLE);
        if table.len() >= LOGINS_MAX
            && let Some(oldest) = table.iter().min_by_key(|(_, (_, used))| *used).map(|(cookie, _)| cookie.clone())
        {
            table.remove(&oldest);
        }
        table.insert(cookie.clone(), (token, now));
        cookie
    }

    /// The token that a cookie stands for.
    pub(crate) fn token(&self, cookie: &str, now: Instant) -> Option<Hash> {
        let mut table = self.table();
        let (token, used) = table.get_mut(cookie)?;
        if now.duration_since(*used) >= IDLE {
            table.remove(cookie);
            return None;
        }
        *used = now;
        Some(*token)
    }

    /// Ends a cookie.
    pub(crate) fn leave(&self, cookie: &str) {
        self.table().remove(cookie);
    }
}

/// The cookie of a `Cookie` header: `SID`, or `QBT_SID_` and a port, as newer ones call it.
pub(crate) fn cookie(header: &str) -> Option<&str> {
    let mut pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == "SID" || name.starts_with("QBT_SID_")).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_stands_for_its_token_until_it_is_ended_or_forgotten() {
        let (logins, now) = (Logins::default(), Instant::now());
        let (one, other) = (logins.enter([1; 32], now), logins.enter([2; 32], now));
        assert_ne!(one, other);
        assert_eq!((logins.token(&one, now), logins.token("", now)), (Some([1; 32]), None));
        logins.leave(&one);
        assert_eq!(logins.token(&one, now), None);
        assert_eq!(logins.token(&other, now + IDLE / 2), Some([2; 32]));
        assert_eq!(logins.token(&other, now + IDLE), Some([2; 32]), "it was used in between");
        assert_eq!(logins.token(&other, now + IDLE * 3), None);
        for n in 0..LOGINS_MAX as u32 + 10 {
            logins.enter([3; 32], now + Duration::from_millis(n.into()));
        }
        assert_eq!(logins.table().len(), LOGINS_MAX);
    }

    #[test]
    fn cookies_are_found_among_others() {
        assert_eq!(cookie("a=b; SID=x/+=; HttpOnly; path=/"), Some("x/+="));
        assert_eq!(cookie("QBT_SID_8080=y"), Some("y"));
        assert_eq!((cookie("sid=x"), cookie("")), (None, None));
    }
}
