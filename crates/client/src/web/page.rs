//! The page that a browser sees (own design): what is shared, its links, and how it goes. No script: the page asks to be fetched anew.
use super::escape::Escaped;
use std::fmt::{self, Display, Formatter, Write};
use teem_metainfo::Info;
use teem_swarm::event::{Snapshot, State};

/// How often the browser fetches the page anew, in seconds.
const REFRESH_SECS: u32 = 10;
/// Files that are listed; how many more there are is said.
const FILES_SHOWN: usize = 100;

/// The style sheet, a file of its own: the policy of the page allows nothing within it.
pub(super) const STYLE: &str = include_str!("style.css");

/// What the page says of one torrent.
pub(super) struct Torrent<'a> {
    pub(super) info: &'a Info,
    /// The info-hash in hexadecimal digits.
    pub(super) info_hash: String,
    pub(super) magnet: &'a str,
    /// Path of the .torrent.
    pub(super) path: &'a str,
    /// Unless the engine is too busy to say.
    pub(super) figures: Option<Snapshot>,
}

/// The whole page.
pub(super) fn page(torrents: &[Torrent<'_>]) -> String {
    let title = match torrents {
        [one] => one.info.name(),
        _ => "Teem",
    };
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{}</title>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"robots\" content=\"noindex\">\n\
         <meta http-equiv=\"refresh\" content=\"{REFRESH_SECS}\">\n<link rel=\"stylesheet\" href=\"/style.css\">\n</head>\n<body>\n",
        Escaped(title)
    );
    if torrents.is_empty() {
        out.push_str("<p>Nothing is shared here.</p>\n");
    }
    for torrent in torrents {
        // Writing to a string cannot fail.
        let _ = write!(out, "{torrent}");
    }
    out.push_str("<footer>Shared with Teem, over BitTorrent: everybody who downloads passes on what he has.</footer>\n</body>\n</html>\n");
    out
}

impl Display for Torrent<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let info = self.info;
        let files = info.content_files();
        let word = if files == 1 { "file" } else { "files" };
        writeln!(f, "<main>\n<h1><bdi>{}</bdi></h1>", Escaped(info.name()))?;
        writeln!(f, "<p>{} in {files} {word}</p>", Size(info.content_size()))?;
        writeln!(
            f,
            "<p class=\"links\"><a class=\"main\" href=\"{}\">Magnet link</a> <a href=\"{}\">.torrent file</a></p>",
            Escaped(self.magnet),
            Escaped(self.path)
        )?;
        match &self.figures {
            Some(figures) => live(f, figures, info.content_size())?,
            None => writeln!(f, "<p>Busy: no figures at this moment.</p>")?,
        }
        writeln!(
            f,
            "<h2>Info-hash</h2>\n<p><code>{}</code></p>\n<h2>Files</h2>\n<ul class=\"files\">",
            self.info_hash
        )?;
        for file in info.files().iter().filter(|file| !file.pad).take(FILES_SHOWN) {
            let path = if info.is_single_file() { info.name().to_owned() } else { file.path() };
            writeln!(f, "<li><bdi>{}</bdi> <span>{}</span></li>", Escaped(&path), Size(file.length))?;
        }
        if files > FILES_SHOWN {
            writeln!(f, "<li>and {} more</li>", files - FILES_SHOWN)?;
        }
        writeln!(f, "</ul>\n</main>")
    }
}

/// The numbers of this moment, of content of `size` bytes.
fn live(f: &mut Formatter<'_>, s: &Snapshot, size: u64) -> fmt::Result {
    let state = match s.state {
        State::Checking => "Looking at the content",
        State::DiskTrouble => "Waiting for the disk",
        State::Failed => "Stopped by a failure",
        State::Stopping => "Ending",
        State::Paused => "Paused",
        _ => "Sharing",
    };
    writeln!(f, "<p class=\"state\">{state}</p>")?;
    if let Some(out) = s.first_copy {
        let percent = u128::from(out) * 100 / u128::from(size.max(1));
        writeln!(
            f,
            "<p><label>First copy: {percent} % has left <progress max=\"{size}\" value=\"{out}\">{percent} %</progress></label></p>"
        )?;
    }
    writeln!(f, "<dl>")?;
    let mut row = |name: &str, value: &dyn Display| writeln!(f, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    row("Downloaders", &s.downloaders)?;
    row("Seeds", &s.seeds)?;
    row("Sent", &Size(s.uploaded))?;
    row("Rate", &format_args!("{}/s", Size(s.up_rate)))?;
    row("Copies sent", &Copies(s.uploaded, size))?;
    row("Copies the swarm has", &Copies(s.swarm_shown, size))?;
    writeln!(f, "</dl>")
}

/// Bytes in powers of 1024, with one decimal below ten.
struct Size(u64);

impl Display for Size {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        if self.0 < 1000 {
            return write!(f, "{} B", self.0);
        }
        // In tenths of the unit, rounded; a thousand of one is written as one of the next.
        let tenths = |power: usize| (u128::from(self.0) * 10 + (1 << (10 * power - 1))) >> (10 * power);
        let power = (1..units.len()).find(|power| tenths(*power) < 10_000).unwrap_or(units.len());
        match tenths(power) {
            few if few < 100 => write!(f, "{}.{} {}", few / 10, few % 10, units[power - 1]),
            many => write!(f, "{} {}", many / 10, units[power - 1]),
        }
    }
}

/// Bytes as copies of the content, with two decimals.
struct Copies(u64, u64);

impl Display for Copies {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let hundredths = u128::from(self.0) * 100 / u128::from(self.1.max(1));
        write!(f, "{}.{:02}", hundredths / 100, hundredths % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_as_people_read_them() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1024, "1.0 KiB"),
            (10 << 20, "10 MiB"),
            ((3 << 30) + (1 << 29), "3.5 GiB"),
            (u64::MAX, "16 EiB"),
        ] {
            assert_eq!(Size(bytes).to_string(), text);
        }
        assert_eq!(Copies(250, 100).to_string(), "2.50");
        assert_eq!(Copies(0, 0).to_string(), "0.00");
    }

    #[test]
    fn names_are_told_and_do_nothing() {
        let raw =
            b"d6:lengthi7e4:name23:<script>\"&'x</h1>.bin  12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaae";
        let info = Info::parse(raw, &teem_metainfo::Limits::FILE).unwrap();
        let torrent = Torrent {
            info: &info,
            info_hash: "ab".repeat(20),
            magnet: "magnet:?xt=urn:btih:x&dn=\"y",
            path: "/x.torrent",
            figures: None,
        };
        let page = page(&[torrent]);
        // What file systems forbid in names is gone before it comes here.
        assert!(!page.contains("<script") && page.contains("_script__&amp;&#39;x__h1_.bin"), "{page}");
        assert!(page.contains("href=\"magnet:?xt=urn:btih:x&amp;dn=&quot;y\""), "{page}");
        assert!(page.contains("7 B in 1 file</p>") && page.contains(&"ab".repeat(20)), "{page}");
    }
}
