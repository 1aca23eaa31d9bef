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
fn exclusions_of_older_logs_are_still_read() {
    let read = |logged: &str| serde_json::from_str::<Exclusion>(logged).ok();
    assert_eq!(read(r#"{"rule":"deprecated"}"#), Some(Exclusion::Deprecated));
    let detailed = r#"{"rule":"context_window","detail":{"needed":9,"limit":8}}"#;
    assert_eq!(read(detailed), Some(Exclusion::ContextWindow { needed: 9, limit: 8 }));
}

#[test]
fn exclusions_survive_the_log_and_say_what_is_wrong() {
    let unsaid = Exclusion::Inexpressible { field: "messages[2]".to_owned(), problem: "no audio".to_owned() };
    let unwell = Exclusion::Unwell { retry_after_ms: 30_000 };
    for exclusion in [&unsaid, &unwell] {
        let logged = serde_json::to_string(exclusion).expect("plain data");
        assert_eq!(serde_json::from_str::<Exclusion>(&logged).ok().as_ref(), Some(exclusion), "{logged}");
    }
    assert_eq!(unsaid.to_string(), "the provider's API has no words for messages[2]: no audio");
    assert_eq!(unwell.to_string(), "its provider keeps failing and is left alone for now");
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

#[test]
fn words_beside_the_result_of_a_tool_leave_it_a_continuation() {
    let ends = |roles: &[Role]| {
        let turns = roles.iter().map(|&role| Turn { role, text: String::new() }).collect();
        Prompt { turns, ..Prompt::default() }.ends_with_tool_result()
    };
    use Role::{Assistant, System, Tool, User};
    assert!(ends(&[User, Assistant, Tool]) && ends(&[User, Assistant, Tool, User]));
    assert!(!ends(&[User, Assistant, Tool, Assistant, User]), "it was answered");
    assert!(!ends(&[]) && !ends(&[User]) && !ends(&[System, User]) && !ends(&[User, Assistant, Tool, System]));
}
