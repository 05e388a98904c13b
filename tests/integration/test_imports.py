"""CSV import and export over HTTP, on real PostgreSQL: encodings, dialects, mapping, wrong values, size, isolation,
crashes, formula safety."""

import csv
import io
import json
import random
import socket
import time

import httpx
import pytest

from lib.stack import wait_for

csv.field_size_limit(1 << 30)
STACK = dict(env={"MILLRACE_RATE_LIMIT_AUTH": "0", "MILLRACE_RATE_LIMIT_GENERAL": "0"})


def upload(user, data, name="data.csv", table=None, status=201, **options):
    """The preview of a file."""
    if isinstance(data, str):
        data = data.encode()
    path = f"{user.w}/tables/{table}/imports" if table else f"{user.w}/imports"
    form = {"options": json.dumps(options)} if options else None
    return user.ok("POST", path, files={"file": (name, data, "text/csv")}, data=form, status=status)


def refused(user, data, name="data.csv", form=None, table=None, field="file"):
    path = f"{user.w}/tables/{table}/imports" if table else f"{user.w}/imports"
    return user.post(path, files={field: (name, data, "text/csv")}, data=form)


def commit(user, preview, wait=True, **body):
    """Commits an import; returns how it ended."""
    path = f"{user.w}/imports/{preview['importId']}"
    user.ok("POST", f"{path}/commit", body, status=202)
    if not wait:
        return None
    wait_for(lambda: user.ok("GET", path)["status"] in ("completed", "failed"), 120, "import ended")
    return user.ok("GET", path)


def load(user, data, name="data.csv", options=None, **body):
    """Uploads, commits, and returns the id of the table made."""
    done = commit(user, upload(user, data, name, **(options or {})), **body)
    assert done["status"] == "completed", done
    return done["tableId"]


def export(user, table, **params):
    reply = user.get(f"{user.w}/tables/{table}/export", params=params)
    assert reply.status == 200, reply
    return reply


def rows_of(user, table, **params):
    """The exported rows, header first."""
    return list(csv.reader(io.StringIO(export(user, table, **params).text, newline="")))


def columns_of(user, table):
    return user.ok("GET", f"{user.w}/tables/{table}")["columns"]


COMPANIES = ("Company,Website,Employees,Founded,Active,E-mail\n"
             "Acme GmbH,https://acme.example,120,2001-05-01,yes,info@acme.example\n"
             "Beta Ltd,https://beta.example,7,1999-12-31,no,hello@beta.example\n")


def test_preview_tells_what_the_file_is(user):
    preview = upload(user, COMPANIES, "companies.csv")
    assert preview["dialect"] == {"delimiter": ",", "quote": '"', "newline": "LF", "encoding": "UTF-8", "hasHeader": True}
    found = [(c["header"], c["type"], c.get("suggestedKey")) for c in preview["columns"]]
    assert found == [("Company", "text", "company_name"), ("Website", "url", "website"),
                     ("Employees", "number", "employee_count"), ("Founded", "date", "founded_year"),
                     ("Active", "boolean", None), ("E-mail", "email", "email")]
    assert preview["rows"] == [line.split(",") for line in COMPANIES.splitlines()[1:]]
    assert preview["columns"][0]["samples"] == ["Acme GmbH", "Beta Ltd"]
    assert preview["faults"] == [] and preview["rowsTotal"] == 2


def test_a_commit_makes_a_typed_table(user, stack):
    table = load(user, COMPANIES, "companies.csv")
    made = user.ok("GET", f"{user.w}/tables/{table}")
    assert made["name"] == "companies"
    assert [(c["name"], c["type"]) for c in made["columns"]] == [
        ("Company", "text"), ("Website", "url"), ("Employees", "number"), ("Founded", "date"), ("Active", "boolean"),
        ("E-mail", "email")]
    assert made["columns"][0]["key"] == "company_name"
    assert rows_of(user, table) == [COMPANIES.splitlines()[0].split(",")] + [
        ["Acme GmbH", "https://acme.example", "120", "2001-05-01", "true", "info@acme.example"],
        ["Beta Ltd", "https://beta.example", "7", "1999-12-31", "false", "hello@beta.example"]]
    grid = "grid.t_" + table.replace("-", "")
    assert stack.sql(f"SELECT position FROM {grid} ORDER BY position") == [(1,), (2,)]
    assert stack.sql("SELECT row_count, next_position FROM tables WHERE id = %s", (table,)) == [(2, 3)]


