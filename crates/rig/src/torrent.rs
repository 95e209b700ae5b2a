//! A .torrent written by the tests themselves, so that what our own `create` writes and what is tested against other
//! clients are not the same code (BEP 3, v1 only).

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use sha1::{Digest, Sha1};

use crate::content;

/// A torrent and where its file lies.
pub struct Torrent {
    /// Where the .torrent file lies.
    pub path: PathBuf,
    /// The content's name.
    pub name: String,
    /// The info-hash, in hexadecimal digits.
    pub info_hash: String,
    /// The length of a piece in bytes.
    pub piece_length: usize,
    /// As in the .torrent.
    pub trackers: Vec<String>,
}

impl Torrent {
    /// Hashes `folder`/`name` and writes `folder`/`name`.torrent.
    pub fn create(folder: &Path, name: &str, piece_length: usize, trackers: &[&str]) -> Self {
        let root = folder.join(name);
        let mut all = Vec::new();
        let mut files = Vec::new();
        for path in content::files(&root) {
            let bytes = fs::read(content::below(&root, &path)).expect("own content is readable");
            files.push((path, bytes.len()));
            all.extend(bytes);
        }
        let pieces: Vec<u8> = all.chunks(piece_length).flat_map(|piece| Sha1::digest(piece).to_vec()).collect();
        let mut info = Vec::new();
        info.push(b'd');
        if root.is_file() {
            text(&mut info, "length");
            number(&mut info, all.len());
        } else {
            text(&mut info, "files");
            info.push(b'l');
            for (path, length) in files {
                info.push(b'd');
                text(&mut info, "length");
                number(&mut info, length);
                text(&mut info, "path");
                info.push(b'l');
                for part in &path {
                    text(&mut info, &part.to_string_lossy());
                }
                info.extend(b"ee");
            }
            info.push(b'e');
        }
        text(&mut info, "name");
        text(&mut info, name);
        text(&mut info, "piece length");
        number(&mut info, piece_length);
        text(&mut info, "pieces");
        string(&mut info, &pieces);
        info.push(b'e');

        let mut out = vec![b'd'];
        if let Some(first) = trackers.first() {
            text(&mut out, "announce");
            text(&mut out, first);
            text(&mut out, "announce-list");
            out.push(b'l');
            for tracker in trackers {
                out.push(b'l');
                text(&mut out, tracker);
                out.push(b'e');
            }
            out.push(b'e');
        }
        text(&mut out, "info");
        out.extend(&info);
        out.push(b'e');
        let path = folder.join(format!("{name}.torrent"));
        fs::write(&path, out).expect("the folder is writable");
        let info_hash = content::hex(&Sha1::digest(&info));
        let trackers = trackers.iter().map(ToString::to_string).collect();
        Self { path, name: name.to_string(), info_hash, piece_length, trackers }
    }

    /// The magnet link (BEP 9) with its trackers.
    pub fn magnet(&self) -> String {
        let mut link = format!("magnet:?xt=urn:btih:{}&dn={}", self.info_hash, escape(&self.name));
        for tracker in &self.trackers {
            link.push_str("&tr=");
            link.push_str(&escape(tracker));
        }
        link
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    string(out, text.as_bytes());
}

fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(format!("{}:", bytes.len()).bytes());
    out.extend(bytes);
}

fn number(out: &mut Vec<u8>, number: usize) {
    out.extend(format!("i{number}e").bytes());
}

fn escape(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte as char);
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
