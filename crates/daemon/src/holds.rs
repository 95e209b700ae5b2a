//! Which settings hold in a daemon that runs, for those who ask it (own design).
use crate::config::{Origin, Setting};
use crate::daemon::Daemon;
use crate::policy::SAID_NONE;
use serde_json::json;
use std::sync::PoisonError;

impl Daemon {
    /// These values hold from now on: they are told to those who ask.
    pub fn holds(&self, settings: Vec<Setting>) {
        *self.0.told.lock().unwrap_or_else(PoisonError::into_inner) = settings;
    }

    /// The values that hold.
    pub(crate) fn settings_told(&self) -> Vec<Setting> {
        let mut all = self.0.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        tell(&self.0.policy.file().1.words(), &mut all);
        all
    }
}

/// Puts what was said in the place of what else is told to hold.
fn tell(said: &[(&str, String)], settings: &mut [Setting]) {
    for (key, word) in said {
        if let Some(setting) = settings.iter_mut().find(|setting| setting.key == *key) {
            let number = if word == SAID_NONE { Some(0) } else { word.parse::<u64>().ok() };
            setting.value = number.map_or_else(|| json!(word), |number| json!(number));
            setting.origin = Origin::Api;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_with_its_origin() {
        let setting = |key: &str| Setting { key: key.to_owned(), value: json!("1M"), origin: Origin::File, live: true };
        let mut all = ["up", "alternative.down", "goal.until", "pex"].map(setting);
        let said = [("up", "50000"), ("alternative.down", "none"), ("goal.until", "ratio=2 or idle=60")];
        tell(&said.map(|(key, word)| (key, word.to_owned())), &mut all);
        let told: Vec<_> = all.iter().map(|setting| (setting.value.clone(), setting.origin)).collect();
        let expected = [
            (json!(50_000), Origin::Api),
            (json!(0), Origin::Api),
            (json!("ratio=2 or idle=60"), Origin::Api),
            (json!("1M"), Origin::File),
        ];
        assert_eq!(told, expected);
    }
}
