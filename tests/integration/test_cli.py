"""The command line, as people and scripts use it, against a real stack."""

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

from lib.stack import ROOT, build_dir, free_port, program, sanitizer_env, wait_until

STACK = dict(env={"MILLRACE_STARTER_CREDITS": "100000"})

# ---- no server needed ----


def millrace(*args, input=None, env=None):
    return subprocess.run([program("millrace"), *map(str, args)], capture_output=True, text=True, input=input, timeout=60,
                          env={"PATH": os.environ["PATH"], "MILLRACE_STATE_DIR": "/nonexistent"} | (env or {}))


def test_help_of_every_command():
    listed = millrace("help")
    assert listed.returncode == 0
    names = re.findall(r"^  ([a-z][a-z -]*[a-z])  ", listed.stdout, re.M)
    assert {"enrich", "schema validate", "csv cat", "migrate up", "admin login-link", "doctor"} <= set(names)
    for name in names:
        done = millrace(*name.split(), "--help")
        assert done.returncode == 0 and done.stdout.startswith(f"usage: millrace {name} [OPTION…]"), name
        assert "exit status: 0" in done.stdout, name


def test_manual_page_names_every_command():
    page = (program("millrace").parents[3] / "packages" / "cli" / "millrace.1").read_text().replace("\\-", "-")
    for name in re.findall(r"^  ([a-z][a-z -]*[a-z])  ", millrace("help").stdout, re.M):
        assert f"millrace {name}" in page, name


@pytest.mark.parametrize("args, message", [
    ([], "a command is missing"),
    (["fly"], 'there is no command "fly"'),
    (["admin"], '"admin" needs to know what to do'),
    (["csv", "cat"], '"csv cat" needs FILE'),
    (["version", "--loud"], "does not know the option --loud"),
    (["enrich", "x.csv", "--waterfall", "a"], "--waterfall goes with a --column"),
    (["enrich", "x.csv", "--column", "email", "--budget", "lots"], "--budget must be a whole number"),
])
def test_wrong_usage(args, message):
    done = millrace(*args)
    assert done.returncode == 2 and message in done.stderr and done.stdout == ""
    done = millrace(*args, "--json")
    error = json.loads(done.stdout)
    assert done.returncode == 2 and error["success"] is False and message in error["error"]["message"]


def test_schema_validate(tmp_path):
    schema = tmp_path / "s.json"
    schema.write_text(json.dumps({"type": "object", "required": ["id"], "additionalProperties": False,
                                  "properties": {"id": {"type": "integer"}, "mail": {"format": "email"}}}))
    good, bad, lines = tmp_path / "good.json", tmp_path / "bad.json", tmp_path / "rows.jsonl"
    good.write_text('{\n  "id": 1\n}\n')
    bad.write_text('{"mail": "x", "mial": 1}')
    lines.write_text('{"id": 1}\n{"id": "a"}\n\nnot json\n')
    assert millrace("schema", "validate", schema).returncode == 0
    assert millrace("schema", "validate", schema, good).returncode == 0
    done = millrace("schema", "validate", schema, good, bad, lines)
    assert done.returncode == 1
    assert done.stdout.splitlines()[:3] == [f'{bad}: /id: "id" is required',
                                            f'{bad}: /mail: "mail" must be an e-mail address',
                                            f'{bad}: /mial: "mial" is an unknown field; is "mail" meant?']
    assert f'{lines}:2: /id: "id" must be an integer, not a string' in done.stdout
    assert f"{lines}:4: not valid JSON" in done.stdout
    assert "2 valid, 3 invalid" in done.stderr
    answer = json.loads(millrace("schema", "validate", schema, "-", "--json", input='{"id": 1}\n{"id": 2.5}\n').stdout)
    assert answer["data"]["valid"] == 1 and answer["data"]["invalid"] == 1
    assert answer["data"]["documents"] == [{"file": "-", "line": 2, "valid": False, "faults": [
        {"path": "/id", "rule": "type", "message": '"id" must be an integer, not a number'}]}]


