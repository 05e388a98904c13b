"""Signing up, in and out: tokens, sessions, one-time links, and what attackers try."""

import base64
import hashlib
import hmac
import json
import secrets
import statistics
import threading
import time

import pytest

from lib.stack import PASSWORD, json_lines, wait_for

STACK = dict(sandbox=False)
OTHER = "another-good-password-7"


def email():
    return f"{secrets.token_hex(8)}@example.com"


# ---- registration and login ----


def test_a_new_user_has_a_workspace_with_starter_credits(client):
    address = email()
    data = client.register(address, name="  Ada  ", workspace_name="Analytical")
    assert data["user"]["email"] == address and data["user"]["name"] == "Ada"
    assert data["workspace"]["name"] == "Analytical" and data["workspace"]["role"] == "owner"
    assert data["workspace"]["credits"] == {"available": 1000, "reserved": 0, "spent": 0}
    assert data["expiresIn"] == 900
    me = client.ok("GET", "/auth/me")
    assert me["user"]["id"] == data["user"]["id"]
    assert [w["id"] for w in me["workspaces"]] == [data["workspace"]["id"]]


def test_an_address_is_taken_in_any_case(client):
    address = email()
    client.register(address)
    again = client.post("/auth/register", {"email": address.upper(), "password": PASSWORD, "name": "X"})
    assert (again.status, again.code) == (409, "CONFLICT")


@pytest.mark.parametrize("body", [
    {},
    {"email": "not an address", "password": PASSWORD, "name": "X"},
    {"email": "a@example.com", "password": "short", "name": "X"},
    {"email": "a@example.com", "password": PASSWORD, "name": " "},
    {"email": "a@example.com", "password": PASSWORD, "name": "X", "admin": True},
    {"email": "a@example.com\x00", "password": PASSWORD, "name": "X"},
    {"email": "a@example.com", "password": 12345678, "name": "X"},
])
def test_bad_registrations_are_refused(client, body):
    reply = client.post("/auth/register", body)
    assert (reply.status, reply.code) == (400, "VALIDATION_ERROR") and reply.error["details"]


def test_login_tells_nothing_about_why_it_failed(client):
    address = email()
    client.register(address)
    wrong = client.post("/auth/login", {"email": address, "password": "wrong password"})
    unknown = client.post("/auth/login", {"email": email(), "password": "wrong password"})
    assert wrong.status == unknown.status == 401
    assert wrong.error == unknown.error
    assert client.post("/auth/login", {"email": address.upper(), "password": PASSWORD}).status == 200


def test_login_takes_as_long_for_unknown_users(client):
    address = email()
    client.register(address)

    times = {address: [], email(): []}
    for _ in range(9):
        for who, taken in times.items():  # taking turns, so that a busy machine slows both
            begin = time.perf_counter()
            assert client.post("/auth/login", {"email": who, "password": "wrong password"}).status == 401
            taken.append(time.perf_counter() - begin)
    known, unknown = map(statistics.median, times.values())
    assert 0.5 < unknown / known < 2, f"known {known:.3f} s, unknown {unknown:.3f} s"


def test_logins_are_in_the_audit_log(stack, client):
    data = client.register()
    client.post("/auth/login", {"email": data["user"]["email"], "password": "wrong password"})
    client.login(data["user"]["email"])
    rows = stack.sql("SELECT action, ip FROM audit_log WHERE user_id = %s AND action LIKE 'auth.%%' ORDER BY seq",
                     [data["user"]["id"]])
    assert rows == [("auth.registered", "127.0.0.1"), ("auth.login_failed", "127.0.0.1"), ("auth.login", "127.0.0.1")]


# ---- refresh ----


def test_refresh_rotates(client):
    first = client.register()
    second = client.ok("POST", "/auth/refresh", {"refreshToken": first["refreshToken"]})
    assert second["refreshToken"] != first["refreshToken"]
    assert second["user"]["id"] == first["user"]["id"] and second["workspace"]["id"] == first["workspace"]["id"]
    client.token = second["accessToken"]
    assert client.get("/auth/me").status == 200
    third = client.ok("POST", "/auth/refresh", {"refreshToken": second["refreshToken"]})
    assert third["refreshToken"] not in (first["refreshToken"], second["refreshToken"])


