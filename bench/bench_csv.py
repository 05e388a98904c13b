"""CSV: the whole file parsed and every field written again, one thread."""

import os
import subprocess
import sys
import time

from bench.data import csv_file
from lib.stack import program

DUCKDB = "duckdb==2.0.1"
PAPAPARSE = "papaparse@5.7.1"


def timed(argv, mib, **options):
    start = time.perf_counter()
    subprocess.run(argv, stdout=subprocess.DEVNULL, check=True, **options)
    return mib / (time.perf_counter() - start)


def run(bench):
    path = csv_file(bench, 50_000 if bench.quick else 500_000)
    mib = path.stat().st_size / 2**20
    bench.note(f"{path.name}: {mib:.0f} MiB, a fifth of the rows with quotes; output to /dev/null; programs' start included")
    one = "parse and write, one thread"
    bench.case(one, "millrace csv cat", lambda: timed([program("millrace"), "csv", "cat", path], mib), unit="MiB/s", ours=True)
    bench.case("parse and write as JSON Lines", "millrace csv cat --format jsonl",
               lambda: timed([program("millrace"), "csv", "cat", path, "--format", "jsonl"], mib), unit="MiB/s", ours=True)
    script = "import csv,sys\nw=csv.writer(open('/dev/null','w'))\nfor row in csv.reader(open(sys.argv[1],newline='')): w.writerow(row)"
    bench.case(one, "Python csv", lambda: timed([sys.executable, "-c", script, path], mib), unit="MiB/s")
    if not bench.peers:
        return
    duckdb = bench.tools / "duckdb"
    if not duckdb.exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--target", duckdb, DUCKDB], check=True)
    query = (f"SET threads=1; COPY (SELECT * FROM read_csv('{path}', all_varchar=true, header=true)) "
             "TO '/dev/null' (FORMAT csv)")
    bench.case(one, DUCKDB, lambda: timed([sys.executable, "-c", f"import duckdb; duckdb.execute({query!r})"], mib,
                                          env=os.environ | {"PYTHONPATH": str(duckdb)}), unit="MiB/s")
    papa = bench.tools / "papaparse"
    if not papa.exists():
        papa.mkdir()
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", papa, PAPAPARSE], check=True)
    script = ("const P=require('papaparse'),fs=require('fs');let n=0;"
              "P.parse(fs.createReadStream(process.argv[1]),{chunk:r=>{n+=P.unparse(r.data).length}})")
    bench.case(one, PAPAPARSE, lambda: timed(["node", "-e", script, path], mib, cwd=papa), unit="MiB/s")
    xsv = bench.tools / "xsv"
    if not (xsv / "bin" / "xsv").exists():
        subprocess.run(["cargo", "install", "--quiet", "--locked", "--root", xsv, "xsv@0.13.0"], check=True)
    bench.case(one, "xsv 0.13.0 select", lambda: timed([xsv / "bin" / "xsv", "select", "1-20", path], mib), unit="MiB/s")
