"""Jobs for tests: tables of companies, jobs over them, and the proof that everything agrees afterwards.

    enrich = Enrich(stack, user, rows=50)             # a table: Company, Domain, City, Industry, Employees, …
    job = enrich.job({"Industry": ["pdl-company", "hunter-company"]})
    done = enrich.finish(job)                          # waits; the final job
    enrich.check(done)                                 # ledger, attempts, cells and counters agree to the credit

Domain and city of a row make a question of its own for pdl-company (the sandbox goes by the domain), while
hunter-company and abstract-company are asked by the domain alone, so rows share those questions.
"""

import csv
import json
from datetime import datetime, timedelta

from .stack import ROOT, wait_for

COLUMNS = {"Company": "text", "Domain": "text", "City": "text", "Industry": "text", "Employees": "number",
           "Founded": "number", "Country": "text"}


def companies():
    """The sandbox's companies as dicts."""
    with open(ROOT / "packages/sandbox/data/companies.tsv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def knobs(stack, **values):
    """Sets the sandbox's default knobs, everything else back to the start."""
    stack.sandbox_send("DELETE", "/_sandbox/knobs")
    reply = stack.sandbox_send("PUT", "/_sandbox/knobs", json={"default": values})
    assert reply.status_code == 200, reply.text


QUIET = {"latency": "fixed:0", "missRate": 0.3, "gapRate": 0}
FAULTY = {"latency": "uniform:1-40", "missRate": 0.3, "gapRate": 0.05, "rate429": 0.04, "retryAfterSeconds": 0,
          "rate5xx": 0.04, "hangRate": 0.002, "hangMs": 1500, "malformedRate": 0.01, "schemaRate": 0.01}


def calls(stack):
    """The sandbox's log of calls, oldest first."""
    import httpx

    found, after = [], 0
    while True:
        page = httpx.get(f"{stack.sandbox.url}/_sandbox/calls", params={"after": after, "limit": 5000}, timeout=60,
                         trust_env=False)
        lines = [json.loads(line) for line in page.text.splitlines()]
        if not lines:
            return found
        found += lines
        after = lines[-1]["id"]


class Enrich:
    def __init__(self, stack, user, rows=20, first=0):
        self.stack, self.user, self.rows = stack, user, rows
        self.table = user.ok("POST", f"{user.w}/tables",
                             {"name": "Companies", "columns": [{"name": n, "type": t} for n, t in COLUMNS.items()]})
        self.columns = {column["name"]: column["id"] for column in self.table["columns"]}
        self.t = f"{user.w}/tables/{self.table['id']}"
        known = companies()
        self.ids = []
        for start in range(0, rows, 1000):
            records = []
            for i in range(start, min(rows, start + 1000)):
                company = known[(first + i) % len(known)]
                records.append({"data": {self.columns["Company"]: company["name"],
                                         self.columns["Domain"]: company["domain"],
                                         self.columns["City"]: f"Row {first + i}"}})
            made = user.ok("POST", f"{self.t}/records", {"records": records})
            self.ids += [record["id"] for record in made]

    def request(self, waterfalls, **more):
        fields = []
        for column, waterfall in waterfalls.items():
            field = waterfall if isinstance(waterfall, dict) else {"waterfall": waterfall}
            fields.append({"columnId": self.columns[column]} | field)
        return {"tableId": self.table["id"], "fields": fields} | more

    def estimate(self, waterfalls, **more):
        return self.user.ok("POST", f"{self.user.w}/jobs/estimate", self.request(waterfalls, **more))

    def job(self, waterfalls, **more):
        return self.user.ok("POST", f"{self.user.w}/jobs", self.request(waterfalls, **more), status=202)

    def get(self, job):
        return self.user.ok("GET", f"{self.user.w}/jobs/{job['id']}")

    def finish(self, job, seconds=60.0):
        """The job once it has ended."""
        def ended():
            found = self.get(job)
            return found if found["finishedAt"] else None

        return wait_for(ended, seconds, f"end of job {job['id']}", pause=0.05)

    def run(self, waterfalls, seconds=60.0, **more):
        return self.finish(self.job(waterfalls, **more), seconds)

    def attempts(self, job):
        return list(self.user.pages(f"{self.user.w}/jobs/{job['id']}/attempts", limit=1000))

    def records(self):
        return list(self.user.pages(f"{self.t}/records", limit=1000))

    def credits(self):
        return self.user.ok("GET", f"{self.user.w}/credits")

    def check(self, job):
        """The finished job's counters, attempts, transfers and cells agree to the credit."""
        assert job["finishedAt"], job
        reconcile(self.stack)
        totals, credits = job["totals"], job["credits"]
        assert totals["cells"] == totals["complete"] + totals["notFound"] + totals["failed"] + totals["skipped"], job
        assert credits["reserved"] == credits["spent"] + credits["refunded"], job
        by_cell, spent = {}, 0
        for attempt in self.attempts(job):
            key = (attempt["recordId"], attempt["columnId"])
            by_cell.setdefault(key, []).append(attempt)
            spent += attempt["credits"]
            assert attempt["credits"] == 0 or not attempt["cached"], attempt
        assert spent == credits["spent"], (spent, job)
        counts = dict.fromkeys(("complete", "not_found", "failed"), 0)
        for record in self.records():
            for column, cell in record["cells"].items():
                attempts = by_cell.get((record["id"], column), [])
                if cell.get("jobId") != job["id"]:
                    continue
                assert cell["status"] in counts, cell
                counts[cell["status"]] += 1
                outcomes = [attempt["outcome"] for attempt in attempts]
                assert cell["costCredits"] == sum(attempt["credits"] for attempt in attempts), (cell, attempts)
                assert (cell["status"] == "complete") == ("hit" in outcomes), (cell, attempts)
                if cell["status"] == "complete":
                    winner = next(attempt for attempt in attempts if attempt["outcome"] == "hit")
                    assert cell["provider"] == winner["provider"]
                    assert record["data"][column] is not None, (cell, attempts)
                clean = set(outcomes) <= {"miss", "low_confidence", "missing_input"}
                if cell["status"] == "not_found":
                    assert clean, (cell, attempts)
                if cell["status"] == "failed":
                    assert not clean and cell["error"], (cell, attempts)
        assert counts == {"complete": totals["complete"], "not_found": totals["notFound"],
                          "failed": totals["failed"]}, (counts, totals)


def reconcile(stack):
    """Fails the test when `millrace admin reconcile` finds a discrepancy."""
    done = stack.cli("admin", "reconcile")
    assert done.returncode == 0, done.stdout + done.stderr


def check_no_settled_call_repeated(stack, job):
    """The sandbox's log has no call for an attempt after that attempt was settled."""
    settled = {key: at for key, at in stack.sql(
        "SELECT job_id || ':' || record_index || ':' || field_name || ':' || provider_slug, settled_at"
        " FROM attempts WHERE job_id = %s", [job["id"]])}
    log = [call for call in calls(stack) if call["idempotencyKey"] and call["idempotencyKey"].startswith(job["id"])]
    for call in log:
        at = datetime.fromisoformat(call["time"].replace("Z", "+00:00"))
        until = settled.get(call["idempotencyKey"])
        # the log's clock shows milliseconds
        assert until is None or at <= until + timedelta(milliseconds=1), (call, until)
    return log
