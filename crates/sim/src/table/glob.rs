//! Patterns on the command line (own design): `*` stands for any letters, `?` for one.

/// Whether all of the text fits the pattern.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    loop {
        match pattern.next() {
            None => return text.next().is_none(),
            Some('*') => {
                let tails = text.as_str().char_indices().map(|(i, _)| &text.as_str()[i..]);
                return tails.chain([""]).any(|tail| fits(pattern.as_str(), tail));
            }
            Some(wanted) => match text.next() {
                Some(letter) if wanted == '?' || wanted == letter => {}
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn stars_stand_for_any_letters() {
        for (pattern, text) in [("*", ""), ("*", "equal-n10"), ("*-n10", "equal-n10"), ("e*l-n?0", "equal-n10")] {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("a", ""), ("*-n10", "equal-n100"), ("equal", "equal-n10"), ("?", "")] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }
}
