//! What is said when that which we are bound to goes or comes back (`--bind`), and when lists of addresses were read (`--filter`).
use crate::progress::Progress;
use crate::{filter, json};
use serde_json::json;
use teem_client::Client;
use teem_client::path::Path;

/// Watches what is there of it.
#[derive(Default)]
pub(crate) struct Watch {
    /// What was gone when we last looked.
    gone: Vec<String>,
    /// What was wrong with the proxy then.
    trouble: Option<String>,
    /// It was said what goes through it.
    told: bool,
}

impl Watch {
    /// What a proxy does and does not carry, once, and its troubles as they come and go.
    fn proxy(&mut self, path: &Path, json: bool, progress: &mut Progress) {
        let Some(proxy) = path.proxy() else { return };
        let mut say = |trouble: Option<&str>, text: &str| {
            if json {
                json::line(&json!({"event": "proxy", "proxy": proxy.to_string(), "trouble": trouble}));
            }
            progress.say(text);
        };
        if !std::mem::replace(&mut self.told, true) {
            say(
                None,
                &format!("everything goes through {proxy}, over TCP alone: no uTP, no DHT, no trackers over UDP"),
            );
        }
        let trouble = path.proxy_trouble();
        if trouble != self.trouble {
            match &trouble {
                Some(why) => say(Some(why), &format!("proxy {proxy}: {why}; nothing is tried past it")),
                None => say(None, &format!("proxy {proxy}: it works again")),
            }
            self.trouble = trouble;
        }
    }

    /// Says what has changed since the last look.
    pub(crate) fn look(&mut self, client: &Client, json: bool, progress: &mut Progress) {
        for words in filter::words() {
            if json {
                json::line(&json!({"event": "filter", "ranges": client.http().path().ranges(), "text": words}));
            }
            progress.say(&words);
        }
        self.proxy(client.http().path(), json, progress);
        let standing = client.standing();
        if standing.gone() == self.gone {
            return;
        }
        let before = std::mem::replace(&mut self.gone, standing.gone().to_vec());
        let (gone, cut_off) = (self.gone.join(", "), standing.is_cut_off());
        if json {
            json::line(&json!({"event": "path", "gone": self.gone, "cut_off": cut_off}));
        }
        let (one, is) = (self.gone.len() == 1, if self.gone.len() == 1 { "is" } else { "are" });
        progress.say(&match (cut_off, self.gone.is_empty()) {
            (true, _) => format!(
                "{gone} {is} gone: nothing is sent or taken until {} back",
                if one { "it is" } else { "one is" }
            ),
            (false, true) => format!("{} is there again: going on", before.join(", ")),
            (false, false) => format!("{gone} {is} gone: going on by what is left"),
        });
    }
}
