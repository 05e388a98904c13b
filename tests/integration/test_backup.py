"""docs/operations.md: a dump, restored elsewhere, is the same installation with the same books."""

import subprocess

from lib.enrich import QUIET, Enrich, knobs


def test_a_restored_dump_has_the_same_rows_and_books(stack, user, tmp_path):
    knobs(stack, **QUIET)
    enrich = Enrich(stack, user, rows=30)
    enrich.run({"Industry": ["pdl-company", "hunter-company"]})
    before = enrich.records()
    copy = stack.cluster.create("restored")
    try:
        dump = tmp_path / "millrace.dump"
        subprocess.run(["pg_dump", "-Fc", "-d", stack.database_url, "-f", dump], check=True)
        subprocess.run(["pg_restore", "--exit-on-error", "-d", copy, dump], check=True)
        assert "010" in stack.cli("migrate", "status", check=True, MILLRACE_DATABASE_URL=copy).stdout
        assert "the books are right" in stack.cli("admin", "reconcile", check=True, MILLRACE_DATABASE_URL=copy).stdout
        other = stack.add_backend(MILLRACE_DATABASE_URL=copy)
        again = user.clone(other.url)
        assert list(again.pages(f"{enrich.t}/records", limit=1000)) == before
        assert again.ok("GET", f"{user.w}/credits") == enrich.credits()
        other.stop()
        stack.backends.remove(other)
    finally:
        stack.cluster.drop("restored")
