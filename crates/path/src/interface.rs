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
}

/// All interfaces that have an address.
pub fn interfaces() -> io::Result<Vec<Interface>> {
    let mut all: Vec<Interface> = Vec::new();
    for found in if_addrs::get_if_addrs()? {
        let addr = found.ip();
        if let Some(interface) = all.iter_mut().find(|interface| interface.name == found.name) {
            interface.addrs.push(addr);
        } else {
            let up = found.is_oper_up();
            all.push(Interface { index: found.index, up, addrs: vec![addr], name: found.name });
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_an_interface_with_its_addresses() {
        let all = interfaces().unwrap();
        let own: IpAddr = [127, 0, 0, 1].into();
        let loopback = all.iter().find(|interface| interface.addrs.contains(&own)).unwrap();
        assert!(loopback.up && loopback.index.is_some());
        assert_eq!(all.iter().filter(|interface| interface.name == loopback.name).count(), 1);
    }
}
