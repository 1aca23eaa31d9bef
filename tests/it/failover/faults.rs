//! One fault after another, met by whole and by streamed requests.

use crate::{
    gateway_app::{ALPHA, BETA, Ending, GAMMA, GatewayApp, GatewayMake, Story, Wire, only},
    upstream::{End, Fault, Script},
};
use serde_json::json;

/// What alpha says to every test's question.
pub(super) const ALPHAS_ANSWER: &str = "alpha answers « What is 2 + 2? » – naïvely, as ever ✓";

const FORMS: [bool; 2] = [false, true];

/// Alpha alone meets a script, made of this fault.
async fn alpha_meets(script: Script, fault: &Fault, stream: bool) -> (GatewayApp, Story) {
    let make = GatewayMake::scripts([script, Script::ok(), Script::ok()]);
    let app = GatewayApp::make(make.waiting_for(fault)).await;
    let story = app.ask(Wire::Chat, stream, json!({})).await;
    (app, story)
}

/// Alpha meets it once.
async fn once(fault: &Fault, stream: bool) -> (GatewayApp, Story) {
    alpha_meets(Script::queue([fault.clone()]), fault, stream).await
}

/// Alpha meets it at every call.
async fn always(fault: &Fault, stream: bool) -> (GatewayApp, Story) {
    alpha_meets(Script::always(fault.clone()), fault, stream).await
}

/// Met once, it is made good by the same model.
async fn is_tried_again(fault: &Fault, stream: bool) {
    let (app, story) = once(fault, stream).await;
    story.is_answered_by(ALPHA, 2);
    assert_eq!(app.alpha().count(), 2, "{fault:?} {stream}");
    assert_eq!(story.told.map(|told| told.text).as_deref(), Some(ALPHAS_ANSWER));
}

/// Met at every call, it is made good by the next model after so many.
async fn is_given_up_after(calls: u64, fault: &Fault, stream: bool) {
    let (app, story) = always(fault, stream).await;
    story.is_answered_by(BETA, calls + 1);
    assert_eq!((app.alpha().count() as u64, app.beta().count()), (calls, 1), "{fault:?} {stream}");
}

/// Met everywhere, it becomes one error with this status.
async fn becomes(status: u16, calls: u64, fault: &Fault, stream: bool) {
    let make = GatewayMake::all(Script::always(fault.clone()));
    let app = GatewayApp::make(make.waiting_for(fault)).await;
    let story = app.ask(Wire::Chat, stream, json!({})).await;
    assert_eq!(story.answer.status, status, "{fault:?} {stream}: {}", story.answer.text);
    assert_eq!(story.attempts, calls, "{fault:?} {stream}: {}", story.record);
}

/// A provider that is unwell gets a second chance, then the next one is asked.
async fn is_the_providers(fault: &Fault, status: u16, stream: bool) {
    is_tried_again(fault, stream).await;
    is_given_up_after(2, fault, stream).await;
    becomes(status, 6, fault, stream).await;
}

#[tokio::test]
async fn a_server_error_is_tried_again_then_elsewhere() {
    for stream in FORMS {
        for status in [500, 503, 529] {
            is_the_providers(&Fault::ServerError(status), 503, stream).await;
        }
    }
}

#[tokio::test]
async fn a_rate_limit_leads_to_another_provider_at_once() {
    for stream in FORMS {
        for retry_after in [None, Some(0), Some(30)] {
            let fault = Fault::RateLimited { retry_after };
            is_given_up_after(1, &fault, stream).await;
            becomes(429, 3, &fault, stream).await;
        }
    }
}

#[tokio::test]
async fn a_refused_key_leads_to_another_provider_and_is_no_error_of_the_caller() {
    for stream in FORMS {
        for status in [401, 402, 403] {
            is_given_up_after(1, &Fault::Refused(status), stream).await;
            becomes(502, 3, &Fault::Refused(status), stream).await;
        }
    }
}

#[tokio::test]
async fn silence_is_a_failure_after_its_time_limit() {
    for stream in FORMS {
        is_given_up_after(1, &Fault::Hang, stream).await;
    }
}

#[tokio::test]
async fn silence_everywhere_is_a_504() {
    for stream in FORMS {
        becomes(504, 3, &Fault::Hang, stream).await;
    }
}

#[tokio::test]
async fn a_head_without_content_is_silence() {
    for stream in FORMS {
        is_given_up_after(1, &Fault::HangAfterHead, stream).await;
    }
}

#[tokio::test]
async fn a_reset_connection_is_tried_again_then_elsewhere() {
    for stream in FORMS {
        is_the_providers(&Fault::ResetBeforeHead, 503, stream).await;
    }
}

#[tokio::test]
async fn json_that_is_cut_is_tried_again_then_elsewhere() {
    for stream in FORMS {
        is_the_providers(&Fault::TruncatedJson, 503, stream).await;
    }
}

#[tokio::test]
async fn a_page_of_html_is_no_answer() {
    for stream in FORMS {
        is_the_providers(&Fault::WrongContentType, 503, stream).await;
    }
}

#[tokio::test]
async fn an_error_with_status_200_is_an_error() {
    for stream in FORMS {
        is_the_providers(&Fault::ErrorIn200, 503, stream).await;
    }
}

