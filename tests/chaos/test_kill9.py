"""kill -9 of one or both millraced at random moments of a job against a faulty sandbox: nothing is lost, nothing is
charged twice, nothing that was settled is asked again.

Short by default; MILLRACE_LONG=1 is 20 rounds over a job of 5,000 rows. MILLRACE_SEED repeats a run's choices.
"""

import os
import random
import time

import pytest

from lib import enrich as lib
from lib.stack import wait_for

LONG = os.environ.get("MILLRACE_LONG") == "1"
ROUNDS, ROWS = (20, 5000) if LONG else (3, 600)
SEED = int(os.environ.get("MILLRACE_SEED") or random.randrange(1 << 32))
WATERFALL = {"Industry": ["pdl-company", "hunter-company", "abstract-company"],
             "Employees": ["pdl-company", "abstract-company"]}
KNOBS = lib.FAULTY | {"latency": "uniform:20-160"}


@pytest.fixture
def pair(make_stack):
    return make_stack(backends=2, env={"MILLRACE_STARTER_CREDITS": "10000000"})


@pytest.mark.timeout(1500 if LONG else 280)
def test_kill9_loses_and_repeats_nothing(pair):
    print(f"MILLRACE_SEED={SEED}")
    dice = random.Random(SEED)
    # slow enough that the long job is still at work in its last round
    lib.knobs(pair, **KNOBS | ({"latency": "uniform:50-350"} if LONG else {}))
    user = pair.user()
    enrich = lib.Enrich(pair, user, rows=ROWS)
    job = enrich.job(WATERFALL)
    in_the_middle = 0
    for _ in range(ROUNDS):
        time.sleep(dice.uniform(0.05, 0.9))  # the random moment itself, not a synchronisation
        victims = dice.choice([pair.backends[:1], pair.backends[1:], pair.backends])
        for backend in victims:
            backend.kill()
        [[status]] = pair.sql("SELECT status FROM jobs WHERE id = %s", [job["id"]])
        in_the_middle += status in ("queued", "running")
        for backend in victims:
            backend.start(wait=False)
        for backend in victims:
            backend.wait_ready()
        if status not in ("queued", "running"):
            break
    assert in_the_middle >= min(2, ROUNDS), "the job ended too soon to be disturbed: give the sandbox more latency"
    done = enrich.finish(job, 900 if LONG else 200)
    assert done["status"] in ("completed", "partially_completed"), done
    assert done["totals"]["skipped"] == 0, done
    enrich.check(done)
    log = lib.check_no_settled_call_repeated(pair, done)
    print(f"{in_the_middle} kills, {len(log)} calls, {done['totals']}, {done['credits']}")
    [[leased]] = pair.sql("SELECT count(*) FROM job_batches WHERE status <> 'done' OR held <> 0")
    assert leased == 0


def test_a_job_goes_on_in_the_process_that_is_left(pair):
    """The dead process's leases are taken over without it, and without anybody starting anything."""
    lib.knobs(pair, **lib.QUIET | {"latency": "uniform:50-200"})
    user = pair.user()
    enrich = lib.Enrich(pair, user, rows=300)
    job = enrich.job({"Industry": ["pdl-company"]})
    wait_for(lambda: pair.sql("SELECT count(*) FROM attempts WHERE job_id = %s", [job["id"]])[0][0] > 20, 30, "first attempts")
    [[owner]] = pair.sql("SELECT lease_owner FROM job_batches WHERE job_id = %s AND status = 'leased'", [job["id"]])
    [[pid]] = pair.sql("SELECT pid FROM worker_instances WHERE id = %s", [owner])
    victim, left = sorted(pair.backends, key=lambda backend: backend.pid != pid)
    victim.kill()
    enrich.user = user.clone(left.url)
    done = enrich.finish(job, 40)
    assert done["totals"]["complete"] + done["totals"]["notFound"] == 300, done
    enrich.check(done)
    lib.check_no_settled_call_repeated(pair, done)
    victim.start()
