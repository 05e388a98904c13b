"""Jobs on the whole stack: what is asked, what is found, what is paid, and how a job ends."""

import threading
import time

import pytest

from lib import enrich as lib
from lib.enrich import Enrich
from lib.stack import wait_for

STACK = dict(env={"MILLRACE_STARTER_CREDITS": "100000"})


@pytest.fixture(autouse=True)
def quiet(stack):
    lib.knobs(stack, **lib.QUIET)
    yield


def provider_knobs(stack, slug, **values):
    reply = stack.sandbox_send("PUT", "/_sandbox/knobs", json={"providers": {slug: values}})
    assert reply.status_code == 200, reply.text


@pytest.fixture
def faulty(make_stack):
    """A stack of its own for faults: breakers are the process's, and stay open for a minute."""
    return make_stack(env={"MILLRACE_STARTER_CREDITS": "100000"})


def outcomes(attempts):
    counts = {}
    for attempt in attempts:
        key = (attempt["provider"], attempt["outcome"])
        counts[key] = counts.get(key, 0) + 1
    return counts


# ---- what is asked and found ----

def test_a_waterfall_fills_cells_and_says_where_from(stack, user):
    enrich = Enrich(stack, user, rows=40)
    job = enrich.run({"Industry": ["pdl-company", "hunter-company"]})
    assert job["status"] == "completed"
    assert job["totals"]["cells"] == 40
    assert job["totals"]["complete"] > 20
    enrich.check(job)
    by_domain = {company["domain"]: company for company in lib.companies()}
    found = set()
    for record in enrich.records():
        cell = record["cells"][enrich.columns["Industry"]]
        if cell["status"] == "complete":
            found.add(cell["provider"])
            assert cell["confidence"] > 0
            company = by_domain[record["data"][enrich.columns["Domain"]]]
            assert record["data"][enrich.columns["Industry"]].lower() == company["industry"].lower()
    assert found == {"pdl-company", "hunter-company"}
    counts = outcomes(enrich.attempts(job))
    assert sum(n for (slug, _), n in counts.items() if slug == "pdl-company") == 40
    assert sum(n for (slug, _), n in counts.items() if slug == "hunter-company") == counts["pdl-company", "miss"]


def test_fields_that_ask_the_same_share_one_call_and_one_charge(stack, user):
    enrich = Enrich(stack, user, rows=30)
    lib.knobs(stack, **lib.QUIET | {"missRate": 0})
    job = enrich.run({"Industry": ["pdl-company"], "Employees": ["pdl-company"], "Founded": ["pdl-company"]})
    log = lib.check_no_settled_call_repeated(stack, job)
    assert len(log) == 30
    assert job["totals"]["cells"] == 90
    assert job["credits"]["spent"] == 60
    enrich.check(job)


def test_what_was_answered_is_not_paid_or_asked_again(stack, user):
    enrich = Enrich(stack, user, rows=25)
    first = enrich.run({"Industry": ["pdl-company"]})
    second = enrich.run({"Employees": ["pdl-company"]})
    assert first["credits"]["spent"] > 0
    assert second["credits"]["spent"] == 0
    assert lib.check_no_settled_call_repeated(stack, second) == []
    assert all(attempt["cached"] for attempt in enrich.attempts(second))
    enrich.check(second)


def test_rows_with_the_same_question_are_asked_once(stack, user):
    enrich = Enrich(stack, user, rows=1)
    row = {enrich.columns["Company"]: "3M", enrich.columns["Domain"]: "3m.com"}
    user.ok("POST", f"{enrich.t}/records", {"records": [{"data": row} for _ in range(50)]})
    lib.knobs(stack, **lib.QUIET | {"missRate": 0})
    job = enrich.run({"Industry": ["hunter-company"]})
    assert job["totals"]["complete"] == 51
    assert len(lib.check_no_settled_call_repeated(stack, job)) == 2
    assert job["credits"]["spent"] == 2
    enrich.check(job)


