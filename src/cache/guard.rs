//! Which texts may share an answer, whatever their embeddings say: those of which one says nothing that the other does not.
//!
//! Embeddings of sentences hardly see a number, a name or a "not". So a text is reduced to what makes a difference, and two
//! texts may share an answer only if that is the same. Where there is doubt they may not.

mod words;

use words::{FILLERS, NUMBERS};

/// Longest text that is looked at, bytes: the encoder sees all of it.
const MAX_BYTES: usize = 1200;
/// Lines that are looked at: more are a list or a table.
const MAX_LINES: usize = 4;
/// Words that make a difference, at most: of long texts too much hangs on their order.
const MAX_WORDS: usize = 48;
/// A word of so many letters may have one slip of the finger.
const FORGIVING_LENGTH: usize = 5;

/// What of a text makes a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// Words but for fillers, in the order of the text: "dog bites man" is no news.
    words: Vec<Word>,
    /// What stands between quotation marks or backticks, as it is.
    quotes: Vec<Box<str>>,
}

/// A word in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Word {
    text: Box<str>,
    /// Whether every letter counts: it has a digit, or a capital letter though no sentence begins with it.
    is_exact: bool,
}

impl Word {
    fn is_same(&self, other: &Self) -> bool {
        self.text == other.text || (!self.is_exact && !other.is_exact && is_slip(&self.text, &other.text))
    }
}

impl Guard {
    /// Of a text; `None` for one of which too much depends on every letter: code, tables, long texts, and those without words.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_plain = !text.contains(['{', '}', ';', '|', '<', '>', '=', '\\']);
        if !is_plain || text.len() > MAX_BYTES || text.lines().count() > MAX_LINES {
            return None;
        }
        let words: Vec<Word> = words(text).into_iter().filter(|word| !FILLERS.contains(&&*word.text)).collect();
        (1..=MAX_WORDS).contains(&words.len()).then(|| Self { words, quotes: quotes(text) })
    }

    /// Whether the texts may share an answer.
    #[must_use]
    pub fn agrees(&self, other: &Self) -> bool {
        self.quotes == other.quotes
            && self.words.len() == other.words.len()
            && self.words.iter().zip(&other.words).all(|(one, other)| one.is_same(other))
    }

    /// About how many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        let words = self.words.iter().map(|word| word.text.len() + size_of::<Word>()).sum::<usize>();
        let quotes = self.quotes.iter().map(|quote| quote.len() + size_of::<Box<str>>()).sum::<usize>();
        words + quotes + size_of::<Self>()
    }
}

/// The words of a text. An apostrophe within a word belongs to it, and so do points, commas and signs within numbers.
fn words(text: &str) -> Vec<Word> {
    let (mut words, mut word, mut is_name) = (Vec::new(), String::new(), false);
    let mut begins_sentence = true;
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        let next = letters.peek().copied();
        if c.is_alphanumeric() {
            // The one-letter word I is no name.
            let is_alone = word.is_empty() && !next.is_some_and(char::is_alphanumeric);
            is_name |= c.is_uppercase() && !(begins_sentence && word.is_empty()) && !is_alone;
            word.extend(c.to_lowercase());
        } else if !word.is_empty() && joins(c, &word, next) {
            word.push(if c == '’' { '\'' } else { c });
        } else {
            begins_sentence = matches!(c, '.' | '?' | '!' | ':' | '\n') || (begins_sentence && word.is_empty());
            finish(&mut words, &mut word, std::mem::take(&mut is_name));
            // A sign of arithmetic, currency or percent is a word of its own.
            if is_sign(c, next) {
                words.push(Word { text: c.to_string().into(), is_exact: true });
            }
        }
    }
    finish(&mut words, &mut word, is_name);
    words
}

fn joins(c: char, word: &str, next: Option<char>) -> bool {
    let within = next.is_some_and(char::is_alphanumeric);
    let after_digit = word.chars().next_back().is_some_and(|last| last.is_ascii_digit());
    let before_digit = next.is_some_and(|next| next.is_ascii_digit());
    match c {
        '\'' | '’' | '_' => within,
        '.' => within,
        ',' | ':' | '/' => after_digit && before_digit,
        // C++, C#.
        '+' | '#' => !after_digit,
        _ => false,
    }
}

fn is_sign(c: char, next: Option<char>) -> bool {
    match c {
        '-' | '−' => next.is_some_and(|next| next.is_ascii_digit()),
        '+' | '*' | '/' | '%' | '^' | '&' | '@' | '#' | '$' => true,
        other => !other.is_ascii() && !other.is_whitespace() && !is_punctuation(other),
    }
}

const fn is_punctuation(c: char) -> bool {
    matches!(
        c,
        '‘' | '’'
            | '“'
            | '”'
            | '„'
            | '«'
            | '»'
            | '…'
            | '–'
            | '—'
            | '¿'
            | '¡'
            | '。'
            | '、'
            | '，'
            | '？'
            | '！'
            | '：'
            | '؟'
    )
}

/// Takes a word, without the ending of an English short form that says nothing: `what's` is `what`, but `isn't` is a `not`.
fn finish(words: &mut Vec<Word>, word: &mut String, is_name: bool) {
    const ENDINGS: [&str; 6] = ["'s", "'re", "'m", "'d", "'ll", "'ve"];
    if word.is_empty() {
        return;
    }
    let whole = std::mem::take(word);
    let is_exact = is_name || whole.contains(|c: char| c.is_ascii_digit());
    let (is_denied, stem) = match (whole.as_str(), whole.strip_suffix("n't")) {
        ("cannot" | "can't", _) => (true, "can"),
        (_, Some(stem)) => (true, stem),
        _ => (false, ENDINGS.into_iter().find_map(|ending| whole.strip_suffix(ending)).unwrap_or(&whole)),
    };
    let number = NUMBERS.iter().position(|word| *word == stem).map(|number| number.to_string());
    words.push(Word { text: number.as_deref().unwrap_or(stem).into(), is_exact });
    if is_denied {
        words.push(Word { text: "not".into(), is_exact: false });
    }
}

/// What stands between a pair of quotation marks or backticks.
fn quotes(text: &str) -> Vec<Box<str>> {
    const PAIRS: [(char, char); 6] = [('"', '"'), ('`', '`'), ('“', '”'), ('„', '“'), ('«', '»'), ('「', '」')];
    let mut found = Vec::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let Some((_, close)) = PAIRS.iter().find(|(open, _)| *open == c) else { continue };
        let Some((quote, after)) = rest.as_str().split_once(*close) else { break };
        found.push(quote.into());
        rest = after.chars();
    }
    found
}

/// Whether two longer words differ as by a slip of the finger: a letter too many, or two turned around. Not at the beginning,
/// where it is seldom a slip.
fn is_slip(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let (short, long) = if one.len() <= other.len() { (&one, &other) } else { (&other, &one) };
    if short.len() < FORGIVING_LENGTH || long.len() - short.len() > 1 {
        return false;
    }
    let head = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let (short, long) = (&short[head..], &long[head..]);
    match long.len() - short.len() {
        _ if head == 0 => false,
        1 => *short == long[1..],
        _ => short.len() >= 2 && short[0] == long[1] && short[1] == long[0] && short[2..] == long[2..],
    }
}

#[cfg(test)]
mod tests;
