//! How fast (own design): limits for all and for one, other limits at times of the week or by hand, and how much may be sent in a month.
use std::fmt;
use std::str::FromStr;

/// Minutes of a day and of a week.
const DAY: u16 = 24 * 60;
const WEEK: u16 = 7 * DAY;

/// Payload bytes a second, each way; `None` is unlimited.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Speed {
    /// Of what is sent.
    pub up: Option<u64>,
    /// Of what is received.
    pub down: Option<u64>,
}

impl Speed {
    /// The lower of both, each way.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let lower = |a: Option<u64>, b: Option<u64>| a.into_iter().chain(b).min();
        Self { up: lower(self.up, other.up), down: lower(self.down, other.down) }
    }
}

/// A minute of the week, from Monday's first, in local time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Minute(u16);

impl Minute {
    /// Of a day of the week from Monday, which is 0, and a minute of the day.
    pub fn new(day: u8, minute: u16) -> Self {
        Self((u16::from(day % 7) * DAY + minute % DAY) % WEEK)
    }
}

/// A time of some days of the week: from a minute of the day until another, which is the next day's where it is not later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hours {
    /// On which days they begin, from Monday on.
    pub days: [bool; 7],
    /// Minutes of the day.
    pub from: Clock,
    /// Minutes of the day.
    pub to: Clock,
}

/// A time of the day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clock(u16);

impl FromStr for Clock {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is no time of the day such as 22:30");
        let (hour, minute) = text.trim().split_once(':').ok_or_else(bad)?;
        let number = |text: &str, below: u16| text.parse::<u16>().ok().filter(|n| *n < below && text.len() <= 2);
        Ok(Self(number(hour, 24).ok_or_else(bad)? * 60 + number(minute, 60).ok_or_else(bad)?))
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl Hours {
    /// Whether a moment lies within them.
    fn contain(&self, at: Minute) -> bool {
        let len = if self.to.0 > self.from.0 { self.to.0 - self.from.0 } else { self.to.0 + DAY - self.from.0 };
        let begins = (0..7_u8).filter(|day| self.days[usize::from(*day)]).map(|day| Minute::new(day, self.from.0));
        // How long ago each begin was, around the week.
        begins.into_iter().any(|begin| (at.0 + WEEK - begin.0) % WEEK < len)
    }
}

/// What was said by hand of the other limits.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum ByHand {
    /// Nothing: the hours say.
    #[default]
    Nothing,
    /// They hold whatever the hours say.
    On,
    /// They don't hold, whatever the hours say.
    Off,
}

/// The limits of all torrents together, as time goes.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct SpeedRules {
    /// What holds usually.
    pub usual: Speed,
    /// What holds at other hours, or by hand.
    pub other: Speed,
    /// When that is.
    pub hours: Vec<Hours>,
    /// Bytes that may be sent in a calendar month, and payload bytes a second from then on.
    pub month: Option<(u64, u64)>,
}

impl SpeedRules {
    /// Whether the other limits hold.
    pub fn is_other(&self, at: Minute, by_hand: ByHand) -> bool {
        match by_hand {
            ByHand::On => true,
            ByHand::Off => false,
            ByHand::Nothing => self.hours.iter().any(|hours| hours.contain(at)),
        }
    }

    /// The limits of all torrents together.
    pub fn of_all(&self, at: Minute, by_hand: ByHand, sent_this_month: u64) -> Speed {
        let speed = if self.is_other(at, by_hand) { self.other } else { self.usual };
        match self.month {
            Some((budget, after)) if sent_this_month >= budget => speed.and(Speed { up: Some(after), down: None }),
            _ => speed,
        }
    }
}

/// What was sent in a month.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Month {
    /// Months since the year 0.
    pub month: u32,
    /// Payload bytes that were sent in it.
    pub sent: u64,
}

impl Month {
    /// So much more was sent, in this month. A clock that goes back leaves the month that there was.
    pub fn add(&mut self, month: u32, bytes: u64) {
        if month > self.month {
            *self = Self { month, sent: 0 };
        }
        self.sent = self.sent.saturating_add(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(days: &[usize], from: &str, to: &str) -> Hours {
        let mut all = [false; 7];
        for day in days {
            all[*day] = true;
        }
        Hours { days: all, from: from.parse().unwrap(), to: to.parse().unwrap() }
    }

    #[test]
    fn hours_reach_over_midnight_and_over_the_week() {
        let night = hours(&[6], "22:00", "06:00");
        for (day, minute, within) in [
            (6, 21 * 60 + 59, false),
            (6, 22 * 60, true),
            (0, 0, true),
            (0, 5 * 60 + 59, true),
            (0, 6 * 60, false),
            (1, 0, false),
        ] {
            assert_eq!(night.contain(Minute::new(day, minute)), within, "{day} {minute}");
        }
        let whole = hours(&[2], "00:00", "00:00");
        assert!((0..DAY).all(|minute| whole.contain(Minute::new(2, minute)) && !whole.contain(Minute::new(3, minute))));
        for text in ["24:00", "7", "7:60", "007:00", "-1:00", ""] {
            assert!(text.parse::<Clock>().is_err(), "{text}");
        }
        assert_eq!("7:05".parse::<Clock>().unwrap().to_string(), "07:05");
    }

    #[test]
    fn the_hand_wins_over_the_hours_and_the_budget_over_both() {
        let rules = SpeedRules {
            usual: Speed { up: None, down: Some(9) },
            other: Speed { up: Some(5), down: Some(5) },
            hours: vec![hours(&[0], "08:00", "09:00")],
            month: Some((1_000, 3)),
        };
        let (at, elsewhen) = (Minute::new(0, 8 * 60), Minute::new(0, 9 * 60));
        let of = |at, hand, sent| rules.of_all(at, hand, sent);
        assert_eq!(of(at, ByHand::Nothing, 0), rules.other);
        assert_eq!(of(elsewhen, ByHand::Nothing, 999), rules.usual);
        assert_eq!((of(at, ByHand::Off, 0), of(elsewhen, ByHand::On, 0)), (rules.usual, rules.other));
        assert_eq!(of(elsewhen, ByHand::Nothing, 1_000), Speed { up: Some(3), down: Some(9) });
        assert_eq!(of(at, ByHand::Nothing, 1_000), Speed { up: Some(3), down: Some(5) });
    }

    #[test]
    fn a_month_begins_anew_and_never_again() {
        let mut month = Month::default();
        for (now, bytes, sent) in
            [(24_300, 5, 5), (24_300, 5, 10), (24_301, 1, 1), (24_300, 1, 2), (24_301, u64::MAX, u64::MAX)]
        {
            month.add(now, bytes);
            assert_eq!(month.sent, sent);
        }
    }
}
