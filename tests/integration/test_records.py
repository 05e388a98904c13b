"""Records over HTTP: values, edits, filters, sorting, keyset paging, provenance."""

import json
import random
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from lib.grid import make_table

ALL_TYPES = [("Text", "text"), ("Num", "number"), ("Bool", "boolean"), ("Date", "date"), ("Url", "url"), ("Mail", "email"),
             ("Phone", "phone"), ("Sel", "select"), ("Json", "json")]


def test_values_come_back_as_they_went_in(user):
    table = make_table(user, *ALL_TYPES)
    full = {"Text": "a\n\"b\" \\ ü 😀 %_", "Num": -12.75, "Bool": False, "Date": "2024-02-29T10:20:30.5Z", "Url": "https://é.example/?q=1",
            "Mail": "a@b.example", "Phone": "+49 30 1234", "Sel": "red", "Json": {"a": [1, None, {"b": "ü"}], "c": 1e10}}
    whole, empty, blank = table.add(full, {}, {name: "" for name, _ in ALL_TYPES})
    assert table.values(whole) == full
    assert {table.status(whole, name) for name, _ in ALL_TYPES} == {"manual"}
    for record in (empty, blank):
        assert set(table.values(record).values()) == {None}
        assert {table.status(record, name) for name, _ in ALL_TYPES} == {"empty"}
    assert table.all() == [whole, empty, blank]
    assert user.ok("GET", f"{table.path}/records/{whole['id']}") == whole
    assert [r["position"] for r in (whole, empty, blank)] == [1, 2, 3]
    assert table.reload().data["rowCount"] == 3
    forms = [("Num", "12", 12), ("Num", 1e300, 1e300), ("Num", 0.1, 0.1), ("Num", 123456789012345, 123456789012345), ("Bool", "yes", True),
             ("Bool", 0, False), ("Date", "2024-05-06T00:00:00Z", "2024-05-06"), ("Date", "2024-05-06T01:00+01:00", "2024-05-06"),
             ("Text", 1984, "1984"), ("Text", True, "true"), ("Json", "text", "text"), ("Json", 5, 5), ("Json", [], [])]
    records = table.add(*[{name: value} for name, value, _ in forms])
    assert [table.values(r)[name] for r, (name, _, _) in zip(records, forms)] == [want for _, _, want in forms]


def test_every_misfit_is_named_and_nothing_is_written(user):
    table = make_table(user, *ALL_TYPES)
    bad = {"Num": "x", "Bool": "maybe", "Date": "31.12.2024", "Url": "no url", "Mail": "nobody", "Phone": "call", "Text": {"a": 1},
           "Json": {"a": "b\u0000c"}}
    nowhere = str(uuid.uuid4())
    body = {"records": [{"data": {table.ids["Text"]: "fine"}}, {"data": table.by_id(bad) | {nowhere: 1}}]}
    reply = user.post(f"{table.path}/records", body)
    assert (reply.status, reply.code) == (400, "VALIDATION_ERROR")
    assert {d["path"] for d in reply.error["details"]} == {f"/records/1/data/{table.ids[name]}" for name in bad} | {
        f"/records/1/data/{nowhere}"}
    assert table.all() == [] and table.reload().data["rowCount"] == 0
    (record,) = table.add({"Num": 1})
    reply = table.change((record["id"], {"Num": "one", "Text": "x"}), ok=False)
    assert reply.status == 400 and reply.error["details"][0]["path"] == f"/updates/0/data/{table.ids['Num']}"
    assert user.ok("GET", f"{table.path}/records/{record['id']}") == record
    assert user.post(f"{table.path}/records", {"records": [{"data": {table.ids["Text"]: "a\u0000b"}}]}).status == 400
    assert user.post(f"{table.path}/records", {"records": [{"data": {table.ids["Text"]: "x" * 300_000}}]}).status == 400


