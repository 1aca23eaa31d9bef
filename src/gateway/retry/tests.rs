use super::{super::transport::WORDLESS, *};
use proptest::prelude::*;

fn status(status: u16, message: &str) -> GatewayError {
    GatewayError::Status { provider: "p".into(), status, message: message.into(), retry_after: None }
}

fn after(code: u16, message: &str) -> Next {
    next(&status(code, message), true)
}

fn others() -> [GatewayError; 3] {
    [
        GatewayError::Connection { provider: "p".into(), problem: "can't connect".into() },
        GatewayError::Timeout { provider: "p".into(), after_ms: 5 },
        GatewayError::Malformed { provider: "p".into(), problem: "no `choices`".into() },
    ]
}

#[test]
fn statuses_have_their_classes() {
    let classes = [
        (Next::SameKey, &[408, 409, 424, 500, 502, 503, 504, 520, 529][..]),
        (Next::OtherKey, &[401, 402, 403, 429]),
        (Next::OtherModel, &[301, 404, 405, 410, 501]),
        (Next::GiveUp, &[400, 406, 411, 413, 415, 422, 431, 451]),
    ];
    for (class, codes) in classes {
        for &code in codes {
            assert_eq!(after(code, "no message"), class, "{code}");
        }
    }
}

#[test]
fn what_is_no_status_is_tried_again_unless_it_had_its_time_and_a_provider_without_access_is_left() {
    for error in others() {
        let had_its_time = matches!(error, GatewayError::Timeout { .. });
        assert_eq!(next(&error, true), if had_its_time { Next::OtherModel } else { Next::SameKey }, "{error}");
        assert!(counts_against_breaker(&error));
        assert_eq!(key_fault(&error), None);
    }
    let unknown = GatewayError::NoAccess("p".into());
    assert_eq!(next(&unknown, true), Next::OtherModel);
    assert!(!counts_against_breaker(&unknown));
}

#[test]
fn only_failures_of_the_provider_count_against_it() {
    for code in [408, 424, 500, 502, 503, 504, 529] {
        assert!(counts_against_breaker(&status(code, "")), "{code}");
    }
    for code in [301, 400, 401, 402, 403, 404, 409, 413, 422, 429, 501] {
        assert!(!counts_against_breaker(&status(code, "")), "{code}");
    }
}

#[test]
fn requests_that_do_not_suit_a_model_go_to_another_and_cost_no_key_its_turn() {
    let said = [
        (400, "This model's maximum context length is 4097 tokens. However, your messages resulted in 5000 tokens."),
        (400, "Your input exceeds the context window of this model."),
        (400, "something new (context_length_exceeded)"),
        (400, "prompt is too long: 208310 tokens > 200000 maximum"),
        (400, "input length and `max_tokens` exceed context limit: 178902 + 32000 > 200000"),
        (400, "max_tokens: 8192 > 4096, which is the maximum allowed number of output tokens for a model"),
        (400, "max_tokens is too large: 9000. This model supports at most 4096 completion tokens"),
        (400, "Input is too long for requested model."),
        (400, "The input token count (1300000) exceeds the maximum number of tokens allowed (1048575)."),
        (400, "This model's maximum prompt length is 131072 but the request contains 537812 tokens"),
        (413, "Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 9000"),
        (429, "Request too large for gpt in organization o on tokens per min (TPM): Limit 30000, Requested 31000."),
        (400, "Invalid prompt: your prompt was flagged as potentially violating our usage policy."),
        (400, "The response was filtered due to the prompt triggering Azure OpenAI's content management policy."),
        (400, "Output blocked by content filtering policy"),
        (403, "vendor/m requires moderation on Azure. Your input was flagged for \"violence\"."),
        (400, "Unsupported value: 'temperature' does not support 0.7 with this model."),
        (400, "`temperature` and `top_p` are not supported for this model."),
        (400, "`top_k` is deprecated for this model."),
        (400, "vendor/m is not a valid model ID"),
        (400, "The provided model identifier is invalid."),
        (400, "The model `m` is gone (model_decommissioned)"),
    ];
    for (code, message) in said {
        assert_eq!(after(code, message), Next::OtherModel, "{message}");
        assert_eq!(key_fault(&status(code, message)), None, "{message}");
        assert!(!counts_against_breaker(&status(code, message)), "{message}");
    }
}

