"""millrace-sandbox by itself: what it plays, its knobs, its log, and that chance repeats itself."""

import concurrent.futures
import csv
import json
import subprocess
import sys
import time

import httpx
import jsonschema
import pytest

from lib.stack import ROOT, Process, free_port, program, sanitizer_env, wait_for

DATA = ROOT / "packages" / "sandbox" / "data"
DEFINITIONS = ROOT / "packages" / "backend" / "providers"
QUIET = {"default": {"latency": "fixed:0", "missRate": 0, "gapRate": 0}}


def rows(name):
    with open(DATA / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


class Sandbox:
    """One millrace-sandbox with a client, and questions to each of its providers."""

    def __init__(self, folder, **env):
        self.port = free_port()
        self.folder = folder
        self.log_file = folder / "calls.jsonl"
        settings = {"PATH": "/usr/bin:/bin", "MILLRACE_SANDBOX_PORT": str(self.port),
                    "MILLRACE_SANDBOX_LOG": str(self.log_file), "MILLRACE_SANDBOX_KNOBS": json.dumps(QUIET)}
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = httpx.Client(base_url=self.url, timeout=30, trust_env=False)
        self.process = Process("sandbox", [program("millrace-sandbox")], env=settings | sanitizer_env(folder) | env,
                               log=folder / "sandbox.log", ready=self.healthy)

    def healthy(self):
        try:
            return self.http.get("/_sandbox/health").status_code == 200
        except httpx.HTTPError:
            return False

    def knobs(self, **knobs):
        reply = self.http.put("/_sandbox/knobs", json=knobs)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def calls(self, **query):
        return [json.loads(line) for line in self.http.get("/_sandbox/calls", params=query).text.splitlines()]

    def company(self, domain, slug="hunter-company", **headers):
        return self.http.get(f"/{slug}/v2/companies/find", params={"domain": domain},
                             headers={"X-API-KEY": "k"} | headers)


@pytest.fixture(scope="module")
def _running(tmp_path_factory):
    made = Sandbox(tmp_path_factory.mktemp("sandbox"))
    made.process.start()
    yield made
    assert made.process.stop() == 0
    reports = sorted(made.folder.glob("report.*"))
    assert not reports, reports[0].read_text()


@pytest.fixture
def sandbox(_running):
    _running.http.delete("/_sandbox/knobs")
    _running.http.delete("/_sandbox/calls")
    return _running


# ---- the data set ----

def test_data_set_is_large_enough_and_consistent():
    companies, people, extras = rows("companies.tsv"), rows("people.tsv"), rows("extras.tsv")
    domains = {c["domain"] for c in companies}
    countries = {c["code"] for c in rows("countries.tsv")}
    assert len(companies) >= 300 and len(domains) == len(companies)
    assert len(people) >= 600 and len({p["email"] for p in people}) == len(people)
    assert {e["domain"] for e in extras} == domains
    assert sum(path.stat().st_size for path in DATA.glob("*.tsv")) < 400_000
    for c in companies:
        assert c["country"] in countries and int(c["employee_count"]) > 0 and 1600 <= int(c["founded_year"]) <= 2026, c
    for p in people:
        assert p["domain"] in domains and p["email"].endswith("@" + p["domain"]) and p["linkedin"].endswith("-demo"), p
        assert p["email_status"] in {"valid", "catch_all", "risky", "invalid"}


def test_generated_files_are_what_the_generator_makes():
    subprocess.run([sys.executable, DATA / "generate.py", "--check"], check=True)


# ---- what it plays ----

def test_plays_every_shipped_definition(sandbox):
    shipped = {path.stem for path in DEFINITIONS.glob("*.json")} - {"provider.schema"}
    assert set(sandbox.http.get("/_sandbox/health").json()["providers"]) == shipped
    for slug in shipped:
        definition = json.loads((DEFINITIONS / f"{slug}.json").read_text())
        request = definition["request"]
        reply = sandbox.http.request(request["method"], f"/{slug}{request['path']}")
        assert reply.status_code != 404 or "plays nothing" not in reply.text, slug
        assert reply.headers["X-Millrace-Sandbox"] == "demo data"


def test_answers_with_the_facts(sandbox):
    reply = sandbox.company("sap.com")
    assert reply.status_code == 200 and reply.headers["X-Millrace-Sandbox"] == "demo data"
    data = reply.json()["data"]
    assert (data["name"], data["foundedYear"], data["geo"]["country"]) == ("SAP", 1972, "Germany")
    reply = sandbox.http.get("/pdl-company/v5/company/enrich", params={"name": "Siemens AG", "titlecase": "true"},
                             headers={"X-Api-Key": "k"})
    assert reply.json()["website"] == "siemens.com" and reply.json()["location"]["country"] == "Germany"
    reply = sandbox.http.get("/abstract-company/v2/", params={"domain": "https://www.bosch.com/x", "api_key": "k"})
    assert reply.json()["employee_count"] == "429000"
    reply = sandbox.http.get("/builtwith/v22/api.json", params={"LOOKUP": "apple.com", "KEY": "k"})
    assert len(reply.json()["Results"][0]["Result"]["Paths"][0]["Technologies"]) >= 3


def test_answers_about_people(sandbox):
    person = next(p for p in rows("people.tsv") if p["email_status"] == "valid")
    name = f"{person['first_name']} {person['last_name']}"
    reply = sandbox.http.get("/hunter-email-finder/v2/email-finder", headers={"X-API-KEY": "k"},
                             params={"domain": person["domain"], "full_name": name.upper()})
    assert reply.json()["data"]["email"] == person["email"]
    reply = sandbox.http.post("/anymailfinder/v5.1/find-email/person", headers={"Authorization": "Bearer k"},
                              json={"domain": person["domain"], "full_name": name})
    assert (reply.json()["email_status"], reply.json()["valid_email"]) == ("valid", person["email"])
    reply = sandbox.http.get("/pdl-person/v5/person/enrich", params={"email": person["email"]}, headers={"X-Api-Key": "k"})
    assert reply.json()["data"]["job_title"] == person["title"].lower()
    for slug, path, where in (("hunter-email-verifier", "/v2/email-verifier", ("data", "status")),
                              ("zerobounce", "/v2/validate", ("status",))):
        value = sandbox.http.get(f"/{slug}{path}", params={"email": person["email"], "api_key": "k"},
                                 headers={"X-API-KEY": "k"}).json()
        for key in where:
            value = value[key]
        assert value == "valid", slug


def test_unknown_subjects_are_missed_as_documented(sandbox):
    assert sandbox.company("nobody.example").status_code == 404
    assert sandbox.company("nobody.example").json()["errors"][0]["id"] == "not_found"
    reply = sandbox.http.get("/abstract-company/v2/", params={"domain": "nobody.example", "api_key": "k"})
    assert reply.status_code == 200 and reply.json()["company_name"] is None
    reply = sandbox.http.get("/pdl-company/v5/company/enrich", params={"website": "nobody.example"},
                             headers={"X-Api-Key": "k"})
    assert reply.json() == {"status": 404, "error": {"type": "not_found",
                                                     "message": "No records were found matching your request"}}
    assert {call["fate"] for call in sandbox.calls()} == {"miss"}


def test_keys_are_asked_for(sandbox):
    assert sandbox.http.get("/hunter-company/v2/companies/find", params={"domain": "sap.com"}).status_code == 401
    assert sandbox.company("sap.com", **{"X-API-KEY": "invalid-key"}).status_code == 401
    assert sandbox.company("sap.com", **{"X-API-KEY": "empty"}).status_code == 402
    reply = sandbox.http.get("/zerobounce/v2/validate", params={"email": "a@sap.com", "api_key": "invalid"})
    assert reply.status_code == 200 and "error" in reply.json()
    assert [call["fate"] for call in sandbox.calls()] == ["auth_error"] * 4


def test_other_paths_are_refused(sandbox):
    for path in ("/", "/hunter-company", "/hunter-company/v2/other", "/nobody/v1", "/_sandbox/nothing"):
        reply = sandbox.http.get(path)
        assert reply.status_code == 404 and reply.headers["X-Millrace-Sandbox"] == "demo data"
    assert sandbox.http.post("/hunter-company/v2/companies/find", json={}).status_code == 404
    assert sandbox.calls() == []


def question(slug, company, person):
    """A request to this provider about this company or person, as its definition makes it."""
    name, domain = f"{person['first_name']} {person['last_name']}", company["domain"]
    query, body = {
        "abstract-company": ({"domain": domain, "api_key": "k"}, None),
        "anymailfinder": ({}, {"domain": domain, "full_name": name}),
        "anymailfinder-company": ({}, {"domain": domain}),
        "builtwith": ({"LOOKUP": domain, "KEY": "k"}, None),
        "hunter-company": ({"domain": domain}, None),
        "hunter-domain-search": ({"company": company["name"], "limit": "1"}, None),
        "hunter-email-finder": ({"domain": domain, "full_name": name}, None),
        "hunter-email-verifier": ({"email": person["email"]}, None),
        "pdl-company": ({"name": company["name"], "titlecase": "true"}, None),
        "pdl-person": ({"name": name, "company": domain, "titlecase": "true"}, None),
        "zerobounce": ({"email": person["email"], "api_key": "k"}, None),
    }[slug]
    return query, body


@pytest.mark.parametrize("slug", sorted(path.stem for path in DEFINITIONS.glob("*-*.json")) + ["anymailfinder", "builtwith",
                                                                                              "zerobounce"])
def test_answers_keep_the_documented_schema_unless_told_otherwise(sandbox, slug):
    definition = json.loads((DEFINITIONS / f"{slug}.json").read_text())
    schema = jsonschema.Draft202012Validator(definition["response"]["schema"],
                                             format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    people = {p["domain"]: p for p in rows("people.tsv")}
    headers = {definition["auth"]["name"]: "k"} if definition["auth"]["type"] == "header" else {}
    sandbox.knobs(default={"missRate": 0.2, "gapRate": 0.3})

    def answers():
        for company in rows("companies.tsv")[:80]:
            query, body = question(slug, company, people[company["domain"]])
            yield sandbox.http.request(definition["request"]["method"], f"/{slug}{definition['request']['path']}",
                                       params=query, json=body, headers=headers)

    found = [reply.json() for reply in answers() if reply.status_code == 200]
    assert len(found) >= 50
    for body in found:
        schema.validate(body)
    sandbox.knobs(default={"schemaRate": 1})
    assert not any(schema.is_valid(reply.json()) for reply in answers())


# ---- knobs ----

def known(sandbox, slug="hunter-company", count=200):
    return {c["domain"] for c in rows("companies.tsv")[:count] if sandbox.company(c["domain"], slug).status_code == 200}


def test_each_provider_knows_a_part_of_its_own(sandbox):
    sandbox.knobs(default={"missRate": 0.3})
    hunter = known(sandbox)
    pdl = {c["domain"] for c in rows("companies.tsv")[:200]
           if sandbox.http.get("/pdl-company/v5/company/enrich", params={"website": c["domain"]},
                               headers={"X-Api-Key": "k"}).status_code == 200}
    assert 110 <= len(hunter) <= 170 and 110 <= len(pdl) <= 170
    assert 15 <= len(pdl - hunter) and 15 <= len(hunter - pdl)
    assert known(sandbox) == hunter  # the same the second time
    sandbox.knobs(seed=99)
    assert known(sandbox) != hunter


def test_knobs_of_one_provider_leave_the_others(sandbox):
    sandbox.knobs(providers={"hunter-company": {"missRate": 1}})
    assert sandbox.company("sap.com").status_code == 404
    reply = sandbox.http.get("/abstract-company/v2/", params={"domain": "sap.com", "api_key": "k"})
    assert reply.json()["company_name"] == "SAP"
    assert sandbox.http.delete("/_sandbox/knobs").json()["providers"] == {}
    assert sandbox.company("sap.com").status_code == 200


@pytest.mark.parametrize("body", [
    "{", "[]", '{"default":{"missRate":2}}', '{"default":{"missRate":"x"}}', '{"default":{"colour":1}}', '{"other":1}',
    '{"providers":{"nobody":{}}}', '{"default":{"latency":"soon"}}', '{"default":{"latency":"uniform:9-3"}}', '{"default":7}'])
def test_bad_knobs_change_nothing(sandbox, body):
    before = sandbox.http.get("/_sandbox/knobs").json()
    reply = sandbox.http.put("/_sandbox/knobs", content=body)
    assert reply.status_code == 400 and reply.json()["error"]
    assert sandbox.http.get("/_sandbox/knobs").json() == before


def test_latency_is_kept(sandbox):
    sandbox.knobs(default={"latency": "fixed:150"})
    began = time.monotonic()
    sandbox.company("sap.com")
    assert 0.15 <= time.monotonic() - began < 2


def test_rate_limit_with_and_without_retry_after(sandbox):
    sandbox.knobs(default={"rate429": 1, "retryAfterSeconds": 7})
    reply = sandbox.company("sap.com")
    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "7")
    sandbox.knobs(default={"retryAfterSeconds": 0})
    reply = sandbox.company("sap.com")
    assert reply.status_code == 429 and "Retry-After" not in reply.headers


def test_faults_of_the_body(sandbox):
    sandbox.knobs(default={"malformedRate": 1})
    reply = sandbox.company("sap.com")
    assert reply.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        reply.json()
    sandbox.knobs(default={"malformedRate": 0, "schemaRate": 1})
    assert isinstance(sandbox.company("sap.com").json()["data"]["name"], int)
    sandbox.knobs(default={"schemaRate": 0, "rate5xx": 1})
    assert sandbox.company("sap.com").status_code in (500, 502, 503)
    assert [call["fate"] for call in sandbox.calls()] == ["malformed", "schema_violation", "server_error"]


def test_drip_gives_the_right_answer_slowly(sandbox):
    whole = sandbox.company("sap.com").json()
    sandbox.knobs(default={"dripRate": 1, "dripMs": 5})
    began = time.monotonic()
    assert sandbox.company("sap.com").json() == whole
    assert time.monotonic() - began > 0.1


def test_hang_never_answers(sandbox):
    sandbox.knobs(default={"hangRate": 1, "hangMs": 300})
    began = time.monotonic()
    with pytest.raises(httpx.HTTPError):
        sandbox.company("sap.com")
    assert time.monotonic() - began > 0.25
    assert [(call["fate"], call["status"]) for call in sandbox.calls()] == [("hang", 0)]


def test_faults_repeat_by_question_and_attempt(sandbox):
    sandbox.knobs(default={"rate5xx": 0.3, "rate429": 0.3})

    def run():
        sandbox.http.delete("/_sandbox/calls")
        return [[sandbox.company(domain).status_code for _ in range(8)] for domain in ("sap.com", "apple.com", "bosch.com")]

    first = run()
    assert run() == first
    assert len({status for statuses in first for status in statuses}) > 1
    assert first[0] != first[1] or first[1] != first[2]
    assert [call["attempt"] for call in sandbox.calls()] == list(range(1, 9)) * 3


# ---- the log ----

def test_log_names_question_key_and_fate(sandbox):
    sandbox.company("sap.com", **{"Idempotency-Key": "job:0:industry:hunter-company"})
    sandbox.http.get("/abstract-company/v2/", params={"domain": "sap.com", "api_key": "secret"})
    first, second = sandbox.calls()
    assert first["slug"] == "hunter-company" and first["idempotencyKey"] == "job:0:industry:hunter-company"
    assert first["question"] == "GET /v2/companies/find?domain=sap.com"
    assert (first["attempt"], first["fate"], first["status"]) == (1, "hit", 200)
    assert second["idempotencyKey"] is None and "secret" not in second["question"]
    assert second["id"] == first["id"] + 1
    assert sandbox.calls(after=first["id"]) == [second]
    assert sandbox.calls(slug="hunter-company") == [first]
    assert sandbox.calls(limit=1) == [first]
    stats = sandbox.http.get("/_sandbox/stats").json()
    assert stats["calls"] == 2 and stats["providers"] == {"abstract-company": {"hit": 1}, "hunter-company": {"hit": 1}}


def test_log_is_exact_under_load_and_in_the_file(sandbox):
    sandbox.knobs(default={"latency": "uniform:0-20", "missRate": 0.3, "rate429": 0.1, "rate5xx": 0.1})
    domains = [c["domain"] for c in rows("companies.tsv")[:300]]
    before = len(sandbox.log_file.read_text().splitlines()) if sandbox.log_file.exists() else 0

    def ask(domain):
        return domain, [sandbox.company(domain, **{"Idempotency-Key": domain}).status_code for _ in range(3)]

    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        answered = dict(pool.map(ask, domains))
    calls = sandbox.calls()
    assert len(calls) == 900
    logged = {}
    for call in sorted(calls, key=lambda call: call["attempt"]):
        logged.setdefault(call["idempotencyKey"], []).append(call["status"])
    assert logged == answered
    lines = [json.loads(line) for line in sandbox.log_file.read_text().splitlines()[before:]]
    assert lines == calls
    assert [call["id"] for call in calls] == list(range(calls[0]["id"], calls[0]["id"] + 900))


def test_log_file_outlives_a_kill(tmp_path):
    sandbox = Sandbox(tmp_path)
    sandbox.process.start()
    for domain in ("sap.com", "apple.com"):
        sandbox.company(domain)
    sandbox.process.kill()
    sandbox.process.start()
    sandbox.company("bosch.com")
    assert sandbox.process.stop() == 0
    assert [json.loads(line)["question"].split("=")[1] for line in sandbox.log_file.read_text().splitlines()] == [
        "sap.com", "apple.com", "bosch.com"]


def test_memory_of_the_log_is_bounded(tmp_path):
    sandbox = Sandbox(tmp_path, MILLRACE_SANDBOX_LOG_MAX="5")
    sandbox.process.start()
    for domain in ("sap.com", "apple.com", "bosch.com", "ibm.com", "ford.com", "gm.com", "visa.com"):
        sandbox.company(domain)
    stats = sandbox.http.get("/_sandbox/stats").json()
    assert (stats["calls"], stats["kept"], stats["dropped"]) == (7, 5, 2)
    assert [call["id"] for call in sandbox.calls()] == [3, 4, 5, 6, 7]
    assert [call["id"] for call in sandbox.calls(after=4)] == [5, 6, 7]
    assert sandbox.process.stop() == 0


def test_stops_at_once_though_calls_hang(tmp_path):
    sandbox = Sandbox(tmp_path, MILLRACE_SANDBOX_KNOBS=json.dumps({"default": {"latency": "fixed:60000"}}))
    sandbox.process.start()
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(sandbox.company, "sap.com") for _ in range(20)]
        wait_for(lambda: sandbox.http.get("/_sandbox/stats").json()["inFlight"] == 20, 10, "20 calls in flight")
        began = time.monotonic()
        assert sandbox.process.stop() == 0
        assert time.monotonic() - began < 5
        for one in waiting:
            with pytest.raises(httpx.HTTPError):
                one.result()


def test_wrong_settings_are_named(tmp_path):
    done = subprocess.run([program("millrace-sandbox")], capture_output=True, text=True, timeout=60,
                          env={"MILLRACE_SANDBOX_PORT": "x", "MILLRACE_SANDBOX_LOG_MAX": "0"} | sanitizer_env(tmp_path))
    assert done.returncode == 1
    assert "MILLRACE_SANDBOX_PORT" in done.stderr and "MILLRACE_SANDBOX_LOG_MAX" in done.stderr
    done = subprocess.run([program("millrace-sandbox")], capture_output=True, text=True, timeout=60,
                          env={"MILLRACE_SANDBOX_PORT": str(free_port()), "MILLRACE_SANDBOX_KNOBS": '{"x":1}'}
                          | sanitizer_env(tmp_path))
    assert done.returncode == 1 and "seed, default, providers" in done.stderr
