#!/usr/bin/env python3
"""The official OpenAI and Anthropic clients against a running service.

    BASE_URL=http://127.0.0.1:8080 API_KEY=... python3 tests/sdk/python/test_sdk.py [words of test names]

Nothing but the base URL is changed. The service has the simulated providers of tests/it/sdk.rs behind it, whose answers are known:
they quote the question, call the first tool offered (twice where the question says "both"), and report what tools said.
Exit code 0: all went well; 1: what did not is on standard error.
"""
import asyncio
import base64
import json
import os
import sys
import traceback

import anthropic
import openai
from pydantic import BaseModel

BASE_URL = os.environ["BASE_URL"].rstrip("/")
API_KEY = os.environ.get("API_KEY", "none")

# One behind each dialect of providers.
MODELS = ["alpha/cheap", "gamma/dear"]
EMBEDDER = "alpha/embedder"
# Always 429, always 500, and broken in the middle of a stream.
LIMITED, FAILING, TEARING = "limited/model", "failing/model", "tearing/model"

QUESTION = "What is 2 + 2?"
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
CALLED_WITH = {"city": "Zürich", "days": 7}


class Trip(BaseModel):
    city: str
    days: int


def openai_client(**options):
    return openai.OpenAI(base_url=f"{BASE_URL}/v1", **{"api_key": API_KEY, "max_retries": 0, "timeout": 30, **options})


def anthropic_client(**options):
    return anthropic.Anthropic(base_url=BASE_URL, **{"api_key": API_KEY, "max_retries": 0, "timeout": 30, **options})


OPENAI, ANTHROPIC = openai_client(), anthropic_client()


def right(model, question=QUESTION):
    return f"{model.split('/')[0]} answers « {question} » – naïvely, as ever ✓"


def raises(kind, call):
    try:
        call()
    except kind as error:
        assert type(error) is kind, f"{type(error)} is not {kind}"
        return error
    raise AssertionError(f"no {kind.__name__}")


# Chat completions


def ask(text):
    return [{"role": "user", "content": text}]


def test_chat_whole():
    for model in MODELS:
        raw = OPENAI.chat.completions.with_raw_response.create(model=model, messages=ask(QUESTION))
        answer = raw.parse()
        assert answer.object == "chat.completion" and answer.model == model, answer
        assert answer.choices[0].message.content == right(model), answer
        assert answer.choices[0].finish_reason == "stop", answer
        usage = answer.usage
        assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens > 0, usage
        assert usage.prompt_tokens_details.cached_tokens >= 0, usage
        assert raw.headers["x-satisfice-model"] == model and raw.headers["x-satisfice-decision-id"], raw.headers


def test_chat_auto_is_the_cheapest():
    answer = OPENAI.chat.completions.create(model="auto", messages=ask(QUESTION))
    assert answer.model == MODELS[0] and answer.choices[0].message.content == right(MODELS[0]), answer


def test_chat_own_fields_in_extra_body():
    body = {"route": {"models": [MODELS[1]], "session_id": "trip"}}
    answer = OPENAI.chat.completions.create(model="auto", messages=ask(QUESTION), extra_body=body)
    assert answer.model == MODELS[1], answer


def test_chat_system_and_history():
    messages = [
        {"role": "system", "content": "Be short."},
        {"role": "developer", "content": "Be kind."},
        *ask("Hello"),
        {"role": "assistant", "content": "Hello!"},
        *ask(QUESTION),
    ]
    for model in MODELS:
        answer = OPENAI.chat.completions.create(model=model, messages=messages, temperature=0.2, stop=["###"])
        assert answer.choices[0].message.content == right(model), answer


def test_chat_stream():
    for model in MODELS:
        stream = OPENAI.chat.completions.create(
            model=model, messages=ask(QUESTION), stream=True, stream_options={"include_usage": True}
        )
        chunks = list(stream)
        assert all(chunk.object == "chat.completion.chunk" and chunk.model == model for chunk in chunks), chunks
        assert len({chunk.id for chunk in chunks}) == 1, chunks
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert text == right(model), text
        assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop", chunks
        assert not chunks[-1].choices and chunks[-1].usage.completion_tokens > 0, chunks[-1]


def test_chat_stream_without_usage():
    for model in MODELS:
        chunks = list(OPENAI.chat.completions.create(model=model, messages=ask(QUESTION), stream=True))
        assert all(chunk.choices and chunk.usage is None for chunk in chunks), chunks


