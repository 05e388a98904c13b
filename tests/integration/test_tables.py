"""Tables and columns over HTTP, and what lies in PostgreSQL behind them."""

import threading

import pytest

from lib.grid import make_table
from lib.stack import wait_for


def grid_tables(stack, table):
    bare = table.id.replace("-", "")
    found = stack.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'grid' AND tablename LIKE %s", (f"%_{bare}",))
    return {name for (name,) in found}


def test_a_table_is_made_listed_renamed_and_deleted(user, stack):
    assert user.ok("GET", f"{user.w}/tables") == []
    table = make_table(user, "Company", ("Employees", "number"), name="Companies")
    assert table.data["rowCount"] == 0
    assert [(c["key"], c["type"], c["position"], c["width"], c["hidden"]) for c in table.columns] == [
        ("company_name", "text", 1, 180, False), ("employee_count", "number", 2, 180, False)]
    listed = user.ok("GET", f"{user.w}/tables")
    assert listed == [{k: table.data[k] for k in ("id", "name", "rowCount", "createdAt", "updatedAt")}]
    assert user.ok("PATCH", table.path, {"name": "Firms"})["name"] == "Firms"
    assert user.ok("GET", table.path)["name"] == "Firms"
    assert len(grid_tables(stack, table)) == 2
    user.ok("DELETE", table.path)
    assert grid_tables(stack, table) == set()
    assert user.get(table.path).status == 404
    assert user.get(f"{table.path}/records").status == 404
    assert user.delete(table.path).status == 404
    assert user.ok("GET", f"{user.w}/tables") == []


def test_tables_are_listed_page_by_page(user):
    made = [make_table(user, "A", name=f"T{i}").id for i in range(7)]
    assert [t["id"] for t in user.pages(f"{user.w}/tables", limit=3)] == made
    assert user.get(f"{user.w}/tables", params={"cursor": "bm8"}).status == 400
    assert user.get(f"{user.w}/tables", params={"cursor": "eApi"}).status == 400


def test_faults_of_a_new_table_are_all_named(user):
    reply = user.post(f"{user.w}/tables", {"name": "", "columns": [{"name": "x", "type": "money"}, {"type": "text"}], "colour": 1})
    assert reply.status == 400
    paths = {d["path"] for d in reply.error["details"]}
    assert {"/name", "/columns/0/type"} <= paths
    assert any("colour" in d["message"] or "colour" in d["path"] for d in reply.error["details"])
    assert any(d["path"].startswith("/columns/1") for d in reply.error["details"])


def test_another_workspace_sees_nothing(user, stack):
    table = make_table(user, "A")
    (record,) = table.add({"A": "secret"})
    other = stack.user()
    mine = f"{other.w}/tables/{table.id}"  # their workspace, somebody else's table
    column = table.ids["A"]
    for method, path, body in [
            ("GET", mine, None), ("PATCH", mine, {"name": "x"}), ("DELETE", mine, None),
            ("POST", f"{mine}/columns", {"name": "x"}), ("PATCH", f"{mine}/columns/{column}", {"name": "x"}),
            ("DELETE", f"{mine}/columns/{column}", None), ("POST", f"{mine}/columns/{column}/move", {"position": 1}),
            ("GET", f"{mine}/records", None), ("POST", f"{mine}/records", {"records": [{"data": {}}]}),
            ("PATCH", f"{mine}/records", {"updates": [{"id": record["id"], "data": {}}]}),
            ("DELETE", f"{mine}/records", {"ids": [record["id"]]}), ("GET", f"{mine}/records/{record['id']}", None),
            ("GET", f"{mine}/records/{record['id']}/provenance", None), ("GET", f"{mine}/events", None),
            ("GET", table.path, None), ("DELETE", table.path, None)]:
        reply = other.request(method, path, json=body)
        assert (reply.status, reply.code) == (404, "NOT_FOUND"), (method, path, reply)
    assert table.column_of("A") == ["secret"]


def test_a_record_of_another_table_of_the_workspace_is_not_found(user):
    one, two = make_table(user, "A"), make_table(user, "A")
    (record,) = one.add({"A": "1"})
    assert user.get(f"{two.path}/records/{record['id']}").status == 404
    assert two.change((record["id"], {"A": "x"}), ok=False).status == 404
    assert two.remove(record["id"]) == 0
    assert one.column_of("A") == ["1"]


def test_keys_come_from_names_and_are_unique(user):
    table = make_table(user, "Company", "Firma", "Société Générale", "Société générale!", "2024", "日本", {"name": "Mine", "key": "my_key"})
    keys = [c["key"] for c in table.columns]
    assert keys[0] == "company_name" and keys[6] == "my_key"
    assert keys[2:4] == ["societe_generale", "societe_generale_2"]
    assert len(set(keys)) == len(keys)
    reply = user.post(f"{table.path}/columns", {"name": "x", "key": "my_key"})
    assert reply.status == 409


