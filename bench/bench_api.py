"""The API's hot paths under wrk, against the same endpoints in Express 5 with pg and zod on the same PostgreSQL."""

import json
import re
import subprocess
import time
from pathlib import Path

import httpx

from bench.data import csv_file
from bench.tables import grid_columns, import_file
from lib.stack import Stack, free_port, wait_for

PEER = Path(__file__).resolve().parent / "peers" / "express"
SECONDS = 5


def wrk(url, token, connections, script=None):
    argv = ["wrk", "-t2", f"-c{connections}", f"-d{SECONDS}s", "--latency", "-H", f"Authorization: Bearer {token}"]
    if script:
        argv += ["-s", script]
    out = subprocess.run([*argv, url], capture_output=True, text=True, check=True).stdout
    p99 = re.search(r"99%\s+(\S+)", out).group(1)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    if bad:
        raise AssertionError(f"{url}: {bad.group(0)}\n{out}")
    return {"value": float(re.search(r"Requests/sec:\s+(\S+)", out).group(1)), "p99": p99}


def patch_script(bench, records, column):
    """Every request changes one cell of another row."""
    path = bench.tools / "patch.lua"
    bodies = [json.dumps({"updates": [{"id": r["id"], "data": {column: "patched"}}]}) for r in records]
    path.write_text("local bodies = {" + ",".join(json.dumps(b) for b in bodies) + "}\nlocal n = math.random(#bodies)\n"
                    "request = function()\n  n = n % #bodies + 1\n"
                    "  return wrk.format('PATCH', nil, nil, bodies[n])\nend\n"
                    "wrk.headers['Content-Type'] = 'application/json'\nmath.randomseed(os.time())\n")
    return path


def start_peer(bench, stack, table, columns):
    home = bench.tools / "express"
    home.mkdir(exist_ok=True)
    for name in ("package.json", "server.mjs"):
        (home / name).write_text((PEER / name).read_text())
    if not (home / "node_modules").exists():
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", home], check=True)
    port = free_port()
    settings = {"PORT": str(port), "DATABASE_URL": stack.database_url, "JWT_KEY": "0" * 64, "TABLE": table,
                "COLUMNS": json.dumps([name for name, _ in columns])}
    process = subprocess.Popen(["node", "server.mjs"], cwd=home, env={"PATH": __import__("os").environ["PATH"], **settings})
    url = f"http://127.0.0.1:{port}"

    def up():
        try:
            return httpx.get(f"{url}/token", trust_env=False).json()["token"]
        except httpx.TransportError:
            return None

    return process, url, wait_for(up, 20, "Express")


def run(bench):
    with Stack(sandbox=False, env={"LOG_LEVEL": "warn"}) as stack:
        user = stack.user()
        table, _, _ = import_file(user, csv_file(bench, 50_000 if bench.quick else 500_000), "bench")
        name, columns = grid_columns(stack, table)
        base = f"{stack.url}/api/v1{user.w}/tables/{table}"
        records = user.ok("GET", f"{user.w}/tables/{table}/records", params={"limit": 1000})
        column = user.ok("GET", f"{user.w}/tables/{table}")["columns"][0]["id"]
        patch = patch_script(bench, records, column)
        peer = start_peer(bench, stack, name, columns) if bench.peers else None
        time.sleep(0.5)
        for connections in (8, 64):
            group = f"list 100 rows of 20 columns, {connections} connections"
            bench.case(group, "millraced", lambda: wrk(f"{base}/records?limit=100", user.token, connections), unit="req/s", ours=True)
            if peer:
                bench.case(group, "Express 5, pg, cluster of 2", lambda: wrk(f"{peer[1]}/records?limit=100", peer[2], connections), unit="req/s")
        group = "patch one cell, 8 connections"
        bench.case(group, "millraced", lambda: wrk(f"{base}/records", user.token, 8, patch), unit="req/s", ours=True)
        if peer:
            bench.case(group, "Express 5, pg, cluster of 2", lambda: wrk(f"{peer[1]}/records", peer[2], 8, patch), unit="req/s")
            peer[0].terminate()
            peer[0].wait()
        bench.note("wrk, PostgreSQL and both servers share the machine's cores; every request is authenticated and checked")