#[test]
fn a_403_without_a_word_is_a_firewalls_and_no_fault_of_the_key() {
    let error = status(403, WORDLESS);
    assert_eq!((next(&error, true), key_fault(&error)), (Next::OtherModel, None));
    assert!(!counts_against_breaker(&error), "it may be for what one caller says");
    assert_eq!(key_fault(&status(401, WORDLESS)), Some(KeyFault::Refused));
}

#[test]
fn a_key_without_access_to_a_model_is_passed_over_but_does_not_rest() {
    for message in [
        "Project `p` does not have access to model `m`",
        "You don't have access to the model with the specified model ID.",
    ] {
        assert_eq!(after(403, message), Next::OtherKey);
        assert_eq!(key_fault(&status(403, message)), None);
    }
}

#[test]
fn refusals_of_a_key_that_come_as_400_are_known_by_how_they_open() {
    let message = "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing.";
    assert_eq!(after(400, message), Next::OtherKey);
    assert_eq!(key_fault(&status(400, message)), Some(KeyFault::Refused));
    let quoted = format!("Invalid value: '{message}'. Supported values are: 'auto'.");
    assert_eq!(after(400, &quoted), Next::GiveUp);
    assert_eq!(key_fault(&status(400, &quoted)), None);
}

#[test]
fn limits_and_refusals_say_how_the_key_rests() {
    let limited =
        GatewayError::Status { provider: "p".into(), status: 429, message: String::new(), retry_after: Some(7) };
    let retry_after = Some(Duration::from_secs(7));
    assert_eq!(key_fault(&limited), Some(KeyFault::RateLimited { retry_after }));
    assert_eq!(key_fault(&status(429, "slow down")), Some(KeyFault::RateLimited { retry_after: None }));
    for code in 401..=403 {
        assert_eq!(key_fault(&status(code, "no")), Some(KeyFault::Refused));
    }
}

#[test]
fn a_429_is_about_the_account_only_if_it_says_so() {
    let spent = [
        "You exceeded your current quota, please check your plan and billing details. (insufficient_quota)",
        "Insufficient balance or no resource package. Please recharge. (1113)",
        "Your team 1a2b has either used all available credits or reached its monthly spending limit.",
    ];
    for message in spent {
        assert_eq!((after(429, message), key_fault(&status(429, message))), (Next::OtherKey, Some(KeyFault::Refused)));
    }
    let limited = [
        "Rate limit reached for gpt in organization o on requests per min (RPM): Limit 3, Used 3. (rate_limit_exceeded)",
        "You exceeded your current quota, please check your plan and billing details. * Quota exceeded for metric: m",
        "Please wait: \"insufficient balance\" was said too often",
    ];
    for message in limited {
        assert_eq!(key_fault(&status(429, message)), Some(KeyFault::RateLimited { retry_after: None }), "{message}");
    }
}

#[test]
fn an_account_that_pays_for_a_shorter_answer_is_no_fault_of_the_key() {
    let said = "This request requires more credits, or fewer max_tokens. You requested up to 64000 tokens, but can only afford 900";
    assert_eq!((after(402, said), after(402, "Insufficient credits")), (Next::OtherModel, Next::OtherKey));
    assert_eq!(key_fault(&status(402, said)), None);
}

#[test]
fn ordinary_faults_of_a_request_end_it() {
    for message in ["messages: roles must alternate", "Invalid 'temperature': decimal above maximum value.", ""] {
        assert_eq!(after(400, message), Next::GiveUp, "{message}");
    }
}

proptest! {
    #[test]
    fn words_never_turn_a_request_s_fault_into_the_provider_s(code in 100..1000_u16, message in ".{0,60}") {
        let error = status(code, &message);
        prop_assert_eq!(next(&error, false), Next::GiveUp);
        prop_assert!(!counts_against_breaker(&error) || next(&error, true) == Next::SameKey);
        prop_assert!(key_fault(&error).is_none() || next(&error, true) == Next::OtherKey);
        prop_assert!(!(400..500).contains(&code) || code == 408 || code == 424 || !counts_against_breaker(&error));
    }
}