def test_inputs_are_found_by_names_people_write(stack, user):
    table = user.ok("POST", f"{user.w}/tables", {"name": "Kunden", "columns": [
        {"name": "Firma", "type": "text"}, {"name": "Web site", "type": "url"}, {"name": "Branche", "type": "text"}]})
    ids = {column["name"]: column["id"] for column in table["columns"]}
    user.ok("POST", f"{user.w}/tables/{table['id']}/records", {"records": [
        {"data": {ids["Firma"]: "3M", ids["Web site"]: "https://www.3m.com/de"}}]})
    lib.knobs(stack, **lib.QUIET | {"missRate": 0})
    job = user.ok("POST", f"{user.w}/jobs", {"tableId": table["id"], "fields": [
        {"columnId": ids["Branche"], "waterfall": ["hunter-company"]}]}, status=202)
    done = wait_for(lambda: (j := user.ok("GET", f"{user.w}/jobs/{job['id']}"))["finishedAt"] and j, 20, "the job")
    assert done["totals"]["complete"] == 1, done


def test_a_cell_waits_for_the_input_that_the_job_is_still_to_find(stack, user):
    table = user.ok("POST", f"{user.w}/tables", {"name": "t", "columns": [
        {"name": "Industry", "type": "text"}, {"name": "Domain", "type": "text"}, {"name": "Company", "type": "text"}]})
    ids = {column["name"]: column["id"] for column in table["columns"]}
    names = [company["name"] for company in lib.companies()[:20]]
    user.ok("POST", f"{user.w}/tables/{table['id']}/records", {"records": [{"data": {ids["Company"]: n}} for n in names]})
    lib.knobs(stack, **lib.QUIET | {"missRate": 0})
    job = user.ok("POST", f"{user.w}/jobs", {"tableId": table["id"], "fields": [
        {"columnId": ids["Industry"], "waterfall": ["hunter-company"]},
        {"columnId": ids["Domain"], "waterfall": ["pdl-company"]}]}, status=202)
    done = wait_for(lambda: (j := user.ok("GET", f"{user.w}/jobs/{job['id']}"))["finishedAt"] and j, 20, "the job")
    assert done["totals"]["complete"] == 40, done


def test_min_confidence_turns_unsure_answers_down_for_free(stack, user):
    enrich = Enrich(stack, user, rows=20)
    job = enrich.run({"Industry": {"waterfall": ["pdl-company"], "minConfidence": 1.0}})
    counts = outcomes(enrich.attempts(job))
    assert counts.get(("pdl-company", "low_confidence"), 0) > 5, counts
    hits = counts.get(("pdl-company", "hit"), 0)
    assert job["credits"]["spent"] == 2 * hits
    assert job["totals"]["notFound"] == 20 - hits
    enrich.check(job)


# ---- which cells ----

def test_only_empty_cells_are_counted_and_filled(stack, user):
    enrich = Enrich(stack, user, rows=10)
    filled = enrich.ids[:4]
    user.ok("PATCH", f"{enrich.t}/records", {"updates": [
        {"id": i, "data": {enrich.columns["Industry"]: "kept"}} for i in filled]})
    assert enrich.estimate({"Industry": ["pdl-company"]})["cells"] == 6
    job = enrich.run({"Industry": ["pdl-company"]})
    assert job["totals"]["cells"] == 6
    values = {record["id"]: record["data"][enrich.columns["Industry"]] for record in enrich.records()}
    assert all(values[i] == "kept" for i in filled)
    enrich.check(job)
    lib.knobs(stack, **lib.QUIET | {"missRate": 0})
    again = enrich.run({"Industry": {"waterfall": ["hunter-company"], "onlyIfEmpty": False}})
    assert again["totals"] == {"cells": 10, "complete": 10, "notFound": 0, "failed": 0, "skipped": 0}
    assert "kept" not in [record["data"][enrich.columns["Industry"]] for record in enrich.records()]
    enrich.check(again)


def test_record_ids_and_filter_choose_rows(stack, user):
    enrich = Enrich(stack, user, rows=12)
    chosen = enrich.ids[3:8]
    job = enrich.run({"Industry": ["pdl-company"]}, recordIds=chosen)
    assert job["totals"]["cells"] == 5
    touched = {attempt["recordId"] for attempt in enrich.attempts(job)}
    assert touched == set(chosen)
    where = {"and": [{"column": enrich.columns["City"], "op": "in", "value": ["Row 0", "Row 1"]}]}
    job = enrich.run({"Employees": ["pdl-company"]}, filter=where)
    assert job["totals"]["cells"] == 2
    both = user.post(f"{user.w}/jobs", enrich.request({"Employees": ["pdl-company"]}, filter=where, recordIds=chosen))
    assert both.status == 400 and both.code == "VALIDATION_ERROR"


