"""What schemathesis needs to know of Mutual: who calls, which ids exist, and what would wait or end.

Nothing here names a route that it does not have to: a new operation is found in /openapi.json and
called by whom its `security` names.
"""

import base64
import csv
import hmac
import io
import json
import os
import struct
import time

import requests
import schemathesis
from hypothesis import strategies as st

WORLD = json.loads(os.environ["FUZZ_WORLD"])
# person, admin, service; or wrong: a service where people are awaited and the other way round.
CALLER = os.environ["FUZZ_CALLER"]
USERS = WORLD["users_url"]
PASSWORD = "correct horse battery staple"
IDS = WORLD["ids"]
NAMES = WORLD["names"]
ID_PATTERN = WORLD["id_pattern"]
# Long enough to be a wait, short enough for thousands of them.
WAIT_MS_MAX = 5
IMPORTS_MAX = 19

# Ids that exist. Every schema of an id has one pattern; it gets a format, and that format a strategy.

def ids():
    return st.one_of(st.sampled_from(IDS), st.sampled_from(IDS), st.from_regex(ID_PATTERN, fullmatch=True))


schemathesis.openapi.format("mutual-id", ids())
schemathesis.openapi.format("mutual-ids", st.lists(ids(), min_size=1, max_size=5).map(",".join))


# Files of accounts. A description can say no more than that they are text; most text names nobody.

def rows(header):
    accounts = st.one_of(st.sampled_from(NAMES), st.sampled_from(NAMES), st.text(max_size=30))
    row = st.tuples(accounts, *[st.sampled_from(["true", "false", "", "maybe"])] * (len(header) - 1))
    return st.lists(row, max_size=8).map(lambda found: as_csv([header, *found]))


def as_csv(table):
    text = io.StringIO()
    csv.writer(text).writerows(table)
    return text.getvalue()


HEADERS = [
    ("Account address",),
    ("Account address", "Hide notifications"),
    ("Account address", "Show boosts", "Notify on new posts", "Languages"),
]
schemathesis.openapi.format("mutual-csv", st.one_of(*map(rows, HEADERS), st.text()))


def is_for_people(security):
    return any("user" in way for way in security)


def fits(path, operation):
    """Whether the caller of this run is whom the operation awaits."""
    security = operation.get("security") or [{}]
    admins = path.startswith("/v1/admin")
    open_to_all = any(not way for way in security)
    if CALLER == "wrong":
        return not open_to_all
    if CALLER == "service":
        return any("service" in way for way in security)
    if CALLER == "admin":
        return admins and is_for_people(security)
    return not admins and (open_to_all or is_for_people(security))


def walk(schema):
    if isinstance(schema, dict):
        if "schema" in schema.get("text/csv", {}):
            schema["text/csv"]["schema"]["format"] = "mutual-csv"
        stream = schema.get("application/x-ndjson")
        if stream and stream["schema"].get("type") != "array":
            # A description has the schema of a line, and no word for lines.
            stream["schema"] = {"type": "array", "items": stream["schema"], "minItems": 2}
        if schema.get("pattern") == ID_PATTERN:
            schema["format"] = "mutual-id"
        elif str(schema.get("pattern", "")).startswith(ID_PATTERN.rstrip("$") + "(,"):
            schema["format"] = "mutual-ids"
        for value in schema.values():
            walk(value)
    elif isinstance(schema, list):
        for value in schema:
            walk(value)


METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")


@schemathesis.hook
def before_load_schema(context, raw_schema):
    walk(raw_schema)
    for path, item in raw_schema["paths"].items():
        for method in METHODS:
            if method in item and not fits(path, item[method]):
                # Kept, so that the path still has the method, but not called.
                item[method]["tags"] = ["not-for-this-caller"]


# Who calls.

class People:
    """A person who is signed in. Some calls end the session or the account: then somebody new comes."""

    def __init__(self):
        self.made = 0
        self.login = WORLD["admin"] if CALLER == "admin" else None
        self.token = None
        self.unsure = True
        # Of a second factor that waits for its first code.
        self.secret = None
        self.imports = 0

    def current(self):
        if self.token is None or (self.unsure and not self.signed_in()):
            self.token = self.again() or self.newcomer()
        self.unsure = False
        return self.token

    def again(self):
        """The same person, as long as their password is the one that we know."""
        if self.login is None:
            return None
        answer = requests.post(f"{USERS}/v1/sessions", json=self.login, timeout=10)
        return answer.json()["session"]["access_token"] if answer.status_code == 201 else None

    def signed_in(self):
        return requests.get(f"{USERS}/v1/me", headers=bearer(self.token), timeout=10).status_code == 200

    def newcomer(self):
        self.made += 1
        name = f"fz{WORLD['run']}_{self.made}"
        assert CALLER != "admin", "the admin cannot sign in"
        body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        answer = requests.post(f"{USERS}/v1/users", json=body, timeout=10)
        assert answer.status_code == 201, answer.text
        self.login = {"login": body["email"], "password": PASSWORD}
        self.secret = None
        self.imports = 0
        return answer.json()["session"]["access_token"]


    def heard(self, answer):
        """What an answer to this person means for what comes."""
        if answer.status_code == 201 and "otpauth_url" in answer.json():
            self.secret = answer.json()["secret"]
        if answer.status_code == 202 and "/imports/" in answer.headers.get("location", [""])[0]:
            self.imports += 1
        if self.imports >= IMPORTS_MAX:
            # A person may bring 20 a day, which no limit of requests turns off.
            self.login = self.token = None
            self.imports = 0


PEOPLE = People()


