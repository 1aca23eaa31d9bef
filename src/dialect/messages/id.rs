//! Ids of tool calls.

use std::{borrow::Cow, fmt::Write};

/// The id in characters that Anthropic takes: letters, digits, `_` and `-`. Others become their bytes in hexadecimals between
/// hyphens. Providers have such ids (`functions.weather:0`), and a conversation must not be tied to them by that; call and
/// result are rewritten alike.
pub(super) fn portable(id: &str) -> Cow<'_, str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if id.bytes().all(fits) {
        return Cow::Borrowed(id);
    }
    let mut portable = String::with_capacity(id.len() + 8);
    for byte in id.bytes() {
        if fits(byte) {
            portable.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(portable, "-{byte:02x}-");
        }
    }
    Cow::Owned(portable)
}
