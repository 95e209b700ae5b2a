//! Trackers in tiers (BEP 12), and what may become of them: added, removed, replaced, or all of them said anew.
use teem_bencode::{Value, Writer};
use teem_client::{AnnounceUrl, Origin};
use teem_metainfo::url;

/// Trackers in tiers.
pub(crate) type Tiers = Vec<Vec<AnnounceUrl>>;

/// Trackers of one torrent: more are not asked.
const TRACKERS_MAX: usize = 100;
/// Bytes of one URL.
const URL_BYTES: usize = 2_000;

/// A change of trackers; a place counts them from 0 through all tiers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Edit {
    /// These as well, each list in a tier of its own at the end; those that are there already stay where they are.
    Add(Vec<Vec<String>>),
    /// The ones at these places are gone.
    RemoveAt(Vec<usize>),
    /// The ones with these URLs are gone.
    Remove(Vec<String>),
    /// The one at this place has another URL.
    ReplaceAt(usize, String),
    /// The one with the first URL has the second.
    Replace(String, String),
    /// These and no others, in tiers.
    All(Vec<Vec<String>>),
}

impl Edit {
    /// Makes the change; what is named for the first time comes from `origin`.
    pub(crate) fn apply(&self, tiers: Tiers, origin: Origin) -> Result<Tiers, String> {
        let before = tiers.clone();
        // One that was there before stays as near as it was.
        let named = |text: &String| {
            let url = checked(text)?;
            let known = before.iter().flatten().find(|known| **known == *url);
            Ok(known.cloned().unwrap_or_else(|| AnnounceUrl::new(url, origin)))
        };
        let all = |lists: &[Vec<String>]| {
            lists.iter().map(|tier| tier.iter().map(named).collect()).collect::<Result<Tiers, String>>()
        };
        let mut tiers = tiers;
        match self {
            Self::Add(lists) => tiers.extend(all(lists)?),
            Self::RemoveAt(places) => {
                let mut place = 0..;
                for tier in &mut tiers {
                    tier.retain(|_| place.next().is_some_and(|place| !places.contains(&place)));
                }
            }
            Self::Remove(urls) => {
                let is_gone = |url: &AnnounceUrl| urls.iter().any(|gone| is_of(url, gone));
                for tier in &mut tiers {
                    tier.retain(|url| !is_gone(url));
                }
            }
            Self::ReplaceAt(place, text) => {
                let url = named(text)?;
                let found = tiers.iter_mut().flatten().nth(*place);
                *found.ok_or_else(|| format!("there is no tracker {place}"))? = url;
            }
            Self::Replace(old, text) => {
                let url = named(text)?;
                let found = tiers.iter_mut().flatten().find(|url| is_of(url, old));
                *found.ok_or_else(|| "there is no tracker with that URL".to_owned())? = url;
            }
            Self::All(lists) => tiers = all(lists)?,
        }
        let tiers = once_each(tiers);
        let count = tiers.iter().map(Vec::len).sum::<usize>();
        if count > TRACKERS_MAX { Err(format!("a torrent has at most {TRACKERS_MAX} trackers")) } else { Ok(tiers) }
    }
}

/// Whether a tracker is meant by these words: its URL as it stands, or as it is understood.
fn is_of(url: &AnnounceUrl, words: &str) -> bool {
    *url == *words.trim() || url::tracker(words).is_ok_and(|words| *url == *words)
}

/// A URL as a tracker can have it; if it cannot, a sentence.
fn checked(text: &str) -> Result<String, String> {
    let url = url::tracker(text).map_err(|e| format!("that is no tracker's URL: {e}"))?;
    if url.len() > URL_BYTES { Err(format!("a tracker's URL has at most {URL_BYTES} bytes")) } else { Ok(url) }
}

/// Each where it stands first; no tier is empty.
fn once_each(tiers: Tiers) -> Tiers {
    let mut out = Tiers::new();
    for tier in tiers {
        let mut kept: Vec<AnnounceUrl> = Vec::new();
        for url in tier {
            if !out.iter().flatten().chain(&kept).any(|known| known.is_same(&url)) {
                kept.push(url);
            }
        }
        if !kept.is_empty() {
            out.push(kept);
        }
    }
    out
}

/// Lines of URLs, with an empty line between tiers.
pub(crate) fn of_lines(text: &str) -> Vec<Vec<String>> {
    let mut tiers = vec![Vec::new()];
    for line in text.lines().map(str::trim) {
        match tiers.last_mut() {
            Some(tier) if !line.is_empty() => tier.push(line.to_owned()),
            _ => tiers.push(Vec::new()),
        }
    }
    tiers.retain(|tier| !tier.is_empty());
    tiers
}