def test_nothing_to_fill_ends_at_once(stack, user):
    enrich = Enrich(stack, user, rows=3)
    enrich.run({"Industry": {"waterfall": ["hunter-company", "pdl-company"]}}, recordIds=enrich.ids)
    where = {"and": [{"column": enrich.columns["City"], "op": "eq", "value": "nowhere"}]}
    job = enrich.job({"Employees": ["pdl-company"]}, filter=where)
    assert job["status"] == "completed" and job["finishedAt"] and job["totals"]["cells"] == 0
    enrich.check(job)


@pytest.mark.parametrize("field, path, word", [
    ({"waterfall": ["no-such-provider"]}, "/fields/0/waterfall/0", "no-such-provider"),
    ({"waterfall": ["hunter-email-verifier"]}, "/fields/0/waterfall/0", "industry"),
    ({"waterfall": ["pdl-company", "pdl-company"]}, "/fields/0/waterfall/1", "twice"),
    ({"waterfall": ["pdl-company"], "output": "shoe_size"}, "/fields/0/output", "shoe_size"),
    ({"waterfall": ["hunter-email-verifier"], "output": "email_status"}, "/fields/0/waterfall/0", "email"),
    ({"waterfall": [{"provider": "pdl-company", "inputs": {"shoe_size": "00000000-0000-0000-0000-000000000000"}}]},
     "/fields/0/waterfall/0", "shoe_size"),
    ({"waterfall": []}, None, ""),
])
def test_what_cannot_be_asked_is_named(stack, user, field, path, word):
    enrich = Enrich(stack, user, rows=1)
    reply = user.post(f"{user.w}/jobs", enrich.request({"Industry": field}))
    assert reply.status == 400, reply
    if path:
        details = reply.error["details"]
        assert path in [detail["path"].removeprefix("/body") for detail in details], details
        assert any(word in detail["message"] for detail in details), details
    assert stack.sql("SELECT count(*) FROM jobs WHERE table_id = %s", [enrich.table["id"]])[0][0] == 0


def test_unclear_columns_and_unknown_columns_are_named(stack, user):
    table = user.ok("POST", f"{user.w}/tables", {"name": "t", "columns": [{"name": "Xyzzy", "type": "text"}]})
    column = table["columns"][0]["id"]
    reply = user.post(f"{user.w}/jobs", {"tableId": table["id"], "fields": [
        {"columnId": column, "waterfall": ["pdl-company"]},
        {"columnId": "00000000-0000-0000-0000-000000000000", "waterfall": ["pdl-company"]}]})
    assert reply.status == 400
    paths = {detail["path"].removeprefix("/body") for detail in reply.error["details"]}
    assert {"/fields/0/output", "/fields/0/waterfall/0", "/fields/1/columnId"} <= paths, reply


def test_estimate_learns_from_what_was_asked(stack, user):
    enrich = Enrich(stack, user, rows=60)
    before = enrich.estimate({"Industry": ["hunter-company", "abstract-company"]})
    assert before["cells"] == 60
    assert [p["slug"] for p in before["providers"]] == ["hunter-company", "abstract-company"]
    assert before["credits"]["expected"] <= before["credits"]["p90"] <= before["credits"]["max"] == 60
    assert any("sandbox" in warning for warning in before["warnings"])
    lib.knobs(stack, **lib.QUIET | {"missRate": 0.9})
    enrich.run({"Industry": ["hunter-company"]})
    after = enrich.estimate({"Employees": ["hunter-company", "abstract-company"]})
    assert after["providers"][1]["expectedCalls"] > before["providers"][1]["expectedCalls"]
    user.ok("PATCH", f"{enrich.t}/records", {"updates": [
        {"id": i, "data": {enrich.columns["Domain"]: None}} for i in enrich.ids[:30]]})
    half = enrich.estimate({"Founded": ["hunter-company"]})
    assert any("50 %" in warning for warning in half["warnings"]), half
    assert half["providers"][0]["expectedCalls"] == pytest.approx(30, abs=1)


# ---- faults ----

