//! The same request in other words: what people vary without asking for anything else. Decisions should not depend on it.

/// The kinds of [`variants`], in their order.
pub const KINDS: [&str; 8] =
    ["casing", "white_space", "punctuation", "typo", "greeting", "politeness", "options", "wrapper_language"];

/// One variant of each kind.
#[must_use]
pub fn variants(text: &str) -> [String; KINDS.len()] {
    [
        text.to_lowercase(),
        format!("  {}\n", text.replace(' ', "  ")),
        format!("{}!", text.trim_end_matches(['.', '?', '!'])),
        typo(text),
        format!("Hi there, {text}"),
        format!("{text} Thanks!"),
        reordered_options(text),
        format!("Bitte beantworte das Folgende: {text}"),
    ]
}

/// Swaps two neighbouring letters in the middle.
fn typo(text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let swappable = |i: &usize| chars[*i].is_alphabetic() && chars[*i + 1].is_alphabetic();
    if let Some(i) = (chars.len() / 2..chars.len().saturating_sub(1)).find(swappable) {
        chars.swap(i, i + 1);
    }
    chars.into_iter().collect()
}

/// Exchanges the texts of the first two options of a multiple choice (lines such as `A) …`); other texts stay.
fn reordered_options(text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let options: Vec<usize> = (0..lines.len()).filter(|&i| label(&lines[i]) > 0).take(2).collect();
    if let [a, b] = options[..] {
        let (cut_a, cut_b) = (label(&lines[a]), label(&lines[b]));
        let (text_a, text_b) = (lines[a][cut_a..].to_owned(), lines[b][cut_b..].to_owned());
        lines[a].replace_range(cut_a.., &text_b);
        lines[b].replace_range(cut_b.., &text_a);
    }
    lines.join("\n")
}

/// Bytes of an option's label, `A) ` or `(b) `; 0 where there is none.
fn label(line: &str) -> usize {
    let bytes = line.as_bytes();
    let open = usize::from(bytes.first() == Some(&b'('));
    let letter = bytes.get(open).is_some_and(u8::is_ascii_alphabetic);
    let closed = bytes.get(open + 1).is_some_and(|b| matches!(b, b')' | b'.' | b':'));
    let spaced = bytes.get(open + 2) == Some(&b' ');
    if letter && closed && spaced { open + 3 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_change_places_and_keep_their_labels() {
        let text = "Which?\nA) one\nB) two\nC) three";
        assert_eq!(reordered_options(text), "Which?\nA) two\nB) one\nC) three");
        assert_eq!(reordered_options("no options"), "no options");
    }

    #[test]
    fn every_kind_changes_an_ordinary_question() {
        let text = "What is the Capital of France?\n(a) Lyon\n(b) Paris";
        for (kind, variant) in KINDS.iter().zip(variants(text)) {
            assert_ne!(variant, text, "{kind}");
        }
    }

    #[test]
    fn texts_of_any_length_have_variants() {
        for text in ["", "a", "é", "ab"] {
            assert_eq!(variants(text).len(), KINDS.len());
        }
    }
}
