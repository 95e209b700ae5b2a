//! Sockets are made, names looked up and interfaces listed in few files, so that what the user allows is held to in one place: the crate `path`.
//! What takes a socket of somebody else's (`from_std`) makes none.

use std::path::Path;

use crate::finding::Finding;
use crate::lex::Token;
use crate::tree::Package;

/// Where it is done, and what may be done there.
const MAKERS: [(&str, &str); 2] = [
    ("crates/path/src", "the way to the world"),
    ("crates/client/src/resolve.rs", "names, asked of the system where nobody forbids it"),
];

/// Packages that serve tests and measurements alone.
const FOR_TESTS: [&str; 3] = ["teem-rig", "teem-faultfs", "xtask"];

/// Constructors, by the type that they are called on.
const CONSTRUCTORS: [(&str, &[&str]); 6] = [
    ("TcpStream", &["connect", "connect_timeout"]),
    ("TcpListener", &["bind"]),
    ("UdpSocket", &["bind"]),
    ("TcpSocket", &["new_v4", "new_v6"]),
    ("Socket", &["new", "new_raw", "pair"]),
    ("net", &["socket", "socket_with"]),
];

/// Calls by any path that ask the system for addresses.
const RESOLVERS: [&str; 5] = ["lookup_host", "to_socket_addrs", "getaddrinfo", "get_if_addrs", "ToSocketAddrs"];

pub(super) fn check(package: &Package, findings: &mut Vec<Finding>) {
    if FOR_TESTS.contains(&package.manifest.name.as_str()) {
        return;
    }
    for tree in &package.trees {
        for module in tree.modules.iter().filter(|module| !module.test) {
            let Some(source) = package.sources.get(&module.path).filter(|source| !source.is_test()) else { continue };
            let example = module.path.iter().any(|part| part == "examples");
            if example || MAKERS.iter().any(|(maker, _)| module.path.starts_with(Path::new(maker))) {
                continue;
            }
            for (line, what) in made(&source.live) {
                let message = format!(
                    "`{what}` is called here: sockets are made by teem_path::Path and names looked up by client::resolve, which hold to what the user allows"
                );
                findings.push(Finding::new(&module.path, line, message));
            }
        }
    }
}

/// What makes a socket or asks the system for addresses, by line.
fn made(tokens: &[Token]) -> Vec<(usize, String)> {
    let has_socket2 = tokens.iter().any(|token| token.is_ident("socket2"));
    let constructor = tokens.windows(4).filter_map(|window| {
        let (of, name) = (&window[0], &window[3]);
        let path = window[1].is(":") && window[2].is(":");
        // uTP has sockets of its own, which are no sockets of the system.
        let calls = (has_socket2 || !of.is_ident("Socket"))
            && CONSTRUCTORS.iter().any(|(kind, names)| of.is_ident(kind) && names.iter().any(|n| name.is_ident(n)));
        (path && calls).then(|| (of.line, format!("{}::{}", of.text, name.text)))
    });
    let named = tokens.iter().filter(|token| RESOLVERS.iter().any(|name| token.is_ident(name)));
    constructor.chain(named.map(|token| (token.line, token.text.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use super::made;
    use crate::lex::tokens;

    #[test]
    fn what_makes_a_socket_is_told_from_what_is_given_one() {
        for (text, lines) in [
            ("fn f() { let s = std::net::UdpSocket::bind(a); }", vec![1]),
            ("fn f() {\n    TcpStream::connect(a).await\n}", vec![2]),
            ("use socket2::Socket;\nfn f() { Socket::new(Domain::IPV4, Type::STREAM, None) }", vec![2]),
            ("use teem_utp::Socket;\nfn f() { Socket::new(cookie) }", vec![]),
            ("fn f() { tokio::net::lookup_host(x); (host, 1).to_socket_addrs(); }", vec![1, 1]),
            ("fn f() { TcpStream::from_std(s); UdpSocketState::new(s); path.stream(a); listener.bind(x); }", vec![]),
            ("#[test]\nfn f() { path.udp_toward(a); }", vec![]),
        ] {
            assert_eq!(made(&tokens(text)).into_iter().map(|(line, _)| line).collect::<Vec<_>>(), lines, "{text}");
        }
    }
}
