"""Runs test suites and sums their test cases. Called by ./test, which has done the set-up.

usage: run-suites.py SUITES [FILTER]     SUITES: `all` or names separated by commas

A suite whose folder or meson suite does not exist is left out of `all`; one that exists and runs nothing, or ends in a
way that its own report does not explain (a crash), counts as a failure. The last line is `N passed, N failed`.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests"
ARTIFACTS = TESTS / "artifacts"
WEB = ROOT / "packages" / "web"
sys.path.insert(0, str(TESTS))

from lib import stack as stacks  # noqa: E402

BUILD = stacks.build_dir()
MESON_SUITES = ("unit", "db", "api", "fuzz")
PYTEST_SUITES = ("property", "integration", "chaos")
ORDER = ("unit", "db", "api", "fuzz", "property", "web", "integration", "chaos", "e2e")


class Tally:
    """Passed and failed cases of one suite, and what is to be said about the failures."""

    def __init__(self, passed=0, failed=0, notes=()):
        self.passed = passed
        self.failed = failed
        self.notes = list(notes)


def meson_tests():
    """[(name, {suite…})] of the build directory."""
    done = subprocess.run(["meson", "introspect", "--tests", str(BUILD)], capture_output=True, text=True, check=True)
    return [(test["name"], {suite.rpartition(":")[2] for suite in test["suite"]}) for test in json.loads(done.stdout)]


def exists(suite):
    if suite in MESON_SUITES:
        return any(suite in suites for _, suites in meson_tests())
    if suite == "web":
        return (WEB / "package.json").exists()
    if suite == "e2e":
        return any((TESTS / "e2e").glob("*.test.mjs"))
    return (TESTS / suite).is_dir()


def cmocka_counts(text):
    """(passed, all) of the cases in a cmocka program's output; None when it printed none. A crash leaves RUN without OK."""
    started = text.count("[ RUN      ]")
    return (text.count("[       OK ]"), started) if started else None


def run_meson(suite, pattern):
    names = [name for name, suites in meson_tests() if suite in suites]
    chosen = [name for name in names if pattern in name] if pattern else names
    tally = Tally()
    if not chosen:
        return tally
    env = os.environ | {"MESON_TESTTHREADS": "2",
                        "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:allocator_may_return_null=1",
                        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}
    env |= test_services()
    log = BUILD / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    subprocess.run(["meson", "test", "-C", str(BUILD), "--no-rebuild", "--suite", suite, "--print-errorlogs", *chosen], env=env)
    results = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    for result in results:
        text = (result.get("stdout") or "") + "\n" + (result.get("stderr") or "")
        counts = cmocka_counts(text)
        good = result["result"] in ("OK", "EXPECTEDFAIL")
        if counts is None:
            counts = (1, 1) if good else (0, 1)
        passed, total = counts
        failed = total - passed
        if good and failed:
            tally.notes.append(f"{result['name']}: {failed} cases did not pass (a skipped case is a failure)")
        if not good and not failed:
            failed = 1
        if not good:
            tally.notes.append(f"{result['name']}: {result['result']}")
        tally.passed += passed
        tally.failed += failed
    if len(results) < len(chosen):
        tally.failed += len(chosen) - len(results)
        tally.notes.append(f"{len(chosen) - len(results)} programs left no result")
    return tally


def test_services():
    """Where cmocka tests find a PostgreSQL server (they make databases of their own in it)."""
    cluster = stacks.shared_cluster()
    with contextlib.suppress(Exception):
        cluster.create("unit")
    return {"MILLRACE_TEST_DATABASE_URL": cluster.url("unit")}


def junit(path):
    """(passed, failed, notes) of a JUnit file. A skipped test is a failure: it proves nothing."""
    if not path.exists():
        return 0, 0, []
    passed, failed, notes = 0, 0, []
    for case in ElementTree.parse(path).iter("testcase"):
        kinds = {child.tag for child in case} & {"failure", "error", "skipped"}
        if kinds:
            failed += 1
            notes.append(f"{case.get('classname') or ''} {case.get('name')}: {', '.join(sorted(kinds))}")
        else:
            passed += 1
    return passed, failed, notes