def test_a_failing_provider_gives_way_to_the_next(faulty):
    stack, user = faulty, faulty.user()
    lib.knobs(stack, **lib.QUIET)
    provider_knobs(stack, "pdl-company", rate5xx=1.0)
    rows = 300  # the sandbox is asked 64 at a time: most are still in line when the breaker opens
    enrich = Enrich(stack, user, rows=rows)
    job = enrich.run({"Industry": ["pdl-company", "hunter-company"]}, seconds=60)
    counts = outcomes(enrich.attempts(job))
    assert counts.get(("pdl-company", "circuit_open"), 0) > 0, counts
    assert counts.get(("pdl-company", "error"), 0) > 0, counts
    assert counts["hunter-company", "hit"] == job["totals"]["complete"] > 20
    assert job["totals"]["failed"] == rows - job["totals"]["complete"]
    assert job["status"] == "partially_completed"
    enrich.check(job)


def test_each_kind_of_bad_answer_is_told_and_free(faulty):
    stack, user = faulty, faulty.user()
    for knob, outcome in (("malformedRate", "invalid"), ("schemaRate", "invalid"), ("rate429", "rate_limited")):
        lib.knobs(stack, **lib.QUIET | {knob: 1.0, "retryAfterSeconds": 0})
        enrich = Enrich(stack, user, rows=3, first=len(lib.companies()) - 10)
        job = enrich.run({"Industry": ["builtwith"]}, seconds=60)
        assert set(outcomes(enrich.attempts(job))) == {("builtwith", outcome)}, (knob, enrich.attempts(job))
        assert job["status"] == "failed" and job["credits"]["spent"] == 0
        enrich.check(job)
        stack.backend.restart()  # with a closed breaker


def test_a_passing_fault_is_tried_again(faulty):
    stack, user = faulty, faulty.user()
    lib.knobs(stack, **lib.QUIET | {"rate429": 0.3, "retryAfterSeconds": 0, "missRate": 0})
    enrich = Enrich(stack, user, rows=60)
    job = enrich.run({"Industry": ["hunter-company"]}, seconds=60)
    attempts = enrich.attempts(job)
    assert any(attempt["calls"] > 1 and attempt["outcome"] == "hit" for attempt in attempts)
    assert job["totals"]["complete"] >= 50, job
    enrich.check(job)


def test_retry_asks_only_for_the_failed_cells(faulty):
    stack, user = faulty, faulty.user()
    lib.knobs(stack, **lib.QUIET | {"schemaRate": 0.5, "missRate": 0.2})
    enrich = Enrich(stack, user, rows=40)
    job = enrich.run({"Industry": ["abstract-company"]})
    failed = job["totals"]["failed"]
    assert 5 < failed < 40, job
    lib.knobs(stack, **lib.QUIET | {"missRate": 0})
    stack.backend.restart()  # with a closed breaker
    running = user.ok("POST", f"{user.w}/jobs/{job['id']}/retry", status=202)
    assert running["retryOf"] == job["id"] and running["totals"]["cells"] == failed
    again = enrich.finish(running)
    assert again["totals"]["complete"] == failed, again
    enrich.check(again)
    assert user.post(f"{user.w}/jobs/{job['id']}/retry").status == 409


# ---- ends ----

def test_cancel_stops_at_once_and_gives_back(stack, user):
    lib.knobs(stack, **lib.QUIET | {"latency": "fixed:400"})
    enrich = Enrich(stack, user, rows=400)
    job = enrich.job({"Industry": ["pdl-company"]})
    wait_for(lambda: enrich.get(job)["totals"]["complete"] > 0, 20, "first results")
    begun = time.monotonic()
    reply = user.ok("POST", f"{user.w}/jobs/{job['id']}/cancel", status=202)
    assert reply["cancelRequested"]
    done = enrich.finish(job, 5)
    assert time.monotonic() - begun < 2
    assert done["status"] == "cancelled"
    assert 0 < done["totals"]["complete"] < 400 and done["totals"]["skipped"] > 0
    enrich.check(done)
    statuses = {record["cells"][enrich.columns["Industry"]]["status"] for record in enrich.records()}
    assert not statuses & {"queued", "running"}, statuses
    assert enrich.credits()["reserved"] == 0
    assert user.post(f"{user.w}/jobs/{job['id']}/cancel").status == 409


