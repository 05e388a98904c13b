"""Fields and providers over the API: the vocabulary, the list, a workspace's own definitions, trying one out."""

import copy
import http.server
import json
import threading

import pytest

from lib.stack import ROOT, free_port

OWN_PORT = free_port()
STACK = dict(env={"MILLRACE_EGRESS_ALLOW": f"127.0.0.1:{OWN_PORT}"})

DEFINITION = {
    "slug": "acme", "name": "Acme Data", "category": "company", "baseUrl": f"http://127.0.0.1:{OWN_PORT}",
    "inputs": [{"key": "domain", "required": True}], "outputs": ["industry", "employee_count"],
    "credits": {"hit": 3, "miss": 1}, "requiresCredential": False, "auth": {"type": "none"},
    "request": {"method": "GET", "path": "/v1/companies/{{domain}}"},
    "response": {"schema": {"type": "object", "required": ["sector"],
                            "properties": {"sector": {"type": "string"}, "staff": {"type": ["integer", "string"]}}},
                 "map": {"industry": "/sector", "employee_count": "/staff"}, "confidence": {"constant": 0.8}},
}


@pytest.fixture
def acme():
    """A provider of somebody's own, on the port that the stack lets through."""
    class Handler(http.server.BaseHTTPRequestHandler):
        answers = {"/v1/companies/sap.com": (200, b'{"sector":"Software","staff":"107,600"}')}

        def do_GET(self):
            status, body = self.answers.get(self.path, (404, b"{}"))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", OWN_PORT), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Handler.answers
    server.shutdown()
    server.server_close()


def definition(**changes):
    return copy.deepcopy(DEFINITION) | changes


def test_fields_are_the_vocabulary(user):
    fields = {field["key"]: field for field in user.ok("GET", "/fields")}
    assert {"company_name", "domain", "website", "full_name", "first_name", "last_name", "email", "phone", "title",
            "linkedin_url", "country", "city", "address", "industry", "employee_count", "founded_year", "revenue",
            "description", "technologies", "email_status"} <= set(fields)
    assert fields["company_name"]["name"] == "Company name"
    assert fields["employee_count"]["type"] == "number" and "firma" in fields["company_name"]["aliases"]


def test_shipped_providers_are_listed(user):
    providers = {provider["slug"]: provider for provider in user.ok("GET", "/providers")}
    shipped = {path.stem for path in (ROOT / "packages/backend/providers").glob("*.json")} - {"provider.schema"}
    assert shipped < set(providers)
    hunter = providers["hunter-company"]
    assert hunter["source"] == "sandbox" and hunter["available"] and hunter["credits"] == {"hit": 1, "miss": 0}
    assert hunter["inputs"] == [{"key": "domain", "required": True}] and "industry" in hunter["outputs"]
    builtin = providers["domain-from-url"]
    assert builtin["source"] == "builtin" and builtin["credits"] == {"hit": 0, "miss": 0}
    assert ["domain"] in providers["pdl-company"]["requireOneOf"]
    assert user.ok("GET", "/providers/zerobounce") == providers["zerobounce"]
    assert user.get("/providers/nobody").status == 404


def test_nobody_is_asked_to_sign_in_first_in_vain(client):
    assert client.get("/providers").status == 401
    assert client.get("/fields").status == 401


def test_without_sandbox_a_credential_is_needed(make_stack):
    user = make_stack(sandbox=False).user()
    provider = user.ok("GET", "/providers/hunter-company")
    assert provider["source"] == "remote" and not provider["available"]
    reply = user.post(f"{user.w}/providers/hunter-company/test", {"inputs": {"domain": "sap.com"}})
    assert reply.status == 400 and "credential" in reply.text


def test_own_definitions_live_in_their_workspace(user, stack):
    made = user.ok("POST", f"{user.w}/providers", definition(), status=201)
    assert made["slug"] == "acme" and made["source"] == "workspace" and made["available"]
    assert made["definition"] == DEFINITION
    own = user.ok("GET", f"{user.w}/providers?own=true")
    assert [provider["slug"] for provider in own] == ["acme"]
    assert len(user.ok("GET", f"{user.w}/providers")) > 16
    assert user.post(f"{user.w}/providers", definition()).status == 409
    assert user.post(f"{user.w}/providers", definition(slug="hunter-company")).status == 409

    other = stack.user()
    assert other.ok("GET", f"{other.w}/providers?own=true") == []
    assert other.patch(f"{other.w}/providers/acme", {"name": "Mine"}).status == 404
    assert other.get(f"{user.w}/providers").status == 404

    changed = user.ok("PATCH", f"{user.w}/providers/acme", {"name": "Acme 2", "credits": {"hit": 5, "miss": 0}})
    assert changed["name"] == "Acme 2" and changed["credits"] == {"hit": 5, "miss": 0}
    assert user.patch(f"{user.w}/providers/acme", {"slug": "other"}).status == 400
    assert user.delete(f"{user.w}/providers/acme").status == 200
    assert user.delete(f"{user.w}/providers/acme").status == 404


