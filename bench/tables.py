"""Steps that several benchmarks share: importing a file over HTTP, and looking at the table it became."""

import json
import time

from lib.stack import wait_for


def import_file(user, path, name):
    """Uploads and commits; returns (tableId, seconds of the upload and preview, seconds until all is there)."""
    start = time.perf_counter()
    with open(path, "rb") as f:
        preview = user.ok("POST", f"{user.w}/imports", None, files={"file": (path.name, f, "text/csv")}, timeout=600)
    uploaded = time.perf_counter()
    user.ok("POST", f"{user.w}/imports/{preview['importId']}/commit", {"tableName": name})

    def finished():
        state = user.ok("GET", f"{user.w}/imports/{preview['importId']}")
        if state["status"] == "failed":
            raise AssertionError(json.dumps(state))
        return state if state["status"] == "completed" else None

    state = wait_for(finished, 900, "import", pause=0.01)
    return state["tableId"], uploaded - start, time.perf_counter() - uploaded


def grid_columns(stack, table_id):
    """The typed table in PostgreSQL: its name, and (name, type) of its users' columns in order."""
    name = f"t_{table_id.replace('-', '')}"
    found = stack.sql("""SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
                         JOIN table_columns c ON 'c_' || replace(c.id::text, '-', '') = a.attname
                         WHERE a.attrelid = ('grid.' || %s)::regclass AND a.attnum > 0 AND NOT a.attisdropped
                         ORDER BY c.position""", (name,))
    return f"grid.{name}", found