def test_a_deleted_workspace_spends_nothing_more(stack, user):
    lib.knobs(stack, **lib.QUIET | {"latency": "fixed:400"})
    enrich = Enrich(stack, user, rows=400)
    job = enrich.job({"Industry": ["pdl-company"]})
    wait_for(lambda: enrich.get(job)["totals"]["complete"] > 0, 20, "first results")
    user.ok("DELETE", user.w)

    def ended():
        row = stack.sql("SELECT status, reserved, spent, refunded, skipped, error FROM jobs WHERE id = %s", (job["id"],))[0]
        return row if row[0] not in ("queued", "running") else None

    status, reserved, spent, refunded, skipped, error = wait_for(ended, 5, "end of the job")
    assert status == "failed" and error == "the workspace was deleted"
    assert skipped > 0 and spent + refunded == reserved
    lib.reconcile(stack)


def test_cancel_ends_calls_that_hang(faulty):
    stack, user = faulty, faulty.user()
    lib.knobs(stack, **lib.QUIET | {"hangRate": 1.0, "hangMs": 20000})
    enrich = Enrich(stack, user, rows=30)
    job = enrich.job({"Industry": ["pdl-company"]})
    wait_for(lambda: len([c for c in lib.calls(stack) if (c["idempotencyKey"] or "").startswith(job["id"])]) > 5, 20, "calls")
    begun = time.monotonic()
    user.ok("POST", f"{user.w}/jobs/{job['id']}/cancel", status=202)
    done = enrich.finish(job, 5)
    assert time.monotonic() - begun < 2
    assert done["status"] == "cancelled" and done["credits"]["spent"] == 0
    enrich.check(done)


def test_an_edit_made_meanwhile_is_kept(stack, user):
    lib.knobs(stack, **lib.QUIET | {"latency": "fixed:1500", "missRate": 0})
    enrich = Enrich(stack, user, rows=5)
    job = enrich.job({"Industry": ["pdl-company"]})
    wait_for(lambda: enrich.get(job)["status"] == "running", 20, "the start")
    user.ok("PATCH", f"{enrich.t}/records", {"updates": [
        {"id": enrich.ids[0], "data": {enrich.columns["Industry"]: "typed by hand"}}]})
    user.ok("DELETE", f"{enrich.t}/records", {"ids": [enrich.ids[1]]})
    done = enrich.finish(job)
    by_id = {record["id"]: record for record in enrich.records()}
    assert by_id[enrich.ids[0]]["data"][enrich.columns["Industry"]] == "typed by hand"
    assert by_id[enrich.ids[0]]["cells"][enrich.columns["Industry"]]["status"] == "manual"
    assert done["totals"]["complete"] == 5, done
    lib.reconcile(stack)


def test_a_job_ends_when_its_table_is_deleted(stack, user):
    lib.knobs(stack, **lib.QUIET | {"latency": "fixed:150"})
    enrich = Enrich(stack, user, rows=5200)
    job = enrich.job({"Industry": ["pdl-company"]})
    wait_for(lambda: enrich.get(job)["totals"]["complete"] > 0, 20, "first results")
    assert user.delete(enrich.t).status == 409  # the API asks for the job's end first
    stack.sql("UPDATE tables SET deleted_at = now() WHERE id = %s", [enrich.table["id"]])
    done = enrich.finish(job, 60)
    assert done["status"] in ("failed", "cancelled"), done
    assert enrich.credits()["reserved"] == 0
    lib.reconcile(stack)


def test_sigterm_settles_what_came_and_another_start_goes_on(make_stack):
    stack = make_stack(env={"MILLRACE_STARTER_CREDITS": "100000"})
    user = stack.user()
    lib.knobs(stack, **lib.QUIET | {"latency": "uniform:50-300"})
    enrich = Enrich(stack, user, rows=400)
    job = enrich.job({"Industry": ["pdl-company"]})
    wait_for(lambda: enrich.get(job)["totals"]["complete"] > 10, 20, "first results")
    begun = time.monotonic()
    assert stack.backend.stop() == 0
    assert time.monotonic() - begun < 10
    assert stack.sql("SELECT count(*) FROM job_batches WHERE status = 'leased'") == [(0,)]
    assert stack.sql("SELECT count(*) FROM worker_instances") == [(0,)]
    stack.backend.start()
    done = enrich.finish(job)
    assert done["totals"]["complete"] + done["totals"]["notFound"] == 400, done
    enrich.check(done)
    log = lib.check_no_settled_call_repeated(stack, done)
    assert len(log) == 400  # what was in flight came in before the end


