"""Export: the whole table as CSV over HTTP, against psql's \\copy of the same columns in the same order."""

import subprocess
import time

from bench.data import csv_file
from bench.tables import grid_columns, import_file
from lib.stack import Stack


def run(bench):
    count = 100_000 if bench.quick else 1_000_000
    group = f"{count:,} × 20 rows as CSV"
    with Stack(sandbox=False) as stack:
        user = stack.user()
        table, _, _ = import_file(user, csv_file(bench, count), "bench")
        name, columns = grid_columns(stack, table)

        def ours():
            start, size = time.perf_counter(), 0
            url = f"/api/v1{user.w}/tables/{table}/export"
            with user.http.stream("GET", url, params={"format": "csv"}, headers=user._headers(None), timeout=600) as reply:
                assert reply.status_code == 200
                for piece in reply.iter_raw():
                    size += len(piece)
            return {"value": time.perf_counter() - start, "size": f"{size / 2**20:.0f} MiB"}

        def psql():
            listed = ", ".join(column for column, _ in columns)
            start = time.perf_counter()
            subprocess.run(["psql", "-q", "-X", stack.database_url, "-c",
                            f"\\copy (SELECT {listed} FROM {name} ORDER BY position) TO '/dev/null' WITH (FORMAT csv, HEADER)"],
                           check=True)
            return time.perf_counter() - start

        bench.case(group, "millraced", ours, unit="s", ours=True, better="lower")
        bench.case(group, "psql \\copy to", psql, unit="s", better="lower")