def test_chat_stream_helper():
    for model in MODELS:
        with OPENAI.chat.completions.stream(model=model, messages=ask(QUESTION)) as stream:
            text = "".join(event.delta for event in stream if event.type == "content.delta")
            final = stream.get_final_completion()
        assert text == final.choices[0].message.content == right(model), final


def test_chat_stream_async():
    async def heard(model):
        async with openai.AsyncOpenAI(base_url=f"{BASE_URL}/v1", api_key=API_KEY, max_retries=0) as client:
            stream = await client.chat.completions.create(model=model, messages=ask(QUESTION), stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    for model in MODELS:
        assert asyncio.run(heard(model)) == right(model)


CHAT_TOOL = {"type": "function", "function": {"name": "plan", "description": "Plans a trip.", "parameters": SCHEMA}}


def chat_tools_loop(model, question, calls, take):
    messages = ask(question)
    message = take(model=model, messages=messages, tools=[CHAT_TOOL])
    assert len(message.tool_calls) == calls, message
    assert len({call.id for call in message.tool_calls}) == calls, message
    messages.append(message.model_dump(exclude_none=True, exclude={"tool_calls": {"__all__": {"index", "parsed_arguments"}}}))
    for n, call in enumerate(message.tool_calls):
        assert call.function.name == "plan" and json.loads(call.function.arguments) == CALLED_WITH, call
        messages.append({"role": "tool", "tool_call_id": call.id, "content": f"plan {n}"})
    last = take(model=model, messages=messages, tools=[CHAT_TOOL])
    assert not last.tool_calls, last
    expected = " · ".join(f"plan {n}" for n in range(calls))
    assert last.content == f"{model.split('/')[0]} read the tools’ results: {expected}", last


def test_chat_tools_loop():
    def take(**request):
        choice = OPENAI.chat.completions.create(**request).choices[0]
        assert choice.finish_reason == ("tool_calls" if choice.message.tool_calls else "stop"), choice
        return choice.message

    for model in MODELS:
        chat_tools_loop(model, "Plan my trip.", 1, take)
        chat_tools_loop(model, "Plan both of my trips.", 2, take)


def test_chat_tools_loop_streamed():
    def take(**request):
        # In our own way: the helper accepts strict tools only.
        content, calls = "", {}
        for chunk in OPENAI.chat.completions.create(stream=True, **request):
            delta = chunk.choices[0].delta
            content += delta.content or ""
            for call in delta.tool_calls or []:
                known = calls.setdefault(call.index, {"type": "function", "function": {"name": "", "arguments": ""}})
                known["id"] = call.id or known["id"]
                known["function"]["name"] += call.function.name or ""
                known["function"]["arguments"] += call.function.arguments or ""
        message = {"role": "assistant", "content": content or None, "tool_calls": list(calls.values()) or None}
        return openai.types.chat.ChatCompletionMessage.model_validate(message)

    for model in MODELS:
        chat_tools_loop(model, "Plan my trip.", 1, take)
        chat_tools_loop(model, "Plan both of my trips.", 2, take)


def test_chat_tool_choice():
    for model in MODELS:
        request = {"model": model, "messages": ask("Plan both."), "tools": [CHAT_TOOL]}
        one = OPENAI.chat.completions.create(parallel_tool_calls=False, **request)
        assert len(one.choices[0].message.tool_calls) == 1, one
        none = OPENAI.chat.completions.create(tool_choice="none", **request)
        assert none.choices[0].message.content == right(model, "Plan both."), none
        named = {"type": "function", "function": {"name": "plan"}}
        forced = OPENAI.chat.completions.create(tool_choice=named, **request)
        assert forced.choices[0].message.tool_calls[0].function.name == "plan", forced


def test_chat_json_schema():
    for model in MODELS:
        answer = OPENAI.chat.completions.parse(model=model, messages=ask("Where to?"), response_format=Trip)
        assert answer.choices[0].message.parsed == Trip(**CALLED_WITH), answer


def test_chat_vision():
    for model in MODELS:
        for url in [f"data:image/png;base64,{PIXEL}", "https://example.com/cat.png"]:
            parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": url}}]
            answer = OPENAI.chat.completions.create(model=model, messages=[{"role": "user", "content": parts}])
            assert "sees 1 image(s)" in answer.choices[0].message.content, answer


def test_chat_token_limit():
    for model in MODELS:
        answer = OPENAI.chat.completions.create(model=model, messages=ask(QUESTION), max_completion_tokens=3)
        assert answer.choices[0].finish_reason == "length", answer


def test_chat_n():
    answer = OPENAI.chat.completions.create(model=MODELS[0], messages=ask(QUESTION), n=2)
    assert [choice.index for choice in answer.choices] == [0, 1], answer
    # Anthropic's dialect has no word for it: named, that model is refused; chosen freely, another one is.
    error = raises(
        openai.BadRequestError, lambda: OPENAI.chat.completions.create(model=MODELS[1], messages=ask(QUESTION), n=2)
    )
    assert error.param == "n", error.body
    stream = OPENAI.chat.completions.create(model=MODELS[0], messages=ask(QUESTION), n=2, stream=True)
    texts = {0: "", 1: ""}
    for chunk in stream:
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert set(texts.values()) == {right(MODELS[0])}, texts


# Responses


def test_responses_whole():
    for model in MODELS:
        answer = OPENAI.responses.create(model=model, input=QUESTION, instructions="Be short.")
        assert answer.object == "response" and answer.status == "completed" and answer.model == model, answer
        assert answer.output_text == right(model), answer
        assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens > 0, answer.usage


def test_responses_stream():
    for model in MODELS:
        events = list(OPENAI.responses.create(model=model, input=QUESTION, stream=True))
        assert events[0].type == "response.created" and events[-1].type == "response.completed", events
        assert [event.sequence_number for event in events] == list(range(len(events))), events
        text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        final = events[-1].response
        assert text == final.output_text == right(model) and final.model == model, final
        assert final.usage.output_tokens > 0, final.usage


def test_responses_stream_helper():
    for model in MODELS:
        with OPENAI.responses.stream(model=model, input=QUESTION) as stream:
            text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
            assert text == stream.get_final_response().output_text == right(model)


RESPONSES_TOOL = {"type": "function", "name": "plan", "parameters": SCHEMA, "strict": True}


def responses_tools_loop(model, question, calls, take):
    conversation = [{"role": "user", "content": question}]
    answer = take(model=model, input=conversation, tools=[RESPONSES_TOOL])
    called = [item for item in answer.output if item.type == "function_call"]
    assert len(called) == calls, answer
    conversation += [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in answer.output]
    for n, call in enumerate(called):
        assert call.name == "plan" and json.loads(call.arguments) == CALLED_WITH, call
        conversation.append({"type": "function_call_output", "call_id": call.call_id, "output": f"plan {n}"})
    last = take(model=model, input=conversation, tools=[RESPONSES_TOOL])
    expected = " · ".join(f"plan {n}" for n in range(calls))
    assert last.output_text == f"{model.split('/')[0]} read the tools’ results: {expected}", last


def test_responses_tools_loop():
    for model in MODELS:
        responses_tools_loop(model, "Plan my trip.", 1, OPENAI.responses.create)
        responses_tools_loop(model, "Plan both of my trips.", 2, OPENAI.responses.create)


def test_responses_tools_loop_streamed():
    def take(**request):
        with OPENAI.responses.stream(**request) as stream:
            return stream.get_final_response()

    for model in MODELS:
        responses_tools_loop(model, "Plan my trip.", 1, take)
        responses_tools_loop(model, "Plan both of my trips.", 2, take)


def test_responses_json_schema():
    for model in MODELS:
        answer = OPENAI.responses.parse(model=model, input="Where to?", text_format=Trip)
        assert answer.output_parsed == Trip(**CALLED_WITH), answer


def test_responses_vision():
    content = [
        {"type": "input_text", "text": "What is it?"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}", "detail": "auto"},
    ]
    for model in MODELS:
        answer = OPENAI.responses.create(model=model, input=[{"role": "user", "content": content}])
        assert "sees 1 image(s)" in answer.output_text, answer


def test_responses_nothing_is_stored():
    call = lambda: OPENAI.responses.create(model=MODELS[0], input=QUESTION, previous_response_id="resp_1")
    assert "previous_response_id" in str(raises(openai.BadRequestError, call))


# Messages


def say(model, text=QUESTION, **more):
    return {"model": model, "max_tokens": 1000, "messages": ask(text), **more}


def test_messages_whole():
    for model in MODELS:
        raw = ANTHROPIC.messages.with_raw_response.create(**say(model, system="Be short."))
        answer = raw.parse()
        assert answer.type == "message" and answer.role == "assistant" and answer.model == model, answer
        assert [block.text for block in answer.content] == [right(model)], answer
        assert answer.stop_reason == "end_turn" and answer.usage.input_tokens > 0 < answer.usage.output_tokens, answer
        assert raw.headers["x-satisfice-model"] == model, raw.headers


def test_messages_auto():
    assert ANTHROPIC.messages.create(**say("auto")).model == MODELS[0]
    body = {"route": {"models": [MODELS[1]]}}
    assert ANTHROPIC.messages.create(**say("auto"), extra_body=body).model == MODELS[1]


def test_messages_stream():
    for model in MODELS:
        events = list(ANTHROPIC.messages.create(**say(model), stream=True))
        assert events[0].type == "message_start" and events[0].message.model == model, events
        assert events[-1].type == "message_stop", events
        deltas = [event.delta.text for event in events if event.type == "content_block_delta"]
        assert "".join(deltas) == right(model), events
        ends = [event for event in events if event.type == "message_delta"]
        assert [end.delta.stop_reason for end in ends] == ["end_turn"] and ends[0].usage.output_tokens > 0, ends


def test_messages_stream_helper():
    for model in MODELS:
        with ANTHROPIC.messages.stream(**say(model)) as stream:
            text = "".join(stream.text_stream)
            final = stream.get_final_message()
        assert text == final.content[0].text == right(model) and final.stop_reason == "end_turn", final
        assert final.usage.output_tokens > 0, final.usage


def test_messages_stream_async():
    async def heard(model):
        async with anthropic.AsyncAnthropic(base_url=BASE_URL, api_key=API_KEY, max_retries=0) as client:
            async with client.messages.stream(**say(model)) as stream:
                return "".join([text async for text in stream.text_stream])

    for model in MODELS:
        assert asyncio.run(heard(model)) == right(model)


MESSAGES_TOOL = {"name": "plan", "description": "Plans a trip.", "input_schema": SCHEMA}


def messages_tools_loop(model, question, calls, take):
    request = say(model, question, tools=[MESSAGES_TOOL])
    answer = take(**request)
    assert answer.stop_reason == "tool_use", answer
    used = [block for block in answer.content if block.type == "tool_use"]
    assert len(used) == calls and len({block.id for block in used}) == calls, answer
    assert all(block.name == "plan" and block.input == CALLED_WITH for block in used), answer
    kept = [block.model_dump(include={"type", "id", "name", "input", "text"}, exclude_none=True) for block in answer.content]
    results = [{"type": "tool_result", "tool_use_id": b.id, "content": f"plan {n}"} for n, b in enumerate(used)]
    request["messages"] = [*request["messages"], {"role": "assistant", "content": kept}, {"role": "user", "content": results}]
    last = take(**request)
    expected = " · ".join(f"plan {n}" for n in range(calls))
    assert last.content[0].text == f"{model.split('/')[0]} read the tools’ results: {expected}", last
    assert last.stop_reason == "end_turn", last


def test_messages_tools_loop():
    for model in MODELS:
        messages_tools_loop(model, "Plan my trip.", 1, ANTHROPIC.messages.create)
        messages_tools_loop(model, "Plan both of my trips.", 2, ANTHROPIC.messages.create)


def test_messages_tools_loop_streamed():
    def take(**request):
        with ANTHROPIC.messages.stream(**request) as stream:
            return stream.get_final_message()

    for model in MODELS:
        messages_tools_loop(model, "Plan my trip.", 1, take)
        messages_tools_loop(model, "Plan both of my trips.", 2, take)


def test_messages_vision():
    sources = [{"type": "base64", "media_type": "image/png", "data": PIXEL}, {"type": "url", "url": "https://example.com/cat.png"}]
    for model in MODELS:
        for source in sources:
            content = [{"type": "image", "source": source}, {"type": "text", "text": "What is it?"}]
            request = {**say(model), "messages": [{"role": "user", "content": content}]}
            answer = ANTHROPIC.messages.create(**request)
            assert "sees 1 image(s)" in answer.content[0].text, answer


def test_messages_token_limit():
    for model in MODELS:
        answer = ANTHROPIC.messages.create(**{**say(model), "max_tokens": 3})
        assert answer.stop_reason == "max_tokens", answer


# Embeddings and models


def test_embeddings():
    # The client asks for base64 by itself and turns it into numbers.
    answer = OPENAI.embeddings.create(model=EMBEDDER, input=["a", "b"])
    assert answer.model == EMBEDDER and [item.index for item in answer.data] == [0, 1], answer
    assert len(answer.data[1].embedding) == 8 and answer.data[1].embedding[0] == 1.0, answer
    assert answer.usage.prompt_tokens > 0, answer
    plain = OPENAI.embeddings.create(model=EMBEDDER, input="a", dimensions=3, encoding_format="float")
    assert len(plain.data[0].embedding) == 3 and plain.data[0].embedding[0] == 0.5, plain
    packed = OPENAI.embeddings.create(model=EMBEDDER, input="a", dimensions=1, encoding_format="base64")
    assert len(base64.b64decode(packed.data[0].embedding)) == 4, packed


def test_models():
    listed = {model.id for model in OPENAI.models.list()}
    assert set(MODELS) <= listed, listed


# Errors


def chat_with(client, model, **more):
    return lambda: client.chat.completions.create(model=model, messages=ask(QUESTION), **more)


def messages_with(client, model, **more):
    return lambda: client.messages.create(**say(model), **more)


def responses_with(client, model, **more):
    return lambda: client.responses.create(model=model, input=QUESTION, **more)


def test_errors_are_typed():
    kinds = [
        ("no-such/model", "NotFoundError", 404),
        (LIMITED, "RateLimitError", 429),
        (FAILING, "InternalServerError", 502),
    ]
    for model, kind, status in kinds:
        for stream in [False, True]:
            for library, call in [
                (openai, chat_with(OPENAI, model, stream=stream)),
                (openai, responses_with(OPENAI, model, stream=stream)),
                (anthropic, messages_with(ANTHROPIC, model, stream=stream)),
            ]:
                error = raises(getattr(library, kind), call)
                assert error.status_code == status and error.message, error
                assert library is anthropic or error.request_id, "an id to report"


def test_a_wrong_key_is_an_authentication_error():
    wrong = "sat-000000000000-" + "0" * 48
    raises(openai.AuthenticationError, chat_with(openai_client(api_key=wrong), MODELS[0]))
    raises(openai.AuthenticationError, responses_with(openai_client(api_key=wrong), MODELS[0]))
    raises(anthropic.AuthenticationError, messages_with(anthropic_client(api_key=wrong), MODELS[0]))


def test_a_wrong_request_is_a_bad_request_error():
    error = raises(openai.BadRequestError, lambda: OPENAI.chat.completions.create(model=MODELS[0], messages="hello"))
    assert error.type == "invalid_request_error" and error.param == "messages", error.body
    error = raises(anthropic.BadRequestError, lambda: ANTHROPIC.messages.create(**{**say(MODELS[0]), "messages": "hello"}))
    assert error.body["type"] == "error" and error.body["error"]["type"] == "invalid_request_error", error.body


def test_a_broken_stream_is_an_error_after_its_beginning():
    heard = []

    def chat():
        for chunk in chat_with(OPENAI, TEARING, stream=True)():
            heard.append(chunk.choices[0].delta.content or "")

    raises(openai.APIError, chat)
    assert right(TEARING).startswith("".join(heard)) and "".join(heard), heard
    heard.clear()

    def messages():
        with ANTHROPIC.messages.stream(**say(TEARING)) as stream:
            for text in stream.text_stream:
                heard.append(text)

    try:
        messages()
    except anthropic.APIError:
        pass
    else:
        raise AssertionError("no error")
    assert right(TEARING).startswith("".join(heard)) and "".join(heard), heard
    heard.clear()
    events = []

    def responses():
        for event in responses_with(OPENAI, TEARING, stream=True)():
            events.append(event)

    try:
        responses()
        assert events[-1].type in ("error", "response.failed"), events[-1]
    except openai.APIError:
        pass
    assert any(event.type == "response.output_text.delta" for event in events), events


def main(words):
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_")]
    chosen = [(name, test) for name, test in tests if all(word in name for word in words)]
    failed = []
    for name, test in chosen:
        try:
            test()
        except Exception:
            failed.append(name)
            print(f"--- {name}\n{traceback.format_exc()}", file=sys.stderr)
    versions = f"openai {openai.__version__}, anthropic {anthropic.__version__}"
    print(f"{versions}: {len(chosen) - len(failed)} of {len(chosen)} passed", ", ".join(["", *failed]).lstrip(", "))
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
