//! By which names and addresses others can reach this machine (own design).
use std::net::IpAddr;
use teem_path::{Path, interfaces};
use teem_swarm::listening::Listening;
use teem_wire::reach::Reach;

/// How many addresses a link holds at most: it should still fit into a message.
const IN_LINKS_MAX: usize = 4;

/// One way to reach this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Address {
    /// Host name or address, without brackets.
    pub host: String,
    /// From where it can be used; `None` for a name, whose address may differ by asker.
    pub reach: Option<Reach>,
}

impl Address {
    fn of(ip: IpAddr) -> Self {
        Self { host: ip.to_string(), reach: Some(Reach::of(ip)) }
    }

    /// `host:port` as URLs and `x.pe` write it.
    pub fn with_port(&self, port: u16) -> String {
        if self.host.contains(':') { format!("[{}]:{port}", self.host) } else { format!("{}:{port}", self.host) }
    }

    /// The port that leads here from there: a router may forward another one than the one that is listened on.
    pub(crate) fn port(&self, listening: &Listening) -> u16 {
        match self.host.parse::<IpAddr>() {
            Ok(ip) => listening.port_for(ip),
            Err(_) => listening.port(),
        }
    }

    /// From where it can be reached, as a word for scripts.
    pub fn class(&self) -> &'static str {
        self.reach.map_or("named", Reach::word)
    }

    /// An address of which the class was told in such a word.
    pub fn told(host: String, class: &str) -> Self {
        let all = [Reach::Nowhere, Reach::Loopback, Reach::Private, Reach::Public];
        Self { host, reach: all.into_iter().find(|reach| reach.word() == class) }
    }

    /// From where it can be reached, in words.
    pub fn in_words(&self) -> &'static str {
        match self.reach {
            None => "as you named it",
            Some(Reach::Loopback) => "loopback: only programs on this machine",
            Some(Reach::Private) => "private: only machines in the same network",
            Some(Reach::Public) => "public: everybody, unless a firewall or router is in between",
            Some(Reach::Nowhere) => "of no use",
        }
    }
}

/// The addresses that a listener is reachable by, best first: names that the user gave, then public, private and loopback
/// ones, IPv4 before IPv6. A specific listening address stands alone; of a path that is bound only its addresses count.
pub fn addresses(path: &Path, bound: Option<IpAddr>, named: &[String]) -> Vec<Address> {
    let mut all: Vec<Address> = named.iter().map(|host| named_host(host)).collect();
    let mut found: Vec<IpAddr> = match bound {
        Some(ip) => vec![ip],
        None => path.addrs().unwrap_or_else(|| {
            interfaces().unwrap_or_default().into_iter().flat_map(|interface| interface.addrs).collect()
        }),
    };
    found.retain(|ip| Reach::of(*ip) != Reach::Nowhere && (bound.is_some() || !needs_scope(*ip)));
    if found.is_empty() {
        found.push(IpAddr::from([127, 0, 0, 1]));
    }
    found.sort_by_key(|ip| (std::cmp::Reverse(Reach::of(*ip)), ip.is_ipv6(), *ip));
    found.dedup();
    for ip in found {
        if !all.iter().any(|a| a.host == ip.to_string()) {
            all.push(Address::of(ip));
        }
    }
    all
}

fn named_host(host: &str) -> Address {
    let bare = host.trim().trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(ip) => Address::of(ip),
        Err(_) => Address { host: bare.to_owned(), reach: None },
    }
}

/// Link-local addresses mean nothing without the interface they belong to.
fn needs_scope(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.segments()[0] & 0xffc0 == 0xfe80,
    }
}

/// Those of them that belong into a link: what the user named, else all but loopback, else loopback.
pub(crate) fn for_links(all: &[Address], named: usize) -> Vec<Address> {
    if named > 0 {
        return all.iter().take(named).take(IN_LINKS_MAX).cloned().collect();
    }
    let outside: Vec<Address> =
        all.iter().filter(|a| a.reach != Some(Reach::Loopback)).take(IN_LINKS_MAX).cloned().collect();
    if outside.is_empty() { all.iter().take(1).cloned().collect() } else { outside }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_names_comes_first_and_alone_into_links() {
        let all = addresses(
            &Path::direct(),
            Some("10.0.0.5".parse().unwrap()),
            &["files.example".into(), "[2001:db8::1]".into()],
        );
        let hosts: Vec<_> = all.iter().map(|a| a.with_port(80)).collect();
        assert_eq!(hosts, ["files.example:80", "[2001:db8::1]:80", "10.0.0.5:80"]);
        assert_eq!(for_links(&all, 2).len(), 2);
        assert_eq!(for_links(&all[2..], 0)[0].host, "10.0.0.5");
    }

    #[test]
    fn who_comes_from_outside_is_told_the_port_that_the_router_forwards() {
        let mut listening = Listening::from(80);
        listening.v4.outside = Some(8080);
        let ports: Vec<_> = ["files.example", "198.18.0.1", "10.0.0.5", "2001:db8::1"]
            .iter()
            .map(|host| named_host(host).port(&listening))
            .collect();
        assert_eq!(ports, [8080, 8080, 80, 80]);
    }

    #[test]
    fn loopback_goes_into_a_link_only_when_there_is_nothing_else() {
        let of = |ip: &str| Address::of(ip.parse().unwrap());
        let both = [of("192.168.1.2"), of("127.0.0.1")];
        assert_eq!(for_links(&both, 0), [of("192.168.1.2")]);
        assert_eq!(for_links(&both[1..], 0), [of("127.0.0.1")]);
    }
}
