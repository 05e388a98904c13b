"""Workspaces, members, roles; the role matrix and tenant isolation over every route of openapi.json."""

import threading
import uuid

import pytest

STACK = dict(sandbox=False)
ROLES = ("viewer", "member", "admin", "owner", "billing_admin")
# Who may do what asks for a role: the guide's hierarchy owner > admin > member > viewer, billing_admin beside it.
ALLOWED = {
    "any_member": set(ROLES),
    "viewer": {"viewer", "member", "admin", "owner"},
    "member": {"member", "admin", "owner"},
    "admin": {"admin", "owner"},
    "owner": {"owner"},
    "billing_admin": {"billing_admin", "owner"},
}


def join(stack, owner, role):
    """A new user who belongs to the owner's workspace with this role, and sees it as theirs."""
    client = stack.client()
    user = client.register()["user"]
    stack.sql("INSERT INTO workspace_members (workspace_id, user_id, role) VALUES (%s, %s, %s)",
              [owner.workspace_id, user["id"], role])
    client.workspace_id = owner.workspace_id
    client.user = user
    return client


# ---- workspaces ----


def test_workspaces_are_made_listed_renamed_and_deleted(user):
    made = user.ok("POST", "/workspaces", {"name": "  Second  "}, status=201)
    assert made["name"] == "Second" and made["role"] == "owner" and made["credits"]["available"] == 1000
    assert made["id"] in [w["id"] for w in user.ok("GET", "/workspaces")]
    path = f"/workspaces/{made['id']}"
    assert user.ok("GET", path) == made
    assert user.ok("PATCH", path, {"name": "Renamed"})["name"] == "Renamed"
    assert user.ok("GET", path)["name"] == "Renamed", "not what the cache remembers"
    assert user.delete(path).status == 200
    assert user.get(path).status == 404
    assert user.delete(path).status == 404
    assert made["id"] not in [w["id"] for w in user.ok("GET", "/workspaces")]


def test_lists_go_page_by_page(user):
    ids = {user.ok("POST", "/workspaces", {"name": f"W{n}"})["id"] for n in range(6)} | {user.workspace_id}
    seen = [w["id"] for w in user.pages("/workspaces", limit=2)]
    assert len(seen) == len(set(seen)) and set(seen) == ids


@pytest.mark.parametrize("cursor", ["x", "AAAA", "MQox", "OTk5OS05OS05OQowMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDA"])
def test_a_made_up_cursor_is_refused(user, cursor):
    for path in ("/workspaces", f"{user.w}/members", f"{user.w}/audit", f"{user.w}/invitations"):
        reply = user.get(path, params={"cursor": cursor})
        assert (reply.status, reply.code) == (400, "VALIDATION_ERROR"), path


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "  "}, {"name": "x" * 201}, {"name": 7}, {"name": "a", "b": 1}])
def test_bad_names_are_refused(user, body):
    assert user.post("/workspaces", body).status == 400
    assert user.patch(user.w, body).status == 400


def test_starter_credits_are_a_ledger_entry(stack, user):
    rows = stack.sql("SELECT t.amount, t.kind FROM credit_transfers t JOIN credit_accounts a "
                     "ON a.id = t.credit_account_id WHERE a.workspace_id = %s", [user.workspace_id])
    assert rows == [(1000, "grant")]


# ---- members ----


def test_members_are_listed_changed_and_removed(stack, user):
    other = join(stack, user, "member")
    members = {m["userId"]: m for m in user.ok("GET", f"{user.w}/members")}
    assert members[other.user["id"]]["role"] == "member" and len(members) == 2
    path = f"{user.w}/members/{other.user['id']}"
    assert other.get(f"{other.w}/audit").status == 403
    assert user.ok("PATCH", path, {"role": "admin"})["role"] == "admin"
    assert other.get(f"{other.w}/audit").status == 200, "a new role holds at once"
    assert user.ok("PATCH", path, {"role": "viewer"})["role"] == "viewer"
    assert other.get(f"{other.w}/audit").status == 403
    assert user.delete(path).status == 200
    assert other.get(other.w).status == 404
    assert user.delete(path).status == 404
    assert user.patch(path, {"role": "member"}).status == 404
    assert user.patch(path, {"role": "king"}).status == 400


def test_roles_hold_at_once_whatever_the_case_of_an_id(stack, user):
    other = join(stack, user, "admin")
    shouted = f"/workspaces/{user.workspace_id.upper()}"
    assert other.get(f"{shouted}/audit").status == 200
    assert user.patch(f"{shouted}/members/{other.user['id'].upper()}", {"role": "viewer"}).status == 200
    assert other.get(f"{shouted}/audit").status == 403
    assert other.get(f"{other.w}/audit").status == 403


def test_the_last_owner_stays(stack, user):
    me = f"{user.w}/members/{user.user['id']}"
    for reply in (user.patch(me, {"role": "admin"}), user.delete(me)):
        assert (reply.status, reply.code) == (409, "CONFLICT")
    second = join(stack, user, "owner")
    assert user.patch(me, {"role": "admin"}).status == 200
    assert second.delete(f"{user.w}/members/{second.user['id']}").status == 409


def test_only_owners_touch_owners(stack, user):
    admin, member = join(stack, user, "admin"), join(stack, user, "member")
    assert admin.patch(f"{user.w}/members/{member.user['id']}", {"role": "admin"}).status == 200
    assert admin.patch(f"{user.w}/members/{member.user['id']}", {"role": "owner"}).status == 403
    assert admin.patch(f"{user.w}/members/{admin.user['id']}", {"role": "owner"}).status == 403
    assert admin.patch(f"{user.w}/members/{user.user['id']}", {"role": "viewer"}).status == 403
    assert admin.delete(f"{user.w}/members/{user.user['id']}").status == 403
    assert user.patch(f"{user.w}/members/{member.user['id']}", {"role": "owner"}).status == 200


