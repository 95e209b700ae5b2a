//! To which router this machine's packets go (own design; proc(5), `route` and `ipv6_route`): the system's table of routes is read, which sends
//! nothing. Where there is no such table there is no router to be asked.
use std::cmp::Reverse;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use teem_path::{Interface, Path, interfaces};
use teem_portmap::Gateway;
use teem_wire::reach::Reach;

/// A route is usable (RTF_UP), and leads by a router (RTF_GATEWAY).
const UP: u32 = 1;
const BY_ROUTER: u32 = 2;
/// Somewhere in the world: nobody has that address (RFC 3849).
const ANYWHERE_V6: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)), 9);

/// A route to everywhere.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Route {
    interface: String,
    /// None where the other end is the only one there is, as in tunnels.
    router: Option<IpAddr>,
    metric: u32,
}

/// The routers that are to be asked, for a client that listens at `listen` (or at every address). IPv4 is mapped where our address is private; of IPv6 the
/// address that the world sees is let in. A client that listens for this machine alone asks nobody.
pub(super) fn gateways(path: &Path, listen: Option<IpAddr>) -> Vec<Gateway> {
    let listen = listen.map(|ip| ip.to_canonical()).filter(|ip| !ip.is_unspecified());
    if listen.is_some_and(|ip| Reach::of(ip) == Reach::Loopback) {
        return Vec::new();
    }
    let all = interfaces().unwrap_or_default();
    let read = |name: &str| std::fs::read_to_string(name).unwrap_or_default();
    let (v4, v6) = (routes_v4(&read("/proc/net/route")), routes_v6(&read("/proc/net/ipv6_route")));
    let fits = |gateway: &Gateway| listen.is_none_or(|ip| ip == gateway.local);
    let v4 = v4.iter().find_map(|route| by_v4(path, route, &all).filter(fits));
    let v6 = v6.iter().find_map(|route| by_v6(path, route, &all).filter(fits));
    v4.into_iter().chain(v6).collect()
}

/// The address of ours on that route's own interface, where packets to `to` leave by it.
fn source(path: &Path, to: SocketAddr, route: &Route, all: &[Interface]) -> Option<(IpAddr, u32)> {
    let local = path.source_toward(to).ok()?;
    let interface = all.iter().find(|interface| interface.name == route.interface)?;
    interface.addrs.contains(&local).then_some((local, interface.index.unwrap_or(0)))
}

fn by_v4(path: &Path, route: &Route, all: &[Interface]) -> Option<Gateway> {
    let router = match route.router {
        Some(router) => router,
        None => far_end(all.iter().find(|interface| interface.name == route.interface)?)?,
    };
    let (local, _) = source(path, SocketAddr::new(router, teem_portmap::pcp::PORT), route, all)?;
    let private = |ip: IpAddr| Reach::of(ip) == Reach::Private;
    (private(local) && private(router) && local != router).then_some(Gateway { local, gateway: router, scope: 0 })
}

/// Tunnels name no router; those that map ports are the first address of their network.
fn far_end(tunnel: &Interface) -> Option<IpAddr> {
    let own = tunnel.addrs.iter().find_map(|ip| match ip {
        IpAddr::V4(ip) => Some(*ip),
        IpAddr::V6(_) => None,
    })?;
    let [a, b, c, _] = own.octets();
    Some(Ipv4Addr::new(a, b, c, 1).into())
}

fn by_v6(path: &Path, route: &Route, all: &[Interface]) -> Option<Gateway> {
    let router = route.router?;
    let (local, index) = source(path, ANYWHERE_V6, route, all)?;
    let near = matches!(router, IpAddr::V6(ip) if ip.is_unicast_link_local());
    let scope = if near { index } else { 0 };
    (Reach::of(local) == Reach::Public).then_some(Gateway { local, gateway: router, scope })
}

