//! Texts as search compares them: without case, accents and punctuation, cut into words.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::limits::{SEARCH_TERM_CHARS_MAX, SEARCH_WORDS_MAX};

/// A text without what search does not tell apart: case, accents, the widths and forms of one letter.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkd().filter(|c| !is_accent(*c)).flat_map(char::to_lowercase) {
        match c {
            // Letters that people type without, and that Unicode does not take apart.
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            'ø' => folded.push('o'),
            'đ' | 'ð' => folded.push('d'),
            'ł' => folded.push('l'),
            'ħ' => folded.push('h'),
            'ı' => folded.push('i'),
            'ς' => folded.push('σ'),
            // O'Brien is one word, whichever apostrophe it has, and whether it has any.
            '\'' | '\u{2bc}' | '\u{2018}' | '\u{2019}' => {}
            other => folded.push(other),
        }
    }
    // Together again what is one letter only together, such as Hangul.
    folded.nfc().collect()
}

/// Marks that one may leave out: those of Latin, Greek, Cyrillic, Hebrew and Arabic. Those of other scripts are
/// vowels.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5bd}' | '\u{5bf}'..='\u{5c7}'
        | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}')
}

/// The words of a folded text, each once, in their order, and no more than are searched.
pub fn words(folded: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in folded.split(|c| !is_of_word(c)).filter(|word| !word.is_empty()) {
        add(&mut words, word);
        if words.len() == SEARCH_WORDS_MAX {
            break;
        }
    }
    words
}

/// All that stands in the words of a folded text, as one word.
pub fn joined(folded: &str) -> String {
    folded.chars().filter(|c| is_of_word(*c)).take(SEARCH_TERM_CHARS_MAX).collect()
}

/// Adds a word, shortened to what is searched, unless it is there.
pub(super) fn add(words: &mut Vec<String>, word: &str) {
    let word: String = word.chars().take(SEARCH_TERM_CHARS_MAX).collect();
    if !word.is_empty() && !words.contains(&word) {
        words.push(word);
    }
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_people_leave_out_makes_no_difference() {
        for (text, folded) in [
            ("Zoë", "zoe"),
            ("ZOE\u{308}", "zoe"),
            ("Łukasz Żółć", "lukasz zolc"),
            ("Straße", "strasse"),
            ("Ærøskøbing", "aeroskobing"),
            ("O’Brien", "obrien"),
            ("ｆｕｌｌ", "full"),
            ("ﬁne", "fine"),
            ("İstanbul", "istanbul"),
            ("Nguyễn", "nguyen"),
            ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
            ("Ёлка", "елка"),
            ("한글", "한글"),
            ("がく", "がく"),
            ("हिन्दी", "हिन्दी"),
            ("🦀", "🦀"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    #[test]
    fn words_are_what_stands_between_other_characters() {
        assert_eq!(words(&fold("Ann-Marie  Lee (she/her) 🦀 ann")), ["ann", "marie", "lee", "she", "her"]);
        assert_eq!(words("हिन्दी भाषा"), ["हिन्दी", "भाषा"]);
        assert_eq!(words("%_*\" ."), [""; 0]);
        assert_eq!(joined("ann_lee.92 !"), "annlee92");
        let many: String = (0..100).map(|n| format!("w{n} ")).collect();
        assert_eq!(words(&many).len(), SEARCH_WORDS_MAX);
        assert_eq!(words(&"a".repeat(100))[0].len(), SEARCH_TERM_CHARS_MAX);
    }

    proptest! {
        #[test]
        fn folding_again_changes_nothing(text in "\\PC{0,40}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }
    }
}
