"""Credentials: sealed, masked, bound to their workspace, and handed to services only."""

import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

STACK = dict(sandbox=False)
SECRET = "sk_live_51HxVeryLongKeyOfMineWXYZ"


def add(client, value=SECRET, provider="zerobounce", **more):
    return client.ok("POST", f"{client.w}/credentials", {"provider": provider, "value": value} | more, status=201)


def service(stack, path, **headers):
    return stack.client().get(path, headers={"X-Service-Key": stack.service_key} | headers)


def test_only_the_last_four_characters_come_back(stack, user):
    made = add(user, name="Main")
    assert made["last4"] == "WXYZ" and made["masked"] == "••••WXYZ" and made["name"] == "Main"
    assert user.ok("GET", f"{user.w}/credentials") == [made]
    renamed = user.ok("PATCH", f"{user.w}/credentials/{made['id']}", {"name": "Other"})
    assert renamed["name"] == "Other" and renamed["last4"] == "WXYZ"
    replaced = user.ok("PATCH", f"{user.w}/credentials/{made['id']}", {"value": "another-long-key-ABCD"})
    assert replaced["last4"] == "ABCD"
    assert user.delete(f"{user.w}/credentials/{made['id']}").status == 200
    assert user.delete(f"{user.w}/credentials/{made['id']}").status == 404
    seen = [user.get(f"{user.w}/{path}").text for path in ("credentials", "audit", "audit?format=csv", "activity")]
    [(rows,)] = stack.sql("SELECT string_agg(c::text, '') || (SELECT string_agg(details::text, '') FROM audit_log) "
                          "FROM (SELECT 'x') c")
    for text in (*seen, rows, stack.backend.log.read_text()):
        assert SECRET not in text and "another-long-key-ABCD" not in text


@pytest.mark.parametrize(("value", "last4"), [("k", ""), ("seven77", ""), ("eight888", "88"), ("twelve-12-ab", "2-ab"),
                                              ("пароль-пароль-ключ", "ключ")])
def test_short_secrets_show_less(user, value, last4):
    assert add(user, value)["last4"] == last4


def test_the_database_holds_ciphertext(stack, user):
    one, two = add(user, name="one"), add(user, name="two")
    rows = dict(stack.sql("SELECT id::text, ciphertext FROM credentials WHERE workspace_id = %s", [user.workspace_id]))
    assert all(SECRET.encode() not in bytes(c) and bytes(c)[0] == 1 for c in rows.values())
    assert rows[one["id"]] != rows[two["id"]], "the same secret twice is two ciphertexts"


def test_services_get_the_secret(stack, user):
    made = add(user)
    reply = service(stack, f"/internal/credentials/{made['id']}")
    assert reply.data == {"id": made["id"], "workspaceId": user.workspace_id, "provider": "zerobounce",
                          "secret": {"apiKey": SECRET}}
    basic = user.ok("POST", f"{user.w}/credentials",
                    {"provider": "zerobounce", "name": "b", "username": "me", "password": "p4ssw0rd-long"})
    assert service(stack, f"/internal/credentials/{basic['id']}").data["secret"] == {
        "username": "me", "password": "p4ssw0rd-long"}
    assert "credential.read_by_service" in [e["action"] for e in user.ok("GET", f"{user.w}/audit")]


def test_nobody_else_gets_it(stack, user):
    path = f"/internal/credentials/{add(user)['id']}"
    assert user.get(path).status == 401
    for key in ("", "x", stack.service_key[:-1], stack.service_key + "0", user.token):
        assert stack.client().get(path, headers={"X-Service-Key": key}).status == 401
    assert service(stack, "/internal/credentials/00000000-0000-0000-0000-000000000000").status == 404


def test_a_forwarded_request_needs_https_and_a_trusted_proxy(stack, user):
    path = f"/internal/credentials/{add(user)['id']}"
    for headers in ({"X-Forwarded-For": "203.0.113.9"}, {"X-Forwarded-Proto": "https"},
                    {"Forwarded": "for=203.0.113.9;proto=https"}):
        assert service(stack, path, **headers).status == 403, headers
    behind = stack.add_backend(MILLRACE_TRUST_PROXY="yes")
    client = user.clone(behind.url)
    key = {"X-Service-Key": stack.service_key, "X-Forwarded-For": "203.0.113.9"}
    assert client.get(path, headers=key | {"X-Forwarded-Proto": "http"}).status == 403
    assert client.get(path, headers=key).status == 403
    assert client.get(path, headers=key | {"X-Forwarded-Proto": "https"}).status == 200


def test_a_sealed_value_opens_nowhere_else(stack, user):
    other = stack.user()
    mine, theirs = add(user), add(other, "their-own-secret-key")
    stack.sql("UPDATE credentials SET ciphertext = (SELECT ciphertext FROM credentials WHERE id = %s) WHERE id = %s",
              [mine["id"], theirs["id"]])
    reply = service(stack, f"/internal/credentials/{theirs['id']}")
    assert reply.status == 500 and SECRET not in reply.text


def test_a_deleted_workspace_hands_nothing_out(stack, user):
    made = add(user)
    assert user.delete(user.w).status == 200
    assert service(stack, f"/internal/credentials/{made['id']}").status == 404