def test_reuse_of_a_spent_token_ends_the_session(stack, client):
    first = client.register()
    second = client.ok("POST", "/auth/refresh", {"refreshToken": first["refreshToken"]})
    client.token = second["accessToken"]
    assert client.get("/auth/me").status == 200  # and the cache knows the session now
    assert client.post("/auth/refresh", {"refreshToken": first["refreshToken"]}).status == 401
    assert client.post("/auth/refresh", {"refreshToken": second["refreshToken"]}).status == 401
    assert client.get("/auth/me").status == 401
    assert client.get(f"/workspaces/{first['workspace']['id']}").status == 401
    reasons = stack.sql("SELECT revoked_reason FROM sessions WHERE user_id = %s", [first["user"]["id"]])
    assert reasons == [("refresh_reuse",)]
    client.token = None
    assert client.login(first["user"]["email"])  # signing in again is possible


def test_other_sessions_survive_a_reuse(stack, client):
    first = client.register()
    other = stack.client()
    other.login(first["user"]["email"])
    client.ok("POST", "/auth/refresh", {"refreshToken": first["refreshToken"]})
    assert client.post("/auth/refresh", {"refreshToken": first["refreshToken"]}).status == 401
    assert other.get("/auth/me").status == 200


def test_racing_refreshes_leave_no_live_token(stack, client):
    for _ in range(5):
        start = client.register()
        racers = [stack.client() for _ in range(6)]
        gate, replies = threading.Barrier(len(racers)), []

        def race(racer):
            gate.wait()
            replies.append(racer.post("/auth/refresh", {"refreshToken": start["refreshToken"]}))

        threads = [threading.Thread(target=race, args=(racer,)) for racer in racers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        won = [r for r in replies if r.status == 200]
        assert len(won) == 1 and all(r.status == 401 for r in replies if r not in won)
        assert client.post("/auth/refresh", {"refreshToken": won[0].data["refreshToken"]}).status == 401
        client.token = won[0].data["accessToken"]
        assert client.get("/auth/me").status == 401


def test_refresh_tokens_expire_after_seven_days(stack, client):
    data = client.register()
    [(left,)] = stack.sql("SELECT extract(epoch FROM expires_at - now()) FROM refresh_tokens r JOIN sessions s "
                          "ON s.id = r.session_id WHERE s.user_id = %s", [data["user"]["id"]])
    assert 7 * 86400 - 60 < left <= 7 * 86400
    stack.sql("UPDATE refresh_tokens SET expires_at = now() WHERE session_id IN "
              "(SELECT id FROM sessions WHERE user_id = %s)", [data["user"]["id"]])
    assert client.post("/auth/refresh", {"refreshToken": data["refreshToken"]}).status == 401


def test_refresh_is_not_in_the_sign_in_limit(make_stack):
    stack = make_stack(sandbox=False, env={"MILLRACE_RATE_LIMIT_AUTH": "5"})
    client = stack.client()
    token = client.register()["refreshToken"]
    for _ in range(10):
        token = client.ok("POST", "/auth/refresh", {"refreshToken": token})["refreshToken"]


# ---- logout ----


def test_logout_ends_the_session_at_once(client):
    data = client.register()
    assert client.get(client.w).status == 200
    assert client.post("/auth/logout", {"refreshToken": data["refreshToken"]}).status == 200
    assert client.get(client.w).status == 401
    assert client.post("/auth/refresh", {"refreshToken": data["refreshToken"]}).status == 401


def test_logout_works_with_either_token(client):
    data = client.register()
    client.token = None
    assert client.post("/auth/logout", {}).status == 401
    assert client.post("/auth/logout", {"refreshToken": "nonsense"}).status == 401
    assert client.post("/auth/logout", {"refreshToken": data["refreshToken"]}).status == 200
    client.login(data["user"]["email"])
    assert client.post("/auth/logout", {}).status == 200
    assert client.get("/auth/me").status == 401


def test_everything_works_without_redis(make_stack):
    stack = make_stack(sandbox=False, own_redis=False)
    client = stack.user()
    other = stack.client()
    joined = other.register()["user"]
    assert client.get(client.w).status == 200
    other.workspace_id = client.workspace_id
    assert other.get(other.w).status == 404
    stack.sql("INSERT INTO workspace_members VALUES (%s, %s, 'viewer')", [client.workspace_id, joined["id"]])
    assert other.get(other.w).status == 200
    assert client.delete(f"{client.w}/members/{joined['id']}").status == 200
    assert other.get(other.w).status == 404
    assert client.post("/auth/logout", {}).status == 200
    assert client.get("/auth/me").status == 401


def test_redis_may_die_and_come_back(fresh_stack):
    client = fresh_stack.user()
    assert client.get(client.w).status == 200
    fresh_stack.redis.kill()
    assert client.get(client.w).status == 200
    assert fresh_stack.client().register()
    fresh_stack.redis.start()
    assert client.post("/auth/logout", {}).status == 200
    assert client.get(client.w).status == 401


# ---- tokens that are not ours ----


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signing_key(master):
    """The key of access tokens: HKDF-SHA256 of the master key, as crypto.h describes it."""
    info = b"purpose\0" + hashlib.sha256(b"jwt").digest()
    secret = hmac.new(b"millrace", bytes.fromhex(master), hashlib.sha256).digest()
    return hmac.new(secret, info + b"\x01", hashlib.sha256).digest()


def forge(key, claims, header=None, digest=hashlib.sha256):
    text = f"{b64(json.dumps(header or {'alg': 'HS256', 'typ': 'JWT'}).encode())}.{b64(json.dumps(claims).encode())}"
    return f"{text}.{b64(hmac.new(key, text.encode(), digest).digest()) if key else ''}"


def claims_of(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_forged_tokens_are_refused(stack, client):
    mine, other = client.register(), stack.client().register()
    real = claims_of(mine["accessToken"])
    key, now = signing_key(stack.master_key), int(time.time())
    client.token = forge(key, real)
    assert client.get("/auth/me").status == 200, "the test signs as the server does"
    forgeries = {
        "alg none": forge(b"", real, {"alg": "none", "typ": "JWT"}),
        "alg none, signed": forge(key, real, {"alg": "none"}),
        "alg None in another case": forge(b"", real, {"alg": "NoNe"}),
        "no alg": forge(key, real, {"typ": "JWT"}),
        "HS512": forge(key, real, {"alg": "HS512"}, hashlib.sha512),
        "RS256 signed with HMAC": forge(key, real, {"alg": "RS256"}),
        "empty key": forge(b"\0", real),
        "another key": forge(secrets.token_bytes(32), real),
        "the raw master key": forge(bytes.fromhex(stack.master_key), real),
        "expired": forge(key, real | {"iat": now - 2000, "exp": now - 1000}),
        "just expired": forge(key, real | {"exp": now - 6}),
        "not yet valid": forge(key, real | {"nbf": now + 60}),
        "issued in the future": forge(key, real | {"iat": now + 600, "exp": now + 900}),
        "no expiry": forge(key, {k: v for k, v in real.items() if k != "exp"}),
        "expiry as text": forge(key, real | {"exp": str(now + 600)}),
        "expiry beyond all years": forge(key, real | {"exp": 10**30}),
        "another issuer": forge(key, real | {"iss": "somebody"}),
        "another audience": forge(key, real | {"aud": "millrace-web"}),
        "several audiences": forge(key, real | {"aud": ["millrace-api", "x"]}),
        "another user, own session": forge(key, real | {"sub": other["user"]["id"]}),
        "no session": forge(key, {k: v for k, v in real.items() if k != "sid"}),
        "a session there is not": forge(key, real | {"sid": "00000000-0000-0000-0000-000000000000"}),
        "a session that is no id": forge(key, real | {"sid": "' OR 1=1 --"}),
        "a user that is no id": forge(key, real | {"sub": "x"}),
        "signature cut": mine["accessToken"][:-2],
        "payload swapped": ".".join([*other["accessToken"].split(".")[:2], mine["accessToken"].split(".")[2]]),
        "the refresh token": mine["refreshToken"],
        "dots": "..",
        "long": "a" * 9000,
    }
    for name, token in forgeries.items():
        client.token = token
        reply = client.get("/auth/me")
        assert reply.status == 401, f"{name}: {reply!r}"
        assert client.get(client.w).status == 401, name


def test_a_rotated_master_key_signs_nobody_out(stack, client):
    client.register()
    second = stack.add_backend(MILLRACE_MASTER_KEY=secrets.token_hex(32), MILLRACE_MASTER_KEY_PREVIOUS=stack.master_key)
    elsewhere = client.clone(second.url)
    assert elsewhere.get("/auth/me").status == 200
    third = stack.add_backend(MILLRACE_MASTER_KEY=secrets.token_hex(32))
    assert client.clone(third.url).get("/auth/me").status == 401


# ---- passwords ----


def reset_link(stack, user_id):
    def find():
        links = [line["link"] for line in json_lines(stack.backend.log.read_text())
                 if line.get("userId") == user_id and "link" in line]
        return links[-1] if links else None

    return wait_for(find, 10, "the reset link in the log")


def test_a_forgotten_password_is_set_anew_by_the_link_in_the_log(stack, client):
    data = client.register()
    address, user_id = data["user"]["email"], data["user"]["id"]
    anonymous = stack.client()
    reply = anonymous.post("/auth/password/forgot", {"email": address})
    assert reply.status == 200 and reply.data is None
    link = reset_link(stack, user_id)
    assert link.startswith(f"{stack.url}/reset?token=")
    token = link.split("token=")[1]
    assert anonymous.post("/auth/password/reset", {"token": token, "password": "short"}).status == 400
    assert anonymous.post("/auth/password/reset", {"token": token, "password": OTHER}).status == 200
    assert client.get("/auth/me").status == 401, "all sessions end"
    assert client.post("/auth/refresh", {"refreshToken": data["refreshToken"]}).status == 401
    assert anonymous.post("/auth/login", {"email": address, "password": PASSWORD}).status == 401
    assert anonymous.post("/auth/login", {"email": address, "password": OTHER}).status == 200
    assert anonymous.post("/auth/password/reset", {"token": token, "password": PASSWORD}).status == 401, "works once"


def test_asking_for_a_reset_tells_nothing(stack, client):
    data = client.register()
    anonymous = stack.client()
    known = anonymous.post("/auth/password/forgot", {"email": data["user"]["email"]})
    unknown = anonymous.post("/auth/password/forgot", {"email": email()})
    assert known.body == unknown.body and known.status == unknown.status == 200


def test_a_new_reset_link_replaces_the_old_one(stack, client):
    data = client.register()
    client.post("/auth/password/forgot", {"email": data["user"]["email"]})
    first = reset_link(stack, data["user"]["id"])
    client.post("/auth/password/forgot", {"email": data["user"]["email"]})
    second = wait_for(lambda: (link := reset_link(stack, data["user"]["id"])) != first and link, 10, "a second link")
    for link, status in ((first, 401), (second, 200)):
        token = link.split("token=")[1]
        assert client.post("/auth/password/reset", {"token": token, "password": OTHER}).status == status


def test_an_old_reset_link_is_dead(stack, client):
    data = client.register()
    client.post("/auth/password/forgot", {"email": data["user"]["email"]})
    token = reset_link(stack, data["user"]["id"]).split("token=")[1]
    stack.sql("UPDATE one_time_tokens SET expires_at = now() WHERE user_id = %s", [data["user"]["id"]])
    assert client.post("/auth/password/reset", {"token": token, "password": OTHER}).status == 401


# ---- login links ----


def make_link(stack, user_id, purpose="login_link"):
    token = secrets.token_urlsafe(32)
    stack.sql("INSERT INTO one_time_tokens (user_id, purpose, token_hash, expires_at) "
              "VALUES (%s, %s, %s, now() + interval '1 hour')",
              [user_id, purpose, hashlib.sha256(token.encode()).digest()])
    return token


def test_a_login_link_works_once(stack, client):
    data = client.register()
    token = make_link(stack, data["user"]["id"])
    visitor = stack.client()
    session = visitor.ok("POST", "/auth/link", {"token": token})
    assert session["user"]["id"] == data["user"]["id"] and session["workspace"]["id"] == data["workspace"]["id"]
    visitor.token = session["accessToken"]
    assert visitor.get("/auth/me").status == 200
    assert visitor.post("/auth/link", {"token": token}).status == 401


def test_one_link_is_not_good_for_the_other_purpose(stack, client):
    data = client.register()
    assert client.post("/auth/link", {"token": make_link(stack, data["user"]["id"], "password_reset")}).status == 401
    body = {"token": make_link(stack, data["user"]["id"]), "password": OTHER}
    assert client.post("/auth/password/reset", body).status == 401


def test_racing_for_a_login_link_has_one_winner(stack, client):
    token = make_link(stack, client.register()["user"]["id"])
    racers = [stack.client() for _ in range(6)]
    gate, statuses = threading.Barrier(len(racers)), []

    def race(racer):
        gate.wait()
        statuses.append(racer.post("/auth/link", {"token": token}).status)

    threads = [threading.Thread(target=race, args=(racer,)) for racer in racers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [401] * 5


def test_the_operator_gets_a_link_to_a_new_installation(fresh_stack):
    url = fresh_stack.cli("admin", "login-link", check=True).stdout.strip().splitlines()[-1]
    assert url.startswith(f"{fresh_stack.url}/login?token=")
    client = fresh_stack.client()
    session = client.ok("POST", "/auth/link", {"token": url.split("token=")[1]})
    assert session["user"]["platformAdmin"] is True and session["workspace"]["credits"]["available"] == 1000
    again = fresh_stack.cli("admin", "login-link", check=True).stdout.strip().splitlines()[-1]
    session = client.ok("POST", "/auth/link", {"token": again.split("token=")[1]})
    assert fresh_stack.sql("SELECT count(*) FROM users") == [(1,)], "the second link is for the same user"


# ---- what is kept ----


def test_what_has_expired_is_swept(make_stack):
    stack = make_stack(sandbox=False, backends=0)
    stack.sql("INSERT INTO users (email, name) VALUES ('a@example.com', 'A')")
    stack.sql("INSERT INTO sessions (user_id, created_at) SELECT id, now() - interval '8 days' FROM users")
    stack.sql("INSERT INTO refresh_tokens (session_id, token_hash, expires_at) "
              "SELECT id, 'x', now() - interval '1 hour' FROM sessions")
    stack.sql("INSERT INTO sessions (user_id) SELECT id FROM users")
    stack.sql("INSERT INTO one_time_tokens (user_id, purpose, token_hash, expires_at) "
              "SELECT id, 'login_link', 'x', now() - interval '2 days' FROM users")
    stack.sql("INSERT INTO idempotency_keys (caller, key, route, body_hash, created_at) "
              "VALUES ('u', 'old', '/', 'x', now() - interval '26 hours'), ('u', 'new', '/', 'x', now())")
    stack.add_backend()
    wait_for(lambda: stack.sql("SELECT key FROM idempotency_keys") == [("new",)], 20, "the sweep")
    assert stack.sql("SELECT count(*) FROM sessions") == [(1,)]
    assert stack.sql("SELECT count(*) FROM refresh_tokens") == [(0,)]
    assert stack.sql("SELECT count(*) FROM one_time_tokens") == [(0,)]


def test_neither_log_nor_database_knows_a_secret(stack, client):
    data = client.register()
    client.post("/auth/login", {"email": data["user"]["email"], "password": "my-typed-wrong-one"})
    client.ok("POST", "/auth/refresh", {"refreshToken": data["refreshToken"]})
    log = stack.backend.log.read_text()
    for secret in (PASSWORD, "my-typed-wrong-one", data["refreshToken"], data["accessToken"]):
        assert secret not in log
    [(hashed,)] = stack.sql("SELECT password_hash FROM users WHERE id = %s", [data["user"]["id"]])
    assert hashed.startswith("$argon2id$v=19$m=65536,t=2,p=1$")
    tokens = stack.sql("SELECT token_hash FROM refresh_tokens")
    assert hashlib.sha256(data["refreshToken"].encode()).digest() in {bytes(row[0]) for row in tokens}
