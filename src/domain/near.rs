//! "Did you mean …?": known names near an unknown one.

/// The known name nearest to an unknown one, if it is near enough to be a slip of the finger.
#[must_use]
pub fn nearest<S: AsRef<str>>(unknown: &str, known: impl IntoIterator<Item = S>) -> Option<String> {
    let slips = slips(unknown);
    let near = known.into_iter().filter_map(|name| {
        let distance = strsim::damerau_levenshtein(unknown, name.as_ref());
        (distance <= slips).then(|| (distance, name.as_ref().to_owned()))
    });
    near.min().map(|(_, name)| name)
}

/// Known names of models that an unknown one may have meant, nearest first, at most `count`: near as a whole, or near in what
/// follows the last slash, as callers often leave the provider out.
#[must_use]
pub fn near_models<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>, count: usize) -> Vec<&'a str> {
    // Nobody types a longer name; the distance to one would take long to say nothing.
    if unknown.len() > LONGEST {
        return Vec::new();
    }
    let asked = unknown.to_ascii_lowercase();
    let mut near: Vec<(usize, &str)> = known
        .into_iter()
        .filter_map(|name| {
            let lower = name.to_ascii_lowercase();
            let (own, wanted) = (last_part(&lower), last_part(&asked));
            let whole = strsim::damerau_levenshtein(&asked, &lower);
            // Another provider's model of the same name is a little further away than a slip in the whole name.
            let part = strsim::damerau_levenshtein(wanted, own) + usize::from(whole > 0);
            let is_near = whole <= slips(&asked) || part <= slips(wanted);
            is_near.then_some((whole.min(part), name))
        })
        .collect();
    near.sort_unstable();
    // Beside a name that is nearly the same, others are no help.
    let furthest = near.first().map_or(0, |(distance, _)| distance + 1);
    near.into_iter().filter(|(distance, _)| *distance <= furthest).map(|(_, name)| name).take(count).collect()
}

/// Names in bytes, beyond which nothing is near.
const LONGEST: usize = 128;

/// How many letters may be wrong in a name of this length.
fn slips(name: &str) -> usize {
    (name.chars().count() / 3).clamp(1, 4)
}

fn last_part(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODELS: [&str; 4] = ["auto", "openai/gpt-5-mini", "azure/gpt-5-mini", "anthropic/claude-haiku-4.5"];

    #[test]
    fn a_slip_of_the_finger_is_near_and_another_word_is_not() {
        assert_eq!(nearest("listne", ["listen", "limits"]).as_deref(), Some("listen"));
        assert_eq!(nearest("colour", ["listen", "limits"]), None);
        assert_eq!(near_models("openai/gpt5-mini", MODELS, 3), ["openai/gpt-5-mini", "azure/gpt-5-mini"]);
        assert_eq!(near_models("aut", MODELS, 3), ["auto"]);
        assert!(near_models("llama-3", MODELS, 3).is_empty());
        assert!(near_models(&"auto".repeat(100), MODELS, 3).is_empty());
    }

    #[test]
    fn a_model_without_its_provider_is_found() {
        assert_eq!(near_models("gpt-5-mini", MODELS, 3), ["azure/gpt-5-mini", "openai/gpt-5-mini"]);
        assert_eq!(near_models("Claude-Haiku-4-5", MODELS, 1), ["anthropic/claude-haiku-4.5"]);
    }
}
