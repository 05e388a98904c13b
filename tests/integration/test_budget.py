"""Budgets: a job stops cleanly at its limit, never spends beyond it, and says so."""

import time

import pytest

from lib import enrich as lib
from lib.enrich import Enrich

STACK = dict(env={"MILLRACE_STARTER_CREDITS": "1000"})


@pytest.fixture(autouse=True)
def quiet(stack):
    lib.knobs(stack, **lib.QUIET | {"missRate": 0})
    yield


def test_a_job_that_cannot_be_paid_is_refused_and_told_why(stack, user):
    enrich = Enrich(stack, user, rows=600)
    reply = user.post(f"{user.w}/jobs", enrich.request({"Industry": ["pdl-company"]}))
    assert reply.status == 402 and reply.code == "INSUFFICIENT_CREDITS"
    assert "200 are missing" in reply.error["message"] and "budget" in reply.error["message"], reply
    estimate = enrich.estimate({"Industry": ["pdl-company"]})
    assert estimate["credits"]["max"] == 1200
    assert any("set a budget" in warning for warning in estimate["warnings"])
    assert stack.sql("SELECT count(*) FROM jobs WHERE table_id = %s", [enrich.table["id"]]) == [(0,)]
    assert enrich.credits()["available"] == 1000


def test_a_budget_stops_the_job_cleanly(stack, user):
    enrich = Enrich(stack, user, rows=100)
    job = enrich.run({"Industry": ["pdl-company"]}, budget=61)
    assert job["status"] == "partially_completed" and job["budgetReached"]
    assert job["credits"] == {"reserved": 61, "spent": 60, "refunded": 1}
    assert job["totals"] == {"cells": 100, "complete": 30, "notFound": 0, "failed": 0, "skipped": 70}
    statuses = [record["cells"][enrich.columns["Industry"]]["status"] for record in enrich.records()]
    assert statuses.count("complete") == 30 and statuses.count("empty") == 70
    enrich.check(job)
    assert len(lib.check_no_settled_call_repeated(stack, job)) == 30  # no call that could not have been paid
    rest = enrich.run({"Industry": ["pdl-company"]}, budget=800)
    assert rest["status"] == "completed" and rest["totals"]["cells"] == 70
    assert not rest["budgetReached"]
    enrich.check(rest)


def test_misses_do_not_use_the_budget_up(stack, user):
    lib.knobs(stack, **lib.QUIET | {"missRate": 0.5})
    enrich = Enrich(stack, user, rows=200)
    job = enrich.run({"Industry": ["pdl-company"]}, budget=40)
    assert job["credits"]["spent"] == 40 and job["totals"]["complete"] == 20
    assert job["totals"]["notFound"] > 0 and job["budgetReached"]
    enrich.check(job)


def test_a_budget_of_nothing_still_runs_what_is_free(stack, user):
    enrich = Enrich(stack, user, rows=5)
    job = enrich.run({"Industry": ["pdl-company"]}, budget=0)
    assert job["status"] == "partially_completed" and job["credits"]["reserved"] == 0
    assert job["totals"]["skipped"] == 5
    enrich.check(job)
    assert lib.check_no_settled_call_repeated(stack, job) == []


def test_a_budget_above_the_highest_cost_reserves_only_that(stack, user):
    enrich = Enrich(stack, user, rows=10)
    job = enrich.job({"Industry": ["pdl-company"]}, budget=900)
    assert job["credits"]["reserved"] == 20
    enrich.check(enrich.finish(job))


def test_batches_share_one_budget(make_stack):
    stack = make_stack(env={"MILLRACE_STARTER_CREDITS": "100000"}, backends=2)
    user = stack.user()
    lib.knobs(stack, **lib.QUIET | {"missRate": 0.4, "latency": "uniform:1-10"})
    enrich = Enrich(stack, user, rows=4000)
    job = enrich.run({"Industry": ["pdl-company", "abstract-company"]}, budget=1501, seconds=120)
    assert job["budgetReached"] and job["status"] == "partially_completed"
    assert job["credits"]["reserved"] == 1501
    assert 1490 <= job["credits"]["spent"] <= 1501, job
    assert job["totals"]["skipped"] > 1000
    enrich.check(job)


@pytest.mark.parametrize("budget", [0, 3, 20])
def test_a_budget_that_is_used_up_ends_the_job_at_once(stack, user, budget):
    """Cells that wait for credits look again as soon as a settlement has shown that there are none."""
    lib.knobs(stack, **lib.QUIET)
    enrich = Enrich(stack, user, rows=40)
    begun = time.monotonic()
    done = enrich.run({"Industry": ["hunter-company", "pdl-company"], "Employees": ["pdl-company"]}, budget=budget)
    assert time.monotonic() - begun < 3, "a lease's heartbeat is 5 s: nothing may wait for it"
    assert done["status"] == "partially_completed" and done["budgetReached"]
    enrich.check(done)
