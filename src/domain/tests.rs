use super::*;

#[test]
fn quality_rejects_what_is_not_a_quality() {
    for bad in [f64::NAN, f64::INFINITY, -0.01, 1.01] {
        assert!(Quality::new(bad).is_err(), "{bad} was accepted");
    }
    assert_eq!(Quality::new(0.85).map(Quality::get), Ok(0.85));
    assert!(serde_json::from_str::<Quality>("1.5").is_err(), "the range holds on the wire too");
}

#[test]
fn model_patterns_match_like_globs() {
    let model = ModelId::from("anthropic/claude-haiku-4.5");
    for yes in ["anthropic/*", "*haiku*", "anthropic/claude-haiku-4.5", "*", "a*h*4.5"] {
        assert!(model.matches(yes), "{yes}");
    }
    for no in ["openai/*", "claude-haiku-4.5", "", "anthropic/", "*haiku"] {
        assert!(!model.matches(no), "{no}");
    }
}

#[test]
fn schemas_count_as_input() {
    let mut prompt = Prompt::user("Is it raining?");
    let bare = prompt.estimated_tokens();
    prompt.schema_bytes = 4000;
    assert_eq!(prompt.estimated_tokens(), bare + 1000);
}

#[test]
fn small_sums_keep_their_digits() {
    assert_eq!(Usd::new(0.000_012_34).map(|u| u.to_string()), Ok("$0.00001234".to_owned()));
    assert_eq!(Usd::new(12.5).map(|u| u.to_string()), Ok("$12.50".to_owned()));
}

#[test]
fn task_type_names_round_trip() {
    for task in TaskType::ALL {
        assert_eq!(task.as_str().parse(), Ok(*task));
        assert_eq!(serde_json::to_string(task).ok(), Some(format!("\"{task}\"")));
    }
    assert!("poetry".parse::<TaskType>().is_err());
}

#[test]
fn logit_and_sigmoid_are_inverse() {
    for p in [0.01, 0.3, 0.5, 0.9, 0.999] {
        assert!((sigmoid(logit(p)) - p).abs() < 1e-12);
    }
}