@pytest.mark.parametrize("schema", ['{"type": "text"}', '{"$ref": "#/nowhere"}', '{"pattern": "("}', "nonsense", "3"])
def test_bad_schema(tmp_path, schema):
    (tmp_path / "s.json").write_text(schema)
    (tmp_path / "d.json").write_text("{}")
    done = millrace("schema", "validate", tmp_path / "s.json", tmp_path / "d.json")
    assert done.returncode == 2 and "the schema is wrong" in done.stderr
    assert millrace("schema", "validate", tmp_path / "none.json").returncode == 2


def test_csv_cat(tmp_path):
    path = tmp_path / "in.csv"
    path.write_bytes('\ufeffName;Größe;Name\r\n"Ä;B";1;x\r\n"two\r\nlines";"say ""hi""";y;more\r\n'.encode("utf-16-le"))
    done = millrace("csv", "cat", path, "--header", "--format", "jsonl")
    assert done.returncode == 0
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"Name": "Ä;B", "Größe": "1", "Name_2": "x"},
        {"Name": "two\r\nlines", "Größe": 'say "hi"', "Name_2": "y", "column_4": "more"}]
    assert "line 3: 4 cells where the header has 3" in done.stderr
    done = millrace("csv", "cat", path, "--header", "-v")
    assert list(csv.reader(io.StringIO(done.stdout, newline=""))) == [
        ["Name", "Größe", "Name"], ["Ä;B", "1", "x"], ["two\nlines", 'say "hi"', "y", "more"]]
    assert "delimiter ;, UTF-16LE, CRLF, with header" in done.stderr
    done = millrace("csv", "cat", "-", "--formula-safe", "--no-header", "-n", 1, input="=1+1,x\n=2,y\n")
    assert done.stdout == "'=1+1,x\n"
    assert millrace("csv", "cat", tmp_path / "none.csv").returncode == 2
    assert millrace("csv", "cat", path, "--format", "xml").returncode == 2


def test_openapi_and_providers():
    document = json.loads(millrace("openapi").stdout)
    assert document["openapi"].startswith("3.1") and "/api/v1/auth/login" in document["paths"]
    listed = json.loads(millrace("providers", "list", "--json").stdout)["data"]
    assert {"slug", "inputs", "outputs", "credits"} <= set(listed[0])
    checked = millrace("providers", "check")
    assert checked.returncode == 0 and checked.stdout.count(": fine,") >= 5


def test_faulty_provider_definition(tmp_path):
    (tmp_path / "mine.json").write_text('{"slug": "mine", "surprise": 1}')
    done = millrace("providers", "check", tmp_path)
    assert done.returncode == 1 and "mine.json" in done.stdout and "surprise" in done.stdout


# ---- the database ----


def test_migrate(database_url):
    env = {"MILLRACE_DATABASE_URL": database_url}
    done = millrace("migrate", "status", env=env)
    assert done.returncode == 1 and re.search(r"^001 users +missing$", done.stdout, re.M)
    up = json.loads(millrace("migrate", "up", "--json", env=env).stdout)["data"]
    assert up["applied"] == up["newest"] == up["current"]
    assert json.loads(millrace("migrate", "up", "--json", env=env).stdout)["data"]["applied"] == 0
    assert millrace("migrate", "status", env=env).returncode == 0
    refused = millrace("migrate", "down", env=env, input="")
    assert refused.returncode == 2 and "--yes" in refused.stderr
    down = json.loads(millrace("migrate", "down", "--yes", "--json", env=env).stdout)["data"]
    assert down["reverted"] == 1 and down["current"] == up["newest"] - 1
    assert json.loads(millrace("migrate", "down", "--to", 0, "-y", "--json", env=env).stdout)["data"]["current"] == 0
    assert json.loads(millrace("migrate", "up", "--json", env=env).stdout)["data"]["applied"] == up["newest"]


def test_database_that_is_down():
    env = {"MILLRACE_DATABASE_URL": "postgresql:///x?host=/nonexistent"}
    done = millrace("migrate", "status", env=env)
    assert done.returncode == 3 and "not reachable" in done.stderr
    error = json.loads(millrace("migrate", "status", "--json", env=env).stdout)["error"]
    assert error["code"] == "DEPENDENCY_UNAVAILABLE"


# ---- administration ----


