//! The interfaces of this machine (own design): which there are, whether they are up, and their addresses.
use core::net::IpAddr;
use std::io;

/// An interface of this machine that has an address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Interface {
    /// What the user knows it by.
    pub name: String,
    /// The system's number of it, which is another one when it was taken away and made anew.
    pub index: Option<u32>,
    /// Whether packets can pass, as far as the system knows.
    pub up: bool,
    /// Its addresses, in the system's order.
    pub addrs: Vec<IpAddr>,
    /// How many bits of each the other machines of its network have in common with it.
    pub prefixes: Vec<u8>,
}

impl Interface {
    /// Whether a machine at that address is on the network of one of its addresses.
    pub fn is_beside(&self, ip: IpAddr) -> bool {
        self.addrs.iter().zip(&self.prefixes).any(|(own, len)| shares(*own, ip, *len))
    }
}

/// Whether both begin with that many bits.
fn shares(one: IpAddr, other: IpAddr, bits: u8) -> bool {
    let same = |differ: u128, width: u32| differ.leading_zeros().saturating_sub(128 - width) >= u32::from(bits);
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => same((one.to_bits() ^ other.to_bits()).into(), 32),
        (IpAddr::V6(one), IpAddr::V6(other)) => same(one.to_bits() ^ other.to_bits(), 128),
        _ => false,
    }
}

/// All interfaces that have an address.
pub fn interfaces() -> io::Result<Vec<Interface>> {
    let mut all: Vec<Interface> = Vec::new();
    for found in if_addrs::get_if_addrs()? {
        let addr = found.ip();
        let prefix = match &found.addr {
            if_addrs::IfAddr::V4(v4) => v4.prefixlen,
            if_addrs::IfAddr::V6(v6) => v6.prefixlen,
        };
        if let Some(interface) = all.iter_mut().find(|interface| interface.name == found.name) {
            interface.addrs.push(addr);
            interface.prefixes.push(prefix);
        } else {
            let up = found.is_oper_up();
            all.push(Interface { index: found.index, up, addrs: vec![addr], prefixes: vec![prefix], name: found.name });
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beside_us_is_what_begins_alike() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let card = Interface {
            name: "eth0".into(),
            index: None,
            up: true,
            addrs: vec![ip("198.51.100.7"), ip("2001:db8:1::7")],
            prefixes: vec![25, 64],
        };
        for (other, beside) in [
            ("198.51.100.127", true),
            ("198.51.100.128", false),
            ("8.8.8.8", false),
            ("2001:db8:1::ffff", true),
            ("2001:db8:1:1::7", false),
            ("::ffff:198.51.100.9", false),
        ] {
            assert_eq!(card.is_beside(ip(other)), beside, "{other}");
        }
    }

    #[test]
    fn loopback_is_an_interface_with_its_addresses() {
        let all = interfaces().unwrap();
        let own: IpAddr = [127, 0, 0, 1].into();
        let loopback = all.iter().find(|interface| interface.addrs.contains(&own)).unwrap();
        assert!(loopback.up && loopback.index.is_some());
        assert_eq!(all.iter().filter(|interface| interface.name == loopback.name).count(), 1);
    }
}
