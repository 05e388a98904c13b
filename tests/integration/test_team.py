"""Invitations, the activity feed and the audit log."""

import csv
import hashlib
import io
import secrets
import threading

import psycopg
import pytest

STACK = dict(sandbox=False)


def address():
    return f"{secrets.token_hex(6)}@example.com"


def invite(client, email, role="member"):
    return client.ok("POST", f"{client.w}/invitations", {"email": email, "role": role}, status=201)


def guest(stack, email):
    client = stack.client()
    client.register(email)
    return client


# ---- invitations ----


def test_an_invited_person_joins(stack, user):
    email = address()
    made = invite(user, email, "admin")
    assert made["status"] == "pending" and made["url"] == f"{stack.url}/invitations/{made['token']}"
    shown = stack.client().ok("GET", f"/invitations/{made['token']}")
    assert shown["workspaceName"] == "My workspace" and shown["email"] == email and "token" not in shown
    client = guest(stack, email.upper())
    workspace = client.ok("POST", f"/invitations/{made['token']}/accept", {})
    assert workspace["id"] == user.workspace_id and workspace["role"] == "admin"
    assert client.ok("GET", user.w)["role"] == "admin"
    assert client.post(f"/invitations/{made['token']}/accept", {}).status == 404
    [listed] = user.ok("GET", f"{user.w}/invitations")
    assert listed["status"] == "accepted" and listed["answeredAt"] and "token" not in listed


def test_joining_holds_at_once(stack, user):
    email = address()
    client = guest(stack, email)
    assert client.get(user.w).status == 404  # which the cache now remembers
    made = invite(user, email)
    client.ok("POST", f"/invitations/{made['token']}/accept", {})
    assert client.get(user.w).status == 200


def test_invitations_last_seven_days(stack, user):
    email = address()
    made = invite(user, email)
    [(days,)] = stack.sql("SELECT extract(epoch FROM expires_at - created_at) / 86400 FROM invitations WHERE id = %s",
                          [made["id"]])
    assert float(days) == 7
    stack.sql("UPDATE invitations SET expires_at = now() WHERE id = %s", [made["id"]])
    client = guest(stack, email)
    assert client.get(f"/invitations/{made['token']}").status == 404
    assert client.post(f"/invitations/{made['token']}/accept", {}).status == 404
    [listed] = user.ok("GET", f"{user.w}/invitations")
    assert listed["status"] == "expired"
    assert invite(user, email)["id"] != made["id"], "an expired one makes room for a new one"


def test_an_invitation_can_be_declined_without_an_account(stack, user):
    made = invite(user, address())
    visitor = stack.client()
    assert visitor.post(f"/invitations/{made['token']}/decline", {}).status == 200
    assert visitor.post(f"/invitations/{made['token']}/decline", {}).status == 404
    assert user.ok("GET", f"{user.w}/invitations")[0]["status"] == "declined"


def test_a_withdrawn_invitation_is_dead(stack, user):
    email = address()
    made = invite(user, email)
    assert user.delete(f"{user.w}/invitations/{made['id']}").status == 200
    assert user.delete(f"{user.w}/invitations/{made['id']}").status == 404
    assert guest(stack, email).post(f"/invitations/{made['token']}/accept", {}).status == 404


def test_only_the_invited_person_can_accept(stack, user):
    made = invite(user, address())
    assert stack.client().post(f"/invitations/{made['token']}/accept", {}).status == 401
    assert stack.user().post(f"/invitations/{made['token']}/accept", {}).status == 403
    assert stack.client().get("/invitations/wrong").status == 404


def test_conflicts_are_named(stack, user):
    email = address()
    made = invite(user, email)
    again = user.post(f"{user.w}/invitations", {"email": email.upper(), "role": "viewer"})
    assert (again.status, again.code) == (409, "CONFLICT")
    guest(stack, email).ok("POST", f"/invitations/{made['token']}/accept", {})
    assert user.post(f"{user.w}/invitations", {"email": email, "role": "viewer"}).status == 409
    assert user.post(f"{user.w}/invitations", {"email": address(), "role": "owner"}).status == 400
    assert user.post(f"{user.w}/invitations", {"email": "nobody", "role": "viewer"}).status == 400


