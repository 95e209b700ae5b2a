//! What a swarm was measured to do: one flat JSON object a line, so that runs add up in a file.
use std::fmt::{self, Write as _};

/// What one run of one swarm gave.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Outcome {
    /// Copies that the seed had sent when every block had left it, as it tells; others than Teem do not tell.
    pub first: Option<f64>,
    /// Copies that the seed put on its lines until all were done, messages included.
    pub copies: f64,
    /// When each downloader was done, in seconds; those that are missing were not when patience ended.
    pub ends: Vec<f64>,
    /// How many downloaders took part.
    pub count: f64,
    /// The least time that any clients could need, in seconds.
    pub bound: f64,
    /// When all were done or patience ended, in seconds.
    pub waited: f64,
    /// The most that one client sent in a window of one second and in one of two, over what its limit allows.
    pub bursts: [f64; 2],
    /// The most that one client sent until all were done, over what its limit allows.
    pub whole: f64,
    /// The part of the machine's processors that was idle or ran what is content with that (nice).
    pub free: f64,
}

impl Outcome {
    /// When the last was done over the bound, if all were.
    pub(super) fn makespan(&self) -> Option<f64> {
        let all = self.ends.len() as f64 >= self.count;
        all.then(|| self.ends.iter().copied().fold(0.0, f64::max) / self.bound)
    }

    /// The median downloader's end over the bound, if all were done.
    pub(super) fn middle(&self) -> Option<f64> {
        self.makespan().and_then(|_| Some(median(&self.ends)? / self.bound))
    }

    /// As members of a JSON object.
    pub(super) fn members(&self) -> String {
        let mut text = String::new();
        if let Some(first) = self.first {
            let _ = write!(text, "\"first\":{first:.4},");
        }
        let ends: Vec<String> = self.ends.iter().map(|end| format!("{end:.2}")).collect();
        let (count, bound, [one, two], whole) = (self.count, self.bound, self.bursts, self.whole);
        let _ = write!(
            text,
            "\"copies\":{:.4},\"ends\":\"{}\",\"count\":{count},\"bound\":{bound:.3},\"waited\":{:.2},\"burst_1s\":{one:.3},\"burst_2s\":{two:.3},\"whole\":{whole:.3},\"free\":{:.2}",
            self.copies,
            ends.join(" "),
            self.waited,
            self.free
        );
        text
    }

    /// From a line that has [`Self::members`].
    pub(super) fn read(line: &str) -> Option<Self> {
        let number = |name| member(line, name)?.parse::<f64>().ok();
        let ends = member(line, "ends")?.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
        Some(Self {
            first: number("first"),
            copies: number("copies")?,
            ends,
            count: number("count")?,
            bound: number("bound")?,
            waited: number("waited")?,
            bursts: [number("burst_1s")?, number("burst_2s")?],
            whole: number("whole")?,
            free: number("free")?,
        })
    }
}

/// A run that is on file.
pub(super) struct Run {
    pub(super) row: String,
    pub(super) seed: String,
    pub(super) outcome: Outcome,
}

impl Run {
    /// From its line.
    pub(super) fn read(line: &str) -> Option<Self> {
        let name = |name| member(line, name).map(str::to_owned);
        Some(Self { row: name("row")?, seed: name("seed")?, outcome: Outcome::read(line)? })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figure = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
        let (first, makespan, middle) = (figure(self.first), figure(self.makespan()), figure(self.middle()));
        let (copies, bound, [one, two], whole, free) = (self.copies, self.bound, self.bursts, self.whole, self.free);
        write!(f, "copies until all out {first}, in all {copies:.3}; {}/{} done, ", self.ends.len(), self.count)?;
        write!(f, "last {makespan} and median {middle} times the bound of {bound:.1} s; ")?;
        write!(f, "busiest client over its limit: {one:.2} in 1 s, {two:.2} in 2 s, {whole:.3} in all; ")?;
        write!(f, "{:.0} % of the processors free", free * 100.0)
    }
}

/// The value of a member of a flat JSON object without commas and quotes in its values.
fn member<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let rest = line.split_once(&format!("\"{name}\":"))?.1;
    Some(rest.split([',', '}']).next()?.trim().trim_matches('"'))
}

/// The middle of some figures; of an even number the mean of the two in the middle.
pub(super) fn median(figures: &[f64]) -> Option<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = sorted.len() / 2;
    let high = *sorted.get(at)?;
    Some(if sorted.len() % 2 == 1 { high } else { f64::midpoint(high, sorted[at - 1]) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_read_as_it_was_written() {
        let (ends, bursts) = (vec![66.5, 64.25, 65.0], [1.5, 1.25]);
        let outcome = Outcome {
            first: Some(1.0),
            copies: 1.05,
            ends,
            count: 3.0,
            bound: 64.0,
            waited: 67.0,
            bursts,
            whole: 1.01,
            free: 0.5,
        };
        let line = format!("{{\"row\":\"Teem\",{}}}", outcome.members());
        assert_eq!(Outcome::read(&line), Some(outcome.clone()));
        assert_eq!(outcome.makespan(), Some(66.5 / 64.0));
        assert_eq!(outcome.middle(), Some(65.0 / 64.0));
        assert_eq!(member(&line, "row"), Some("Teem"));
        let unfinished = Outcome { first: None, count: 4.0, ..outcome };
        assert_eq!(Outcome::read(&unfinished.members()), Some(unfinished.clone()));
        assert_eq!(unfinished.makespan(), None);
        assert_eq!(median(&[1.0, 2.0, 4.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }
}
