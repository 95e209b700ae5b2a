//! What a client is called, from the first bytes of its peer id (BEP 20), and the ids we give ourselves.
//!
//! A name is a guess for people's eyes: anybody can send any id. Nothing is decided by it.
use super::handshake::PeerId;
use alloc::format;
use alloc::string::{String, ToString};

/// How our ids begin: the client's two letters and the version 0.1.0.
pub(crate) const OWN_PREFIX: &[u8; 8] = b"-TM0100-";

/// An id of ours: the prefix and 12 bytes of entropy, drawn anew for each torrent and run.
pub fn own_peer_id(entropy: [u8; 12]) -> PeerId {
    let mut id = [0; 20];
    id[..8].copy_from_slice(OWN_PREFIX);
    id[8..].copy_from_slice(&entropy);
    PeerId(id)
}

/// How a client writes its version behind its two letters.
#[derive(Clone, Copy)]
enum Version {
    /// Four numbers, the last left out when it is 0: 1.2.3.4.
    Four,
    /// Three numbers: 1.2.3.
    Three,
    /// One number and two digits: 1.23; the fourth tells a beta.
    ThreeBeta,
    /// Two letters for each: 12.34.
    TwoTwo,
    /// The id tells no version.
    None,
}

use Version::{Four, None as NoVersion, Three, ThreeBeta, TwoTwo};

/// Letters of ids in Azureus' style.
const DASHED: &[(&[u8; 2], &str, Version)] = &[
    (b"7T", "aTorrent", Three),
    (b"A2", "aria2", Three),
    (b"AD", "Advanced Download Manager", Three),
    (b"AG", "Ares", Four),
    (b"AR", "Arctic", Four),
    (b"AV", "Avicora", Four),
    (b"AX", "BitPump", Four),
    (b"AZ", "Azureus / Vuze", Four),
    (b"A~", "Ares", Three),
    (b"BB", "BitBuddy", Four),
    (b"BC", "BitComet", TwoTwo),
    (b"BE", "BitTorrent SDK", Four),
    (b"BF", "Bitflu", Four),
    (b"BG", "BTGetit", Four),
    (b"BI", "BiglyBT", Four),
    (b"BL", "BitLord", Three),
    (b"BN", "Baidu Netdisk", NoVersion),
    (b"BR", "BitRocket", Four),
    (b"BS", "BTSlave", Four),
    (b"BT", "BitTorrent", ThreeBeta),
    (b"BX", "BittorrentX", Four),
    (b"CD", "Enhanced CTorrent", TwoTwo),
    (b"CT", "CTorrent", Three),
    (b"DE", "Deluge", Three),
    (b"DP", "Propagate Data Client", Four),
    (b"EB", "EBit", Three),
    (b"ES", "Electric Sheep", Three),
    (b"FC", "FileCroc", Four),
    (b"FD", "Free Download Manager", Three),
    (b"FG", "FlashGet", TwoTwo),
    (b"FL", "Folx", Three),
    (b"FT", "FoxTorrent", Four),
    (b"FW", "FrostWire", Three),
    (b"FX", "Freebox", Four),
    (b"GS", "GSTorrent", Four),
    (b"HL", "Halite", Three),
    (b"HN", "Hydranode", Four),
    (b"KG", "KGet", Four),
    (b"KT", "KTorrent", Three),
    (b"LH", "LH-ABC", Four),
    (b"LP", "Lphant", TwoTwo),
    (b"LR", "LibreTorrent", Three),
    (b"LT", "libtorrent", Three),
    (b"LW", "LimeWire", NoVersion),
    (b"Lr", "LibreTorrent", Three),
    (b"MO", "MonoTorrent", Four),
    (b"MP", "MooPolice", Three),
    (b"MR", "Miro", Four),
    (b"MT", "MoonlightTorrent", Four),
    (b"NX", "Net Transport", Four),
    (b"PD", "Pando", Four),
    (b"PI", "PicoTorrent", Three),
    (b"QD", "QQDownload", Four),
    (b"QT", "Qt 4 Torrent example", Four),
    (b"RT", "Retriever", Four),
    (b"SB", "Swiftbit", Four),
    (b"SD", "Thunder", Four),
    (b"SS", "SwarmScope", Four),
    (b"ST", "SymTorrent", Four),
    (b"SZ", "Shareaza", Four),
    (b"S~", "Shareaza", Four),
    (b"TB", "Torch Browser", NoVersion),
    (b"TL", "Tribler", Three),
    (b"TM", "Teem", Three),
    (b"TN", "Torrent.NET", Four),
    (b"TR", "Transmission", ThreeBeta),
    (b"TS", "TorrentStorm", Four),
    (b"TT", "TuoTu", Three),
    (b"UL", "uLeecher!", Four),
    (b"UM", "µTorrent Mac", ThreeBeta),
    (b"UT", "µTorrent", ThreeBeta),
    (b"UW", "µTorrent Web", ThreeBeta),
    (b"VG", "Vagaa", Four),
    (b"WD", "WebTorrent Desktop", Four),
    (b"WT", "BitLet", Four),
    (b"WW", "WebTorrent", Four),
    (b"WY", "FireTorrent", Four),
    (b"XC", "Xtorrent", Four),
    (b"XF", "Xfplay", Three),
    (b"XL", "Xunlei", Four),
    (b"XT", "XanTorrent", Four),
    (b"XX", "Xtorrent", Four),
    (b"ZT", "ZipTorrent", Three),
    (b"lt", "rTorrent", Three),
    (b"qB", "qBittorrent", Three),
    (b"rQ", "rqbit", Four),
    (b"rq", "rqbit", Four),
    (b"st", "SharkTorrent", Four),
];

