use super::visible_text;
use crate::domain::Prompt;

fn seen(text: &str) -> String {
    visible_text(&Prompt::user(text))
}

#[test]
fn courtesy_around_a_prompt_is_not_seen() {
    let bare = "How do I boil an egg";
    for text in [
        "Hi there, How do I boil an egg?",
        "hello!\n\nHow do I boil an egg? Thanks!",
        "How do I boil an egg?  thank you so much",
        "Good morning. How do I boil an egg? Many thanks.",
    ] {
        assert_eq!(seen(text), bare, "{text}");
    }
    assert_eq!(seen("write a poem about rain Thanks!"), "write a poem about rain");
}

#[test]
fn final_punctuation_is_not_seen() {
    for text in ["Why is the sky blue", "Why is the sky blue?", "Why is the sky blue?!", "Why is the sky blue ...\n"] {
        assert_eq!(seen(text), "Why is the sky blue");
    }
    assert_eq!(seen("为什么天是蓝的？"), "为什么天是蓝的");
    assert_eq!(seen("???"), "???");
    assert_eq!(seen("v1.2 or v1.3?"), "v1.2 or v1.3");
}

#[test]
fn words_of_courtesy_that_are_content_stay() {
    for text in ["hello world in rust", "hi", "Thanks", "How do you say thank you", "Hey Jude lyrics meaning", "你好"]
    {
        assert_eq!(seen(text), text);
    }
}

#[test]
fn white_space_is_squeezed_and_lines_stay_lines() {
    assert_eq!(seen("  a   b \n\n\n c\t d  "), "a b\nc d");
}

#[test]
fn cutting_never_splits_a_character() {
    let text = "é漢🙂".repeat(5_000);
    let seen = seen(&text);
    assert!(seen.len() < 1_500 && seen.contains(" … "));
}