def test_racing_acceptances_join_once(stack, user):
    email = address()
    made = invite(user, email)
    client = guest(stack, email)
    racers = [client.clone() for _ in range(5)]
    gate, statuses = threading.Barrier(len(racers)), []

    def accept(racer):
        gate.wait()
        statuses.append(racer.post(f"/invitations/{made['token']}/accept", {}).status)

    threads = [threading.Thread(target=accept, args=(racer,)) for racer in racers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [404] * 4


def test_an_invitation_into_a_deleted_workspace_is_dead(stack, user):
    email = address()
    made = invite(user, email)
    user.delete(user.w)
    assert stack.client().get(f"/invitations/{made['token']}").status == 404
    assert guest(stack, email).post(f"/invitations/{made['token']}/accept", {}).status == 404


def test_tokens_are_neither_stored_nor_logged(stack, user):
    made = invite(user, address())
    stack.client().get(f"/invitations/{made['token']}")
    [(kept,)] = stack.sql("SELECT token_hash FROM invitations WHERE id = %s", [made["id"]])
    assert bytes(kept) == hashlib.sha256(made["token"].encode()).digest()
    assert made["token"] not in stack.backend.log.read_text()


# ---- activity and audit ----


def test_the_feed_shows_what_all_may_see(stack, user):
    email = address()
    made = invite(user, email, "viewer")
    viewer = guest(stack, email)
    viewer.ok("POST", f"/invitations/{made['token']}/accept", {})
    user.ok("POST", f"{user.w}/credentials", {"provider": "zerobounce", "value": "a-secret-of-ours"})
    feed = viewer.ok("GET", f"{user.w}/activity")
    assert [e["action"] for e in feed] == ["invitation.accepted", "invitation.created", "workspace.created"]
    assert all("ip" not in e and "requestId" not in e for e in feed)
    assert viewer.get(f"{user.w}/audit").status == 403
    audit = user.ok("GET", f"{user.w}/audit")
    assert audit[0]["action"] == "credential.created" and audit[0]["ip"] == "127.0.0.1" and audit[0]["requestId"]


def test_the_audit_log_is_filtered_and_paged(stack, user):
    for n in range(7):
        user.ok("PATCH", user.w, {"name": f"Name {n}"})
    entries = list(user.pages(f"{user.w}/audit", limit=3))
    names = [e["details"]["name"] for e in entries if e["action"] == "workspace.renamed"]
    assert names == [f"Name {n}" for n in reversed(range(7))]
    get = lambda **params: [e["action"] for e in user.get(f"{user.w}/audit", params=params).data]  # noqa: E731
    assert get(action="workspace.created") == ["workspace.created"]
    assert len(get(action="workspace.")) == 8 and get(action="work") == []
    assert len(get(userId=user.user["id"])) == 8 and get(userId="00000000-0000-0000-0000-000000000000") == []
    assert get(entityType="credential") == []
    assert get(to="2020-01-01T00:00:00Z") == [] and len(get(**{"from": "2020-01-01T00:00:00Z"})) == 8
    for bad in ({"from": "yesterday"}, {"userId": "me"}, {"format": "xml"}, {"who": "x"}):
        assert user.get(f"{user.w}/audit", params=bad).status == 400, bad


def test_the_audit_log_as_csv(stack):
    user = stack.client()
    user.register(name="=HYPERLINK(\"http://evil.example\")")
    stack.sql("INSERT INTO audit_log (workspace_id, user_id, action, entity_type) "
              "SELECT %s, %s, 'test.' || n, 'test' FROM generate_series(1, 2500) n",
              [user.workspace_id, user.user["id"]])
    reply = user.get(f"{user.w}/audit", params={"format": "csv", "action": "test."})
    assert reply.headers["content-type"].startswith("text/csv")
    assert "audit.csv" in reply.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(reply.text)))
    assert rows[0][:2] == ["time", "action"]
    assert [row[1] for row in rows[1:]] == [f"test.{n}" for n in range(2500, 0, -1)]
    assert {row[4] for row in rows[1:]} == {"'=HYPERLINK(\"http://evil.example\")"}, "no formula for a spreadsheet"


def test_the_audit_log_cannot_be_changed(stack, user):
    with pytest.raises(psycopg.errors.RestrictViolation):
        stack.sql("UPDATE audit_log SET action = 'nothing' WHERE workspace_id = %s", [user.workspace_id])
    with pytest.raises(psycopg.errors.RestrictViolation):
        stack.sql("TRUNCATE audit_log")
