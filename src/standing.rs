//! What is said when that which we are bound to goes or comes back (`--bind`), and when lists of addresses were read (`--filter`).
use crate::progress::Progress;
use crate::{filter, json};
use serde_json::json;
use teem_client::Client;
use teem_client::path::{Datagrams, Path};

/// Watches what is there of it.
#[derive(Default)]
pub(crate) struct Watch {
    /// What was gone when we last looked.
    gone: Vec<String>,
    /// What was wrong with the proxy then.
    trouble: Option<String>,
    /// What it did with packets then.
    datagrams: Option<Datagrams>,
    /// What was said of that to a person, who hears nothing of what passes.
    carries: Option<bool>,
}

impl Watch {
    /// What a proxy does and does not carry, once unless that changes, and its troubles as they come and go.
    fn proxy(&mut self, path: &Path, json: bool, progress: &mut Progress) {
        let Some(proxy) = path.proxy() else { return };
        let (trouble, datagrams) = (path.proxy_trouble(), path.datagrams());
        let udp = datagrams.as_ref().map(Datagrams::word);
        let carries = match &datagrams {
            Some(Datagrams::Carried(_)) => Some(true),
            Some(Datagrams::Refused(_)) => Some(false),
            _ => None,
        };
        if (trouble != self.trouble || datagrams != self.datagrams) && json {
            json::line(&json!({"event": "proxy", "proxy": proxy.to_string(), "trouble": trouble, "udp": udp}));
        }
        if carries.is_some() && carries != self.carries {
            progress.say(&match datagrams {
                Some(Datagrams::Refused(why)) => format!(
                    "everything goes through {proxy}, over TCP alone: no uTP, no DHT, no trackers over UDP ({why})"
                ),
                _ => format!("everything goes through {proxy}, packets of UDP by its relay"),
            });
            self.carries = carries;
        }
        if trouble != self.trouble {
            progress.say(&match &trouble {
                Some(why) => format!("proxy {proxy}: {why}; nothing is tried past it"),
                None => format!("proxy {proxy}: it works again"),
            });
        }
        (self.trouble, self.datagrams) = (trouble, datagrams);
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
