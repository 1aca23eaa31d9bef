"""What the document says in words only, done to requests that should be accepted.

A schema can't say "at least one message of the role user" or "exactly one of these three" so that a generator makes them often
enough: without help nearly every random request is refused at the door and nothing behind it is tested. Only positive requests are
mended; negative ones stay as wrong as they were made.
"""
import json, re
import schemathesis

QUESTION = "What is 2 + 2?"
SUBJECTS = ["decision_id", "completion_id", "request_id"]
SCORES = ["score", "thumbs", "verdict"]
# Decisions of this run, newest last: feedback and explanations need one that exists.
decisions = []


@schemathesis.hook
def after_call(context, case, response):
    decision = response.headers.get("x-satisfice-decision-id")
    if decision:
        del decisions[:-50]
        decisions.append(decision[0] if isinstance(decision, list) else decision)


# What Schemathesis takes a stream's schema to describe.
EVENT = {"type": "object", "required": ["data"], "properties": {"event": {"type": "string"}, "data": {"type": "string"}}}


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """The document says of a stream that it is text, as OpenAPI 3.1 can; here each event is looked at."""
    for operation in (o for path in raw_schema.get("paths", {}).values() for o in path.values() if isinstance(o, dict)):
        for answer in operation.get("responses", {}).values():
            if "text/event-stream" in answer.get("content", {}):
                answer["content"]["text/event-stream"] = {"schema": EVENT}


# Answers that are right although the request is well made: a simulated model fails now and then; wishes and demands may leave none.
RIGHT = [(502, b"simulated failure"), (400, b'"no_eligible_model"'), (400, b'"model_not_suitable"')]


@schemathesis.hook
def filter_failure(context, failure, case, response):
    return not any(response.status_code == status and words in response.content for status, words in RIGHT)


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or case.meta.generation.mode.is_negative:
        return
    path, body = case.operation.path, case.body
    if path == "/v1/decisions/{id}" and decisions:
        case.path_parameters = {"id": decisions[-1]}
    if isinstance(body, dict):
        body = json.loads(json.dumps(body))
        if path.startswith("/v1/feedback"):
            mend_feedback(case, body)
        elif path != "/v1/embeddings":
            mend_conversation(body)
        case.body = body


def mend_conversation(body):
    """Something to answer, said once."""
    if "messages" in body or "input" not in body:
        body.pop("input", None)
        body["messages"] = with_question(body.get("messages") or [])
    elif isinstance(body["input"], list):
        body["input"] = with_question(body["input"])
    else:
        body["input"] = body["input"] or QUESTION
    # A made-up model is a 404, which is right and leads nowhere; half of them are kept.
    if len(str(body.get("model"))) % 2:
        body["model"] = "auto"
    whole_numbers(body)


def with_question(messages):
    messages = [message for message in messages if isinstance(message, dict)]
    for message in messages:
        content = message.get("content")
        parts = content if isinstance(content, list) else []
        for part in parts:
            if isinstance(part, dict) and part.get("type") == "text" and not part.get("text"):
                part["text"] = QUESTION
        if message.get("role") == "user" and not any(isinstance(p, dict) and p.get("type") == "text" for p in parts):
            message["content"] = content if content and isinstance(content, str) else QUESTION
    return messages + [{"role": "user", "content": QUESTION}]


def whole_numbers(body):
    """JSON Schema takes 1.0 for an integer; a strict reader need not."""
    for field, value in body.items():
        if isinstance(value, float) and value.is_integer() and field.startswith("max_"):
            body[field] = int(value)


def mend_feedback(case, body):
    # The header and the field must not differ, and the header is visible ASCII.
    header = next((name for name in case.headers or {} if name.lower() == "idempotency-key"), None)
    if header and (not re.fullmatch(r"[!-~]{1,255}", str(case.headers[header])) or body.get("idempotency_key")):
        case.headers = {name: value for name, value in case.headers.items() if name != header}
    for item in body["feedback"] if isinstance(body.get("feedback"), list) else [body]:
        if isinstance(item, dict):
            mend_item(item)


def mend_item(item):
    """Exactly one subject, of this run if there is any, and exactly one score."""
    for field in SUBJECTS:
        item.pop(field, None)
    item["decision_id"] = decisions[-1] if decisions else "0199f3c2-6c1e-7a51-9a55-1f5a3a1c9a2e"
    kept = next((field for field in SCORES if item.get(field) is not None), None)
    for field in SCORES:
        if field != kept:
            item.pop(field, None)
    if kept is None:
        item["score"] = 0.5