def test_columns_are_added_changed_moved_and_deleted(user):
    table = make_table(user, "A", "B", "C")
    (record,) = table.add({"A": "a", "B": "b", "C": "c"})
    made = user.ok("POST", f"{table.path}/columns", {"name": "D", "type": "number", "width": 90, "hidden": True}, status=201)
    assert (made["position"], made["width"], made["hidden"], made["type"]) == (4, 90, True, "number")
    changed = user.ok("PATCH", f"{table.path}/columns/{made['id']}", {"name": "Dee", "hidden": False})
    assert (changed["name"], changed["hidden"], changed["width"], changed["key"]) == ("Dee", False, 90, "d")

    def order():
        return "".join(c["name"][0] for c in table.reload().columns)

    for column, place, want in [("C", 1, "CABD"), ("A", 99, "CBDA"), ("B", 2, "CBDA"), ("A", 3, "CBAD"), ("C", 4, "BADC"), ("C", 0, "CBAD")]:
        user.ok("POST", f"{table.path}/columns/{table.ids[column]}/move", {"position": place})
        assert order() == want, (column, place)
    assert [c["position"] for c in table.columns] == [1, 2, 3, 4]
    user.ok("DELETE", f"{table.path}/columns/{table.ids['B']}")
    assert order() == "CAD"
    assert table.values(table.all()[0]) == {"C": "c", "A": "a", "Dee": None}
    assert user.delete(f"{table.path}/columns/{record['id']}").status == 404
    assert user.patch(f"{table.path}/columns/{table.ids['A']}", {}).status == 400


SAMPLES = {
    "number": ["1", "-2.5", "+3", " 4 ", "5.", ".5", "1e3", "1E-5", "1e99", "00012", "0", "-0", "abc", "1,5", "1 000", "", "--1", "1e", "e5",
               ".", "1e100", "0x10", "NaN", "Infinity", "1_000", "9" * 200, "9" * 201, "١٢"],
    "boolean": ["true", "FALSE", "Yes", "no", "1", "0", "on", "off", "t", "f", "Y", "n", "maybe", "2", " true ", "tru", "wahr"],
    "date": ["2024-12-31", "2024-02-29", "2023-02-29", "1900-02-29", "2000-02-29", "2024-13-01", "2024-04-31", "2024-00-10", "0999-01-01",
             "1000-01-01", "9999-12-31", "2024-12-31T23:59:59Z", "2024-12-31 23:59", "2024-12-31T24:00", "2024-12-31T23:59:60Z",
             "2024-12-31T10:00:00.123456+02:00", "2024-12-31T10:00:00.1234567Z", "2024-12-31T10:00-0530", "2024-12-31T10:00+15:00",
             "2024-12-31T10:00+05", "31.12.2024", "2024-12-31T", "20241231", "2024-12-31T00:00:00+02:00", " 2024-01-01 ", "2024-1-1"],
    "url": ["https://a.example/x?y=1", "a.example", "www.a.example", "http://localhost:3000", "localhost", ".com", "a.", "a b.example",
            "mailto:a@b.example", "://", "x://", "x://y", "a\tb.c", "é.example"],
    "email": ["a@b.example", "a@b", "@b.example", "a@", "a@@b.example", "a b@c.example", "a@.example", "a@b.", "a@b.c.d", "ä@ö.example", "a@..b"],
    "phone": ["+49 30 123456", "123", "12", "call me", "1-800-FLOWERS", "(030) 12 34 56", "1@23", "1" * 64, "1" * 65, "+1 <555>"],
}


@pytest.mark.parametrize("kind", SAMPLES)
def test_retyping_decides_as_typing_in_does(user, kind):
    """The same texts, typed into a column of the type and converted from text, come out the same."""
    texts = SAMPLES[kind]
    typed = make_table(user, ("V", kind))
    accepted = {}
    for text in texts:
        reply = user.post(f"{typed.path}/records", {"records": [{"data": {typed.ids["V"]: text}}]})
        assert reply.status in (201, 400), reply
        if reply.status == 201:
            accepted[text] = typed.values(reply.data[0])["V"]
        else:
            assert reply.error["details"][0]["path"] == f"/records/0/data/{typed.ids['V']}"
    table = make_table(user, "V", "T")
    table.add(*[{"V": text, "T": str(i)} for i, text in enumerate(texts)])
    user.ok("PATCH", f"{table.path}/columns/{table.ids['V']}", {"type": kind})
    for text, record in zip(texts, table.reload().all()):
        cell = record["cells"][table.ids["V"]]
        value = table.values(record)["V"]
        if text.strip() == "":
            assert (value, cell["status"]) == (None, "empty")
        elif text in accepted:
            assert value == accepted[text] and "raw" not in cell, text
        else:
            assert value == text and cell["raw"] is True and cell["error"], (text, value)
    # and back: nothing is lost
    user.ok("PATCH", f"{table.path}/columns/{table.ids['V']}", {"type": "text"})
    for text, record in zip(texts, table.reload().all()):
        cell = record["cells"][table.ids["V"]]
        value = table.values(record)["V"]
        assert "raw" not in cell, text
        if text not in accepted:
            assert value == (text if text.strip() else None)
        elif kind in ("url", "email", "phone"):
            assert value == text.strip()


