"""The HTTP contract that every route shares: envelope, request ids, headers, limits, idempotency, validation."""

import concurrent.futures
import http.client
import json
import socket
import uuid
from urllib.parse import urlsplit

import pytest

STACK = dict(env={"MILLRACE_CORS_ORIGINS": "https://app.example"})


def check_envelope(reply, success):
    body = reply.body
    assert set(body) == {"success", "data", "error", "meta"}, body
    assert body["success"] is success
    assert (body["error"] is None) is success
    if not success:
        assert body["data"] is None
        assert {"code", "message"} <= set(body["error"])


@pytest.fixture
def anyone(stack):
    return stack.client()


def test_unknown_paths_answer_in_the_envelope(anyone):
    for path in ("/nope", "/workspaces/not-a-uuid/tables", "/tables", "/%00", "/workspaces//x"):
        reply = anyone.get(path)
        assert reply.status == 404, path
        check_envelope(reply, False)
        assert reply.code == "NOT_FOUND"


def test_a_known_path_names_its_methods(anyone):
    reply = anyone.delete("/health")
    assert reply.status == 404
    assert reply.headers["Allow"] == "GET"


def test_a_well_formed_request_id_is_kept_and_another_is_replaced(anyone):
    assert anyone.get("/health", headers={"X-Request-Id": "abc-123.XYZ_9"}).headers["X-Request-Id"] == "abc-123.XYZ_9"
    for bad in ("short", "x" * 101, "has space in it", 'quote"quote"quote'):
        got = anyone.get("/health", headers={"X-Request-Id": bad}).headers["X-Request-Id"]
        assert got != bad and len(got) >= 16


def test_security_headers_are_on_every_answer(anyone):
    for path in ("/health", "/nope"):
        headers = anyone.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "'unsafe-eval'" not in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store"


def test_only_listed_origins_may_call_from_a_browser(anyone):
    ours = anyone.get("/health", headers={"Origin": "https://app.example"})
    other = anyone.get("/health", headers={"Origin": "https://evil.example"})
    assert ours.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "Access-Control-Allow-Origin" not in other.headers
    preflight = anyone.request("OPTIONS", "/auth/login", headers={"Origin": "https://app.example"})
    assert preflight.status == 204
    assert "Idempotency-Key" in preflight.headers["Access-Control-Allow-Headers"]


def test_every_fault_of_a_body_is_listed(anyone):
    reply = anyone.post("/auth/register", json={"email": "nope", "surprise": 1, "password": 5})
    assert reply.status == 400 and reply.code == "VALIDATION_ERROR"
    paths = {fault["path"] for fault in reply.body["error"]["details"]}
    assert {"/email", "/surprise", "/password", "/name"} <= paths
    assert all({"path", "rule", "message"} <= set(fault) for fault in reply.body["error"]["details"])


def test_bodies_that_are_not_json_are_refused(anyone, stack):
    reply = anyone.request("POST", "/auth/login", content=b"{nope", headers={"Content-Type": "application/json"})
    assert reply.status == 400 and reply.code == "VALIDATION_ERROR"
    reply = anyone.request("POST", "/auth/login", content=b"a=b", headers={"Content-Type": "text/plain"})
    assert reply.status == 415 and reply.code == "UNSUPPORTED_MEDIA_TYPE"
    deep = b"[" * 100_000
    reply = anyone.request("POST", "/auth/login", content=deep, headers={"Content-Type": "application/json"})
    assert reply.status == 400


def test_unknown_query_parameters_are_refused_by_name(anyone):
    reply = anyone.get("/metrics", params={"fromat": "prometheus"})
    assert reply.status == 400
    assert reply.body["error"]["details"][0]["path"] == "/query/fromat"


def test_a_body_over_the_limit_is_413(stack):
    at = urlsplit(stack.url)
    connection = http.client.HTTPConnection(at.hostname, at.port, timeout=30)
    connection.putrequest("POST", "/api/v1/auth/login")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(64 << 20))
    connection.endheaders()
    reply = connection.getresponse()
    assert reply.status == 413
    assert json.loads(reply.read())["error"]["code"] == "PAYLOAD_TOO_LARGE"


