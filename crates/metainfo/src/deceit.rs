//! Characters that make a text another one than it looks (own design; Unicode UAX 9 and TR 36): what prints text of others, on a terminal
//! or a page, leaves them out.

/// Whether a character moves the cursor, reorders what stands beside it, or is not seen. Joiners of letters and emoji are left alone, and so
/// are line ends and tabs, which each who prints decides on.
pub fn deceives(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(
            c,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'
                ..='\u{202E}'
        )
        || matches!(c, '\u{2060}'..='\u{206F}' | '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}' | '\u{FEFF}')
        || matches!(c, '\u{FFF9}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E007F}')
}