def test_every_type_can_become_every_other_and_nothing_is_lost(user):
    first = {"text": "hello", "number": 12.5, "boolean": True, "date": "2024-05-06", "url": "https://a.example", "email": "a@b.example",
             "phone": "+49 30 1234", "select": "red", "json": {"a": [1, None]}}
    for kind, value in first.items():
        table = make_table(user, ("V", kind))
        (record,) = table.add({"V": value})
        for other in first:
            user.ok("PATCH", f"{table.path}/columns/{table.ids['V']}", {"type": other})
            (record,) = table.all()
            assert table.values(record)["V"] is not None, (kind, other)
        user.ok("PATCH", f"{table.path}/columns/{table.ids['V']}", {"type": "text"})
        assert table.column_of("V")[0] not in (None, ""), kind


def test_misfits_are_found_by_filters_and_fixed_by_typing(user):
    table = make_table(user, ("V", "text"))
    a, b, c = table.add({"V": "12"}, {"V": "twelve"}, {})
    user.ok("PATCH", f"{table.path}/columns/{table.ids['V']}", {"type": "number"})
    assert table.column_of("V", filter=("V", "isEmpty")) == [None]
    assert table.column_of("V", filter=("V", "isNotEmpty")) == [12, "twelve"]
    assert table.column_of("V", filter=("V", "contains", "TWEL")) == ["twelve"]
    assert table.column_of("V", filter=("V", "status", "manual")) == [12, "twelve"]
    assert table.column_of("V", sort=[("V", "desc")])[0] == 12
    (fixed,) = table.change((b["id"], {"V": 13}))
    assert table.values(fixed)["V"] == 13 and fixed["cells"][table.ids["V"]] == {
        "status": "manual", "updatedAt": fixed["cells"][table.ids["V"]]["updatedAt"]}
    (cleared,) = table.change((a["id"], {"V": None}))
    assert table.status(cleared, "V") == "empty"


def test_select_takes_its_choices_only(user):
    table = make_table(user, {"name": "S", "type": "select", "options": {"choices": ["red", "green"]}})
    table.add({"S": "red"}, {"S": "green"})
    assert user.post(f"{table.path}/records", {"records": [{"data": {table.ids["S"]: "blue"}}]}).status == 400
    user.ok("PATCH", f"{table.path}/columns/{table.ids['S']}", {"options": {"choices": ["green", "blue"]}})
    records = table.reload().all()
    assert [table.values(r)["S"] for r in records] == ["red", "green"]
    assert ["raw" in r["cells"][table.ids["S"]] for r in records] == [True, False]
    assert user.patch(f"{table.path}/columns/{table.ids['S']}", {"options": {"choices": [1]}}).status == 400


def test_columns_change_while_rows_are_written(user, stack):
    """Altering the table and writing to it at once ends well for both, and the count stays exact."""
    table = make_table(user, "A")
    faults, stop = [], threading.Event()

    def write(client):
        while not stop.is_set():
            reply = client.post(f"{table.path}/records", {"records": [{"data": {table.ids["A"]: "1"}}] * 20})
            if reply.status != 201:
                faults.append(reply)

    writers = [threading.Thread(target=write, args=(user.clone(),)) for _ in range(3)]
    for thread in writers:
        thread.start()
    for i in range(6):
        made = user.ok("POST", f"{table.path}/columns", {"name": f"N{i}", "type": "number"})
        user.ok("PATCH", f"{table.path}/columns/{table.ids['A']}", {"type": "number" if i % 2 == 0 else "text"})
        user.ok("DELETE", f"{table.path}/columns/{made['id']}")
    stop.set()
    for thread in writers:
        thread.join()
    assert [r for r in faults if r.status != 409] == []
    count = len(table.reload().all())
    assert count > 0 and table.data["rowCount"] == count
    bare = table.id.replace("-", "")
    assert stack.sql(f"SELECT count(*), max(position) + 1 FROM grid.t_{bare}") == stack.sql(
        "SELECT row_count, next_position FROM tables WHERE id = %s", (table.id,))


def test_a_deleted_table_ends_with_its_workspace(stack):
    user = stack.user()
    make_table(user, "A")
    table = make_table(user, "A")
    user.ok("DELETE", table.path)
    wait_for(lambda: len(user.ok("GET", f"{user.w}/tables")) == 1, 5, "one table left")
