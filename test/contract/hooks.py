"""What Schemathesis must know of this API: a session to sign in with, texts of our formats, and when
the refusal of a right request is a fault."""

import json
import os
import threading
import urllib.parse
import urllib.request

import schemathesis
from hypothesis import strategies as st
from schemathesis.core.failures import Failure
from schemathesis.core.parameters import ParameterLocation

BASE = os.environ["COUNTERSIGN_URL"]
KEY = os.environ["COUNTERSIGN_SECRET_KEY"]

# The codes that say that a request is malformed. A request that keeps the rules of the document gets
# none of them. It may get others: a code can be wrong, an identifier taken, a user unknown.
MALFORMED = {
    "form_param_missing", "form_param_nil", "form_param_type_invalid", "form_param_value_invalid", "form_param_format_invalid",
    "form_param_unknown", "form_param_duplicate", "form_param_max_length_exceeded", "form_param_array_size_exceeded",
    "request_body_invalid", "unsupported_content_type", "method_not_allowed",
}

# Parameters whose rules the document does not say. Most depend on another parameter, as a code does
# on the strategy. The days of a recovery are 0, or 3 to 30. A date is 0, or in milliseconds.
DEPENDENT = {
    "GET /v1/users": {"banned", "last_sign_in_at_after", "last_sign_in_at_before", "stranded", "starting_after"},
    "GET /v1/users/count": {"banned", "last_sign_in_at_after", "last_sign_in_at_before", "stranded"},
    "PATCH /v1/instance": {"mfa_required_from", "recovery_days"},
    "PATCH /v1/me/phone_numbers/{phone_number_id}": {"default_second_factor"},
    "POST /v1/client/sign_ins": {"identifier", "password", "strategy", "ticket"},
    "POST /v1/client/sign_ins/{sign_in_id}/attempt_first_factor": {"password", "code"},
    "POST /v1/client/sessions/{session_id}/verify/attempt_first_factor": {"password", "code", "ticket"},
    "PATCH /v1/users/{user_id}": {"mfa_required_from"},
    "POST /v1/users": {"mfa_required_from"},
    "POST /v1/webhook_endpoints/{endpoint_id}/replay": {"event_id", "since", "until"},
}

FORMAT_CODES = {"form_param_format_invalid", "form_param_value_invalid"}

ALPHABET = "abcdefghijklmnopqrstuvwxyz"
FORMATS = {
    "phone": st.integers(min_value=100, max_value=199).map(lambda n: f"+12015550{n}"),
    "origin": st.text(ALPHABET, min_size=1, max_size=20).map(lambda host: f"https://{host}.example.com"),
    "uri-or-empty": st.text(ALPHABET, max_size=20).map(lambda path: path and f"https://app.example.com/{path}"),
    "name": st.text(ALPHABET, min_size=1, max_size=64),
    "username": st.text(ALPHABET, min_size=8, max_size=64),
    "username-or-empty": st.one_of(st.just(""), st.text(ALPHABET, min_size=8, max_size=64)),
    "password": st.text(ALPHABET, min_size=8, max_size=64),
    "password-digest": st.just("$2a$04$zVHmKQtGGQob.b/Nc7l9NO8UlrYcW05FiuCj/SxsFO/ZtiN9.mNzy"),
    "json-object": st.dictionaries(st.text(ALPHABET, max_size=9), st.integers() | st.booleans() | st.text(ALPHABET), max_size=4).map(json.dumps),
    "search": st.text(ALPHABET, min_size=1, max_size=20),
    "user-id": st.text(ALPHABET, min_size=26, max_size=26).map(lambda text: "user_" + text),
    "base32": st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", min_size=32, max_size=32),
    "backup-code": st.text(ALPHABET, min_size=10, max_size=10),
    "id": st.text(ALPHABET, min_size=26, max_size=26).map(lambda text: "idn_" + text),
    "uri": st.text(ALPHABET, max_size=20).map(lambda path: f"https://app.example.com/{path}"),
}
for name, strategy in FORMATS.items():
    schemathesis.openapi.format(name, strategy)


class Session:
    """A signed-in browser. It is replaced when a request may have ended it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.current = None

    def get(self):
        with self.lock:
            if self.current is None:
                self.current = sign_in()
            return self.current

    def drop(self):
        with self.lock:
            self.current = None


def send(method, path, headers, body):
    request = urllib.request.Request(BASE + path, method=method, headers=headers, data=body)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer), answer.headers


def sign_in():
    backend = {"Authorization": "Bearer " + KEY, "Content-Type": "application/json"}
    user, _ = send("POST", "/v1/users", backend, b"{}")
    ticket, _ = send("POST", "/v1/sign_in_tokens", backend, json.dumps({"user_id": user["id"]}).encode())
    form = urllib.parse.urlencode({"strategy": "ticket", "ticket": ticket["token"]}).encode()
    made, headers = send("POST", "/v1/client/sign_ins", {"Content-Type": "application/x-www-form-urlencoded"}, form)
    cookie = headers["Set-Cookie"].split(";", 1)[0]
    return cookie, made["response"]["created_session_id"]


session = Session()
ENDS = ("/end", "/remove", "/revoke")


def is_frontend(case):
    return "frontend" in case.operation.tags


def is_right(case, location):
    part = case.meta.components.get(location) if case.meta else None
    return part is None or part.mode.is_positive


@schemathesis.hook
def before_call(context, case, kwargs):
    if not is_frontend(case):
        return
    cookie, session_id = session.get()
    case.headers = {**(case.headers or {}), "Cookie": cookie}
    if "_clerk_session_id" in (case.query or {}) and is_right(case, ParameterLocation.QUERY):
        case.query["_clerk_session_id"] = session_id
    if "session_id" in (case.path_parameters or {}) and is_right(case, ParameterLocation.PATH):
        case.path_parameters["session_id"] = session_id


@schemathesis.hook
def after_call(context, case, response):
    if is_frontend(case) and (case.method == "DELETE" or case.path.endswith(ENDS) or response.status_code == 401):
        session.drop()


def formats(case):
    """The parameters whose format says more than their other rules: the domain checks it."""
    return set(FORMATTED.get(case.operation.label, ()))


FORMATTED = {}


@schemathesis.hook
def before_init_operation(context, operation):
    raw = operation.definition.raw
    found = set()
    places = [(p["name"], p["schema"]) for p in raw.get("parameters", [])]
    for media in raw.get("requestBody", {}).get("content", {}).values():
        places += media["schema"]["properties"].items()
    for name, schema in places:
        if "format" in schema or "format" in schema.get("items", {}):
            found.add(name)
    FORMATTED[operation.label] = found


@schemathesis.check
def well_formed_is_not_malformed(context, response, case):
    if case.meta is None or not case.meta.generation.mode.is_positive or not 400 <= response.status_code < 500:
        return
    for error in response.json()["errors"]:
        name = error["meta"].get("param_name", "")
        if name in DEPENDENT.get(case.operation.label, ()):
            continue
        if error["code"] in MALFORMED and not (error["code"] in FORMAT_CODES and name.split(".")[0] in formats(case)):
            raise Failure(
                operation=case.operation.label,
                title="A request that keeps the rules of the document is malformed",
                message=f"{error['code']} {error['meta'].get('param_name', '')}: {error['long_message']}",
            )
