//! What is kept of a label beside its word (own design): whether it is a category, which is a label with a folder of its own. A torrent's category is
//! the one of its labels that is one.
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use teem_bencode::{Limits, Writer, parse};

/// What is kept of a label.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Label {
    pub(crate) category: bool,
    /// Where the content of new torrents of this category goes; empty is the daemon's own.
    pub(crate) folder: PathBuf,
}

impl Label {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.dict(|d| {
            d.key(b"category").uint(self.category.into());
            d.key(b"folder").bytes(std::os::unix::ffi::OsStrExt::as_bytes(self.folder.as_os_str()));
        });
        out.into_bytes()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let document = parse(bytes, &Limits::MESSAGE).ok()?;
        let root = document.root();
        let folder: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(root.get(b"folder")?.as_bytes()?);
        Some(Self { category: root.get(b"category")?.as_uint()? != 0, folder: folder.into() })
    }
}

/// Labels by their words.
pub(crate) type Labels = BTreeMap<String, Label>;

/// The category among these labels of a torrent.
pub(crate) fn category<'a>(kept: &Labels, labels: &'a BTreeSet<String>) -> Option<&'a str> {
    labels.iter().find(|label| kept.get(*label).is_some_and(|label| label.category)).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_and_the_category_is_found() {
        let tv = Label { category: true, folder: "/data/tv".into() };
        assert_eq!(Label::decode(&tv.encode()), Some(tv.clone()));
        let bytes = tv.encode();
        assert!((0..bytes.len()).all(|n| Label::decode(&bytes[..n]).is_none()));
        let kept = Labels::from([("tv".to_owned(), tv), ("new".to_owned(), Label::default())]);
        let of = |labels: &[&str]| {
            let labels: BTreeSet<String> = labels.iter().map(|label| (*label).to_owned()).collect();
            category(&kept, &labels).map(str::to_owned)
        };
        assert_eq!((of(&["a", "new", "tv"]), of(&["a", "new"])), (Some("tv".to_owned()), None));
    }
}