@pytest.mark.parametrize("encoding, name", [("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8"), ("utf-16", "UTF-16LE"),
                                            ("utf-16-be", "UTF-16BE"), ("windows-1252", "windows-1252")])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(user, encoding, name, newline):
    text = newline.join(["Firma;Stadt", "Müller & Söhne;Köln", "Æther €;Malmö", '"a;""b""";"x' + newline + 'y"', ""])
    preview = upload(user, text.encode(encoding))
    assert preview["dialect"]["encoding"] == name and preview["dialect"]["delimiter"] == ";"
    done = commit(user, preview)
    assert rows_of(user, done["tableId"])[1:] == [["Müller & Söhne", "Köln"], ["Æther €", "Malmö"],
                                                 ['a;"b"', f"x{newline}y"]]


def test_options_overrule_what_is_found(user):
    preview = upload(user, "a|b\n1|2\n", delimiter="|", hasHeader=False)
    assert [c["header"] for c in preview["columns"]] == ["Column 1", "Column 2"]
    assert preview["rows"] == [["a", "b"], ["1", "2"]]


def test_ragged_rows_are_kept_and_named_by_line(user):
    preview = upload(user, 'a,b,c\n1,2,3\n4\n"x\ny",5,6,extra\n7,8,9\n')
    assert [(f["line"], f["message"]) for f in preview["faults"]] == [
        (3, "1 cells where the header has 3"), (4, "4 cells where the header has 3")]
    done = commit(user, preview)
    assert rows_of(user, done["tableId"]) == [["a", "b", "c", "Column 4"], ["1", "2", "3", ""], ["4", "", "", ""],
                                             ["x\ny", "5", "6", "extra"], ["7", "8", "9", ""]]
    assert [f["line"] for f in done["faults"]] == [3, 4]


def test_values_that_do_not_fit_are_kept_as_text(user, stack):
    data = "name,size\n" + "".join(f"n{i},{i}\n" for i in range(40)) + "odd,about ten\nlast,41\n"
    done = commit(user, upload(user, data))
    assert (done["rowsRead"], done["rowsImported"], done["rowsRejected"]) == (42, 42, 0)
    assert done["faults"] == [{"line": 42, "column": "size", "message": '"about ten" is not a number; kept as text'}]
    assert ["odd", "about ten"] in rows_of(user, done["tableId"])
    size = columns_of(user, done["tableId"])[1]
    assert size["type"] == "number"
    hex_table, hex_column = done["tableId"].replace("-", ""), size["id"].replace("-", "")
    assert stack.sql(f"SELECT p.raw_text, p.status FROM grid.p_{hex_table} p JOIN grid.t_{hex_table} t "
                     f"ON t.id = p.record_id WHERE t.position = 41 AND t.c_{hex_column} IS NULL") == [("about ten", "manual")]


def test_rows_with_wrong_values_can_be_rejected(user):
    data = "name,size\n" + "".join(f"n{i},{i}\n" for i in range(40)) + "odd,about ten\nlast,41\n"
    done = commit(user, upload(user, data), onError="reject")
    assert (done["rowsRead"], done["rowsImported"], done["rowsRejected"]) == (42, 41, 1)
    assert done["faults"][0]["line"] == 42
    rows = rows_of(user, done["tableId"])
    assert len(rows) == 42 and ["odd", "about ten"] not in rows


def test_numbers_and_dates_are_read_as_their_column_writes_them(user):
    data = "n;d;us\n1.234,5;31/12/2024;12/31/2024\n2,25;01/02/2024;01/02/2024\n-3;05/06/2023 08:30;05/06/2023\n"
    table = load(user, data)
    assert rows_of(user, table)[1:] == [["1234.5", "2024-12-31", "2024-12-31"], ["2.25", "2024-02-01", "2024-01-02"],
                                       ["-3", "2023-06-05T08:30:00Z", "2023-05-06"]]