def test_login_link_signs_in_once(stack):
    url = stack.cli("admin", "login-link", check=True).stdout.strip()
    match = re.fullmatch(re.escape(stack.url) + r"/login\?token=([\w-]{40,})", url)
    assert match, url
    anonymous = stack.client()
    session = anonymous.post("/auth/link", {"token": match[1]})
    assert session.status == 200 and session.data["workspace"]["role"] == "owner"
    assert anonymous.post("/auth/link", {"token": match[1]}).status == 401


def test_users_and_grants(stack):
    name = f"ada{time.monotonic_ns()}@example.com"
    assert "/login?token=" in stack.cli("admin", "user", "add", name, "--name", "Ada", check=True).stdout
    again = stack.cli("admin", "user", "add", name)
    assert again.returncode == 1
    assert "now platform administrator" in stack.cli("admin", "grant", name, check=True).stdout
    users = {u["email"]: u for u in json.loads(stack.cli("admin", "user", "list", "--json", check=True).stdout)["data"]}
    assert users[name]["platformAdmin"] is True and users[name]["name"] == "Ada" and users[name]["workspaces"] == 1
    stack.cli("admin", "grant", name, "--revoke", check=True)
    assert stack.cli("admin", "grant", "nobody@example.com").returncode == 1


def test_token_and_credits(stack):
    email = f"bo{time.monotonic_ns()}@example.com"
    stack.cli("admin", "user", "add", email, "--workspace", f"Works of {email}", check=True)
    token = stack.cli("admin", "token", "--user", email, check=True).stdout.strip()
    client = stack.client()
    client.token = token
    me = client.get("/auth/me")
    assert me.status == 200 and me.data["user"]["email"] == email
    before = me.data["workspaces"][0]["credits"]["available"]
    stack.cli("admin", "credits", f"Works of {email}", 500, "--key", "k1", check=True)
    after = json.loads(stack.cli("admin", "credits", f"Works of {email}", 500, "--key", "k1", "--json", check=True).stdout)
    assert after["data"]["available"] == before + 500  # the same key twice counts once
    taken = json.loads(stack.cli("admin", "credits", "--json", "--", f"Works of {email}", -200, check=True).stdout)
    assert taken["data"]["available"] == before + 300
    assert stack.cli("admin", "credits", "--", f"Works of {email}", -10**9).returncode == 1
    assert stack.cli("admin", "reconcile", check=True).stdout.endswith("the books are right\n")


def test_reconcile_finds_what_is_wrong(fresh_stack):
    fresh_stack.cli("admin", "login-link", check=True)
    assert fresh_stack.cli("admin", "reconcile").returncode == 0
    fresh_stack.sql("SET session_replication_role = replica; "
                    "UPDATE credit_accounts SET balance = balance + 7 WHERE kind = 'available'")
    done = fresh_stack.cli("admin", "reconcile", "--json")
    assert done.returncode == 1 and json.loads(done.stdout)["data"]["discrepancies"]


def test_doctor(stack):
    done = stack.cli("doctor", "--json")
    parts = {p["part"]: p for p in json.loads(done.stdout)["data"]}
    assert done.returncode == 0, done.stdout
    for part in ("settings", "state", "PostgreSQL", "migrations", "Redis", "sandbox", "providers", "server"):
        assert parts[part]["status"] == "ok", parts[part]
    broken = stack.cli("doctor", MILLRACE_DATABASE_URL="postgresql:///x?host=/nonexistent",
                       MILLRACE_URL="http://127.0.0.1:9", MILLRACE_PORT="lots")
    assert broken.returncode == 1
    assert re.search(r"^fault +PostgreSQL +.*\n +→ start the stack with \./run", broken.stdout, re.M)
    assert "MILLRACE_PORT" in broken.stdout and "no answer at http://127.0.0.1:9" in broken.stdout


# ---- enrich ----


def slow(stack, ms):
    reply = stack.sandbox_send("PUT", "/_sandbox/knobs", {"default": {"latency": f"fixed:{ms}"}})
    assert reply.status_code == 200, reply.text


COMPANIES = ["Company,Website,Note", "Microsoft,https://www.microsoft.com,\"a, b\"", ",,", "", "Siemens,siemens.com,",
             "Toyota,https://www.toyota.com/,=1+1", "Nestle,,\"two\nlines\""]


def write_companies(path, rows=COMPANIES):
    path.write_text("\n".join(rows) + "\n")
    return path


