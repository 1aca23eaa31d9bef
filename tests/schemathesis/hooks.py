"""What the document says in words only, done to requests that should be accepted.

A schema can't say "at least one message of the role user" or "exactly one of these three" so that a generator makes them often
enough: without help nearly every random request is refused at the door and nothing behind it is tested. Only right requests are
mended; wrong ones stay as wrong as they were made.
"""
import json, os, re
import schemathesis

QUESTION = "What is 2 + 2?"
SUBJECTS = ["decision_id", "completion_id", "request_id"]
SCORES = ["score", "thumbs", "verdict"]
# Of this run, newest last: feedback, explanations and changes of keys need something that exists.
decisions, keys = [], []
# The key with which all of this is sent must not be taken back.
OWN_KEY = os.environ["API_KEY_ID"]


@schemathesis.hook
def after_call(context, case, response):
    decision = response.headers.get("x-satisfice-decision-id")
    if decision:
        remember(decisions, decision[0] if isinstance(decision, list) else decision)
    if case.operation.path.startswith("/admin/keys") and case.operation.method.upper() == "POST" and response.status_code == 200:
        remember(keys, response.json()["id"])


def remember(ids, id):
    del ids[:-50]
    ids.append(id)


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
RIGHT = [(502, b"simulated failure"), (503, b"simulated failure"), (400, b'"no_eligible_model"'), (400, b'"model_not_suitable"')]


@schemathesis.hook
def filter_failure(context, failure, case, response):
    return not any(response.status_code == status and words in response.content for status, words in RIGHT)


@schemathesis.hook
def before_call(context, case, kwargs):
    path, body = case.operation.path, case.body
    be_patient(case)
    if path.startswith("/admin/keys/{id}"):
        choose_key(case)
    if case.meta is None or case.meta.generation.mode.is_negative:
        return
    if path == "/v1/decisions/{id}" and decisions:
        case.path_parameters = {"id": decisions[-1]}
    if isinstance(body, dict):
        body = json.loads(json.dumps(body))
        mend = MENDERS.get(path)
        if mend:
            mend(case, body)
        case.body = body


def choose_key(case):
    """One of this run, and never the one that the run depends on."""
    id = (case.path_parameters or {}).get("id")
    is_right = case.meta is not None and not case.meta.generation.mode.is_negative
    if id == OWN_KEY or (is_right and keys):
        case.path_parameters = {"id": keys[-1] if keys else "aaaaaaaaaaaa"}


def be_patient(case):
    """Who gives an answer a millisecond gets none, which is right and leads nowhere."""
    for name in case.headers or {}:
        if name.lower() == "x-satisfice-timeout-ms" and re.fullmatch("0*[1-9][0-9]*", str(case.headers[name])):
            case.headers[name] = "20000"


def mend_model(body, known):
    """A made-up model is a 404, which is right and leads nowhere; half of them are kept."""
    if len(str(body.get("model"))) % 2:
        body["model"] = known


def mend_chat(case, body):
    """Something to answer, said once."""
    if "messages" in body or "input" not in body:
        body.pop("input", None)
        body["messages"] = with_question(body.get("messages") or [], "text")
    elif isinstance(body["input"], list):
        body["input"] = with_question(body["input"], "text")
    else:
        body["input"] = body["input"] or QUESTION
    mend_model(body, "auto")


def mend_messages(case, body):
    body["messages"] = with_question(body.get("messages") or [], "text")
    mend_model(body, "auto")


def mend_responses(case, body):
    if isinstance(body.get("input"), list):
        body["input"] = with_question(body["input"], "input_text")
    else:
        body["input"] = body.get("input") or QUESTION
    mend_model(body, "auto")


def mend_embeddings(case, body):
    mend_model(body, os.environ["EMBEDDER"])


def mend_key(case, body):
    """A key is made for a time to come."""
    if body.get("expires_at"):
        body["expires_at"] = "2999-01-01T00:00:00Z"


def with_question(messages, kind):
    """The messages, of which a person's say something, and a question after them."""
    messages = [message for message in messages if isinstance(message, dict)]
    for message in messages:
        if message.get("role") == "user":
            message["content"] = spoken(message.get("content"), kind)
    return messages + [{"role": "user", "content": QUESTION}]


def spoken(content, kind):
    parts = content if isinstance(content, list) else []
    for part in parts:
        if isinstance(part, dict) and part.get("type") == kind and not (part.get("text") or "").strip():
            part["text"] = QUESTION
    return content if parts or (isinstance(content, str) and content.strip()) else QUESTION


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


MENDERS = {
    "/v1/route": mend_chat,
    "/v1/chat/completions": mend_chat,
    "/v1/messages": mend_messages,
    "/v1/messages/count_tokens": mend_messages,
    "/v1/responses": mend_responses,
    "/v1/embeddings": mend_embeddings,
    "/admin/keys": mend_key,
    "/v1/feedback": mend_feedback,
    "/v1/feedback/batch": mend_feedback,
}
