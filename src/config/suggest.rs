//! "Did you mean …?"

/// The known name nearest to an unknown one, if it is near enough to be a slip of the finger.
pub(super) fn nearest<S: AsRef<str>>(unknown: &str, known: impl IntoIterator<Item = S>) -> Option<String> {
    let slips = (unknown.chars().count() / 3).clamp(1, 4);
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(unknown, name.as_ref()), name.as_ref().to_owned()))
        .filter(|(distance, _)| *distance <= slips)
        .min()
        .map(|(_, name)| name)
}

/// The remedy for an unknown name: the nearest, else the whole list.
pub(super) fn remedy(unknown: &str, what: &str, known: &[&str]) -> String {
    match nearest(unknown, known) {
        Some(name) => format!("did you mean {name}?"),
        None => format!("{what}: {}", known.join(", ")),
    }
}