def read_csv(path):
    with open(path, newline="") as file:
        return list(csv.reader(file))


def test_enrich_by_default(stack, tmp_path):
    source, out = write_companies(tmp_path / "companies.csv"), tmp_path / "companies.enriched.csv"
    done = stack.cli("enrich", source)
    assert done.returncode == 0, done.stderr
    rows, before = read_csv(out), read_csv(source)
    header = rows[0]
    before = [r for r in before if r]  # blank lines are not rows
    assert header[:3] == before[0] and [r[:3] for r in rows[1:]] == before[1:]
    for name in ("Domain", "Industry", "Employees", "Country", "Description", "E-mail"):
        at = header.index(name)
        assert header[at + 1:at + 3] == [f"{name} source", f"{name} confidence"]
    domain = header.index("Domain")
    assert rows[1][domain] == "microsoft.com" and rows[2][domain] == "" and rows[3][domain] == "siemens.com"
    assert rows[1][domain + 1] == "domain-from-url" and float(rows[1][domain + 2]) > 0.5
    country = header.index("Country")
    assert rows[1][country] and rows[1][country + 1].endswith(" (sandbox)")
    assert "demo data" in done.stderr and "cells filled" in done.stdout
    assert not (tmp_path / "companies.enriched.csv.millrace-state").exists()
    assert stack.cli("admin", "reconcile").returncode == 0


def test_enrich_one_column(stack, tmp_path):
    source, out = write_companies(tmp_path / "c.csv"), tmp_path / "o.csv"
    done = stack.cli("enrich", source, "-o", out, "--column", "domain", "--waterfall", "domain-from-url,domain-from-name",
                     "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == 0 and answer["success"] is True, done.stdout
    assert answer["data"]["rows"] == 5 and answer["data"]["job"]["status"] == "completed"
    rows = read_csv(out)
    assert rows[0] == ["Company", "Website", "Note", "Domain", "Domain source", "Domain confidence"]
    assert rows[1][3:5] == ["microsoft.com", "domain-from-url"]
    assert rows[2][3:] == ["", "", ""] and rows[3][3:5] == ["siemens.com", "domain-from-url"]
    assert answer["data"]["filled"] == sum(1 for r in rows[1:] if r[4])


def test_enrich_completes_a_column_that_is_there(stack, tmp_path):
    source = write_companies(tmp_path / "c.csv", ["Website;Domain", "https://www.microsoft.com;keep.example",
                                                  "https://www.siemens.com;"])
    done = stack.cli("enrich", source, "-o", tmp_path / "o.csv", "--column", "domain", "--waterfall", "domain-from-url")
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "o.csv").read_text().splitlines()
    assert lines[0] == "Website;Domain;Domain source;Domain confidence"
    assert lines[1] == "https://www.microsoft.com;keep.example;;"
    assert lines[2].startswith("https://www.siemens.com;siemens.com;domain-from-url;")