def test_limits_of_a_batch(user):
    table = make_table(user, "A")
    assert user.post(f"{table.path}/records", {"records": []}).status == 400
    assert user.post(f"{table.path}/records", {"records": [{"data": {}}] * 1001}).status == 400
    assert len(table.add(*[{"A": str(i)} for i in range(1000)])) == 1000
    assert user.get(f"{table.path}/records", params={"limit": 1001}).status == 400
    assert user.get(f"{table.path}/records", params={"limit": 0}).status == 400
    assert len(table.list(limit=1000).data) == 1000
    assert len(table.list().data) == 100
    assert user.get(f"{table.path}/records", params={"page": 3}).status == 400


def test_edits_carry_versions(user):
    table = make_table(user, "A", "B")
    a, b = table.add({"A": "1", "B": "1"}, {"A": "2"})
    changed = table.change((b["id"], 1, {"A": "x"}), (a["id"], {"A": "y"}))
    assert [r["id"] for r in changed] == [b["id"], a["id"]] and [r["version"] for r in changed] == [2, 2]
    reply = table.change((a["id"], 1, {"A": "stale"}), (b["id"], 2, {"A": "fresh"}), ok=False)
    assert (reply.status, reply.code) == (409, "CONFLICT")
    assert [d["path"] for d in reply.error["details"]] == ["/updates/0/version"] and a["id"] in reply.error["details"][0]["message"]
    assert table.column_of("A") == ["y", "x"]
    reply = table.change((a["id"], {"A": "z"}), (str(uuid.uuid4()), {"A": "z"}), ok=False)
    assert reply.status == 404 and reply.error["details"][0]["path"] == "/updates/1/id"
    assert table.change((a["id"], {"A": "z"}), (a["id"].upper(), {"A": "z"}), ok=False).status == 400
    assert table.column_of("A") == ["y", "x"]
    assert [r["version"] for r in table.change((a["id"], 2, {}))] == [2]


def test_of_concurrent_edits_with_one_version_exactly_one_wins(user):
    table = make_table(user, ("N", "number"))
    (record,) = table.add({"N": 0})
    clients = [user.clone() for _ in range(8)]
    for version in range(1, 6):
        body = [{"updates": [{"id": record["id"], "version": version, "data": {table.ids["N"]: i}}]} for i in range(8)]
        with ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(lambda cb: cb[0].patch(f"{table.path}/records", cb[1]), zip(clients, body)))
        assert sorted(r.status for r in replies) == [200] + [409] * 7
        won = next(i for i, r in enumerate(replies) if r.status == 200)
        assert table.column_of("N") == [won]


def test_concurrent_batches_over_the_same_rows_do_not_deadlock(user):
    table = make_table(user, "A", "B")
    ids = [r["id"] for r in table.add(*[{"A": "0"} for _ in range(200)])]

    def work(number):
        client, dice = user.clone(), random.Random(number)
        out = []
        for _ in range(10):
            some = dice.sample(ids, 100)
            updates = [{"id": i, "data": {table.ids[dice.choice("AB")]: str(number)}} for i in some]
            out.append(client.patch(f"{table.path}/records", {"updates": updates}).status)
        return out

    with ThreadPoolExecutor(6) as pool:
        assert {s for out in pool.map(work, range(6)) for s in out} == {200}
    assert sum(r["version"] - 1 for r in table.all()) == 6 * 10 * 100


def test_concurrent_inserts_and_deletes_keep_the_count_exact(user, stack):
    table = make_table(user, "A")

    def work(number):
        client = user.clone()
        for _ in range(5):
            made = client.ok("POST", f"{table.path}/records", {"records": [{"data": {}}] * 20})
            client.ok("DELETE", f"{table.path}/records", {"ids": [r["id"] for r in made[:number]]})

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(1, 7)))
    records = table.all()
    assert len(records) == 6 * 5 * 20 - 5 * 21 == table.reload().data["rowCount"]
    assert len({r["position"] for r in records}) == len(records)
    assert table.list(limit=1).meta["total"] == len(records)