def test_a_mapping_skips_renames_and_retypes(user):
    preview = upload(user, "id,name,name\n007,Ann,x\n012,Bob,y\n")
    assert [c["type"] for c in preview["columns"]] == ["text", "text", "text"]
    done = commit(user, preview, tableName="People", mapping=[
        {"header": "id", "type": "number", "name": "Number"}, {"header": "name", "skip": True},
        {"header": "name", "name": "Letter"}])
    assert done["status"] == "completed"
    assert rows_of(user, done["tableId"]) == [["Number", "Letter"], ["7", "x"], ["12", "y"]]
    assert user.ok("GET", f"{user.w}/tables/{done['tableId']}")["name"] == "People"


def test_a_faulty_mapping_names_every_fault_and_changes_nothing(user):
    table = load(user, "name,city\na,b\n")
    preview = upload(user, "name,town\nc,d\n", table=table)
    city = columns_of(user, table)[1]["id"]
    reply = user.post(f"{user.w}/imports/{preview['importId']}/commit", {"tableName": "T", "mapping": [
        {"header": "nowhere", "name": "x"}, {"header": "name", "columnId": "00000000-0000-4000-8000-000000000000"},
        {"header": "town", "columnId": city, "type": "number"}]})
    assert reply.status == 400 and reply.code == "VALIDATION_ERROR"
    assert {d["path"] for d in reply.error["details"]} == {"/mapping/0/header", "/mapping/1/columnId", "/mapping/2/type",
                                                         "/tableName"}
    assert user.ok("GET", f"{user.w}/imports/{preview['importId']}")["status"] == "previewed"
    assert user.post(f"{user.w}/imports/{preview['importId']}/commit", {"bogus": 1}).status == 400


def test_rows_are_appended_to_an_existing_table(user, stack):
    table = load(user, "Name,Size\na,1\nb,2\n")
    preview = upload(user, "size,extra,name\n3,x,c\nhuge,y,d\n5,z,e\n", table=table)
    name, size = columns_of(user, table)
    done = commit(user, preview, mapping=[{"header": "size", "columnId": size["id"]}])
    assert done["status"] == "completed" and done["tableId"] == table
    assert rows_of(user, table) == [["Name", "Size", "extra"], ["a", "1", ""], ["b", "2", ""], ["c", "3", "x"],
                                   ["d", "huge", "y"], ["e", "5", "z"]]
    assert stack.sql("SELECT row_count, next_position FROM tables WHERE id = %s", (table,)) == [(5, 6)]
    grid = "grid.t_" + table.replace("-", "")
    assert [p for (p,) in stack.sql(f"SELECT position FROM {grid} ORDER BY position")] == [1, 2, 3, 4, 5]


def test_watchers_of_a_table_hear_of_an_import(user):
    table = load(user, "Name\na\n")
    preview = upload(user, "Name\nb\nc\n", table=table)
    watcher = user.clone()
    with watcher.events(f"{user.w}/tables/{table}/events") as events:
        commit(user, preview, wait=False)
        seen = next(e for e in events if e["event"] == "records.changed" and not e["data"].get("resync"))
    assert seen["data"]["kind"] == "inserted" and seen["data"]["count"] == 2
    watcher.close()


def test_a_hundred_thousand_rows(user, stack):
    rng = random.Random(5)
    rows = [[str(i), "".join(rng.choices('abc ",\n;ä', k=12)), f"{rng.uniform(0, 1000):.3f}", rng.choice(["true", "false"]),
             f"20{rng.randrange(10, 25)}-0{rng.randrange(1, 10)}-1{rng.randrange(10)}", ""] for i in range(100_000)]
    out = io.StringIO()
    csv.writer(out).writerows([["n", "text", "amount", "flag", "day", "nothing"]] + rows)
    done = commit(user, upload(user, out.getvalue()))
    assert done["status"] == "completed" and done["rowsImported"] == done["rowsRead"] == done["rowsTotal"] == 100_000
    got = rows_of(user, done["tableId"])
    for want, have in zip(rows, got[1:], strict=True):
        assert have[0] == want[0] and have[1].removeprefix("'") == want[1] and float(have[2]) == float(want[2]) and have[3:] == want[3:]
    grid = "grid.t_" + done["tableId"].replace("-", "")
    assert stack.sql(f"SELECT count(*), min(position), max(position), count(DISTINCT id) FROM {grid}") == [
        (100_000, 1, 100_000, 100_000)]