def test_enrich_dry_run_leaves_nothing(stack, tmp_path):
    source = write_companies(tmp_path / "c.csv")
    before = stack.sql("SELECT count(*) FROM tables WHERE deleted_at IS NULL")
    done = stack.cli("enrich", source, "--column", "industry", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert re.search(r"\d+ cells to fill; \d+ credits expected, \d+ at most", done.stdout)
    assert stack.sql("SELECT count(*) FROM tables WHERE deleted_at IS NULL") == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c.csv"]


def test_enrich_within_a_budget(stack, tmp_path):
    source = write_companies(tmp_path / "c.csv", ["Domain"] + [f"company{i}.example" for i in range(50)] + ["microsoft.com"])
    done = stack.cli("enrich", source, "-o", tmp_path / "o.csv", "--column", "industry", "--waterfall", "pdl-company",
                     "--budget", 0, "--json")
    answer = json.loads(done.stdout)
    assert done.returncode in (0, 4), done.stdout
    assert answer["data"]["job"]["credits"]["spent"] == 0
    assert done.returncode == (0 if answer["data"]["job"]["status"] == "completed" else 4)
    assert len(read_csv(tmp_path / "o.csv")) == 52


def test_enrich_with_too_few_credits(make_stack, tmp_path):
    stack = make_stack(env={"MILLRACE_STARTER_CREDITS": "10"})
    source = tmp_path / "c.csv"
    source.write_text("Website\n" + "".join(f"https://www.company{i}.example\n" for i in range(20)))
    done = stack.cli("enrich", source, "-o", tmp_path / "o.csv")
    assert done.returncode in (0, 4), done.stderr
    assert "the workspace has 10 credits: the job ends when they are spent" in done.stderr
    rows = read_csv(tmp_path / "o.csv")
    assert len(rows) == 21 and all(r[rows[0].index("Domain")] for r in rows[1:])  # what is free is found all the same
    assert stack.cli("admin", "reconcile").returncode == 0


def test_enrich_ragged_rows(stack, tmp_path):
    source = tmp_path / "c.csv"
    source.write_text("Website,Note\nhttps://www.a.example\nhttps://www.b.example,x,extra\nhttps://www.c.example,y\n")
    done = stack.cli("enrich", source, "-o", tmp_path / "o.csv", "--column", "domain", "--waterfall", "domain-from-url")
    assert done.returncode == 0, done.stderr
    assert [r[:4] for r in read_csv(tmp_path / "o.csv")] == [
        ["Website", "Note", "Column 3", "Domain"], ["https://www.a.example", "", "", "a.example"],
        ["https://www.b.example", "x", "extra", "b.example"], ["https://www.c.example", "y", "", "c.example"]]


@pytest.mark.parametrize("encoding, delimiter, newline", [("utf-16-le", ";", "\r\n"), ("cp1252", "\t", "\n")])
def test_enrich_other_dialects(stack, tmp_path, encoding, delimiter, newline):
    source = tmp_path / "c.csv"
    text = newline.join(delimiter.join(row) for row in [
        ["Firma", "Webseite"], ["Müller & Söhne", "https://www.mueller.example"], ["Café", "cafe.example"]]) + newline
    source.write_bytes((b"\xff\xfe" if encoding == "utf-16-le" else b"") + text.encode(encoding))
    done = stack.cli("enrich", source, "-o", tmp_path / "o.csv", "--column", "domain", "--waterfall", "domain-from-url")
    assert done.returncode == 0, done.stderr
    out = (tmp_path / "o.csv").read_bytes().decode()
    assert out.split(newline)[1].startswith(delimiter.join(["Müller & Söhne", "https://www.mueller.example",
                                                            "mueller.example", "domain-from-url"]))


@pytest.mark.parametrize("args, message", [
    (["--column", "shoe size"], "is not a field"),
    (["--column", "email", "--waterfall", "no-such"], 'there is no provider "no-such"'),
    (["--column", "email", "--waterfall", "domain-from-url"], 'does not give "email"'),
    (["--workspace", "Nowhere"], 'no workspace "Nowhere"'),
])
def test_enrich_refuses(stack, tmp_path, args, message):
    done = stack.cli("enrich", write_companies(tmp_path / "c.csv"), *args)
    assert done.returncode == 1 and message in done.stderr


def test_enrich_needs_a_server(tmp_path, stack):
    done = stack.cli("enrich", write_companies(tmp_path / "c.csv"), "--no-start", MILLRACE_URL="http://127.0.0.1:9")
    assert done.returncode == 3 and "no server answers" in done.stderr
    assert stack.cli("enrich", tmp_path / "none.csv").returncode == 1


def test_enrich_with_a_token(stack, tmp_path):
    user = stack.user()
    done = stack.cli("enrich", write_companies(tmp_path / "c.csv"), "-o", tmp_path / "o.csv", "--column", "domain",
                     MILLRACE_TOKEN=user.token, MILLRACE_MASTER_KEY="", MILLRACE_DATABASE_URL="")
    assert done.returncode == 0, done.stderr
    assert len(user.ok("GET", f"{user.w}/tables")) == 1
    done = stack.cli("enrich", tmp_path / "c.csv", "-o", tmp_path / "o2.csv", MILLRACE_TOKEN="nonsense")
    assert done.returncode == 1 and "MILLRACE_TOKEN" in done.stderr


def test_enrich_stays_within_the_rate_limit(make_stack, tmp_path):
    stack = make_stack(env={"MILLRACE_RATE_LIMIT_GENERAL": "30"})
    source = tmp_path / "c.csv"
    source.write_text("Website\n" + "".join(f"https://www.company{i}.example\n" for i in range(3000)))
    done = stack.cli("enrich", source, "-o", tmp_path / "o.csv", "--column", "domain", "--waterfall", "domain-from-url")
    assert done.returncode == 0, done.stderr
    assert "rate limit is reached" not in done.stderr
    rows = read_csv(tmp_path / "o.csv")
    assert len(rows) == 3001 and all(r[1] == f"company{i}.example" for i, r in enumerate(rows[1:]))


def test_enrich_goes_on_after_an_interruption(fresh_stack, tmp_path):
    stack = fresh_stack
    source, out = tmp_path / "c.csv", tmp_path / "o.csv"
    source.write_text("Domain\n" + "".join(f"company{i}.example\n" for i in range(400)))
    state = tmp_path / "o.csv.millrace-state"
    slow(stack, 300)
    env = stack.environment() | {"MILLRACE_URL": stack.url, "MILLRACE_PORT": str(stack.backend.port)}
    argv = [program("millrace"), "enrich", source, "-o", out, "--column", "industry", "--waterfall", "pdl-company"]
    first = subprocess.Popen([*map(str, argv)], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: state.exists() and json.loads(state.read_text())["jobId"], 60, "the job was made")
    first.send_signal(signal.SIGINT)
    _, said = first.communicate(timeout=30)
    assert first.returncode == 130 and "picks it up again" in said
    assert not out.exists()
    job = json.loads(state.read_text())["jobId"]
    slow(stack, 0)
    done = stack.cli("enrich", source, "-o", out, "--column", "industry", "--waterfall", "pdl-company", "--json")
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["data"]["job"]["id"] == job
    assert len(read_csv(out)) == 401 and not state.exists()
    assert stack.sql("SELECT count(*) FROM jobs") == [(1,)]
    assert stack.cli("admin", "reconcile").returncode == 0


def test_enrich_survives_a_restart_of_the_server(make_stack, tmp_path):
    stack = make_stack(env={"MILLRACE_STARTER_CREDITS": "100000"})
    source, out = tmp_path / "c.csv", tmp_path / "o.csv"
    source.write_text("Domain\n" + "".join(f"company{i}.example\n" for i in range(600)))
    slow(stack, 200)
    result = {}
    thread = threading.Thread(target=lambda: result.update(done=stack.cli(
        "enrich", source, "-o", out, "--column", "industry", "--waterfall", "pdl-company", "--json")))
    thread.start()
    state = tmp_path / "o.csv.millrace-state"
    wait_until(lambda: state.exists() and json.loads(state.read_text())["jobId"], 60, "the job was made")
    stack.backend.kill()
    stack.backend.start()
    thread.join(120)
    assert result["done"].returncode == 0, result["done"].stdout + result["done"].stderr
    assert len(read_csv(out)) == 601


def test_enrich_starts_a_server(tmp_path):
    """With none running, ./run --detach of the checkout is called, with the settings as they were given."""
    folder = Path(tempfile.mkdtemp(prefix="millrace-cli-"))  # pytest's own are closed to the user the stack runs as
    folder.chmod(0o755)
    state = folder / "state"
    env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "MILLRACE_STATE_DIR": str(state),
           "MILLRACE_PORT": str(free_port()), "MILLRACE_SANDBOX_PORT": str(free_port()),
           "MILLRACE_BUILD": str(build_dir())} | sanitizer_env(state / "log")
    source = write_companies(tmp_path / "c.csv")
    try:
        done = subprocess.run([program("millrace"), "enrich", source, "-o", tmp_path / "o.csv", "--column", "domain"],
                              env=env, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
        assert "no server runs yet: starting one" in done.stderr and "Millrace is up" in done.stderr
        assert done.stdout.startswith(f"{tmp_path}/o.csv: ")
        doctor = subprocess.run([program("millrace"), "doctor"], env=env, capture_output=True, text=True, timeout=60)
        assert doctor.returncode == 0, doctor.stdout
    finally:
        subprocess.run([ROOT / "run", "--stop"], env=env, capture_output=True, timeout=120)
        shutil.rmtree(folder, ignore_errors=True)