#[tokio::test]
async fn a_provider_that_is_gone_is_passed_over() {
    for stream in FORMS {
        let mut app = GatewayApp::all(Script::ok()).await;
        app.stop("alpha").await;
        app.ask(Wire::Chat, stream, json!({})).await.is_answered_by(BETA, 3);
        app.stop("beta").await;
        app.stop("gamma").await;
        let story = app.ask(Wire::Chat, stream, json!({})).await;
        assert_eq!((story.answer.status.as_u16(), story.attempts), (503, 6), "{}", story.answer.text);
    }
}

#[tokio::test]
async fn a_model_that_the_provider_lacks_is_sought_elsewhere() {
    for stream in FORMS {
        is_given_up_after(1, &Fault::Rejected(404, "The model does not exist"), stream).await;
        is_given_up_after(1, &Fault::Rejected(400, "This model's maximum context length is 5 tokens"), stream).await;
        is_given_up_after(1, &Fault::Rejected(400, "The response was filtered due to content_filter"), stream).await;
    }
}

#[tokio::test]
async fn a_parameter_that_the_model_lacks_is_never_tried_again_but_elsewhere() {
    for stream in FORMS {
        for message in ["`temperature` is not supported for this model", "`top_k` is deprecated for this model"] {
            is_given_up_after(1, &Fault::Rejected(400, message), stream).await;
            becomes(400, 3, &Fault::Rejected(400, message), stream).await;
        }
    }
}

#[tokio::test]
async fn a_wrong_request_is_the_callers_to_mend_and_asked_nobody_else() {
    for stream in FORMS {
        for status in [400, 413, 422] {
            let (app, story) = always(&Fault::Rejected(status, "messages[0]: strange"), stream).await;
            assert!(story.answer.status.is_client_error(), "{}", story.answer.text);
            assert_eq!(story.answer.error().0, "invalid_request_error");
            assert!(story.error().contains("messages[0]: strange"), "the provider's words help: {}", story.error());
            assert_eq!((story.model(), app.calls()), (ALPHA, 1));
        }
    }
}

#[tokio::test]
async fn slow_dripping_and_huge_answers_are_answers() {
    for stream in FORMS {
        for fault in [Fault::Slow(40), Fault::DripFeed] {
            let (_, story) = always(&fault, stream).await;
            story.is_answered_by(ALPHA, 1);
            assert_eq!(story.told.map(|told| told.text).as_deref(), Some(ALPHAS_ANSWER));
        }
        let (_, story) = always(&Fault::HugeAnswer(10 << 20), stream).await;
        story.is_answered_by(ALPHA, 1);
        assert_eq!(story.told.map(|told| told.text.len()), Some(10 << 20));
    }
}

#[tokio::test]
async fn an_answer_in_the_other_form_is_told_in_the_one_that_was_asked_for() {
    let app = GatewayApp::all(Script::always(Fault::OtherForm)).await;
    for wire in Wire::ALL {
        for stream in FORMS {
            for model in [ALPHA, GAMMA] {
                let story = app.ask(wire, stream, only(&[model])).await;
                story.is_answered_by(model, 1);
                let name = model.split('/').next().unwrap_or_default();
                let text = story.told.map(|told| told.text);
                assert_eq!(text, Some(ALPHAS_ANSWER.replace("alpha", name)), "{wire:?} {stream} {model}");
            }
        }
    }
}

#[tokio::test]
async fn a_whole_answer_that_breaks_off_is_tried_again() {
    for fault in [Fault::ResetMidStream, Fault::EndMidStream] {
        is_the_providers(&fault, 503, false).await;
    }
    is_given_up_after(1, &Fault::HangAfterFirst, false).await;
}

#[tokio::test]
async fn nothing_is_tried_again_after_the_first_content() {
    let late = [Fault::HangAfterFirst, Fault::ResetMidStream, Fault::EndMidStream, Fault::ErrorEventMidStream];
    for fault in late {
        let (app, story) = once(&fault, true).await;
        let told = story.told.as_ref().expect("it began");
        assert!(matches!(told.ending, Ending::Error(_)), "{fault:?}: {}", story.answer.text);
        assert!(!told.text.is_empty() && ALPHAS_ANSWER.starts_with(&told.text), "{fault:?}: {}", told.text);
        assert!(told.text.len() < ALPHAS_ANSWER.len(), "{fault:?}");
        let expected = if fault == Fault::HangAfterFirst { "timeout" } else { "upstream_error" };
        assert_eq!(story.outcome["status"], expected, "{fault:?}");
        assert_eq!((app.calls(), story.attempts, story.model()), (1, 1, ALPHA), "{fault:?}");
    }
}

#[tokio::test]
async fn a_stream_that_forgets_its_last_event_is_an_answer_or_an_error_and_never_both() {
    let (app, story) = always(&Fault::StreamWithoutDone, true).await;
    assert_eq!(app.calls(), 1, "all of its content was there");
    let told = story.told.expect("it began");
    assert_eq!(told.text, ALPHAS_ANSWER);
    assert_eq!(story.outcome["status"] == "ok", told.ending == Ending::Whole);
}

#[tokio::test]
async fn a_silent_call_is_hung_up() {
    for (fault, stream) in [(Fault::Hang, false), (Fault::HangAfterFirst, true)] {
        let (app, _) = once(&fault, stream).await;
        app.alpha().until("abandoned", |seen| seen[0].end == End::Abandoned).await;
    }
}