/// First letters of ids in Shadow's style.
const SHADOW: &[(u8, &str)] = &[
    (b'A', "ABC"),
    (b'O', "Osprey Permaseed"),
    (b'Q', "BTQueue"),
    (b'R', "Tribler"),
    (b'S', "Shadow"),
    (b'T', "BitTornado"),
    (b'U', "UPnP NAT BitTorrent"),
];

/// The client's name and version, or the id's printable beginning when nobody is known to use it. ASCII and `µ` only: safe to print.
pub fn client_name(id: &PeerId) -> String {
    dashed(&id.0).or_else(|| special(&id.0)).or_else(|| shadow(&id.0)).unwrap_or_else(|| escaped(&id.0))
}

/// The style of most clients: `-XX1234-`, two letters and four characters of a version.
fn dashed(id: &[u8; 20]) -> Option<String> {
    if id[0] != b'-' {
        return None;
    }
    let letters = &id[1..3];
    // Letters of nobody we know still tell a version, when the id has the style's second dash.
    let stranger = || id[1..7].iter().all(u8::is_ascii_alphanumeric) && id[7] == b'-';
    let (name, version) = match DASHED.iter().find(|(known, ..)| known[..] == *letters) {
        Some((_, name, version)) => (*name, *version),
        None if stranger() => (core::str::from_utf8(letters).ok()?, Four),
        None => return None,
    };
    let digit = |at: usize| char::from(id[at]).to_digit(36);
    let digits = [digit(3), digit(4), digit(5), digit(6)];
    let version = match (version, digits) {
        (NoVersion, _) => return Some(name.to_string()),
        (Four, [Some(a), Some(b), Some(c), Some(0)]) => format!("{a}.{b}.{c}"),
        (Four, [Some(a), Some(b), Some(c), Some(d)]) => format!("{a}.{b}.{c}.{d}"),
        (Three | ThreeBeta, [Some(a), Some(b), Some(c), d]) => {
            let beta = matches!(version, ThreeBeta) && d.is_some() && matches!(id[6], b'B' | b'X' | b'Z');
            format!("{a}.{b}.{c}{}", if beta { " (beta)" } else { "" })
        }
        (TwoTwo, [Some(a), Some(b), Some(c), Some(d)]) => format!("{}.{c}{d}", a * 10 + b),
        (_, [Some(a), Some(b), ..]) => format!("{a}.{b}"),
        _ => return Some(name.to_string()),
    };
    Some(format!("{name} {version}"))
}

