"""The ledger over the API: starter credits, reservations at the same time, and books that add up."""

import threading

import pytest

from lib import enrich as lib
from lib.enrich import Enrich

STACK = dict(env={"MILLRACE_STARTER_CREDITS": "300"})


def test_a_workspace_starts_with_its_credits(stack, user):
    assert user.ok("GET", f"{user.w}/credits") == {"available": 300, "reserved": 0, "spent": 0, "issued": 300}
    rows = stack.sql("SELECT t.kind, amount, idempotency_key FROM credit_transfers t JOIN credit_accounts a"
                     " ON a.id = t.credit_account_id WHERE a.workspace_id = %s", [user.workspace_id])
    assert [(kind, amount) for kind, amount, _ in rows] == [("grant", 300)]
    second = user.ok("POST", "/workspaces", {"name": "Another"})
    assert user.ok("GET", f"/workspaces/{second['id']}/credits")["available"] == 300
    lib.reconcile(stack)


def test_strangers_do_not_see_the_balance(stack, user, client):
    assert client.get(f"{user.w}/credits").status == 401
    assert stack.user().get(f"{user.w}/credits").status == 404


def test_every_charge_has_its_transfer(stack, user):
    lib.knobs(stack, **lib.QUIET)
    enrich = Enrich(stack, user, rows=40)
    job = enrich.run({"Industry": ["pdl-company", "abstract-company"]})
    enrich.check(job)
    transfers = dict(stack.sql("SELECT idempotency_key, amount FROM credit_transfers WHERE job_id = %s AND kind = 'spend'",
                               [job["id"]]))
    charged = {a["idempotencyKey"]: a["credits"] for a in enrich.attempts(job) if a["credits"]}
    assert transfers == charged
    assert enrich.credits() == {"available": 300 - job["credits"]["spent"], "reserved": 0,
                                "spent": job["credits"]["spent"], "issued": 300}


def test_jobs_at_the_same_time_cannot_reserve_more_than_there_is(stack, user):
    lib.knobs(stack, **lib.QUIET | {"latency": "fixed:300"})
    enrich = Enrich(stack, user, rows=160)
    replies, lock = [], threading.Lock()

    def post(i):
        with_client = user.clone()
        ids = enrich.ids[i * 20:(i + 1) * 20]
        reply = with_client.post(f"{user.w}/jobs", enrich.request({"Industry": ["pdl-company"]}, recordIds=ids, budget=70))
        reply_two = with_client.post(f"{user.w}/jobs", enrich.request({"Employees": ["pdl-company"]}, recordIds=ids, budget=70))
        with lock:
            replies.extend([reply, reply_two])
        with_client.close()

    threads = [threading.Thread(target=post, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = [reply.data for reply in replies if reply.status == 202]
    assert {reply.status for reply in replies} <= {202, 402}
    assert 402 in {reply.status for reply in replies}
    assert sum(job["credits"]["reserved"] for job in made) >= 40
    for job in made:
        enrich.check(enrich.finish(job))
    balance = enrich.credits()
    assert balance["available"] + balance["spent"] == 300 and balance["reserved"] == 0


def test_the_same_question_at_the_same_time_is_charged_once(make_stack):
    """Many batches in two processes ask the same few questions at once: each is paid for once in the workspace."""
    stack = make_stack(env={"MILLRACE_STARTER_CREDITS": "100000"}, backends=2)
    user = stack.user()
    lib.knobs(stack, **lib.QUIET | {"missRate": 0, "latency": "uniform:20-80"})
    enrich = Enrich(stack, user, rows=4000)
    job = enrich.run({"Industry": ["hunter-company"]}, seconds=120)
    domains = len(lib.companies())
    assert job["totals"]["complete"] == 4000
    assert job["credits"]["spent"] == domains, job
    enrich.check(job)


@pytest.mark.parametrize("statement", [
    "UPDATE credit_accounts SET balance = balance + 1 WHERE kind = 'available' AND workspace_id = %s",
    "UPDATE jobs SET spent = spent - 1 WHERE spent > 0 AND workspace_id = %s",
    "UPDATE attempts SET credits = credits + 1 WHERE credits > 0 AND job_id IN (SELECT id FROM jobs WHERE workspace_id = %s)",
    "DELETE FROM attempts WHERE credits > 0 AND job_id IN (SELECT id FROM jobs WHERE workspace_id = %s)",
])
def test_reconcile_sees_a_forgery(make_stack, statement):
    stack = make_stack(env={"MILLRACE_STARTER_CREDITS": "300"})
    user = stack.user()
    lib.knobs(stack, **lib.QUIET)
    enrich = Enrich(stack, user, rows=10)
    enrich.check(enrich.run({"Industry": ["pdl-company"]}, budget=100))
    stack.sql(statement, [user.workspace_id])
    done = stack.cli("admin", "reconcile")
    assert done.returncode == 1, done.stdout
    assert user.workspace_id in done.stdout
