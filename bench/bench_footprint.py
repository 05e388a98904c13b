"""Footprint: memory at rest, start to first answer, size of the program."""

import os
import time

import httpx

from lib.stack import Stack, program


def rss_mib(process):
    with open(f"/proc/{process.pid}/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def run(bench):
    with Stack(sandbox=False) as stack:
        def start():
            stack.backend.stop()
            begin = time.perf_counter()
            stack.backend.start(wait=False)
            while True:
                try:
                    if httpx.get(f"{stack.url}/api/v1/health", trust_env=False).status_code == 200:
                        return (time.perf_counter() - begin) * 1000
                except httpx.TransportError:
                    time.sleep(0.001)

        bench.case("start to first answer, PostgreSQL up", "millraced", start, unit="ms", ours=True, better="lower")
        bench.case("resident memory at rest", "millraced", lambda: rss_mib(stack.backend), unit="MiB", ours=True, better="lower")
        size = os.path.getsize(program("millraced")) / 2**20
        bench.case("size of the program", "millraced", lambda: size, unit="MiB", ours=True, better="lower")
