//! What is said when that which we are bound to goes or comes back (`--bind`), and when lists of addresses were read (`--filter`).
use crate::progress::Progress;
use crate::{filter, json};
use serde_json::json;
use teem_client::Client;

/// Watches what is there of it.
#[derive(Default)]
pub(crate) struct Watch {
    /// What was gone when we last looked.
    gone: Vec<String>,
}

impl Watch {
    /// Says what has changed since the last look.
    pub(crate) fn look(&mut self, client: &Client, json: bool, progress: &mut Progress) {
        for words in filter::words() {
            if json {
                json::line(&json!({"event": "filter", "ranges": client.http().path().ranges(), "text": words}));
            }
            progress.say(&words);
        }
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
