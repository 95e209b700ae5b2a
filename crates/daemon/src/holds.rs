//! Which settings hold in a daemon that runs, for those who ask it (own design).
use crate::config::Setting;
use crate::daemon::Daemon;
use std::sync::PoisonError;

impl Daemon {
    /// These values hold from now on: they are told to those who ask.
    pub fn holds(&self, settings: Vec<Setting>) {
        *self.0.told.lock().unwrap_or_else(PoisonError::into_inner) = settings;
    }

    /// The values that hold.
    pub(crate) fn settings_told(&self) -> Vec<Setting> {
        self.0.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
