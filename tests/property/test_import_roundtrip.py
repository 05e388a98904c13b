"""Whatever text is imported comes out of the export again, and nothing else does."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.stack import wait_for

STACK = dict(env={"MILLRACE_RATE_LIMIT_AUTH": "0", "MILLRACE_RATE_LIMIT_GENERAL": "0"})

# Anything that PostgreSQL can keep: no NUL, no lone surrogates.
text = st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
awkward = st.sampled_from(['"', '""', ",", "\n", "\r\n", "\r", "\\", "\\N", "\\.", "\t", " x ", "'", "=1+1", "-", "\ufeff",
                           "NULL", "007", "1,5", "true", "{}", "a;b"])
tables = st.integers(1, 5).flatmap(lambda n: st.lists(
    st.lists(st.one_of(text, awkward), min_size=n, max_size=n), min_size=1, max_size=15))
dialects = st.tuples(st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["\n", "\r\n"]),
                     st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))


@pytest.fixture(scope="module")
def someone(stack):
    """One user for all cases."""
    return stack.user()


@given(tables, dialects)
def test_import_and_export_are_inverse(someone, rows, dialect):
    delimiter, newline, encoding = dialect
    out = io.StringIO()
    # Python's writer leaves a bare carriage return unquoted, which is then a line end.
    quoting = csv.QUOTE_ALL if any("\r" in cell for row in rows for cell in row) else csv.QUOTE_MINIMAL
    writer = csv.writer(out, delimiter=delimiter, lineterminator=newline, quoting=quoting)
    writer.writerow([f"c{i}" for i in range(len(rows[0]))])
    writer.writerows(rows)
    preview = someone.ok("POST", f"{someone.w}/imports", status=201,
                         files={"file": ("t.csv", out.getvalue().encode(encoding), "text/csv")},
                         data={"options": json.dumps({"delimiter": delimiter, "hasHeader": True})})
    assert [c["header"] for c in preview["columns"]] == [f"c{i}" for i in range(len(rows[0]))]
    path = f"{someone.w}/imports/{preview['importId']}"
    someone.ok("POST", f"{path}/commit", status=202,
               json={"mapping": [{"header": c["header"], "type": "text"} for c in preview["columns"]]})
    wait_for(lambda: someone.ok("GET", path)["status"] == "completed", 30, "import completed")
    table = f"{someone.w}/tables/{someone.ok('GET', path)['tableId']}"
    lines = someone.get(f"{table}/export", params={"format": "jsonl"}).content.decode().split("\n")[:-1]
    got = [[value or "" for value in json.loads(line)["data"].values()] for line in lines]
    assert got == rows
    someone.ok("DELETE", table)

