//! What the system's files say of names (hosts(5), resolv.conf(5); RFC 6761): read by us when the system's own resolver may not be asked, because it would
//! speak to others by a way of its own.
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Servers that are asked, as in the system's own resolver.
const SERVERS_MAX: usize = 3;
/// Domains that a short name is tried in.
const SEARCH_MAX: usize = 6;

/// The servers to be asked, and what a short name may mean.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Resolv {
    /// The servers in their order; port 53.
    pub servers: Vec<IpAddr>,
    search: Vec<String>,
}

impl Resolv {
    /// Reads the text of a resolv.conf. What is not understood is passed over, as by others.
    pub fn parse(text: &str) -> Self {
        let mut resolv = Self::default();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => {
                    // A scope is of no use to a socket that is tied to one interface already.
                    let bare = words.next().and_then(|word| word.split('%').next());
                    let server = bare.and_then(|word| word.parse::<IpAddr>().ok());
                    if resolv.servers.len() < SERVERS_MAX {
                        resolv.servers.extend(server.map(|ip| ip.to_canonical()));
                    }
                }
                Some("search" | "domain") => {
                    resolv.search = words.take(SEARCH_MAX).map(|word| word.trim_matches('.').to_owned()).collect();
                }
                _ => {}
            }
        }
        resolv
    }

    /// The names to ask for, one after the other: a name without a dot may be one of ours.
    pub fn meanings(&self, name: &str) -> Vec<String> {
        let short = !name.contains('.');
        let longer = self.search.iter().filter(|domain| short && !domain.is_empty());
        longer.map(|domain| format!("{name}.{domain}")).chain([name.to_owned()]).collect()
    }
}

/// The addresses that the text of a hosts file gives a name, and loopback for what is always there.
pub fn in_hosts(text: &str, name: &str) -> Vec<IpAddr> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let found = lines.filter_map(|line| {
        let mut words = line.split_whitespace();
        let ip: IpAddr = words.next()?.parse().ok()?;
        words.any(|word| word.eq_ignore_ascii_case(name)).then_some(ip.to_canonical())
    });
    let mut found: Vec<IpAddr> = found.collect();
    let last = name.rsplit('.').next().unwrap_or_default();
    if found.is_empty() && last.eq_ignore_ascii_case("localhost") {
        found = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ips(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn servers_and_domains_of_a_resolv_conf() {
        let text = "# made by a program\noptions edns0\nnameserver 10.0.0.53\nnameserver fe80::1%eth0\n\
                    nameserver nonsense\nnameserver 192.0.2.1\nnameserver 192.0.2.2\nsearch lan corp.example.\n";
        let resolv = Resolv::parse(text);
        assert_eq!(resolv.servers, ips(&["10.0.0.53", "fe80::1", "192.0.2.1"]));
        assert_eq!(resolv.meanings("nas"), ["nas.lan", "nas.corp.example", "nas"]);
        assert_eq!(resolv.meanings("t.example"), ["t.example"]);
        assert_eq!(Resolv::parse("\0\u{7f}nameserver\nnameserver"), Resolv::default());
    }

    #[test]
    fn a_hosts_file_gives_all_addresses_of_a_name() {
        let text =
            "127.0.0.1 localhost\n10.0.0.5\tnas Nas.lan # the big one\n2001:db8::5 nas\n#10.0.0.6 nas\nbad nas\n";
        assert_eq!(in_hosts(text, "NAS"), ips(&["10.0.0.5", "2001:db8::5"]));
        assert_eq!(in_hosts(text, "nas.lan."), ips(&["10.0.0.5"]));
        assert!(in_hosts(text, "big").is_empty());
        assert_eq!(in_hosts("", "tracker.localhost"), ips(&["127.0.0.1", "::1"]));
        assert_eq!(in_hosts(text, "localhost"), ips(&["127.0.0.1"]));
    }
}
