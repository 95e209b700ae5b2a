//! What is said of whether others reach this machine: once it is shown, or after half a minute what is to be done, and again when that changes. The router's
//! answers are told to scripts as they come.
use crate::json;
use crate::progress::Progress;
use serde_json::{Value, json};
use std::net::IpAddr;
use std::time::Duration;
use teem_client::event::{External, Snapshot};
use teem_client::{Client, Mapping, Mappings, Reached};
use teem_wire::compact::Family;
use tokio::sync::watch;
use tokio::time::Instant;

/// When it is said at the latest.
const SAID_AFTER: Duration = Duration::from_secs(30);
/// How often it is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Both families, with their names.
const FAMILIES: [(Family, &str); 2] = [(Family::V4, "v4"), (Family::V6, "v6")];

/// What was found last, and what was said.
pub(crate) struct Reach {
    client: Client,
    mappings: watch::Receiver<Mappings>,
    /// What the router said last.
    ports: Mappings,
    begun: Instant,
    looked: Option<Instant>,
    reached: [Reached; 2],
    said: Option<String>,
    json: bool,
    /// It is said to a person too: of little use to one who downloads.
    speaks: bool,
}

impl Reach {
    pub(crate) fn new(client: &Client, json: bool, speaks: bool) -> Self {
        Self {
            client: client.clone(),
            mappings: client.mappings(),
            ports: Mappings::default(),
            begun: Instant::now(),
            looked: None,
            reached: [Reached::Absent; 2],
            said: None,
            json,
            speaks,
        }
    }

    /// Says it to a person too.
    pub(crate) fn speak(&mut self) {
        self.speaks = true;
    }

    /// Looks, at most once a second, and says what is new; `seen` is where others see us.
    pub(crate) fn look(&mut self, seen: &External, progress: &mut Progress) {
        if self.looked.is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        self.looked = Some(Instant::now());
        self.tell_ports(progress);
        let of = |(family, _)| self.client.reached(family, seen);
        self.reached = FAMILIES.map(of);
        let words = sentence(self.reached, &self.ports, seen, self.client.port());
        let Some(words) = words.filter(|words| self.is_due() && self.said.as_ref() != Some(words)) else { return };
        if self.json {
            let [v4, v6] = self.reached.map(Reached::word);
            json::line(&json!({"event": "reachable", "v4": v4, "v6": v6, "text": words}));
        }
        if self.speaks {
            progress.say(&words);
        }
        self.said = Some(words);
    }

    /// Whether it was said already, or what is to be done.
    pub(crate) fn has_spoken(&self) -> bool {
        self.said.is_some()
    }

    /// What `status` says of it: a word for each family.
    pub(crate) fn value(&self) -> Value {
        let [v4, v6] = self.reached.map(Reached::word);
        json!({"v4": v4, "v6": v6})
    }

    fn is_due(&self) -> bool {
        let shown = |reached: &Reached| *reached == Reached::Absent || reached.is_shown();
        self.said.is_some() || self.begun.elapsed() >= SAID_AFTER || self.reached.iter().all(shown)
    }

    /// What the router has answered since the last time.
    fn tell_ports(&mut self, progress: &mut Progress) {
        let now = self.mappings.borrow_and_update().clone();
        for (family, name) in FAMILIES {
            let (new, old) = (now.of(family), self.ports.of(family));
            if new == old {
                continue;
            }
            match new {
                Mapping::Mapped { way, address, tcp, udp } => {
                    if self.json {
                        let address = address.to_string();
                        json::line(&json!({
                            "event": "mapped", "family": name, "by": way, "address": address, "tcp": tcp, "udp": udp,
                        }));
                    }
                    if self.speaks {
                        progress.say(&format!("the router leads others here from {} ({way})", at(*address, *tcp)));
                    }
                }
                Mapping::Failed(why) if self.json => {
                    json::line(&json!({"event": "not_mapped", "family": name, "why": why}));
                }
                _ => {}
            }
        }
        self.ports = now;
    }
}

/// Where others see us, as any of these torrents has heard.
pub(crate) fn seen<'a>(all: impl Iterator<Item = &'a Snapshot>) -> External {
    all.fold(External::default(), |seen, s| External { v4: seen.v4.or(s.external.v4), v6: seen.v6.or(s.external.v6) })
}

fn at(ip: IpAddr, port: u16) -> String {
    std::net::SocketAddr::new(ip, port).to_string()
}

/// What a person should know of it, by family v4 and v6; `None` where this machine has no way to the world.
fn sentence(reached: [Reached; 2], ports: &Mappings, seen: &External, port: u16) -> Option<String> {
    let named = || FAMILIES.iter().zip(reached).filter(|(_, reached)| *reached != Reached::Absent);
    let part = |((_, name), reached): (&(Family, &str), Reached)| match reached {
        Reached::Directly => Some(format!("{name} directly")),
        Reached::Mapped { confirmed: true, .. } => Some(format!("{name} by a mapped port")),
        Reached::Mapped { confirmed: false, .. } => Some(format!("{name} by a mapped port, as the router says")),
        Reached::UdpOnly => Some(format!("{name} over UDP only (forward TCP port {port} too)")),
        _ => None,
    };
    let good: Vec<String> = named().filter_map(part).collect();
    let shared = named().find_map(|((family, name), reached)| match reached {
        Reached::Shared { outside } => {
            let others = seen.of(*family).map_or_else(String::new, |ip| format!(", others see {ip}"));
            Some(format!(
                "your provider shares one {name} address among customers (the router has {outside}{others}), so no port of \
                 it leads here"
            ))
        }
        _ => None,
    });
    let mut all = Vec::new();
    if !good.is_empty() {
        all.push(format!("reachable: {}", good.join(", ")));
    }
    all.extend(shared);
    if all.is_empty() {
        named().next()?;
        let said = FAMILIES.iter().find_map(|(family, _)| match ports.of(*family) {
            Mapping::Failed(why) => Some(format!(" (the router at {why})")),
            _ => None,
        });
        all.push(format!(
            "not known to be reachable: nobody from outside has come yet. Forward TCP and UDP port {port} to this machine{}",
            said.unwrap_or_default()
        ));
    }
    Some(all.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_says_how_or_what_to_forward() {
        let mapped = |confirmed| Reached::Mapped { port: 40_000, confirmed };
        let ports = Mappings::default();
        let seen = External { v4: Some(IpAddr::from([198, 18, 0, 9])), v6: None };
        let said = |reached| sentence(reached, &ports, &seen, 21_473);
        let is = |reached, wanted: &str| assert_eq!(said(reached).as_deref(), Some(wanted));
        assert_eq!(said([Reached::Absent; 2]), None);
        is([mapped(true), Reached::Directly], "reachable: v4 by a mapped port, v6 directly");
        is([mapped(false), Reached::Absent], "reachable: v4 by a mapped port, as the router says");
        is([Reached::UdpOnly, Reached::Unknown], "reachable: v4 over UDP only (forward TCP port 21473 too)");
        let outside = IpAddr::from([100, 64, 0, 7]);
        let shared = said([Reached::Shared { outside }, Reached::Directly]).unwrap();
        assert!(shared.starts_with("reachable: v6 directly; your provider shares one v4 address"), "{shared}");
        assert!(shared.contains("(the router has 100.64.0.7, others see 198.18.0.9)"), "{shared}");
        let unknown = said([Reached::Unknown, Reached::Absent]).unwrap();
        assert!(unknown.contains("Forward TCP and UDP port 21473"), "{unknown}");
    }
}