/// Clients with a style of their own.
fn special(id: &[u8; 20]) -> Option<String> {
    let text = |range: core::ops::Range<usize>| {
        core::str::from_utf8(&id[range]).ok().filter(|t| t.bytes().all(|b| b.is_ascii_digit()))
    };
    if id.starts_with(b"A2-") || matches!(&id[..], [b'M' | b'Q', d, b'-', ..] if d.is_ascii_digit()) {
        // Numbers between dashes: A2-1-37-0-, M7-9-2--.
        let (name, from) = match id[0] {
            b'A' => ("aria2", 3),
            b'M' => ("BitTorrent", 1),
            _ => ("Queen Bee", 1),
        };
        let numbers = id[from..].split(|b| *b == b'-').map_while(|n| core::str::from_utf8(n).ok());
        let mut version = String::new();
        for number in numbers.take(3).take_while(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())) {
            if !version.is_empty() {
                version.push('.');
            }
            version.push_str(number);
        }
        return Some(format!("{name} {version}"));
    }
    if id.starts_with(b"exbc") || id.starts_with(b"FUTB") {
        let name = if id[6..].starts_with(b"LORD") { "BitLord" } else { "BitComet" };
        return Some(format!("{name} {}.{:02}", id[4], id[5]));
    }
    if id.starts_with(b"TIX") {
        let number = text(3..7)?;
        return Some(format!("Tixati {}.{}", number[..2].trim_start_matches('0'), &number[2..]));
    }
    if id.starts_with(b"XBT") {
        let version = text(3..6)?;
        return Some(format!("XBT Client {}.{}.{}", &version[..1], &version[1..2], &version[2..]));
    }
    if id.starts_with(b"OP") {
        return Some(format!("Opera {}", text(2..6)?));
    }
    if id.starts_with(b"-ML") {
        let version = id[3..].split(|b| *b == b'-').next()?;
        return core::str::from_utf8(version).ok().map(|v| format!("MLDonkey {}", escaped(v.as_bytes())));
    }
    if id.starts_with(b"-G3") {
        return Some("G3 Torrent".to_string());
    }
    if id.starts_with(b"AZ2500BT") {
        return Some("BitTyrant".to_string());
    }
    matches!(&id[..4], [0, 2 | 3, b'B', b'S']).then(|| format!("BitSpirit {}", id[1]))
}

/// `S58B-----`, or the version in plain bytes.
fn shadow(id: &[u8; 20]) -> Option<String> {
    let (_, name) = SHADOW.iter().find(|(letter, _)| *letter == id[0])?;
    if id[8] == 0 && id[1..4].iter().all(|b| *b < 100) {
        return Some(format!("{name} {}.{}.{}", id[1], id[2], id[3]));
    }
    let end = 1 + id[1..].iter().position(|b| *b == b'-')?;
    if !(2..=6).contains(&end) || !id[end..].starts_with(b"--") {
        return None;
    }
    let mut version = String::new();
    for byte in &id[1..end] {
        let number = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'Z' => byte - b'A' + 10,
            b'a'..=b'z' => byte - b'a' + 36,
            _ => return None,
        };
        if !version.is_empty() {
            version.push('.');
        }
        version.push_str(&number.to_string());
    }
    Some(format!("{name} {version}"))
}

/// The first eight bytes, what is not plain text percent-coded.
fn escaped(id: &[u8]) -> String {
    let mut out = String::new();
    for byte in &id[..id.len().min(8)] {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(*byte)),
            _ => {
                let hex = |n: u8| char::from(b"0123456789ABCDEF"[usize::from(n)]);
                out.extend(['%', hex(byte >> 4), hex(byte & 15)]);
            }
        }
    }
    out
}
