//! How words are written in the two dialects (Transmission's rpc-spec of 4.0.6 and 4.1): inside they have underscores, as the newer one has them.
use serde_json::{Map, Value};

/// How the words of an object are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Style {
    /// `download_dir`: everything in JSON-RPC.
    Snake,
    /// `downloadDir`: torrents and what stands in them.
    Camel,
    /// `download-dir`: what is said of the session.
    Kebab,
}

/// Words that the rules would write otherwise than Transmission does, and how it does.
const CAMEL: [(&str, &str); 8] = [
    ("is_utp", "isUTP"),
    ("file_count", "file-count"),
    ("peer_limit", "peer-limit"),
    ("primary_mime_type", "primary-mime-type"),
    ("cumulative_stats", "cumulative-stats"),
    ("current_stats", "current-stats"),
    ("torrent_added", "torrent-added"),
    ("torrent_duplicate", "torrent-duplicate"),
];
const KEBAB: [(&str, &str); 3] =
    [("seed_ratio_limit", "seedRatioLimit"), ("seed_ratio_limited", "seedRatioLimited"), ("total_size", "total_size")];

/// A word as it is written inside: `download-dir`, `downloadDir` and `download_dir` are one.
pub(super) fn inside(word: &str) -> String {
    let mut out = String::with_capacity(word.len() + 4);
    let mut before = '_';
    for c in word.chars() {
        match c {
            '-' => out.push('_'),
            'A'..='Z' => {
                // A run of capitals is one word: `isUTP`.
                if !before.is_ascii_uppercase() && before != '_' && before != '-' {
                    out.push('_');
                }
                out.push(c.to_ascii_lowercase());
            }
            _ => out.push(c),
        }
        before = c;
    }
    out
}

/// A word of the inside as a style writes it.
pub(super) fn outside(word: &str, style: Style) -> String {
    let odd = match style {
        Style::Snake => return word.to_owned(),
        Style::Camel => CAMEL.iter().find(|(inside, _)| *inside == word),
        Style::Kebab => KEBAB.iter().find(|(inside, _)| *inside == word),
    };
    if let Some((_, written)) = odd {
        return (*written).to_owned();
    }
    if style == Style::Kebab {
        return word.replace('_', "-");
    }
    let mut out = String::with_capacity(word.len());
    let mut parts = word.split('_');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let mut chars = part.chars();
        out.extend(chars.next().map(|c| c.to_ascii_uppercase()));
        out.push_str(chars.as_str());
    }
    out
}

/// A value with all its keys as a style writes them.
pub(super) fn styled(value: Value, style: Style) -> Value {
    match value {
        value if style == Style::Snake => value,
        Value::Object(map) => {
            let entries = map.into_iter().map(|(key, value)| (outside(&key, style), styled(value, style)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(|value| styled(value, style)).collect()),
        value => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_style_is_understood_and_written() {
        for (inside_, camel, kebab) in [
            ("download_dir", "downloadDir", "download-dir"),
            ("is_utp", "isUTP", "is-utp"),
            ("peer_limit", "peer-limit", "peer-limit"),
            ("seed_ratio_limit", "seedRatioLimit", "seedRatioLimit"),
            ("id", "id", "id"),
        ] {
            assert_eq!((inside(camel), inside(kebab)), (inside_.to_owned(), inside_.to_owned()));
            assert_eq!(outside(inside_, Style::Camel), camel);
            assert_eq!(outside(inside_, Style::Kebab), kebab);
            assert_eq!(outside(inside_, Style::Snake), inside_);
        }
        let styled = styled(json!({"file_stats": [{"bytes_completed": 1}]}), Style::Camel);
        assert_eq!(styled, json!({"fileStats": [{"bytesCompleted": 1}]}));
        assert_eq!((inside(""), outside("", Style::Camel)), (String::new(), String::new()));
    }
}