/// Routes to everywhere over IPv4, the preferred one first.
fn routes_v4(table: &str) -> Vec<Route> {
    let route = |line: &str| {
        let mut words = line.split_whitespace();
        let interface = words.next()?.to_owned();
        let mut hex = || u32::from_str_radix(words.next()?, 16).ok();
        let (to, router, flags) = (hex()?, hex()?, hex()?);
        let metric = words.nth(2)?.parse().ok()?;
        let mask = u32::from_str_radix(words.next()?, 16).ok()?;
        // The numbers are written as they lie in memory.
        let router = Ipv4Addr::from(router.to_ne_bytes());
        let router = (flags & BY_ROUTER != 0).then_some(IpAddr::V4(router));
        (to == 0 && mask == 0 && flags & UP != 0).then_some(Route { interface, router, metric })
    };
    in_order(table.lines().filter_map(route).collect())
}

/// Routes to everywhere over IPv6, the preferred one first.
fn routes_v6(table: &str) -> Vec<Route> {
    let route = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [to, length, _, _, router, metric, _, _, flags, interface] = words[..] else { return None };
        let everywhere = length == "00" && u128::from_str_radix(to, 16) == Ok(0);
        let hex = |word| u32::from_str_radix(word, 16).ok();
        let (router, metric, flags) = (u128::from_str_radix(router, 16).ok()?, hex(metric)?, hex(flags)?);
        let router = IpAddr::V6(Ipv6Addr::from(router));
        let usable = flags & UP != 0 && flags & BY_ROUTER != 0;
        (everywhere && usable).then_some(Route { interface: interface.to_owned(), router: Some(router), metric })
    };
    in_order(table.lines().filter_map(route).collect())
}

/// Of several a route by a router comes before one without where they are preferred alike.
fn in_order(mut routes: Vec<Route>) -> Vec<Route> {
    routes.sort_by_key(|route| (route.metric, Reverse(route.router.is_some())));
    routes
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
        wlan0\t00000000\t0100A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n\
        tun0\t00000000\t00000000\t0001\t0\t0\t50\t00000000\t0\t0\t0\n\
        eth0\t00000000\t010011AC\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
        eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n\
        eth1\t00000000\t010011AC\t0002\t0\t0\t0\t00000000\t0\t0\t0\n\
        garbage\tx\n";
    const V6: &str = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 \
        fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n\
        fe800000000000000000000000000000 40 00000000000000000000000000000000 00 \
        00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n\
        00000000000000000000000000000000 00 00000000000000000000000000000000 00 \
        00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n";

    #[test]
    #[cfg(target_endian = "little")]
    fn routes_to_everywhere_are_read_in_the_order_of_their_preference() {
        let said: Vec<_> = routes_v4(V4).into_iter().map(|route| (route.interface, route.router)).collect();
        let ip = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        let named = |name: &str, router| (name.to_owned(), router);
        let wanted = [named("tun0", None), named("eth0", ip("172.17.0.1")), named("wlan0", ip("192.168.0.1"))];
        assert_eq!(said, wanted);
        let said: Vec<_> = routes_v6(V6).into_iter().map(|route| (route.interface, route.router)).collect();
        assert_eq!(said, [named("eth0", ip("fe80::1"))]);
        assert_eq!(routes_v4("").len() + routes_v6("\n\nx y z").len(), 0);
    }

    #[test]
    fn a_client_that_listens_for_this_machine_alone_asks_nobody() {
        for listen in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(gateways(&Path::direct(), Some(listen.parse().unwrap())), []);
        }
    }

    #[test]
    fn the_far_end_of_a_tunnel_is_the_first_of_its_network() {
        let addrs = vec!["fe80::7".parse().unwrap(), "10.2.0.2".parse().unwrap()];
        let prefixes = vec![32; addrs.len()];
        let tunnel = Interface { name: "tun0".into(), index: Some(3), up: true, addrs, prefixes };
        assert_eq!(far_end(&tunnel), Some("10.2.0.1".parse().unwrap()));
    }
}