def test_deleting_counts_what_was_there(user):
    table = make_table(user, "A")
    a, b, c = table.add({"A": "1"}, {"A": "2"}, {"A": "3"})
    assert table.remove(a["id"], a["id"], str(uuid.uuid4())) == 1
    assert table.remove(a["id"]) == 0
    assert table.column_of("A") == ["2", "3"]
    (d,) = table.add({"A": "4"})
    assert d["position"] == 4


def test_paging_from_a_position(user):
    table = make_table(user, ("N", "number"))
    rows = table.add(*[{"N": i} for i in range(1, 21)])
    table.remove(*[r["id"] for r in rows[4:8]])
    page = table.list(limit=3, **{"from": 4})
    assert [r["position"] for r in page.data] == [4, 9, 10]
    page = table.list(limit=3, cursor=page.meta["nextCursor"])
    assert [r["position"] for r in page.data] == [11, 12, 13]
    assert table.list(sort=[("N", "asc")], **{"from": 4}).status == 400


# ---- sorting and filtering against a model ----

WORDS = ["", "alpha", "beta", "gamma", "delta", "alphabet", "100", "a1", "a1", "zz"]


def model_rows(dice, count):
    rows = []
    for i in range(count):
        rows.append({
            "Name": dice.choice([None, *WORDS]) or None, "Size": dice.choice([None, -1, 0, 1, 2.5, 10, 1e6]),
            "Ok": dice.choice([None, True, False]), "Day": dice.choice([None, "2024-01-01", "2024-06-30", "1999-12-31"])})
    return rows


def model_sort(rows, sort):
    """Stable sorts from the last key to the first; empty cells last in both directions."""
    out = list(rows)
    for name, direction in reversed(sort):
        filled = [r for r in out if r[name] is not None]
        empty = [r for r in out if r[name] is None]
        filled.sort(key=lambda r: r[name], reverse=False)
        if direction == "desc":  # reversed, but ties keep their order
            filled.reverse()
            groups = {}
            for r in filled:
                groups.setdefault(r[name], []).insert(0, r)
            filled = [r for key in dict.fromkeys(r[name] for r in filled) for r in groups[key]]
        out = filled + empty
    return out


@pytest.fixture(scope="module")
def model(stack):
    user = stack.user()
    table = make_table(user, ("Name", "text"), ("Size", "number"), ("Ok", "boolean"), ("Day", "date"))
    rows = model_rows(random.Random(4), 300)
    records = table.add(*rows)
    for row, record in zip(rows, records):
        row["id"] = record["id"]
    return table, rows


SORTS = [[("Name", "asc")], [("Name", "desc")], [("Size", "asc")], [("Size", "desc")], [("Ok", "asc"), ("Day", "desc")],
         [("Day", "desc"), ("Name", "asc"), ("Size", "desc")], [("Ok", "desc"), ("Size", "asc"), ("Day", "asc"), ("Name", "desc")]]


@pytest.mark.parametrize("sort", SORTS, ids=lambda s: "-".join(f"{n}.{d}" for n, d in s))
@pytest.mark.parametrize("limit", [1000, 37, 7])
def test_sorted_paging_is_the_model_s_order(model, sort, limit):
    table, rows = model
    want = [r["id"] for r in model_sort(rows, sort)]
    assert [r["id"] for r in table.all(limit=limit, sort=sort)] == want


def empty(value):
    return value is None


