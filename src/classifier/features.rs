//! Light and lexical features: what the embedding does not see or blurs.
//!
//! Whatever a person may vary without changing the task is left out: casing, final punctuation, white space.

use crate::domain::{Prompt, Role};

/// Raised when a feature changes; artefacts name the version they were fitted on.
pub const FEATURES_VERSION: u32 = 2;
/// Light features.
pub const LIGHT: usize = 18;
/// Buckets of the lexical features.
pub const BUCKETS: usize = 1 << 14;

/// Words at the head of the text that count.
const HEAD_WORDS: usize = 40;
/// Words at its tail that count.
const TAIL_WORDS: usize = 25;
/// Opening words that also count by being first.
const OPENING_WORDS: usize = 3;
/// Scale of the lexical features beside the embedding.
const LEXICAL_SCALE: f32 = 2.0;

/// Light features `(LIGHT,)`, each about 0 to 1: sizes, code, digits, maths, options, script, and the shape of the request.
///
/// `text` is what the encoder sees ([`crate::encoder::visible_text`]).
#[must_use]
pub fn light(prompt: &Prompt, text: &str) -> [f32; LIGHT] {
    let counts = Counts::of(text);
    let turns = |role: Role| prompt.turns.iter().filter(move |t| t.role == role);
    let system: usize = turns(Role::System).map(|t| t.text.len()).sum();
    let flag = |on: bool| if on { 1.0 } else { 0.0 };
    let need = prompt.requirements;
    [
        ln(counts.all, 8.0),
        ln(counts.lines, 4.0),
        flag(text.contains("```")),
        counts.share(counts.code, 10.0),
        counts.share(counts.digits, 5.0),
        counts.share(counts.maths, 10.0),
        (options(text) as f32 / 4.0).min(1.5),
        counts.share(counts.han, 1.0),
        counts.share(counts.cyrillic, 1.0),
        counts.share(counts.other_script, 1.0),
        counts.share(counts.accented, 10.0),
        ln(prompt.last_user().len(), 12.0),
        flag(need.tools),
        flag(need.json_schema),
        flag(need.vision),
        ln(turns(Role::User).count().saturating_sub(1), 2.0),
        ln(system, 8.0),
        flag(counts.lines == 0 && counts.all < 60),
    ]
}

/// `ln(1 + n) / scale`.
fn ln(n: usize, scale: f32) -> f32 {
    (n as f32).ln_1p() / scale
}

#[derive(Default)]
struct Counts {
    all: usize,
    lines: usize,
    code: usize,
    digits: usize,
    maths: usize,
    han: usize,
    cyrillic: usize,
    other_script: usize,
    accented: usize,
}

impl Counts {
    fn of(text: &str) -> Self {
        let mut n = Self::default();
        for c in text.chars() {
            n.all += 1;
            match c {
                '\n' => n.lines += 1,
                '{' | '}' | ';' | '<' | '>' | '[' | ']' | '_' | '(' | ')' => n.code += 1,
                '0'..='9' => n.digits += 1,
                '+' | '*' | '/' | '^' | '=' | '∑' | '∫' | '√' | '≤' | '≥' | '×' | '÷' | '∈' | '→' | '∞' => {
                    n.maths += 1
                }
                '\u{0400}'..='\u{052F}' => n.cyrillic += 1,
                '\u{00C0}'..='\u{024F}' | '\u{1E00}'..='\u{1EFF}' => n.accented += 1,
                '\u{2E80}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' => n.han += 1,
                '\u{0370}'..='\u{03FF}' => n.maths += 1,
                '\u{0590}'..='\u{0DFF}' | '\u{1100}'..='\u{11FF}' | '\u{AC00}'..='\u{D7FF}' => n.other_script += 1,
                _ => {}
            }
        }
        n
    }

    /// Share of the characters, times `gain`, at most 1.5.
    fn share(&self, count: usize, gain: f32) -> f32 {
        (count as f32 / self.all.max(1) as f32 * gain).min(1.5)
    }
}

/// Lines that look like options of a multiple choice: `A)`, `(b)`, `C.`, `2:`.
fn options(text: &str) -> usize {
    let is_option = |line: &str| {
        let mut chars = line.trim_start().trim_start_matches('(').chars();
        matches!(
            (chars.next(), chars.next(), chars.next()),
            (Some('A'..='F' | 'a'..='f' | '1'..='6'), Some(')' | '.' | ':'), Some(c)) if c.is_whitespace()
        )
    };
    text.lines().filter(|line| is_option(line)).count()
}

/// Hashed words, pairs of neighbours and opening words: sorted bucket numbers and the value that each of them has. Scripts
/// without spaces count each character as a word.
#[must_use]
pub fn lexical(text: &str) -> (Vec<u32>, f32) {
    let words = words(text);
    let mut buckets = Vec::with_capacity(words.len() * 2 + OPENING_WORDS);
    for (i, word) in words.iter().enumerate() {
        buckets.push(bucket(b"", word, ""));
        if let Some(next) = words.get(i + 1) {
            buckets.push(bucket(b"", word, next));
        }
        if i < OPENING_WORDS {
            buckets.push(bucket(b"^", word, ""));
        }
    }
    buckets.sort_unstable();
    buckets.dedup();
    let value = LEXICAL_SCALE / ((buckets.len() + 1) as f32).sqrt();
    (buckets, value)
}

/// Lower-cased words of the head and the tail.
fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let mut all: Vec<String> = Vec::new();
    let mut word = String::new();
    for c in lower.chars() {
        let alone = matches!(c, '\u{2E80}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}');
        if c.is_alphanumeric() && !alone {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            all.push(std::mem::take(&mut word));
        }
        if alone {
            all.push(c.to_string());
        }
    }
    if !word.is_empty() {
        all.push(word);
    }
    if all.len() > HEAD_WORDS + TAIL_WORDS {
        let tail = all.len() - TAIL_WORDS;
        all.drain(HEAD_WORDS..tail);
    }
    all
}

/// FNV-1a of mark, word and next word, folded into the buckets.
fn bucket(mark: &[u8], word: &str, next: &str) -> u32 {
    let bytes = mark.iter().chain(word.as_bytes()).chain(if next.is_empty() { &[][..] } else { &[b' '][..] });
    let hash = bytes
        .chain(next.as_bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    ((hash ^ (hash >> 32)) as u32) & (BUCKETS as u32 - 1)
}
