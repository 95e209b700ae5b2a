//! A report as a person reads it (own design).
use super::Report;
use super::stats::decimal;
use std::fmt;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "scenario          {}", self.scenario)?;
        writeln!(f, "seed              {}", self.seed)?;
        writeln!(f, "trace hash        {}", self.trace)?;
        writeln!(f, "events            {} in {} s", self.events, decimal(Some(self.duration_ms)))?;
        let gone = if self.gone > 0 { format!(", {} left before", self.gone) } else { String::new() };
        writeln!(f, "complete          {} of {}{gone}", self.complete, self.downloaders)?;
        writeln!(f, "makespan          {} s, mean {} s", decimal(self.makespan_ms), decimal(self.mean_ms))?;
        let (fluid, frugal) = (decimal(Some(self.bound_ms)), decimal(Some(self.frugal_bound_ms)));
        writeln!(f, "bound             {fluid} s; {frugal} s if the source sends one copy")?;
        let over = [self.over_bound_permille, self.mean_permille, self.over_frugal_permille].map(decimal);
        writeln!(f, "over the bound    makespan {}, mean {}; makespan {} of a frugal one", over[0], over[1], over[2])?;
        if let Some(parts) = self.percentiles_permille {
            let [p50, p90, p99, p999] = parts.map(|part| decimal(Some(part)));
            writeln!(f, "completion        p50 {p50}, p90 {p90}, p99 {p99}, p99.9 {p999} of the bound")?;
        }
        let all_out = decimal(self.all_out_permille);
        writeln!(f, "source's copies   {} until all out, {} in all", all_out, decimal(Some(self.copies_permille)))?;
        writeln!(f, "upload used       {}", decimal(self.upload_use_permille))?;
        writeln!(f, "wasted payload    {}", decimal(Some(self.wasted_permille)))?;
        if self.fairness_permille.is_some() {
            let fairness = decimal(self.fairness_permille);
            writeln!(f, "fairness          {fairness} (contributors' mean time over free riders')")?;
        }
        if self.classes.len() > 1 {
            for class in &self.classes {
                let (role, up, mean) = (&class.role, class.up / 1000, decimal(class.mean_permille));
                let (complete, count) = (class.complete, class.count);
                writeln!(f, "  {role}, {up} kB/s: {complete} of {count}, mean {mean} of the bound")?;
            }
        }
        writeln!(f, "bans              {}", self.bans)?;
        writeln!(f, "violations        {}", self.violations)?;
        self.first_violations.iter().try_for_each(|violation| writeln!(f, "  {violation}"))
    }
}
