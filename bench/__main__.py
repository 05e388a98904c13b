"""bench/run NAME…: runs benchmarks, prints a table with ratios, keeps JSON. See README.md."""

import argparse
import importlib
import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAMES = ["csv", "import", "export", "api", "enrich", "footprint"]


def machine():
    with open("/proc/cpuinfo") as f:
        model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), "unknown")
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {"cpu": model, "cores": os.cpu_count(), "memoryGiB": round(pages / 2**30), "kernel": platform.release(),
            "load": os.getloadavg()[0]}


class Bench:
    """What a benchmark works with: options, and `case` to measure something."""

    def __init__(self, options):
        self.peers = options.peers
        self.quick = options.quick
        self.repeat = options.repeat or (2 if options.quick else 5)
        self.tools = Path(os.environ["BENCH_TOOLS"])
        self.rows = []
        self.notes = []

    def case(self, group, name, run, *, unit, ours=False, better="higher"):
        """Runs `run()` once to warm up and `repeat` times; it returns the figure, or a dict with "value" and more."""
        run()
        results = [run() for _ in range(self.repeat)]
        figures = [r["value"] if isinstance(r, dict) else r for r in results]
        row = {"group": group, "name": name, "unit": unit, "ours": ours, "better": better,
               "median": statistics.median(figures), "all": figures}
        if isinstance(results[-1], dict):
            row["more"] = {k: v for k, v in results[-1].items() if k != "value"}
        self.rows.append(row)
        print(f"  {group}: {name}: {row['median']:,.4g} {unit}", file=sys.stderr, flush=True)
        return row["median"]

    def note(self, text):
        self.notes.append(text)


def table(bench):
    lines = []
    for group in dict.fromkeys(row["group"] for row in bench.rows):
        rows = [row for row in bench.rows if row["group"] == group]
        ours = next((row for row in rows if row["ours"]), None)
        lines += ["", f"{group}", f"  {'':34} {'median':>14} {'spread':>8}  {'ours is':>9}"]
        for row in rows:
            spread = (max(row["all"]) - min(row["all"])) / row["median"] if row["median"] else 0
            ratio = ""
            if ours and row is not ours and row["median"] and ours["median"]:
                by = ours["median"] / row["median"]
                ratio = f"{by if row['better'] == 'higher' else 1 / by:8.2f}×"
            more = "  " + ", ".join(f"{k} {v}" for k, v in row.get("more", {}).items()) if row.get("more") else ""
            lines.append(f"  {row['name']:34} {row['median']:>14,.4g} {spread:>7.0%}  {ratio:>9}  {row['unit']}{more}")
    return "\n".join(lines + [""] + bench.notes)


def main():
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    parser.add_argument("names", nargs="+", choices=[*NAMES, "all"], metavar="NAME", help=", ".join(NAMES) + " or all")
    parser.add_argument("--peers", action="store_true", help="install and measure the peers as well")
    parser.add_argument("--quick", action="store_true", help="a tenth of the size, for a first look")
    parser.add_argument("--repeat", type=int, help="measured runs of each case (5)")
    options = parser.parse_args()
    for name in NAMES if "all" in options.names else options.names:
        bench = Bench(options)
        at = machine()
        print(f"{name}: {at['cpu']}, {at['cores']} cores, load {at['load']:.1f}", flush=True)
        importlib.import_module(f"bench.bench_{name}").run(bench)
        print(table(bench), flush=True)
        results = HERE / "results"
        results.mkdir(exist_ok=True)
        out = results / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}.json"
        out.write_text(json.dumps({"name": name, "machine": at, "quick": options.quick, "rows": bench.rows,
                                   "notes": bench.notes}, indent=1) + "\n")
        print(f"kept in {out.relative_to(HERE.parent)}")


if __name__ == "__main__":
    main()
