//! The limits of all torrents together as time goes (own design): hours of the week, by hand, and what was sent in a month.
use super::held::Policy;
use super::said::Said;
use crate::daemon::Daemon;
use crate::failed::Failed;
use jiff::Zoned;
use teem_client::policy::{ByHand, Minute, Month};
use teem_disk::{Kind, StateStore};

/// The records that outlive the daemon.
const MONTH: &str = "month";
const BY_HAND: &str = "alternative";
const SAID: &str = "said";

impl Policy {
    /// Looks at the clock, and sets the limits where that changes them.
    pub(super) async fn tick(&self, daemon: &Daemon) {
        let rules = self.rules();
        let now = Zoned::now();
        if rules.speed.month.is_some()
            && let Ok(figures) = daemon.client().snapshots().await
        {
            let sent = figures.iter().map(|figures| figures.uploaded).fold(0, u64::saturating_add);
            let (month, is_more) = self.count(month_of(&now), sent);
            if is_more {
                let record = format!("{} {}", month.month, month.sent).into_bytes();
                // Kept with what is committed next: a kill forgets some seconds.
                let _ = daemon.put(Kind::Setting, MONTH, record);
            }
        }
        let minute = minute_of(&now);
        let month = self.month();
        let sent = if month.month == month_of(&now) { month.sent } else { 0 };
        let speed = rules.speed.of_all(minute, self.by_hand(), sent);
        if self.is_other_speed(speed) {
            daemon.client().limits(speed.up, speed.down);
        }
    }

    /// Remembers what was kept.
    pub(crate) fn remember(&self, store: &dyn StateStore) {
        let text = |name: &str| {
            let record = store.get(Kind::Setting, name, &|_| true).ok().flatten()?;
            String::from_utf8(record).ok()
        };
        let month = text(MONTH).and_then(|text| {
            let (month, sent) = text.split_once(' ')?;
            Some(Month { month: month.parse().ok()?, sent: sent.parse().ok()? })
        });
        self.set_month(month.unwrap_or_default());
        self.set_said(text(SAID).map(|lines| Said::decode(&lines)).unwrap_or_default());
        self.set_by_hand(text(BY_HAND).and_then(|word| by_hand(&word)).unwrap_or_default());
    }
}

impl Daemon {
    /// This holds from now on, over restarts too.
    pub(crate) async fn say(&self, later: Said) -> Result<(), Failed> {
        let _turn = self.0.turn.lock().await;
        let (file, before) = self.0.policy.file();
        let said = before.and(later, &file);
        self.keep(Kind::Setting, vec![(SAID.to_owned(), Some(said.encode()))]).await.map_err(Failed::Store)?;
        self.0.policy.set_said(said);
        Ok(())
    }

    /// The other limits hold from now on, or don't, or hold at their hours again.
    pub(crate) async fn set_alternative(&self, wanted: ByHand) -> std::io::Result<()> {
        let record = Some(word(wanted).as_bytes().to_vec());
        self.keep(Kind::Setting, vec![(BY_HAND.to_owned(), record)]).await?;
        self.0.policy.set_by_hand(wanted);
        Ok(())
    }

    /// Whether the other limits hold now, and what was said by hand.
    pub(crate) fn alternative(&self) -> (bool, ByHand) {
        let by_hand = self.0.policy.by_hand();
        (self.0.policy.rules().speed.is_other(minute_of(&Zoned::now()), by_hand), by_hand)
    }
}

/// As the interface calls it.
pub(crate) fn word(by_hand: ByHand) -> &'static str {
    match by_hand {
        ByHand::Nothing => "hours",
        ByHand::On => "on",
        ByHand::Off => "off",
    }
}

/// What a word of the interface means.
pub(crate) fn by_hand(word: &str) -> Option<ByHand> {
    [ByHand::Nothing, ByHand::On, ByHand::Off].into_iter().find(|by_hand| self::word(*by_hand) == word)
}

fn minute_of(now: &Zoned) -> Minute {
    let day = now.weekday().to_monday_zero_offset();
    Minute::new(day.unsigned_abs(), u16::from(now.hour().unsigned_abs()) * 60 + u16::from(now.minute().unsigned_abs()))
}

fn month_of(now: &Zoned) -> u32 {
    u32::from(now.year().unsigned_abs()) * 12 + u32::from(now.month().unsigned_abs())
}
