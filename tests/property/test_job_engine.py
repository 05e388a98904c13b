"""The job engine as a state machine: jobs are made, edited under, cancelled, killed and retried in random order, with a
sandbox whose faults change; after every quiet point the books, attempts, cells and the sandbox's log agree.

One stack with two millraced serves all examples; each example has a workspace and table of its own.
"""

import random


import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from lib import enrich as lib
from lib.enrich import Enrich
from lib.stack import Stack

WATERFALLS = [
    {"Industry": ["pdl-company"]},
    {"Industry": ["hunter-company", "pdl-company"], "Employees": ["pdl-company"]},
    {"Employees": ["abstract-company", "hunter-company"]},
    {"Founded": {"waterfall": ["pdl-company", "abstract-company"], "minConfidence": 0.75}},
    {"Country": {"waterfall": ["hunter-company"], "onlyIfEmpty": False}, "Industry": ["pdl-company", "hunter-company"]},
]
# light faults: breakers are the process's and would stay open over many examples
KNOBS = [
    lib.QUIET,
    lib.QUIET | {"latency": "uniform:1-30", "missRate": 0.6},
    lib.QUIET | {"rate429": 0.05, "retryAfterSeconds": 0, "missRate": 0.1},
    lib.QUIET | {"schemaRate": 0.03, "rate5xx": 0.03, "gapRate": 0.2},
]
OPEN = ("queued", "running")


class JobMachine(RuleBasedStateMachine):
    stack = None
    person = None

    @initialize(rows=st.integers(1, 25), credits=st.sampled_from([5, 60, 100000]), knobs=st.sampled_from(KNOBS))
    def begin(self, rows, credits, knobs):
        lib.knobs(self.stack, **knobs)
        self.stack.sandbox_send("DELETE", "/_sandbox/calls")
        self.user = self.person.clone()
        self.user.workspace_id = self.user.ok("POST", "/workspaces", {"name": "Example"})["id"]
        self.enrich = Enrich(self.stack, self.user, rows=rows, first=random.Random(rows).randrange(10 ** 6))
        self.granted = self.user.ok("GET", f"{self.user.w}/credits")["issued"]
        self.jobs = {}
        self.disturbed = False
        self.tie_up = self.granted - credits
        if self.tie_up > 0:  # only `credits` are there to be spent
            self.stack.sql(
                "WITH a AS (SELECT id, kind FROM credit_accounts WHERE workspace_id = %(w)s), t AS ("
                " INSERT INTO credit_transfers (debit_account_id, credit_account_id, amount, kind, idempotency_key)"
                " SELECT (SELECT id FROM a WHERE kind = 'available'), (SELECT id FROM a WHERE kind = 'issued'), %(n)s,"
                " 'revoke', 'test:' || %(w)s)"
                " UPDATE credit_accounts SET balance = balance + CASE kind WHEN 'available' THEN -%(n)s ELSE %(n)s END"
                " WHERE workspace_id = %(w)s AND kind IN ('available', 'issued')",
                {"w": self.user.workspace_id, "n": self.tie_up})
            self.granted = credits

    def post(self, path, body=None):
        reply = self.user.post(f"{self.user.w}{path}", body)
        if reply.status == 202:
            self.jobs[reply.data["id"]] = reply.data
        return reply

    @rule(waterfall=st.sampled_from(WATERFALLS), budget=st.sampled_from([None, None, 0, 3, 20, 10 ** 6]))
    def make(self, waterfall, budget):
        more = {} if budget is None else {"budget": budget}
        estimate = self.enrich.estimate(waterfall, **more)
        reply = self.post("/jobs", self.enrich.request(waterfall, **more))
        assert reply.status in (202, 402), reply
        if reply.status == 202:
            assert reply.data["credits"]["reserved"] <= self.granted
            if budget is not None:
                assert reply.data["credits"]["reserved"] <= budget
            if not any(job["status"] in OPEN for job in self.jobs.values() if job["id"] != reply.data["id"]):
                assert reply.data["totals"]["cells"] == estimate["cells"]

    @precondition(lambda self: self.jobs)
    @rule(pick=st.integers(0, 10 ** 6))
    def cancel(self, pick):
        job = self.pick(pick)
        reply = self.post(f"/jobs/{job}/cancel")
        assert reply.status in (202, 409), reply

    @precondition(lambda self: self.jobs)
    @rule(pick=st.integers(0, 10 ** 6))
    def retry(self, pick):
        reply = self.post(f"/jobs/{self.pick(pick)}/retry")
        assert reply.status in (202, 402, 409), reply

    def pick(self, number):
        return sorted(self.jobs)[number % len(self.jobs)]

    @rule(pick=st.integers(0, 10 ** 6), column=st.sampled_from(["Industry", "Employees", "Domain"]), empty=st.booleans())
    def edit(self, pick, column, empty):
        value = None if empty else 7 if column == "Employees" else "3m.com" if column == "Domain" else "by hand"
        record = self.enrich.ids[pick % len(self.enrich.ids)]
        reply = self.user.patch(f"{self.enrich.t}/records",
                                {"updates": [{"id": record, "data": {self.enrich.columns[column]: value}}]})
        assert reply.status in (200, 409), reply
        self.disturbed = True

    @rule(which=st.sampled_from([None, None, None, None, None, 0, 1]))
    def kill(self, which):
        if which is None:
            return
        backend = self.stack.backends[which]
        backend.kill()
        backend.start()

    @rule()
    def settle(self):
        """A quiet point: every job has ended."""
        for number in list(self.jobs):
            done = self.enrich.finish(self.jobs[number], 60)
            self.jobs[number] = done
            lib.check_no_settled_call_repeated(self.stack, done)
        if len(self.jobs) == 1 and not self.disturbed:  # else a cell may have been changed since
            self.enrich.check(next(iter(self.jobs.values())))
        balance = self.user.ok("GET", f"{self.user.w}/credits")
        assert balance["reserved"] == 0 and balance["issued"] == self.granted, balance
        assert balance["available"] + balance["spent"] == self.granted, balance
        assert balance["spent"] == sum(job["credits"]["spent"] for job in self.jobs.values()), (balance, self.jobs)
        for job in self.jobs.values():
            totals, credits = job["totals"], job["credits"]
            assert totals["cells"] == totals["complete"] + totals["notFound"] + totals["failed"] + totals["skipped"], job
            assert credits["reserved"] == credits["spent"] + credits["refunded"], job
        cells = [cell for record in self.enrich.records() for cell in record["cells"].values()]
        assert not [cell for cell in cells if cell["status"] in OPEN], cells

    @invariant()
    def never_more_than_granted(self):
        if hasattr(self, "user"):
            balance = self.user.ok("GET", f"{self.user.w}/credits")
            assert min(balance["available"], balance["reserved"], balance["spent"]) >= 0
            assert balance["available"] + balance["reserved"] + balance["spent"] == self.granted

    def teardown(self):
        if hasattr(self, "user"):
            self.settle()
            lib.reconcile(self.stack)
            self.user.close()


@pytest.mark.timeout(1500)
def test_jobs_in_any_order():
    with Stack(backends=2, env={"MILLRACE_STARTER_CREDITS": "100000"}) as stack:
        JobMachine.stack, JobMachine.person = stack, stack.user()
        run_state_machine_as_test(JobMachine, settings=settings(stateful_step_count=5))
        stack.check_sanitizers()
