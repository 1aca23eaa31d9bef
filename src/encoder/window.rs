//! Chooses what the encoder sees, before tokenising, so that cost is bounded by the window and not by the prompt.

use crate::domain::{Prompt, Role};

/// Bytes of the last user turn that are seen whole; more is cut to head and tail.
const TURN_BYTES: usize = 1400;
/// Bytes kept of the head of a long turn; the rest of [`TURN_BYTES`] is its tail, where the ask often stands.
const HEAD_BYTES: usize = 800;
/// Last user turns at least this long speak for themselves; shorter ones get earlier user turns beside them.
const ALONE_BYTES: usize = 240;
/// Bytes kept of each earlier user turn.
const EARLIER_BYTES: usize = 200;
/// Earlier user turns seen at most.
const EARLIER_TURNS: usize = 2;
/// Bytes kept of the system prompt.
const SYSTEM_BYTES: usize = 120;

/// The text that is tokenised: the last user turn (head and tail of a long one); with a short one up to two earlier user
/// turns and a hint of the system prompt. At most about 2 kB whatever the size of the prompt.
#[must_use]
pub fn visible_text(prompt: &Prompt) -> String {
    let last = prompt.turns.iter().rposition(|t| t.role == Role::User);
    let Some(last) = last else {
        return prompt.turns.last().map(|t| head_and_tail(&t.text)).unwrap_or_default();
    };
    let mut text = head_and_tail(&prompt.turns[last].text);
    if text.len() >= ALONE_BYTES {
        return text;
    }
    let earlier = prompt.turns[..last].iter().rev().filter(|t| t.role == Role::User).take(EARLIER_TURNS);
    for turn in earlier {
        text.push_str("\n\n");
        squeeze_into(&mut text, head(&turn.text, EARLIER_BYTES));
    }
    if let Some(system) = prompt.turns.iter().find(|t| t.role == Role::System) {
        text.push_str("\n\n");
        squeeze_into(&mut text, head(&system.text, SYSTEM_BYTES));
    }
    text
}

fn head_and_tail(text: &str) -> String {
    let text = without_courtesy(text);
    let mut seen = String::with_capacity(TURN_BYTES.min(text.len()) + 8);
    if text.len() <= TURN_BYTES {
        squeeze_into(&mut seen, text);
    } else {
        squeeze_into(&mut seen, head(text, HEAD_BYTES));
        seen.push_str(" … ");
        squeeze_into(&mut seen, tail(text, TURN_BYTES - HEAD_BYTES));
    }
    seen
}

/// Appends with every run of white space as one character (a newline where there was one).
fn squeeze_into(out: &mut String, text: &str) {
    let mut pending: Option<char> = None;
    let start = out.len();
    for c in text.chars() {
        if c.is_whitespace() {
            pending = Some(if c == '\n' || pending == Some('\n') { '\n' } else { ' ' });
        } else {
            if let (Some(space), true) = (pending.take(), out.len() > start) {
                out.push(space);
            }
            out.push(c);
        }
    }
}

fn head(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

fn tail(text: &str, bytes: usize) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(bytes))..]
}

/// Openings that ask for nothing; they count when punctuation or a new line follows (`hello world` is content).
const GREETINGS: &[&str] = &[
    "hi there",
    "hello there",
    "hey there",
    "hi all",
    "hi",
    "hello",
    "hey",
    "good morning",
    "good afternoon",
    "good evening",
    "greetings",
    "hola",
    "hallo",
    "guten tag",
    "bonjour",
    "salut",
    "ciao",
    "olá",
    "привет",
    "здравствуйте",
    "你好",
    "您好",
    "こんにちは",
];

/// Closings that ask for nothing; they count after the end of a sentence, or with their own.
const THANKS: &[&str] = &[
    "thanks in advance",
    "thank you in advance",
    "thank you so much",
    "thank you very much",
    "thanks a lot",
    "many thanks",
    "thanks so much",
    "thank you",
    "thanks",
    "thx",
    "cheers",
    "gracias",
    "danke",
    "merci",
    "obrigado",
    "obrigada",
    "grazie",
    "спасибо",
    "谢谢",
    "ありがとう",
];

/// The text without a greeting at its head, thanks at its tail and final punctuation, so that neither courtesy nor a question
/// mark changes a decision. A text that is nothing else stays as it is.
fn without_courtesy(text: &str) -> &str {
    let whole = text.trim();
    let rest = without_thanks(without_greeting(whole));
    let rest = rest.trim_end_matches(|c: char| c.is_whitespace() || ends_sentence(c));
    if rest.is_empty() { whole } else { rest }
}

fn ends_sentence(c: char) -> bool {
    matches!(c, '.' | '?' | '!' | '…' | '。' | '？' | '！' | '؟' | '।')
}

fn without_greeting(text: &str) -> &str {
    let ends = |c: char| matches!(c, ',' | '!' | '.' | '\n' | '，' | '！' | '。' | '、' | ':');
    for greeting in GREETINGS {
        if let Some(after) = strip_prefix_caseless(text, greeting)
            && let Some(rest) = after.trim_start_matches([' ', ')']).strip_prefix(ends)
        {
            return rest.trim_start_matches(|c: char| c.is_whitespace() || ends(c));
        }
    }
    text
}

fn without_thanks(text: &str) -> &str {
    let ends = |c: char| matches!(c, '.' | '!' | '。' | '！' | ')' | ':') || c.is_whitespace();
    let bare = text.trim_end_matches(ends);
    let closed = bare.len() < text.len();
    for thanks in THANKS {
        let Some(before) = strip_suffix_caseless(bare, thanks) else { continue };
        let trimmed = before.trim_end();
        let sentence_over = before.ends_with('\n')
            || trimmed.ends_with(['.', '!', '?', ',', ';', '\n', '。', '！', '？', '，', '"', '`', '}']);
        // A word of its own, after a sentence or as one.
        if sentence_over || (closed && before.len() > trimmed.len()) {
            return trimmed.trim_end_matches([',', ';']);
        }
    }
    text
}

fn strip_prefix_caseless<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    (head.to_lowercase() == prefix).then(|| &text[prefix.len()..])
}

fn strip_suffix_caseless<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let at = text.len().checked_sub(suffix.len())?;
    let tail = text.get(at..)?;
    (tail.to_lowercase() == suffix).then(|| &text[..at])
}