def test_a_slow_request_does_not_hold_up_others(stack, anyone):
    at = urlsplit(stack.url)
    slow = [socket.create_connection((at.hostname, at.port)) for _ in range(50)]
    for s in slow:
        s.sendall(b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    assert anyone.get("/health").status == 200
    for s in slow:
        s.close()


def test_private_routes_need_a_token_that_is_ours(anyone, user):
    other = stack_client_with(anyone, "x.y.z")
    for client in (anyone, other):
        reply = client.get("/auth/me")
        assert reply.status == 401 and reply.code == "AUTHENTICATION_ERROR"
        check_envelope(reply, False)
    assert user.get("/auth/me").status == 200


def stack_client_with(client, token):
    clone = client.clone()
    clone.token = token
    return clone


def test_another_workspace_is_not_found(stack, user):
    stranger = stack.user()
    reply = stranger.get(f"{user.w}/tables")
    assert reply.status == 404 and reply.code == "NOT_FOUND"
    assert stranger.get(f"/workspaces/{uuid.uuid4()}/tables").status == 404


def test_the_same_idempotency_key_gives_the_stored_answer(user):
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first = user.post("/workspaces", json={"name": "Once"}, headers=key)
    again = user.post("/workspaces", json={"name": "Once"}, headers=key)
    assert first.status == again.status == 201
    assert first.body["data"]["id"] == again.body["data"]["id"]
    assert again.headers["Idempotency-Replayed"] == "true"
    other = user.post("/workspaces", json={"name": "Twice"}, headers=key)
    assert other.status == 409 and other.code == "CONFLICT"
    names = [w["name"] for w in user.ok("GET", "/workspaces")]
    assert names.count("Once") == 1 and "Twice" not in names


def test_an_idempotency_key_belongs_to_its_caller(stack, user):
    key = {"Idempotency-Key": uuid.uuid4().hex}
    other = stack.user()
    mine = user.post("/workspaces", json={"name": "Mine"}, headers=key)
    theirs = other.post("/workspaces", json={"name": "Mine"}, headers=key)
    assert mine.body["data"]["id"] != theirs.body["data"]["id"]


def test_one_of_many_requests_with_one_key_takes_effect(user):
    key = {"Idempotency-Key": uuid.uuid4().hex}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: user.clone().post("/workspaces", json={"name": "Race"}, headers=key), range(8)))
    assert {r.status for r in replies} <= {201, 409}
    assert len({r.body["data"]["id"] for r in replies if r.status == 201}) == 1
    assert [w["name"] for w in user.ok("GET", "/workspaces")].count("Race") == 1


def test_the_openapi_document_lists_what_the_server_answers(anyone):
    document = anyone.get("/openapi.json").body
    assert document["openapi"].startswith("3.1")
    assert "/api/v1/auth/login" in document["paths"]
    ids = [op["operationId"] for item in document["paths"].values() for op in item.values()]
    assert len(ids) == len(set(ids))
    for path, item in document["paths"].items():
        for method, operation in item.items():
            names = {p["name"] for p in operation["parameters"] if p.get("in") == "path"}
            assert names == {part[1:-1] for part in path.split("/") if part.startswith("{")}, path
            assert operation["summary"], (method, path)


def test_metrics_come_as_json_and_as_prometheus_text(anyone):
    assert anyone.ok("GET", "/metrics")["requests"]["total"] > 0
    text = anyone.get("/metrics", headers={"Accept": "text/plain"}).text
    assert "millrace_http_requests_total{status=\"2xx\"}" in text


def test_every_private_route_refuses_callers_without_a_token(anyone):
    """Made from the route table: no route may be forgotten."""
    document = anyone.get("/openapi.json").body
    checked = 0
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if operation["x-least-role"] == "public":
                continue
            url = path.removeprefix("/api/v1")
            for parameter in operation["parameters"]:
                if parameter.get("in") == "path":
                    url = url.replace("{" + parameter["name"] + "}", str(uuid.uuid4()))
            reply = anyone.request(method.upper(), url)
            assert reply.status == 401, (method, path, reply.status)
            checked += 1
    assert checked > 20
