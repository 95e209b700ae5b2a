//! What looks like a passkey in a URL (own design): a guess by form, which rather hides a name too many.
use alloc::{string::String, vec::Vec};

/// Letters and digits that a host's label has at least where it is taken for a passkey; names of machines are shorter.
const LABEL_MIN: usize = 12;

/// A host for display and logs: a label that looks like a passkey stands as `…`.
pub fn redact_host(host: &str) -> String {
    if let Some((name, port)) =
        host.split_once(':').filter(|(name, port)| !name.starts_with('[') && !port.contains(':'))
    {
        return [&redact_host(name), ":", port].concat();
    }
    let labels: Vec<&str> = host.split('.').collect();
    // The last two are what is registered; a name of Tor or I2P is a key, and public.
    let public = host.contains([':', '[']) || labels.last().is_some_and(|last| ["onion", "i2p"].contains(last));
    let kept = if public { labels.len() } else { 2 };
    let shown = labels.iter().enumerate().map(|(at, label)| {
        let may_hide = at + kept < labels.len();
        if may_hide && is_code(label) { "…" } else { *label }
    });
    shown.collect::<Vec<&str>>().join(".")
}

/// Passkeys are 8 and more letters with digits among them, or very long; names of scripts and folders are neither.
pub(crate) fn secret(segment: &str) -> bool {
    segment.len() >= 20 || (segment.len() >= 8 && segment.bytes().any(|b| b.is_ascii_digit()))
}

/// Whether a label or a name is a code and no word: letters and digits alone, of which many are digits, or nothing but hexadecimal ones.
pub(crate) fn is_code(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let hex = text.bytes().all(|c| c.is_ascii_hexdigit());
    let turns = text.as_bytes().windows(2).filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit()).count();
    let mixed = digits >= 4 && digits < text.len() && turns >= 3;
    text.len() >= LABEL_MIN
        && text.bytes().all(|c| c.is_ascii_alphanumeric())
        && (mixed || (hex && digits > 0) || text.len() >= 24)
}