def test_large_cells(user):
    big = "x" * 200_000 + '"' + "y" * 50_000
    table = load(user, 'a,b\n1,"' + big.replace('"', '""') + '"\n2,z\n')
    assert rows_of(user, table)[1] == ["1", big]
    reply = refused(user, b"a,b\n1,2\n3," + b"z" * 300_000 + b"\n")
    assert reply.status == 413 and "line 3" in reply.error["message"]
    reply = refused(user, b'a,b\n1,"never closed\n' + b"z,z\n" * 200_000)
    assert reply.status == 413 and "line 2" in reply.error["message"]


def test_nul_bytes_are_dropped_and_named(user):
    done = commit(user, upload(user, b"a,b\nx\0y,1\n"))
    assert rows_of(user, done["tableId"])[1] == ["xy", "1"]
    assert done["faults"][0]["message"] == "NUL bytes"


def test_an_upload_may_come_in_any_pieces(user):
    body = (b'--xyz\r\nContent-Disposition: form-data; name="options"\r\n\r\n{"hasHeader":true}\r\n--xyz\r\n'
            b'Content-Disposition: form-data; name="file"; filename="data.csv"\r\nContent-Type: text/csv\r\n\r\n'
            b'a\n1\n\r\n--xyz--\r\n')
    url = httpx.URL(user.url)
    head = (f"POST /api/v1{user.w}/imports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {user.token}\r\n"
            f"Content-Type: multipart/form-data; boundary=xyz\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n").encode()
    for cut in range(1, len(body)):
        with socket.create_connection((url.host, url.port)) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            s.sendall(head + body[:cut])
            time.sleep(0.005)  # so that the pieces arrive apart; the answer is the same if they do not
            s.sendall(body[cut:])
            answer = b"".join(iter(lambda: s.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 201") and b'"rows":[["1"]]' in answer, (cut, answer)


def test_what_is_no_csv_file_is_refused(user):
    for head, word in [(b"PK\x03\x04rest of a workbook", "Excel"), (b"%PDF-1.7", "PDF"), (b"\x1f\x8b\x08", "gzip")]:
        reply = refused(user, head)
        assert reply.status == 415 and word in reply.error["message"]
    assert refused(user, b"").status == 400
    assert refused(user, b"\n\n\n").status == 400
    assert refused(user, b"a\n1\n", field="other").status == 400
    reply = refused(user, b"a\n1\n", form={"options": '{"delimiter":"ab","encoding":"klingon","what":1}'})
    assert {d["path"] for d in reply.error["details"]} == {"/options/delimiter", "/options/encoding", "/options/what"}
    assert refused(user, b"a\n1\n", form={"options": "nonsense"}).status == 400
    assert user.post(f"{user.w}/imports", {"a": 1}).status in (400, 415)


def test_an_import_is_committed_once(user):
    preview = upload(user, "a\n1\n")
    assert commit(user, preview)["status"] == "completed"
    assert user.post(f"{user.w}/imports/{preview['importId']}/commit", {}).status == 409
    assert user.post(f"{user.w}/imports/00000000-0000-4000-8000-000000000000/commit", {}).status == 404


def test_workspaces_are_kept_apart(user, stack):
    mine = upload(user, "a\n1\n")
    table = load(user, "a\n1\n")
    other = stack.user()
    assert other.get(f"{other.w}/imports/{mine['importId']}").status == 404
    assert other.get(f"{user.w}/imports/{mine['importId']}").status == 404
    assert other.post(f"{other.w}/imports/{mine['importId']}/commit", {}).status == 404
    assert refused(other, b"a\n1\n", table=table).status == 404
    assert other.get(f"{other.w}/tables/{table}/export").status == 404
    assert other.get(f"{user.w}/tables/{table}/export").status == 404
    assert user.ok("GET", f"{user.w}/imports/{mine['importId']}")["status"] == "previewed"


def test_a_viewer_may_export_but_not_import(user, stack):
    table = load(user, "a\n1\n")
    preview = upload(user, "a\n2\n")
    viewer = stack.user()
    stack.sql("INSERT INTO workspace_members (workspace_id, user_id, role) VALUES (%s, %s, 'viewer')",
              (user.workspace_id, viewer.user["id"]))
    viewer.workspace_id = user.workspace_id
    assert refused(viewer, b"a\n1\n").status == 403
    assert refused(viewer, b"a\n1\n", table=table).status == 403
    assert viewer.post(f"{viewer.w}/imports/{preview['importId']}/commit", {}).status == 403
    assert viewer.ok("GET", f"{viewer.w}/imports/{preview['importId']}")["status"] == "previewed"
    assert rows_of(viewer, table) == [["a"], ["1"]]


def test_separators_at_the_ends_of_lines_make_no_columns(user):
    table = load(user, "a,,b,,\n1,,2,,\n3,,4,,\n")
    assert rows_of(user, table) == [["a", "Column 2", "b"], ["1", "", "2"], ["3", "", "4"]]


def test_the_spool_is_emptied(user, stack):
    spool = stack.folder / "state" / "imports"
    preview = upload(user, "a\n1\n")
    assert len(list(spool.iterdir())) >= 1
    (name,), = stack.sql("SELECT spool_name FROM imports WHERE id = %s", (preview["importId"],))
    assert (spool / name).stat().st_mode & 0o077 == 0
    commit(user, preview)
    wait_for(lambda: not (spool / name).exists(), 10, "spool file removed")


# ---- export ----

FORMULAS = ["=1+1", "+cmd|'/C calc'!A0", "-2+3", "@SUM(A1)", "\tx", "=HYPERLINK(\"http://x\",\"y\")"]


def test_exported_formulas_are_made_safe(user):
    out = io.StringIO()
    csv.writer(out).writerows([["text", "n"]] + [[f, "-5"] for f in FORMULAS])
    table = load(user, out.getvalue())
    rows = rows_of(user, table)[1:]
    assert [row[0] for row in rows] == ["'" + f for f in FORMULAS]
    assert {row[1] for row in rows} == {"-5"}
    plain = [json.loads(line) for line in export(user, table, format="jsonl").text.splitlines()]
    assert [row["data"]["text"] for row in plain] == FORMULAS and plain[0]["data"]["n"] == -5


def test_export_takes_columns_ids_filters_and_a_byte_order_mark(user):
    table = load(user, "name,size\na,1\nb,2\nc,3\n")
    name, size = columns_of(user, table)
    lines = [json.loads(line) for line in export(user, table, format="jsonl").text.splitlines()]
    assert [line["data"] for line in lines] == [{"full_name": "a", "employee_count": 1}, {"full_name": "b", "employee_count": 2},
                                              {"full_name": "c", "employee_count": 3}]
    assert rows_of(user, table, columns=f"{size['id']},{name['id']}")[1] == ["1", "a"]
    assert rows_of(user, table, ids=f"{lines[2]['id']},{lines[0]['id']}")[1:] == [["a", "1"], ["c", "3"]]
    wanted = json.dumps({"column": size["id"], "op": "gt", "value": 1})
    assert rows_of(user, table, filter=wanted)[1:] == [["b", "2"], ["c", "3"]]
    reply = export(user, table, bom=1)
    assert reply.content.startswith(b"\xef\xbb\xbfname,size\r\n")
    assert reply.headers["content-type"].startswith("text/csv")
    assert 'filename="data.csv"' in reply.headers["content-disposition"]
    for bad in [{"format": "xml"}, {"ids": "1"}, {"filter": "{"}, {"columns": table}, {"nonsense": 1}]:
        assert user.get(f"{user.w}/tables/{table}/export", params=bad).status == 400


def test_export_shows_provenance(user, stack):
    table = load(user, "name,mail\na,x@y.org\nb,\n")
    name, mail = columns_of(user, table)
    hexed = table.replace("-", "")
    stack.sql(f"INSERT INTO grid.p_{hexed} (record_id, column_id, status, provider, confidence) "
              f"SELECT id, %s, 'complete', 'hunter', 0.92 FROM grid.t_{hexed} WHERE position = 1", (mail["id"],))
    assert rows_of(user, table, provenance=1) == [["name", "mail", "mail source", "mail confidence"],
                                                 ["a", "x@y.org", "hunter", "0.92"], ["b", "", "", ""]]
    assert rows_of(user, table, provenance=name["id"])[0] == ["name", "name source", "name confidence", "mail"]
    assert rows_of(user, table)[0] == ["name", "mail"]
    line = json.loads(export(user, table, provenance=1, format="jsonl").text.splitlines()[0])
    assert line["data"] == {"full_name": "a", "email": "x@y.org", "email_source": "hunter", "email_confidence": 0.92}


# ---- crashes ----

def test_an_import_survives_kill_9_at_any_moment(make_stack):
    stack = make_stack(**STACK)
    user = stack.user()
    rows = 150_000
    data = "n,text\n" + "".join(f"{i},some text for row number {i}\n" for i in range(rows))
    preview = upload(user, data)
    commit(user, preview, wait=False, tableName="Big")

    def status():
        return stack.sql("SELECT status, rows_read FROM imports")[0]

    for moment in (lambda s: s[0] == "importing", lambda s: s[1] > 0 or s[0] == "completed", lambda s: s[1] > 0):
        wait_for(lambda: moment(status()) or status()[0] == "completed", 60, "the moment to kill")
        assert stack.sql("SELECT count(*) FROM tables") in ([(0,)], [(1,)])
        if status()[0] == "completed":
            break
        stack.backend.kill()
        wait_for(lambda: stack.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'millraced' AND datname = current_database()") == [(0,)],
                 30, "connections gone")
        assert stack.sql("SELECT count(*) FROM tables") == ([(0,)] if status()[0] != "completed" else [(1,)])
        stack.backend.start()
    wait_for(lambda: status()[0] == "completed", 120, "import completed")
    done = user.ok("GET", f"{user.w}/imports/{preview['importId']}")
    assert done["rowsImported"] == rows
    grid = "grid.t_" + done["tableId"].replace("-", "")
    assert stack.sql(f"SELECT count(*), count(DISTINCT id), max(position) FROM {grid}") == [(rows, rows, rows)]
    assert stack.sql("SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                     "WHERE n.nspname = 'grid' AND c.relkind = 'r' AND c.relname LIKE 't\\_%%'") == [(1,)]


def test_an_import_is_resumed_after_an_orderly_stop(make_stack):
    stack = make_stack(**STACK)
    user = stack.user()
    rows = 150_000
    preview = upload(user, "n,text\n" + "".join(f"{i},some text for row number {i}\n" for i in range(rows)))
    commit(user, preview, wait=False)
    wait_for(lambda: stack.sql("SELECT status FROM imports") != [("queued",)], 60, "import begun", pause=0.001)
    assert stack.backend.stop() == 0
    assert stack.sql("SELECT status FROM imports") in ([("importing",)], [("completed",)])
    stack.backend.start()
    wait_for(lambda: stack.sql("SELECT status, rows_imported FROM imports") == [("completed", rows)], 120, "import completed")
    assert stack.sql("SELECT row_count FROM tables") == [(rows,)]


def test_several_servers_share_the_imports(make_stack):
    stack = make_stack(**STACK, backends=2)
    user = stack.user()
    previews = [upload(user, f"n\n" + "".join(f"{i}-{k}\n" for i in range(3000))) for k in range(10)]
    for preview in previews:
        commit(user, preview, wait=False)
    wait_for(lambda: stack.sql("SELECT count(*) FROM imports WHERE status = 'completed'") == [(10,)], 60, "imports completed")
    assert stack.sql("SELECT count(*), min(row_count), max(row_count) FROM tables") == [(10, 3000, 3000)]


def test_an_import_without_its_file_fails_plainly(make_stack):
    stack = make_stack(**STACK)
    user = stack.user()
    preview = upload(user, "a\n1\n")
    for path in (stack.folder / "state" / "imports").iterdir():
        path.unlink()
    stack.sql("UPDATE imports SET created_at = now() - interval '2 hours'")
    done = commit(user, preview)
    assert done["status"] == "failed" and "upload it again" in done["error"]