FILTERS = [
    (("Name", "eq", "alpha"), lambda r: r["Name"] == "alpha"),
    (("Name", "ne", "alpha"), lambda r: r["Name"] != "alpha"),
    (("Name", "contains", "ALPHA"), lambda r: "alpha" in (r["Name"] or "")),
    (("Name", "startsWith", "a"), lambda r: (r["Name"] or "").startswith("a")),
    (("Name", "in", ["alpha", "zz", "none"]), lambda r: r["Name"] in ("alpha", "zz")),
    (("Name", "in", []), lambda r: False),
    (("Name", "isEmpty"), lambda r: r["Name"] is None),
    (("Name", "isNotEmpty"), lambda r: r["Name"] is not None),
    (("Name", "eq", None), lambda r: r["Name"] is None),
    (("Name", "ne", ""), lambda r: r["Name"] is not None),
    (("Name", "gte", "beta"), lambda r: (r["Name"] or "") >= "beta"),
    (("Size", "gt", 1), lambda r: r["Size"] is not None and r["Size"] > 1),
    (("Size", "lte", "0"), lambda r: r["Size"] is not None and r["Size"] <= 0),
    (("Size", "eq", 2.5), lambda r: r["Size"] == 2.5),
    (("Size", "in", [0, 10]), lambda r: r["Size"] in (0, 10) and r["Size"] is not None),
    (("Size", "contains", "1"), lambda r: r["Size"] in (-1, 1, 10, 1e6)),
    (("Ok", "eq", True), lambda r: r["Ok"] is True),
    (("Ok", "ne", True), lambda r: r["Ok"] is not True),
    (("Day", "lt", "2024-06-30"), lambda r: r["Day"] is not None and r["Day"] < "2024-06-30"),
    (("Day", "eq", "2024-01-01T00:00:00Z"), lambda r: r["Day"] == "2024-01-01"),
    (("Day", "startsWith", "2024"), lambda r: (r["Day"] or "").startswith("2024")),
    (("Name", "status", "empty"), lambda r: r["Name"] is None),
    (("Name", "status", ["manual", "failed"]), lambda r: r["Name"] is not None),
    ({"and": [("Ok", "eq", False), {"or": [("Size", "lt", 0), ("Name", "isEmpty")]}]},
     lambda r: r["Ok"] is False and ((r["Size"] is not None and r["Size"] < 0) or r["Name"] is None)),
    ({"and": []}, lambda r: True),
    ({"or": []}, lambda r: False),
]


@pytest.mark.parametrize("number", range(len(FILTERS)))
def test_filters_are_the_model_s(model, number):
    table, rows = model
    node, passes = FILTERS[number]
    want = [r["id"] for r in rows if passes(r)]
    assert [r["id"] for r in table.all(limit=50, filter=node)] == want
    page = table.list(limit=1, filter=node)
    assert (page.meta["total"], page.meta["totalIsEstimate"]) == (len(want), False)
    sort = [("Size", "desc"), ("Name", "asc")]
    assert [r["id"] for r in table.all(limit=11, filter=node, sort=sort)] == [r["id"] for r in model_sort([r for r in rows if passes(r)], sort)]


def test_texts_are_sorted_as_people_do(user):
    table = make_table(user, "A")
    table.add(*[{"A": t} for t in ["Zebra", "émile", "apple", "Emil", "Äpfel", "zoo", "Zoo"]])
    assert table.column_of("A", sort=[("A", "asc")]) == ["Äpfel", "apple", "Emil", "émile", "Zebra", "zoo", "Zoo"]
    table.add({"A": "x" * 5000 + "1"}, {"A": "x" * 5000 + "2"})
    assert len(table.all(limit=1, sort=[("A", "desc")])) == 9


def test_filter_texts_are_never_patterns_or_sql(user):
    table = make_table(user, "A")
    texts = ["100%", "100x", "a_b", "axb", "c\\d", "'; DROP TABLE users; --", "$1", "\"q\""]
    table.add(*[{"A": t} for t in texts])
    for text in texts:
        for op in ("eq", "contains", "startsWith"):
            assert table.column_of("A", filter=("A", op, text)) == [text], (op, text)
        assert table.column_of("A", filter=("A", "in", [text])) == [text]


