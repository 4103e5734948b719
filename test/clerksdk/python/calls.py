"""Every call of Clerk's SDK for Python: which ones worked, and how all others are refused."""

import collections.abc
import datetime
import enum
import inspect
import json
import os
import pathlib
import re
import types
import typing

import httpx
import pydantic
from clerk_backend_api import Clerk, models

ROOT = pathlib.Path(__file__).parents[3]
RESULTS = ROOT / "test/clerksdk/calls/python.txt"
MISSING = "none_2Zt1Wq"  # names no record


class Recorded:
    """The SDK. A call with a right answer is added to worked, by the name that a program writes."""

    def __init__(self, inner, worked, name=""):
        self._inner, self._worked, self._name = inner, worked, name

    def __getattr__(self, name):
        value, path = getattr(self._inner, name), f"{self._name}.{name}".lstrip(".")
        if not inspect.ismethod(value):
            return Recorded(value, self._worked, path)

        def call(*args, **kwargs):
            answer = value(*args, **kwargs)
            self._worked.add(path)
            return answer

        return call


def calls(sdk):
    """Returns all calls by name. Each asynchronous twin sends the request of its call."""
    inner = {name for name, _ in inspect.getmembers(Clerk, inspect.isfunction)}
    return {
        f"{resource}.{name}": call
        for resource in sdk._sub_sdk_map
        for name, call in inspect.getmembers(getattr(sdk, resource), inspect.ismethod)
        if not name.startswith("_") and not name.endswith("_async") and name not in inner
    }


def invent(kind):
    """Returns a value of a type. Texts are ids that do not exist."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType, typing.Annotated) or hasattr(origin, "__value__"):
        return invent(inner[0])
    if origin is typing.Literal:
        return inner[0]
    if origin is not None:
        return {} if inspect.isclass(origin) and issubclass(origin, collections.abc.Mapping) else []
    if inspect.isclass(kind) and issubclass(kind, enum.Enum):
        return next(iter(kind))
    if inspect.isclass(kind) and issubclass(kind, pydantic.BaseModel):
        hints = typing.get_type_hints(kind, include_extras=True)
        return kind(**{name: invent(hints[name]) for name, field in kind.model_fields.items() if field.is_required()})
    return {str: MISSING, int: 1, float: 1.0, bool: True, bytes: b"no image", datetime.datetime: datetime.datetime(2030, 1, 1)}.get(kind)


def refusal(call, requests):
    """Makes a call without a meaning here. Returns Clerk's error in a few words, or raises."""
    hints = typing.get_type_hints(call, include_extras=True)
    required = {name: p for name, p in inspect.signature(call).parameters.items() if p.default is p.empty}
    arguments = {name: invent(hints[name]) for name in required}
    request = inspect.signature(call).parameters.get("request")
    if request is not None and request.default is None:  # such a body is optional by its type alone
        arguments["request"] = invent(hints["request"])
    requests.clear()
    try:
        answer = call(**arguments)
    except models.ClerkBaseError as error:
        answer = error.raw_response
    if not isinstance(answer, httpx.Response):
        raise AssertionError(f"it succeeds, and no test checks its answer: {answer}")
    body = json.loads(answer.text)
    first = body["errors"][0]
    if not 400 <= answer.status_code < 500 or not first["code"] or not first["message"] or not body["clerk_trace_id"]:
        raise AssertionError(f"not Clerk's error: {answer.status_code} {answer.text}")
    if known := [request for request in requests if any(operation.fullmatch(request) for operation in operations())]:
        raise AssertionError(f"{known} is an operation, whose call no test makes")
    return f"{answer.status_code} {first['code']}"


def operations():
    """Returns patterns of the requests that have an operation.

    The deletion of a passkey is left out: its user needs an authenticator, which the tests of the API have.
    """
    rows = re.findall(r"^\|`[a-z-]+`\|`(\S+ \S+)`\|$", (ROOT / "docs/use/operations.md").read_text(), re.M)
    if len(rows) < 50:
        raise AssertionError("docs/use/operations.md has no table")
    return [re.compile(re.sub(r"\{[a-z_]+\}", "[^/]+", row)) for row in rows if "/passkeys/" not in row]


def compare(results):
    """Compares the results with the file of results. With UPDATE=1 it writes the file."""
    text = "".join(f"{name}\t{result}\n" for name, result in sorted(results.items()))
    if os.environ.get("UPDATE"):
        RESULTS.write_text(text)
    if RESULTS.read_text() != text:
        raise AssertionError(f"{RESULTS} differs; UPDATE=1 writes it")
