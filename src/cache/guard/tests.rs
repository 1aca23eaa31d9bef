use super::*;

fn agree(one: &str, other: &str) -> bool {
    let guard = |text: &str| Guard::of(text).unwrap_or_else(|| panic!("{text:?} can't be compared"));
    let (one, other) = (guard(one), guard(other));
    assert_eq!(one.agrees(&other), other.agrees(&one));
    one.agrees(&other)
}

#[test]
fn the_same_said_otherwise_may_share_an_answer() {
    for (one, other) in [
        ("What is the capital of France?", "what's the capital of france"),
        ("What is the capital of France?", "Please tell me the capital of France!"),
        ("How do I reset my password?", "how to reset a password"),
        ("Is aspirin safe for children?", "is aspirin  SAFE for children"),
        ("Explain the photosynthesis process", "explain photosynthesis proces"),
        ("I can't open the file", "I cannot open the file."),
        ("It isn't working", "it is not working"),
        ("C++ or Rust?", "c++ or rust"),
        ("Wie hoch ist der Eiffelturm?", "wie hoch ist der eiffelturm"),
        ("five tips for better sleep", "give me 5 tips for better sleep"),
        ("Define \"entropy\"", "define \"entropy\" please"),
    ] {
        assert!(agree(one, other), "{one:?} and {other:?}");
    }
}

#[test]
fn what_makes_a_difference_makes_it() {
    for (one, other) in [
        ("What is the capital of France?", "What is the capital of Spain?"),
        ("who won the 2018 world cup", "who won the 2022 world cup"),
        ("Is it safe?", "Is it not safe?"),
        ("Is aspirin safe?", "Isn't aspirin safe?"),
        ("I can open the file", "I can't open the file"),
        ("convert 5 dollars to euros", "convert 5 euros to dollars"),
        ("Translate from French", "Translate to French"),
        ("wake me before noon", "wake me after noon"),
        ("what is 5 + 3", "what is 5 - 3"),
        ("what is 3.5 plus 1", "what is 35 plus 1"),
        ("is -5 a number", "is 5 a number"),
        ("10% of it", "10 of it"),
        ("10 € in words", "10 £ in words"),
        ("spell \"there\"", "spell \"their\""),
        ("spell “there”", "spell “There”"),
        ("A history of Martin", "A history of Martina"),
        ("explain recursion", "explain recursion without code"),
        ("a poem about the sea", "a sad poem about the sea"),
        ("dog bites man", "man bites dog"),
        ("What is 15% of 80?", "What is 80% of 15?"),
        ("flights from Berlin to Rome", "flights from Rome to Berlin"),
        ("five tips", "six tips"),
        ("write it in C", "write it in C++"),
        ("increase the volume", "decrease the volume"),
        ("what about the form", "what about the from"),
        ("model gpt4", "model gpt5"),
        ("列出水果", "列出蔬菜"),
    ] {
        assert!(!agree(one, other), "{one:?} and {other:?}");
    }
}

#[test]
fn what_hangs_on_every_letter_is_not_compared() {
    let long = "word ".repeat(MAX_WORDS + 1);
    let list = "one\ntwo\nthree\nfour\nfive";
    for text in
        ["", " \n", "???", "what is it?", "let x = 1", "fn main() {}", "a | b", "<b>bold</b>", "C:\\temp", &long, list]
    {
        assert_eq!(Guard::of(text), None, "{text:?}");
    }
    assert_eq!(Guard::of(&"x".repeat(MAX_BYTES + 1)), None);
}

#[test]
fn slips_are_forgiven_in_the_middle_of_long_words_alone() {
    for (one, other) in [("password", "pasword"), ("recipe", "recipes"), ("receive", "recieve")] {
        assert!(is_slip(one, other) && is_slip(other, one), "{one} {other}");
    }
    for (one, other) in
        [("form", "from"), ("cat", "cats"), ("affect", "effect"), ("typical", "atypical"), ("legal", "legacy")]
    {
        assert!(!is_slip(one, other) && !is_slip(other, one), "{one} {other}");
    }
}