@pytest.mark.parametrize("changes, path", [
    ({"slug": "No Slug"}, "/slug"),
    ({"outputs": ["industry", "shoe_size"]}, "/outputs"),
    ({"request": {"method": "GET", "path": "/v1/{{city}}"}}, "/request/path"),
    ({"baseUrl": "ftp://x"}, "/baseUrl"),
    ({"credits": {"hit": -1, "miss": 0}}, "/credits/hit"),
    ({"surprise": 1}, "/surprise"),
])
def test_faults_of_a_definition_are_named(user, changes, path):
    reply = user.post(f"{user.w}/providers", definition(**changes))
    assert reply.status == 400
    assert any(detail["path"].endswith(path) for detail in reply.error["details"]), reply.text


def test_every_fault_at_once(user):
    reply = user.post(f"{user.w}/providers", {"slug": "x"})
    assert reply.status == 400 and len(reply.error["details"]) >= 8


def test_only_admins_change_providers(user, stack):
    stack.sql("UPDATE workspace_members SET role = 'member' WHERE workspace_id = %s", (user.workspace_id,))
    assert user.post(f"{user.w}/providers", definition()).status == 403
    assert user.get(f"{user.w}/providers").status == 200


def test_a_shipped_provider_is_tried_in_the_sandbox(user, stack):
    stack.sandbox_send("PUT", "/_sandbox/knobs", {"default": {"missRate": 0, "gapRate": 0, "latency": "fixed:0"}})
    trial = user.ok("POST", f"{user.w}/providers/hunter-company/test", {"inputs": {"website": "https://www.sap.com/"}})
    assert (trial["source"], trial["outcome"], trial["status"]) == ("sandbox", "hit", 200)
    assert trial["outputs"]["employee_count"] == 107600 and trial["outputs"]["country"] == "Germany"
    assert trial["confidence"] == 0.85
    reply = user.post(f"{user.w}/providers/hunter-company/test", {"inputs": {"domain": "nonsense"}})
    assert reply.status == 400 and reply.error["details"][0]["path"].endswith("/inputs/domain")
    for knob, outcome in (("rate429", "rate_limited"), ("rate5xx", "retryable_error"), ("malformedRate", "invalid"),
                          ("schemaRate", "invalid")):
        stack.sandbox_send("PUT", "/_sandbox/knobs", {"default": {knob: 1}})
        trial = user.ok("POST", f"{user.w}/providers/hunter-company/test", {"inputs": {"domain": "sap.com"}})
        assert trial["outcome"] == outcome and trial["outputs"] == {} and trial["detail"], knob
        stack.sandbox_send("PUT", "/_sandbox/knobs", {"default": {knob: 0}})


def test_a_built_in_is_tried(user):
    trial = user.ok("POST", f"{user.w}/providers/name-split/test", {"inputs": {"full_name": "Dr. Ada King Lovelace"}})
    assert trial["source"] == "builtin" and trial["outputs"] == {"first_name": "Ada King", "last_name": "Lovelace"}
    trial = user.ok("POST", f"{user.w}/providers/phone-normalise/test",
                    {"inputs": {"phone": "020 7946 0018", "country": "United Kingdom"}})
    assert trial["outputs"] == {"phone": "+442079460018"}


def test_an_own_provider_is_tried(user, acme):
    user.ok("POST", f"{user.w}/providers", definition(), status=201)
    url = f"{user.w}/providers/acme/test"
    trial = user.ok("POST", url, {"inputs": {"domain": "sap.com"}})
    assert (trial["source"], trial["outcome"]) == ("workspace", "hit")
    assert trial["outputs"] == {"industry": "Software", "employee_count": 107600}
    assert user.ok("POST", url, {"inputs": {"domain": "nobody.example"}})["outcome"] == "miss"
    acme["/v1/companies/sap.com"] = (200, json.dumps({"sector": 7}).encode())
    trial = user.ok("POST", url, {"inputs": {"domain": "sap.com"}})
    assert trial["outcome"] == "invalid" and "/sector" in trial["detail"]


def test_own_providers_cannot_reach_inside(user):
    """The guard of outbound calls holds for definitions, too."""
    for number, host in enumerate(("http://127.0.0.1:1", "http://169.254.169.254", "http://[::1]:80", "http://10.0.0.1")):
        user.ok("POST", f"{user.w}/providers", definition(slug=f"inside-{number}", baseUrl=host), status=201)
        trial = user.ok("POST", f"{user.w}/providers/inside-{number}/test", {"inputs": {"domain": "sap.com"}})
        assert trial["outcome"] == "permanent_error" and trial["status"] is None, host