def test_two_owners_cannot_remove_each_other(stack, user):
    for _ in range(5):
        second = join(stack, user, "owner")
        jobs = [(user.clone(), second.user["id"]), (second.clone(), user.user["id"])]
        gate, statuses = threading.Barrier(2), []

        def remove(client, victim):
            gate.wait()
            statuses.append(client.delete(f"{user.w}/members/{victim}").status)

        threads = [threading.Thread(target=remove, args=job) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        owners = stack.sql("SELECT user_id FROM workspace_members WHERE workspace_id = %s AND role = 'owner'",
                           [user.workspace_id])
        assert len(owners) == 1 and 200 in statuses, statuses
        stack.sql("DELETE FROM workspace_members WHERE workspace_id = %s", [user.workspace_id])
        user = stack.user()


def test_a_deleted_workspace_is_gone_for_all_at_once(stack, user):
    viewer = join(stack, user, "viewer")
    assert viewer.get(viewer.w).status == 200
    assert user.delete(user.w).status == 200
    assert viewer.get(viewer.w).status == 404
    assert viewer.get(f"{viewer.w}/members").status == 404


# ---- every route ----


def operations(client):
    for path, methods in client.get("/openapi.json").body["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path.removeprefix("/api/v1"), operation


def filled(path, values):
    for name, value in values.items():
        path = path.replace("{%s}" % name, value)
    while "{" in path:
        start, end = path.index("{"), path.index("}")
        name = path[start + 1:end]
        path = path[:start] + (str(uuid.uuid4()) if name == "id" or name.endswith("Id") else "none") + path[end + 1:]
    return path


def send(client, method, path, operation):
    body = {} if "requestBody" in operation else None
    if "multipart/form-data" in operation.get("requestBody", {}).get("content", {}):
        return client.request(method, path, files={"other": ("x", b"x")})
    return client.request(method, path, json=body)


def test_every_route_asks_for_its_role(stack, user):
    clients = {role: join(stack, user, role) for role in ROLES}
    outsider, anonymous = stack.user(), stack.client()
    checked = 0
    for method, path, operation in operations(user):
        if "{workspaceId}" not in path:
            continue
        need = operation["x-least-role"]
        where = filled(path, {"workspaceId": user.workspace_id})
        what = f"{method} {path} ({need})"
        assert send(anonymous, method, where, operation).status == 401, what
        assert send(outsider, method, where, operation).status == 404, what
        for role, client in clients.items():
            allowed = role in ALLOWED[need]
            if allowed and (method, path) == ("DELETE", "/workspaces/{workspaceId}"):
                continue
            reply = send(client, method, where, operation)
            if allowed:
                assert reply.status not in (401, 403) and reply.status < 500, f"{what} as {role}: {reply!r}"
            else:
                assert (reply.status, reply.code) == (403, "AUTHORIZATION_ERROR"), f"{what} as {role}: {reply!r}"
            checked += 1
    assert checked > 100


def test_routes_outside_workspaces_ask_too(stack, user):
    anonymous = stack.client()
    for method, path, operation in operations(user):
        if "{workspaceId}" in path:
            continue
        need, where = operation["x-least-role"], filled(path, {})
        if need in ("user", "platform_admin"):
            assert send(anonymous, method, where, operation).status == 401, path
        if need == "platform_admin":
            assert send(user, method, where, operation).status == 403, path
        if need == "service":
            assert send(user, method, where, operation).status == 401, path
            wrong = anonymous.request(method, where, headers={"X-Service-Key": stack.service_key[:-1] + "x"})
            assert wrong.status == 401, path


def furnish(client):
    """Things of every kind in the client's workspace: parameter values by the path in front of them."""
    w = client.w
    table = client.ok("POST", f"{w}/tables", {"name": "T", "columns": [{"name": "Name", "type": "text"}]})
    column = client.ok("GET", f"{w}/tables/{table['id']}")["columns"][0]
    record = client.ok("POST", f"{w}/tables/{table['id']}/records", {"records": [{"data": {column["id"]: "x"}}]})
    record = record if isinstance(record, list) else record["records"]
    invitation = client.ok("POST", f"{w}/invitations", {"email": "guest@example.com", "role": "viewer"})
    credential = client.ok("POST", f"{w}/credentials", {"provider": "zerobounce", "value": "secret-of-mine-1"})
    return {"tableId": table["id"], "columnId": column["id"], "recordId": record[0]["id"], "userId": client.user["id"],
            "/invitations/{id}": invitation["id"], "/credentials/{id}": credential["id"], "/records/{id}": record[0]["id"]}


def test_no_route_reaches_into_another_workspace(stack):
    owner, stranger = stack.user(), stack.user()
    things = furnish(owner)
    before = {path: owner.get(owner.w + path).data for path in ("/tables", "/members", "/invitations", "/credentials")}
    checked = 0
    for method, path, operation in operations(owner):
        if "{workspaceId}" not in path or path.count("{") < 2:
            continue
        values = {name: value for name, value in things.items() if not name.startswith("/")}
        for name, value in things.items():
            if name.startswith("/") and name in path:
                values["id"] = value
        theirs = send(stranger, method, filled(path, values | {"workspaceId": owner.workspace_id}), operation)
        assert theirs.status == 404, f"{method} {path}: {theirs!r}"
        mixed = send(stranger, method, filled(path, values | {"workspaceId": stranger.workspace_id}), operation)
        expected = (404,) if method == "GET" else (400, 404, 415)
        assert mixed.status in expected, f"{method} {path} with another's ids: {mixed!r}"
        checked += 1
    after = {path: owner.get(owner.w + path).data for path in before}
    assert after == before and checked > 15