def run_pytest(suite, pattern):
    report = ARTIFACTS / f"{suite}.xml"
    report.unlink(missing_ok=True)
    argv = [sys.executable, "-m", "pytest", "-c", str(TESTS / "pytest.ini"), "-p", "no:cacheprovider", "-q",
            f"--junitxml={report}", str(TESTS / suite)]
    if pattern:
        argv += ["-k", pattern]
    done = subprocess.run(argv, cwd=TESTS, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"})
    passed, failed, notes = junit(report)
    if done.returncode not in (0, 1, 5) or (done.returncode == 1 and not failed):
        failed += 1
        notes.append(f"pytest ended with {done.returncode}")
    return Tally(passed, failed, notes)


def run_web(pattern):
    report = ARTIFACTS / "web.json"
    report.unlink(missing_ok=True)
    argv = ["npx", "--no-install", "vitest", "run", "--reporter=default", "--reporter=json", f"--outputFile.json={report}"]
    if pattern:
        files = [path for path in WEB.rglob("*.test.ts*") if "node_modules" not in path.parts and pattern in path.name]
        argv += [pattern] if files else ["-t", pattern]
    done = subprocess.run(argv, cwd=WEB, env=os.environ | {"CI": "true"})
    if not report.exists():
        return Tally(0, 1, [f"vitest ended with {done.returncode} and left no report"])
    data = json.loads(report.read_text())
    failed = data["numFailedTests"]
    notes = [f"{case['fullName']}: failed" for file in data["testResults"] for case in file["assertionResults"]
             if case["status"] == "failed"]
    if not pattern and data["numPendingTests"]:
        failed += data["numPendingTests"]
        notes.append(f"{data['numPendingTests']} skipped")
    if done.returncode != 0 and not failed:
        failed = 1
        notes.append(f"vitest ended with {done.returncode}")
    return Tally(data["numPassedTests"], failed, notes)


def run_e2e(pattern):
    """Node's test runner over tests/e2e/*.test.mjs, against a stack of its own. Screenshots go to tests/artifacts/e2e."""
    artifacts = ARTIFACTS / "e2e"
    shutil.rmtree(artifacts, ignore_errors=True)
    artifacts.mkdir(parents=True)
    report = ARTIFACTS / "e2e.xml"
    report.unlink(missing_ok=True)
    link = TESTS / "e2e" / "node_modules"
    if not link.exists():
        link.symlink_to("../../packages/web/node_modules")
    files = sorted(str(path) for path in (TESTS / "e2e").glob("*.test.mjs"))
    argv = ["node", "--test", "--test-concurrency=1", "--test-reporter=spec", "--test-reporter-destination=stdout",
            "--test-reporter=junit", f"--test-reporter-destination={report}"]
    if pattern:
        argv.append(f"--test-name-pattern={pattern}")
    try:
        with stacks.Stack() as stack:
            env = os.environ | {key: value for key, value in stack.environment().items() if key.startswith("MILLRACE_")}
            env |= {"MILLRACE_URL": stack.url, "MILLRACE_ARTIFACTS": str(artifacts),
                    "MILLRACE_CHROMIUM": shutil.which("chromium") or "chromium"}
            done = subprocess.run([*argv, *files], cwd=TESTS / "e2e", env=env)
            if done.returncode:
                print(stack.logs())
        passed, failed, notes = junit(report)
    except stacks.StackError as fault:
        passed, failed, notes = junit(report)
        return Tally(passed, failed + 1, [*notes, str(fault)])
    if done.returncode and not failed:
        failed = 1
        notes.append(f"node --test ended with {done.returncode}")
    return Tally(passed, failed, notes)


def run(suite, pattern):
    if suite in MESON_SUITES:
        return run_meson(suite, pattern)
    if suite in PYTEST_SUITES:
        return run_pytest(suite, pattern)
    return run_web(pattern) if suite == "web" else run_e2e(pattern)


def main(argv):
    wanted = argv[1] if len(argv) > 1 else "all"
    pattern = argv[2] if len(argv) > 2 else ""
    names = list(ORDER) if wanted == "all" else wanted.split(",")
    unknown = [name for name in names if name not in ORDER]
    if unknown:
        print(f"no such suite: {', '.join(unknown)} (there are: {', '.join(ORDER)})", file=sys.stderr)
        print("0 passed, 1 failed")
        return 1
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    total, rows = Tally(), []
    for name in names:
        if wanted == "all" and not exists(name):
            continue
        print(f"\n=== {name}", flush=True)
        start = time.monotonic()
        tally = run(name, pattern)
        if tally.passed + tally.failed == 0 and not (wanted == "all" and pattern):
            tally.failed = 1
            tally.notes.append("ran no test")
        rows.append((name, tally, time.monotonic() - start))
        total.passed += tally.passed
        total.failed += tally.failed
    if total.passed + total.failed == 0:
        total.failed = 1
        print("no test was run")
    print()
    for name, tally, seconds in rows:
        print(f"{name:12} {tally.passed:6} passed {tally.failed:4} failed {seconds:8.1f} s")
        for note in tally.notes:
            print(f"    {note}")
    sys.stdout.flush()
    print(f"{total.passed} passed, {total.failed} failed", flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