def test_former_master_keys_still_open(stack, user):
    made = add(user)
    rotated = stack.add_backend(MILLRACE_MASTER_KEY=secrets.token_hex(32), MILLRACE_MASTER_KEY_PREVIOUS=stack.master_key)
    lost = stack.add_backend(MILLRACE_MASTER_KEY=secrets.token_hex(32))
    path, key = f"/internal/credentials/{made['id']}", {"X-Service-Key": stack.service_key}
    assert user.clone(rotated.url).get(path, headers=key).data["secret"] == {"apiKey": SECRET}
    assert user.clone(lost.url).get(path, headers=key).status == 500


def test_resealing_moves_every_credential_to_the_new_key(make_stack):
    stack = make_stack(sandbox=False)
    user = stack.user()
    made = [add(user, f"{SECRET}{n}", name=str(n)) for n in range(3)]
    keys = {"MILLRACE_MASTER_KEY": secrets.token_hex(32), "MILLRACE_MASTER_KEY_PREVIOUS": stack.master_key}
    assert json.loads(stack.cli("admin", "reseal", "--json", check=True, **keys).stdout)["data"] == {"resealed": 3}
    assert json.loads(stack.cli("admin", "reseal", "--json", check=True, **keys).stdout)["data"] == {"resealed": 0}
    alone = stack.add_backend(MILLRACE_MASTER_KEY=keys["MILLRACE_MASTER_KEY"])
    client = stack.client(alone)
    for n, credential in enumerate(made):
        reply = client.get(f"/internal/credentials/{credential['id']}", headers={"X-Service-Key": stack.service_key})
        assert reply.data["secret"] == {"apiKey": f"{SECRET}{n}"}


@pytest.mark.parametrize("body", [
    {},
    {"provider": "zerobounce"},
    {"provider": "zerobounce", "value": ""},
    {"provider": "zerobounce", "username": "x"},
    {"provider": "zerobounce", "password": "x"},
    {"provider": "zerobounce", "value": "x", "username": "y", "password": "z"},
    {"provider": "there-is-none", "value": "x"},
    {"provider": "zerobounce", "value": "x", "ciphertext": "y"},
    {"provider": "zerobounce", "value": "x" * 5000},
])
def test_bad_credentials_are_refused(user, body):
    reply = user.post(f"{user.w}/credentials", body)
    assert (reply.status, reply.code) == (400, "VALIDATION_ERROR")


def test_a_name_is_taken_once_for_a_provider(user):
    made = add(user, name="Main")
    reply = user.post(f"{user.w}/credentials", {"provider": "zerobounce", "name": "Main", "value": "x"})
    assert (reply.status, reply.code) == (409, "CONFLICT")
    add(user, provider="builtwith", name="Main")
    add(user, name="Second")
    assert user.patch(f"{user.w}/credentials/{made['id']}", {"name": "Second"}).status == 409


class Provider(BaseHTTPRequestHandler):
    """Knows one key."""

    def do_GET(self):
        good = self.headers.get("X-Key") == SECRET
        body = json.dumps({"industry": "Finance"} if good else {"error": "bad key"}).encode()
        self.send_response(200 if good else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def provider():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def definition(port):
    return {"slug": "own-industry", "name": "Own", "category": "company", "baseUrl": f"http://127.0.0.1:{port}",
            "inputs": [{"key": "domain", "required": True}], "outputs": ["industry"],
            "credits": {"hit": 1, "miss": 0}, "requiresCredential": True, "auth": {"type": "header", "name": "X-Key"},
            "request": {"method": "GET", "path": "/find", "query": {"domain": "{{domain}}"}},
            "response": {"hitStatus": [200],
                         "schema": {"type": "object", "required": ["industry"],
                                    "properties": {"industry": {"type": "string"}}},
                         "map": {"industry": "/industry"}, "confidence": {"constant": 0.9}}}


def test_a_credential_is_tried_out_on_its_provider(make_stack, provider):
    stack = make_stack(sandbox=False, env={"MILLRACE_EGRESS_ALLOW": f"127.0.0.1:{provider}"})
    user = stack.user()
    user.ok("POST", f"{user.w}/providers", definition(provider), status=201)
    good, bad = add(user, provider="own-industry", name="good"), add(user, "wrong", "own-industry", name="bad")
    tried = user.ok("POST", f"{user.w}/credentials/{good['id']}/test")
    assert tried["ok"] is True and tried["outcome"] == "hit"
    tried = user.ok("POST", f"{user.w}/credentials/{bad['id']}/test")
    assert tried["ok"] is False and tried["outcome"] == "auth_error" and "wrong" not in tried["message"]
    assert stack.user().post(f"{user.w}/credentials/{good['id']}/test").status == 404


def test_the_test_button_reaches_nothing_inside(stack, user, provider):
    user.ok("POST", f"{user.w}/providers", definition(provider), status=201)
    made = add(user, provider="own-industry")
    tried = user.ok("POST", f"{user.w}/credentials/{made['id']}/test")
    assert tried["ok"] is False and "loopback" in tried["message"]
