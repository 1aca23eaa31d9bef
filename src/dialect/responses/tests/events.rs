//! What streamed completions become.

use super::*;

/// Names of events without what they share.
fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().expect("a type").trim_start_matches("response.")).collect()
}

#[test]
fn a_text_is_told_from_creation_to_completion() {
    let mut end = chunk(json!({}));
    end["choices"][0]["finish_reason"] = json!("stop");
    let usage = json!({"id": "c", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}});
    let chunks = [
        chunk(json!({"role": "assistant", "content": ""})),
        chunk(json!({"content": "Hel"})),
        chunk(json!({"content": "lo"})),
        end,
        usage,
    ];
    let events = told(&chunks, &asking(json!({})));
    let expected = [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ];
    assert_eq!(names(&events), expected);
    let item = |status: &str, content: Value| json!({"id": "msg_c_0", "type": "message", "role": "assistant", "status": status, "content": content});
    let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []});
    let place = |mut event: Value| {
        event["output_index"] = json!(0);
        event["item_id"] = json!("msg_c_0");
        event["content_index"] = json!(0);
        event
    };
    let numbered = |number: usize, kind: &str, mut event: Value| {
        event["type"] = json!(format!("response.{kind}"));
        event["sequence_number"] = json!(number);
        event
    };
    let expected = [
        numbered(2, "output_item.added", json!({"output_index": 0, "item": item("in_progress", json!([]))})),
        numbered(3, "content_part.added", place(json!({"part": part("")}))),
        numbered(4, "output_text.delta", place(json!({"delta": "Hel", "logprobs": []}))),
        numbered(5, "output_text.delta", place(json!({"delta": "lo", "logprobs": []}))),
        numbered(6, "output_text.done", place(json!({"text": "Hello", "logprobs": []}))),
        numbered(7, "content_part.done", place(json!({"part": part("Hello")}))),
        numbered(8, "output_item.done", json!({"output_index": 0, "item": item("completed", json!([part("Hello")]))})),
    ];
    assert_eq!(events[2..9], expected);
    let (created, completed) = (&events[0]["response"], &events[9]["response"]);
    assert_eq!(
        (&created["status"], &created["output"], &created["usage"]),
        (&json!("in_progress"), &json!([]), &Value::Null)
    );
    assert_eq!(created["id"], "resp_c");
    assert_eq!((&completed["status"], &completed["usage"]["total_tokens"]), (&json!("completed"), &json!(3)));
    assert_eq!(completed["output"], json!([item("completed", json!([part("Hello")]))]));
}

#[test]
fn reasoning_ends_where_the_text_begins() {
    let chunks = [chunk(json!({"reasoning_content": "R"})), chunk(json!({"content": "A"}))];
    let told_as = |request: Value| {
        let events = told(&chunks, &asking(request));
        names(&events)[2..8].iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let whole = [
        "output_item.added",
        "content_part.added",
        "reasoning_text.delta",
        "reasoning_text.done",
        "content_part.done",
        "output_item.done",
    ];
    assert_eq!(told_as(json!({})), whole);
    let summary = [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
    ];
    assert_eq!(told_as(json!({"reasoning": {"summary": "auto"}})), summary);
}

#[test]
fn calls_told_at_once_are_kept_apart() {
    let begin = |index: u64, id: &str| {
        let function = json!({"name": "f", "arguments": ""});
        chunk(json!({"tool_calls": [{"index": index, "id": id, "type": "function", "function": function}]}))
    };
    let piece = |index: u64, arguments: &str| {
        chunk(json!({"tool_calls": [{"index": index, "function": {"arguments": arguments}}]}))
    };
    let events =
        told(&[begin(0, "a"), begin(1, "b"), piece(1, "{\"x\""), piece(0, "{}"), piece(1, ":1}")], &asking(json!({})));
    let expected = [
        "created",
        "in_progress",
        "output_item.added",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ];
    assert_eq!(names(&events), expected);
    let calls = &events[11]["response"]["output"];
    let told: Vec<_> = (0..2).map(|at| (calls[at]["call_id"].as_str(), calls[at]["arguments"].as_str())).collect();
    assert_eq!(told, [(Some("a"), Some("{}")), (Some("b"), Some("{\"x\":1}"))]);
    assert_eq!(
        events[5],
        json!({
            "type": "response.function_call_arguments.delta", "sequence_number": 5, "item_id": "fc_c_0",
            "output_index": 0, "delta": "{}",
        })
    );
}

#[test]
fn a_stream_that_was_cut_off_by_length_ends_incomplete() {
    let mut cut = chunk(json!({"content": "Once"}));
    cut["choices"][0]["finish_reason"] = json!("length");
    let events = told(&[cut], &asking(json!({})));
    let last = events.last().expect("an event");
    assert_eq!(
        (&last["type"], &last["response"]["incomplete_details"]["reason"]),
        (&json!("response.incomplete"), &json!("max_output_tokens"))
    );
    assert_eq!(last["response"]["output"][0]["status"], "incomplete");
}

#[test]
fn a_failure_within_the_stream_is_told_and_ends_it() {
    let mut writer = EventWriter::new(&asking(json!({})));
    let mut stream = writer.chunk(&chunk(json!({"content": "Once"}))).to_vec();
    stream.extend(writer.error("too many", "rate_limit_error"));
    assert!(writer.end().is_empty() && writer.chunk(&chunk(json!({"content": "late"}))).is_empty());
    let events = read(&stream);
    assert_eq!(names(&events)[5..], ["error", "failed"]);
    let error = json!({"type": "rate_limit_error", "code": "rate_limit_error", "message": "too many", "param": null});
    let expected = json!({
        "type": "error", "sequence_number": 5, "code": "rate_limit_error", "message": "too many", "param": null,
        "error": error,
    });
    assert_eq!(events[5], expected);
    let failed = &events[6]["response"];
    assert_eq!(
        (&failed["status"], &failed["error"]),
        (&json!("failed"), &json!({"code": "rate_limit_exceeded", "message": "too many"}))
    );
    assert_eq!(failed["output"][0]["content"][0]["text"], "Once");
}

#[test]
fn a_failure_before_the_stream_has_a_name_is_told_alone() {
    let mut writer = EventWriter::new(&asking(json!({})));
    let events = read(&writer.error("no key", "server_error"));
    assert_eq!(names(&events), ["error"]);
}

#[test]
fn a_chunk_without_name_and_choices_does_not_begin_the_response() {
    let mut writer = EventWriter::new(&asking(json!({})));
    assert!(writer.chunk(&json!({"id": "", "model": "", "choices": [], "prompt_filter_results": []})).is_empty());
    let events = read(&writer.chunk(&chunk(json!({"content": "A"}))));
    assert_eq!(events[0]["response"]["id"], "resp_c");
}

#[test]
fn only_the_first_choice_is_told() {
    let mut second = chunk(json!({"content": "B"}));
    second["choices"][0]["index"] = json!(1);
    let events = told(&[chunk(json!({"content": "A"})), second], &asking(json!({})));
    assert_eq!(events.last().expect("an event")["response"]["output"][0]["content"][0]["text"], "A");
}