def code_of(secret):
    """What the app shows, RFC 6238."""
    counter = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.digest(base64.b32decode(secret + "=" * (-len(secret) % 8)), counter, "sha1")
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at:at + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def awaited_token(security):
    if CALLER == "wrong":
        return PEOPLE.current() if not is_for_people(security) else WORLD["service_token"]
    if CALLER == "service":
        return WORLD["service_token"]
    return PEOPLE.current()


@schemathesis.auth(refresh_interval=None)
class Caller:
    def get(self, case, context):
        security = context.operation.definition.raw.get("security") or [{}]
        return awaited_token(security) if any(security) else None

    def set(self, case, data, context):
        if data is not None:
            case.headers = {**(case.headers or {}), **bearer(data)}


@schemathesis.hook
def after_call(context, case, response):
    if case.method.upper() != "GET":
        PEOPLE.unsure = True
        PEOPLE.heard(response)


# What would wait, and what cannot be made up.

def whole_number(value):
    return isinstance(value, int) and not isinstance(value, bool) or (isinstance(value, str) and value.isascii() and value.isdigit())


def at_most(container, name, limit, instead):
    """Replaces a number up to `limit`, the most that the service takes; what it refuses stays."""
    for key in list(container or {}):
        if key.lower() == name and whole_number(container[key]) and int(container[key]) <= limit:
            # As text or as a number, as it was: what is valid is judged by that.
            container[key] = type(container[key])(instead(int(container[key])))


def at_shard(query):
    """The pattern of `i/n` cannot say that i is less than n."""
    if isinstance((query or {}).get("shard"), str) and "/" in query["shard"]:
        part, parts = map(int, query["shard"].split("/"))
        query["shard"] = f"{part % (parts % 256 + 1)}/{parts % 256 + 1}"


def streams(operation):
    answers = operation.definition.raw["responses"].get("200", {}).get("content", {})
    return "text/event-stream" in answers


def as_json_writes(value):
    """JSON Schema takes 920.0 for an integer. What writes JSON writes 920."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: as_json_writes(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_json_writes(item) for item in value]
    return value


@schemathesis.hook
def map_case(context, case):
    at_most(case.query, "wait_ms", 2**32 - 1, lambda wait: wait % WAIT_MS_MAX)
    # A revision of the future is waited for and then answered with 503: right, but no finding.
    at_most(case.headers, "mutual-at-least", 2**63 - 1, lambda revision: revision % 2)
    if streams(case.operation):
        # From the beginning there is something to send; beyond the newest event a stream is silent.
        at_most(case.query, "after", 2**63 - 1, lambda after: 0)
        at_most(case.headers, "last-event-id", 2**63 - 1, lambda after: 0)
    if case.meta is not None and case.meta.generation.mode.is_positive:
        # A cursor is what a list gave: links bring it. One that is made up is refused, as it should be.
        (case.query or {}).pop("cursor", None)
        case.body = as_json_writes(case.body)
        at_shard(case.query)
        if "q" in (case.query or {}):
            # Which parameters exclude each other is said in words: by name and by age are two orders.
            case.query.pop("created_since", None)
            case.query.pop("created_before", None)
        if PEOPLE.secret and isinstance(case.body, dict) and list(case.body) == ["code"]:
            # Nobody guesses it.
            case.body["code"], PEOPLE.secret = code_of(PEOPLE.secret), None
    return case


def only_body_is_wrong(case):
    wrong = [location.value for location, part in case.meta.components.items() if part.mode.is_negative]
    return wrong == ["body"]


def is_none_or_text(case, response):
    """Bodies that the tool holds for wrong, and that are not what is sent."""
    body = case.operation.definition.raw.get("requestBody", {})
    # One that may be left out, left out.
    if not response.request.body:
        return not body.get("required", False)
    # As in text/plain, whatever is sent as CSV is text, and so what the schema asks for; the rest is no schema's.
    return "text/csv" in body.get("content", {}) and response.request.headers.get("Content-Type") == "text/csv"


@schemathesis.hook
def filter_failure(context, failure, case, response):
    data = case.meta.phase.data if case.meta else None
    scenario = getattr(getattr(data, "scenario", None), "value", None)
    location = getattr(getattr(data, "parameter_location", None), "value", None)
    if failure.code != "ST201":
        return True
    # A header that nobody knows is no violation: HTTP has servers ignore it.
    if (scenario, location) == ("object_unexpected_properties", "header"):
        return False
    return not (case.meta and only_body_is_wrong(case) and is_none_or_text(case, response))


@schemathesis.deserializer("application/x-ndjson")
def lines(context, response):
    return [json.loads(line) for line in response.content.splitlines()]


# A caller of the wrong kind gets nothing anywhere.

if CALLER == "wrong":

    @schemathesis.check
    def wrong_callers_get_nothing(ctx, response, case):
        assert response.status_code >= 400, f"{case.method} {case.path} answered {response.status_code} to a wrong caller"


# What the description says in words.

@schemathesis.check
def conventions(ctx, response, case):
    def header(name):
        return response.headers.get(name, [None])[0]

    assert header("x-request-id"), "no X-Request-Id"
    assert "relation" not in case.operation.schema.raw_schema["info"]["title"] or header("mutual-revision"), "no Mutual-Revision"
    if response.status_code < 400 or case.method.upper() == "HEAD":
        return
    assert header("content-type") == "application/problem+json", header("content-type")
    problem = response.json()
    assert problem["status"] == response.status_code, "status in the body differs"
    assert problem["request_id"] == header("x-request-id"), "request_id in the body differs"
    if response.status_code == 401:
        assert header("www-authenticate") == "Bearer", "no WWW-Authenticate"
    if response.status_code == 405:
        assert header("allow"), "no Allow"
    if response.status_code in (429, 503):
        assert int(header("retry-after")) >= 1, "no Retry-After"
