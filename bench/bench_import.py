"""Import: a file over HTTP into a new typed table, against psql's \\copy of the same rows into the same table."""

import subprocess
import time

from bench.data import csv_file
from bench.tables import grid_columns, import_file
from lib.stack import Stack, wait_for


def peak_rss_mib(process):
    with open(f"/proc/{process.pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM")) // 1024


def run(bench):
    count = 100_000 if bench.quick else 1_000_000
    path = csv_file(bench, count)
    group = f"{count:,} × 20 rows into a new table, keys included"
    with Stack(sandbox=False) as stack:
        user = stack.user()
        table, _, _ = import_file(user, path, "shape")
        name, columns = grid_columns(stack, table)

        def ours():
            made, upload, load = import_file(user, path, "bench")
            wait_for(lambda: user.delete(f"{user.w}/tables/{made}").success, 60, "the table is dropped")
            return {"value": load, "upload and preview": f"{upload:.2f} s", "peak RSS": f"{peak_rss_mib(stack.backend)} MiB"}

        def psql():
            fields = ", ".join(f"{column} {kind}" for column, kind in columns)
            listed = ", ".join(column for column, _ in columns)
            script = (f"CREATE TABLE peer (id uuid NOT NULL DEFAULT gen_random_uuid(), position bigint "
                      f"GENERATED ALWAYS AS IDENTITY, version integer NOT NULL DEFAULT 1, created_at timestamptz NOT NULL "
                      f"DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), {fields});\n"
                      f"\\copy peer ({listed}) FROM '{path}' WITH (FORMAT csv, HEADER)\n"
                      f"ALTER TABLE peer ADD PRIMARY KEY (id);\nCREATE UNIQUE INDEX ON peer (position);\nANALYZE peer;\n")
            stack.sql("DROP TABLE IF EXISTS peer")
            start = time.perf_counter()
            subprocess.run(["psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", stack.database_url], input=script, text=True, check=True)
            return time.perf_counter() - start

        bench.case(group, "millraced (commit to done)", ours, unit="s", ours=True, better="lower")
        bench.case(group, "psql \\copy, keys after", psql, unit="s", better="lower")
        stack.sql("DROP TABLE peer")
        bench.note(f"{path.stat().st_size / 2**20:.0f} MiB; the upload is received, sniffed and kept before the commit, and timed apart")
        bench.note(f"the typed table is the same: {', '.join(kind for _, kind in columns)} ({name.split('.')[0]} schema)")