def test_every_fault_of_a_filter_and_a_sort_is_named(user):
    table = make_table(user, ("N", "number"), ("J", "json"))
    filter = {"and": [{"column": str(uuid.uuid4()), "op": "eq", "value": 1}, {"column": table.ids["N"], "op": "like", "value": 1},
                      {"column": table.ids["N"], "op": "gt", "value": "x"}, {"column": table.ids["J"], "op": "lt", "value": 1},
                      {"or": 5}, 7, {"column": table.ids["N"], "op": "in", "value": 3}, {"column": table.ids["N"], "op": "status", "value": "odd"},
                      {"column": table.ids["N"], "op": "eq", "value": 1, "not": True}]}
    sort = [{"column": "x", "direction": "up"}, {"column": table.ids["N"]}, {"column": table.ids["N"]}]
    reply = user.get(f"{table.path}/records", params={"filter": json.dumps(filter), "sort": json.dumps(sort)})
    assert reply.status == 400
    paths = {d["path"].removeprefix("/query") for d in reply.error["details"]}
    assert paths == {"/filter/and/0/column", "/filter/and/1/op", "/filter/and/2/value", "/filter/and/3/op", "/filter/and/4/or",
                     "/filter/and/5", "/filter/and/6/value", "/filter/and/7/value", "/filter/and/8", "/sort/0/column", "/sort/0/direction",
                     "/sort/2/column"}
    deep = {"column": table.ids["N"], "op": "isEmpty"}
    for _ in range(9):
        deep = {"and": [deep]}
    for params in ({"filter": json.dumps(deep)}, {"filter": json.dumps({"and": [deep] * 101})}, {"filter": "{"}, {"sort": "[]x"},
                   {"sort": json.dumps([{"column": table.ids["N"]}] * 6)}):
        assert user.get(f"{table.path}/records", params=params).status == 400, params


def test_cursors_are_bound_to_their_list(user):
    table, other = make_table(user, ("N", "number")), make_table(user, ("N", "number"))
    table.add(*[{"N": i} for i in range(5)])
    sort = [("N", "desc")]
    cursor = table.list(limit=2, sort=sort).meta["nextCursor"]
    assert [table.values(r)["N"] for r in table.list(limit=2, sort=sort, cursor=cursor).data] == [2, 1]
    assert table.list(limit=2, cursor=cursor).status == 400
    assert table.list(limit=2, sort=[("N", "asc")], cursor=cursor).status == 400
    assert table.list(limit=2, sort=sort, filter=("N", "gt", 1), cursor=cursor).status == 400
    assert other.list(limit=2, sort=sort, cursor=cursor).status == 400
    for bad in ("x", "!!", "W10", cursor[:-3], cursor + "A", "eyJhIjoxfQ"):
        assert table.list(limit=2, sort=sort, cursor=bad).status == 400, bad


def test_paging_survives_the_row_it_stands_on(user):
    table = make_table(user, ("N", "number"))
    rows = table.add(*[{"N": i % 3} for i in range(9)])
    sort = [("N", "asc")]
    page = table.list(limit=4, sort=sort)
    table.remove(page.data[-1]["id"])
    rest = table.list(limit=100, sort=sort, cursor=page.meta["nextCursor"]).data
    assert len(rest) == 5 and {r["id"] for r in rest}.isdisjoint({r["id"] for r in page.data})


def test_large_filtered_totals_are_estimates_that_say_so(user, stack):
    table = make_table(user, ("N", "number"))
    bare = table.id.replace("-", "")
    column = table.ids["N"].replace("-", "")
    stack.sql(f"INSERT INTO grid.t_{bare} (position, c_{column}) SELECT n, n FROM generate_series(1, 30000) n")
    stack.sql("UPDATE tables SET row_count = 30000, next_position = 30001 WHERE id = %s", (table.id,))
    stack.sql(f"ANALYZE grid.t_{bare}")
    assert (table.list(limit=1).meta["total"], table.list(limit=1).meta["totalIsEstimate"]) == (30000, False)
    meta = table.list(limit=1, filter=("N", "gt", 10000)).meta
    assert meta["totalIsEstimate"] and 15000 < meta["total"] <= 30000
    meta = table.list(limit=1, filter=("N", "lte", 10000)).meta
    assert (meta["total"], meta["totalIsEstimate"]) == (10000, False)


