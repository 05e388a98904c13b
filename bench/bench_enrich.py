"""Enrichment: one job over the sandbox without latency, with attempts, ledger, kept answers, cells and events."""

import os
import time

from lib.enrich import QUIET, Enrich, knobs
from lib.stack import Stack

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(process):
    with open(f"/proc/{process.pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def run(bench):
    count = 1000 if bench.quick else 5000
    with Stack(env={"LOG_LEVEL": "warn", "MILLRACE_STARTER_CREDITS": "10000000"}) as stack:
        knobs(stack, **QUIET)

        def job():
            user = stack.user()
            enrich = Enrich(stack, user, rows=count)
            used, start = cpu_seconds(stack.backend), time.perf_counter()
            done = enrich.finish(enrich.job({"Industry": ["pdl-company", "hunter-company"]}))
            seconds = time.perf_counter() - start
            used = cpu_seconds(stack.backend) - used
            calls, attempts = stack.sql("SELECT sum(calls), count(*) FROM attempts WHERE job_id = %s", (done["id"],))[0]
            assert done["status"] == "completed", done
            return {"value": int(calls) / seconds, "calls": int(calls), "attempts": attempts,
                    "CPU µs a call": f"{used / int(calls) * 1e6:.0f}", "cells/s": f"{count / seconds:.0f}"}

        bench.case(f"{count:,} cells, waterfall of two", "millraced, local engine", job, unit="calls/s", ours=True)
        bench.note("the sandbox, PostgreSQL and millraced share the machine's cores; CPU is millraced's own")
