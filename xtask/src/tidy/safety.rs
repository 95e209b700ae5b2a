//! The core is `#![no_std]` and `#![forbid(unsafe_code)]`, so that no clock, thread, socket or file can be named there.
//! `unsafe` stands in the disk's hashing kernels only.

use std::path::Path;

use crate::finding::Finding;
use crate::lex::Token;
use crate::tree::Package;

/// The crates that decide and never touch the world.
const CORE: [&str; 10] =
    ["basis", "bencode", "metainfo", "wire", "swarm", "dht", "utp", "portmap", "engine", "tracker-server"];

/// The one crate of the core with drivers in it, behind this feature.
const WITH_NET: &str = "tracker-server";

/// Where `unsafe` may stand: the hashing kernels, which need the processor's own instructions.
const UNSAFE_BELOW: &str = "crates/disk/src/hash";

/// Is the package part of the core?
pub(super) fn is_core(package: &Package) -> bool {
    CORE.iter().any(|name| package.folder == Path::new("crates").join(name))
}

pub(super) fn check(package: &Package, findings: &mut Vec<Finding>) {
    for (path, source) in &package.sources {
        if path.starts_with(UNSAFE_BELOW) {
            continue;
        }
        for token in source.tokens.iter().filter(|token| token.is_ident("unsafe")) {
            let message =
                format!("`unsafe` may stand below {UNSAFE_BELOW} only: use a safe interface (rustix, socket2)");
            findings.push(Finding::new(path, token.line, message));
        }
    }
    if is_core(package) {
        core(package, findings);
    }
}

fn core(package: &Package, findings: &mut Vec<Finding>) {
    let lib = package.folder.join("src/lib.rs");
    let Some(source) = package.sources.get(&lib) else { return };
    let with_net = package.folder.ends_with(WITH_NET);
    let no_std = has(&source.live, &["#", "!", "[", "no_std", "]"])
        || (with_net
            && has(
                &source.live,
                &["#", "!", "[", "cfg_attr", "(", "not", "(", "feature", "=", "net", ")", ",", "no_std"],
            ));
    if !no_std {
        findings.push(Finding::new(&lib, 1, "the core has no std: write `#![no_std]` below the head"));
    }
    if !has(&source.live, &["#", "!", "[", "forbid", "(", "unsafe_code", ")", "]"]) {
        findings.push(Finding::new(
            &lib,
            1,
            "the core has no unsafe code: write `#![forbid(unsafe_code)]` below the head",
        ));
    }
    for (path, source) in package.sources.iter().filter(|(path, _)| path.starts_with(package.folder.join("src"))) {
        for window in source.live.windows(3).filter(|_| !with_net) {
            if window[0].is_ident("extern") && window[1].is_ident("crate") && window[2].is_ident("std") {
                findings.push(Finding::new(path, window[0].line, "the core has no std: use core and alloc"));
            }
        }
    }
}

fn has(tokens: &[Token], texts: &[&str]) -> bool {
    tokens.windows(texts.len()).any(|window| window.iter().zip(texts).all(|(token, text)| token.text == *text))
}
