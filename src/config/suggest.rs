//! "Did you mean …?"

pub(super) use crate::domain::nearest;

/// The remedy for an unknown name: the nearest, else the whole list.
pub(super) fn remedy(unknown: &str, what: &str, known: &[&str]) -> String {
    match nearest(unknown, known) {
        Some(name) => format!("did you mean {name}?"),
        None => format!("{what}: {}", known.join(", ")),
    }
}