def test_several_jobs_and_batches_run_at_once(stack, user):
    lib.knobs(stack, **lib.QUIET | {"latency": "uniform:5-30"})
    tables = [Enrich(stack, user, rows=n, first=i * 10000) for i, n in enumerate((1500, 700, 30))]
    jobs = [(enrich, enrich.job({"Industry": ["pdl-company", "hunter-company"], "Country": ["pdl-company"]}))
            for enrich in tables]
    ends = [(enrich, enrich.finish(job, 90)) for enrich, job in jobs]
    for enrich, done in ends:
        assert done["status"] == "completed"
        enrich.check(done)
    assert ends[2][1]["finishedAt"] < ends[0][1]["finishedAt"]  # the small one did not wait for the large


# ---- telling ----

def test_browsers_hear_of_cells_and_jobs(stack, user):
    lib.knobs(stack, **lib.QUIET | {"latency": "uniform:20-60"})
    enrich = Enrich(stack, user, rows=15)
    heard, done = [], threading.Event()
    listener = user.clone()

    def listen():
        with listener.events(f"{enrich.t}/events") as events:
            for event in events:
                heard.append(event)
                if event["event"] == "job.finished":
                    done.set()
                    return

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    wait_for(lambda: stack.user and thread.is_alive(), 5, "the listener")
    job = enrich.job({"Industry": ["pdl-company"]})
    assert done.wait(20), heard
    thread.join(5)
    kinds = [event["event"] for event in heard]
    assert "job.progress" in kinds and kinds[-1] == "job.finished"
    assert heard[-1]["data"]["id"] == job["id"] and heard[-1]["data"]["totals"]["cells"] == 15
    assert {"record.updated", "records.changed"} & set(kinds)
    listener.close()


def test_lists_page_by_keyset(stack, user):
    enrich = Enrich(stack, user, rows=30)
    jobs = [enrich.run({column: ["pdl-company"]}) for column in ("Industry", "Employees", "Founded")]
    listed = list(user.pages(f"{user.w}/jobs", limit=2))
    assert [job["id"] for job in listed] == [job["id"] for job in reversed(jobs)]
    pages = list(user.pages(f"{user.w}/jobs/{jobs[0]['id']}/attempts", limit=7))
    keys = [attempt["idempotencyKey"] for attempt in pages]
    assert len(keys) == len(set(keys)) == 30
    one = user.ok("GET", f"{user.w}/jobs/{jobs[0]['id']}/attempts?recordId={enrich.ids[4]}")
    assert [attempt["recordId"] for attempt in one] == [enrich.ids[4]]
    assert user.get(f"{user.w}/jobs?cursor=nonsense").status == 400


def test_another_workspace_sees_nothing(stack, user):
    enrich = Enrich(stack, user, rows=2)
    job = enrich.run({"Industry": ["pdl-company"]})
    stranger = stack.user()
    assert stranger.get(f"{stranger.w}/jobs/{job['id']}").status == 404
    assert stranger.get(f"{user.w}/jobs/{job['id']}").status == 404
    assert stranger.post(f"{stranger.w}/jobs/{job['id']}/cancel").status == 404
    assert stranger.post(f"{stranger.w}/jobs/{job['id']}/retry").status == 404
    assert stranger.get(f"{stranger.w}/jobs/{job['id']}/attempts").status == 404
    assert stranger.post(f"{stranger.w}/jobs", enrich.request({"Industry": ["pdl-company"]})).status == 404
    assert stranger.ok("GET", f"{stranger.w}/jobs") == []


def test_an_idempotency_key_makes_one_job(stack, user):
    enrich = Enrich(stack, user, rows=2)
    headers = {"Idempotency-Key": "job-1"}
    replies = [user.post(f"{user.w}/jobs", enrich.request({"Industry": ["pdl-company"]}), headers=headers) for _ in range(2)]
    assert [reply.status for reply in replies] == [202, 202]
    assert replies[0].data["id"] == replies[1].data["id"]
    assert len(user.ok("GET", f"{user.w}/jobs")) == 1