def test_roles(user, stack):
    table = make_table(user, "A")
    (record,) = table.add({"A": "1"})
    viewer, member = stack.user(), stack.user()
    for who, role in ((viewer, "viewer"), (member, "member")):
        stack.sql("INSERT INTO workspace_members (workspace_id, user_id, role) VALUES (%s, %s, %s)",
                  (user.workspace_id, who.user["id"], role))
    assert viewer.get(f"{table.path}/records").status == 200
    for reply in (viewer.post(f"{table.path}/records", {"records": [{"data": {}}]}),
                  viewer.patch(f"{table.path}/records", {"updates": [{"id": record["id"], "data": {}}]}),
                  viewer.delete(f"{table.path}/records", {"ids": [record["id"]]}), viewer.patch(table.path, {"name": "x"}),
                  member.delete(table.path)):
        assert (reply.status, reply.code) == (403, "AUTHORIZATION_ERROR")
    assert member.post(f"{table.path}/records", {"records": [{"data": {}}]}).status == 201


def test_provenance_shows_the_attempts_and_typing_over_keeps_them(user, stack):
    table = make_table(user, "A", "B")
    (record,) = table.add({"A": "found"})
    bare, a = table.id.replace("-", ""), table.ids["A"]
    job = str(stack.sql("INSERT INTO jobs (workspace_id, table_id, engine, status) VALUES (%s, %s, 'local', 'completed') RETURNING id",
                        (user.workspace_id, table.id))[0][0])
    stack.sql("INSERT INTO job_fields (job_id, ordinal, column_id, output_key, field_name, waterfall) VALUES (%s, 0, %s, 'email', 'email', %s)",
              (job, a, json.dumps([{"provider": "zz-first"}, {"provider": "aa-second"}])))
    for provider, outcome, credits in (("aa-second", "hit", 2), ("zz-first", "miss", 0)):
        stack.sql("INSERT INTO attempts (job_id, record_id, column_id, provider_slug, record_index, field_name, outcome, credits, started_at) "
                  "VALUES (%s, %s, %s, %s, 7, 'email', %s, %s, now())", (job, record["id"], a, provider, outcome, credits))
    stack.sql(f"INSERT INTO grid.p_{bare} (record_id, column_id, status, provider, source, confidence, cost_credits, job_id) "
              "VALUES (%s, %s, 'complete', 'aa-second', 'sandbox', 0.5, 2, %s)", (record["id"], a, job))
    shown = user.ok("GET", f"{table.path}/records/{record['id']}/provenance")
    assert shown["recordId"] == record["id"] and shown["cells"][table.ids["B"]] == {"status": "empty", "attempts": []}
    cell = shown["cells"][a]
    assert {k: cell[k] for k in ("status", "provider", "source", "confidence", "costCredits", "jobId", "error")} == {
        "status": "complete", "provider": "aa-second", "source": "sandbox", "confidence": 0.5, "costCredits": 2, "jobId": job, "error": None}
    assert [(t["provider"], t["outcome"], t["credits"]) for t in cell["attempts"]] == [("zz-first", "miss", 0), ("aa-second", "hit", 2)]
    assert cell["attempts"][0]["idempotencyKey"] == f"{job}:7:email:zz-first"
    assert table.column_of("A", filter=("A", "status", "complete")) == ["found"]
    listed = table.all()[0]["cells"][a]
    assert (listed["status"], listed["provider"], listed["confidence"], listed["costCredits"]) == ("complete", "aa-second", 0.5, 2)
    table.change((record["id"], {"A": "typed"}))
    cell = user.ok("GET", f"{table.path}/records/{record['id']}/provenance")["cells"][a]
    assert (cell["status"], cell["provider"], cell["jobId"], len(cell["attempts"])) == ("manual", None, job, 2)
    table.change((record["id"], {"A": None}))
    assert table.all()[0]["cells"][a]["status"] == "empty"
    assert table.column_of("A", filter=("A", "status", "empty")) == [None]


def test_replays_of_a_post_insert_once(user):
    table = make_table(user, "A")
    body = {"records": [{"data": {table.ids["A"]: "1"}}]}
    key = {"Idempotency-Key": "once"}
    first, second = (user.post(f"{table.path}/records", body, headers=key) for _ in range(2))
    assert first.data == second.data and table.column_of("A") == ["1"]