/// Puts trackers down, each behind a letter for its origin.
pub(crate) fn write(out: &mut Writer, tiers: &Tiers) {
    out.list(|out| {
        for tier in tiers {
            out.list(|out| {
                for url in tier {
                    let by = if url.origin() == Origin::User { 'u' } else { 's' };
                    out.str(&format!("{by}{}", url.reveal()));
                }
            });
        }
    });
}

/// The trackers that were put down.
pub(crate) fn read(value: Value<'_, '_>) -> Option<Tiers> {
    value.list()?.map(tier).collect()
}

fn tier(list: Value<'_, '_>) -> Option<Vec<AnnounceUrl>> {
    let url = |value: Value<'_, '_>| {
        let text = value.as_str()?;
        let origin = if text.starts_with('u') { Origin::User } else { Origin::Stranger };
        Some(AnnounceUrl::new(text.get(1..)?, origin))
    };
    list.list()?.map(url).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(tiers: &Tiers) -> Vec<Vec<String>> {
        tiers.iter().map(|tier| tier.iter().map(|url| url.reveal().to_owned()).collect()).collect()
    }

    fn lists(lists: &[&[&str]]) -> Vec<Vec<String>> {
        lists.iter().map(|tier| tier.iter().map(|url| (*url).to_owned()).collect()).collect()
    }

    fn tiers() -> Tiers {
        let url = |text: &str| AnnounceUrl::of_user(text);
        vec![vec![url("http://a/announce"), url("udp://b:1")], vec![url("http://c/announce")]]
    }

    #[test]
    fn each_change_does_what_it_says_and_nothing_else() {
        let text = |text: &str| text.to_owned();
        for (edit, expected) in [
            (
                Edit::Add(lists(&[&["http://c/announce", "http://d/announce"], &["udp://b:1"]])),
                lists(&[&["http://a/announce", "udp://b:1"], &["http://c/announce"], &["http://d/announce"]]),
            ),
            (Edit::RemoveAt(vec![0, 1, 9]), lists(&[&["http://c/announce"]])),
            (
                Edit::Remove(vec![text("HTTP://c/announce"), text("http://x/")]),
                lists(&[&["http://a/announce", "udp://b:1"]]),
            ),
            (
                Edit::ReplaceAt(2, text("http://d/announce")),
                lists(&[&["http://a/announce", "udp://b:1"], &["http://d/announce"]]),
            ),
            (
                Edit::Replace(text("http://a/announce"), text("http://c/announce")),
                lists(&[&["http://c/announce", "udp://b:1"]]),
            ),
            (Edit::All(lists(&[&[], &["udp://b:1"]])), lists(&[&["udp://b:1"]])),
        ] {
            assert_eq!(shown(&edit.apply(tiers(), Origin::User).unwrap()), expected, "{edit:?}");
        }
        for edit in [
            Edit::Add(lists(&[&["nonsense"]])),
            Edit::ReplaceAt(3, text("udp://x:1")),
            Edit::Replace(text("udp://y:1"), text("udp://x:1")),
            Edit::Add((0..TRACKERS_MAX).map(|n| vec![format!("udp://x{n}:1")]).collect()),
            Edit::All(vec![vec![format!("http://{}/", "x".repeat(URL_BYTES))]]),
        ] {
            assert!(edit.apply(tiers(), Origin::User).is_err(), "{edit:?}");
        }
    }

    #[test]
    fn what_was_there_stays_as_near_as_it_was_and_what_is_new_is_its_namer_s() {
        let all = Edit::All(lists(&[&["udp://b:1", "udp://new:1"]]));
        let origins: Vec<_> =
            all.apply(tiers(), Origin::Stranger).unwrap()[0].iter().map(AnnounceUrl::origin).collect();
        assert_eq!(origins, [Origin::User, Origin::Stranger]);
    }

    #[test]
    fn lines_are_tiers_and_what_is_put_down_comes_back() {
        assert_eq!(of_lines("\n a \nb\r\n\n\nc\n"), lists(&[&["a", "b"], &["c"]]));
        assert_eq!(of_lines(""), lists(&[]));
        let mut out = Writer::new();
        let mixed = vec![vec![AnnounceUrl::new("udp://s:1", Origin::Stranger)], tiers().remove(0)];
        write(&mut out, &mixed);
        let bytes = out.into_bytes();
        let document = teem_bencode::parse(&bytes, &teem_bencode::Limits::MESSAGE).unwrap();
        assert_eq!(read(document.root()), Some(mixed));
    }
}
