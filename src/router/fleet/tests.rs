#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use super::*;

fn fleet(enabled: &[&str]) -> Fleet {
    Fleet::new(&Catalog::builtin().unwrap(), &enabled.iter().map(|id| (*id).to_owned()).collect())
}

#[test]
fn a_model_that_embeds_can_be_used_but_not_chosen() {
    let fleet = fleet(&["openai"]);
    let id = ModelId::from("openai/text-embedding-3-small");
    let model = fleet.embedding(&id).unwrap();
    assert_eq!((&model.disabled, model.unroutable()), (&None, Some("an embedding model")));
    assert!(fleet.usable().next().is_some() && fleet.usable().all(|m| m.entry.kind == ModelKind::Chat));
    assert!(fleet.embedding(&ModelId::from("openai/gpt-4.1")).is_none());
}

#[test]
fn what_is_missing_is_named() {
    let fleet = fleet(&["openai"]);
    let unroutable = |id: &str| fleet.get(&ModelId::from(id)).unwrap().unroutable().unwrap().to_owned();
    assert_eq!(unroutable("google/gemini-embedding-001"), "no GEMINI_API_KEY or GOOGLE_API_KEY");
    let bedrock = "no AWS_BEARER_TOKEN_BEDROCK or AWS_ACCESS_KEY_ID with AWS_REGION";
    assert_eq!(unroutable("bedrock/claude-opus-5.5"), bedrock);
}
