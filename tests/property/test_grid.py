"""The grid over HTTP against a model: edits, versions, columns, types, sorting, filtering and paging in any order."""

import json
import uuid

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule, run_state_machine_as_test

from lib.grid import make_table

pytestmark = pytest.mark.timeout(1800)

TEXTS = ["abc", "abd", "zed", "12", "3", "0", "-1", "true", "false", "yes", "x y"]
VALUES = {"text": st.sampled_from([None, "", *TEXTS]), "number": st.sampled_from([None, -1, 0, 3, 12, 100]),
          "boolean": st.sampled_from([None, True, False])}
TYPES = list(VALUES)


class Raw(str):
    """A text that did not fit its column's type."""


def as_text(value):
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def fit(kind, text):
    """What a text becomes in a column of the type."""
    if text is None:
        return None
    if kind == "text":
        return str(text)
    if kind == "number":
        return int(text) if text.removeprefix("-").isdigit() else Raw(text)
    known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    return known.get(text, Raw(text))


def sort_value(value):
    return None if value is None or isinstance(value, Raw) else value


def ordered(rows, keys):
    """Rows are in order of position; keys: (name, descending). Empty cells come last in both directions."""
    for name, descending in reversed(keys):
        filled = [r for r in rows if sort_value(r["data"][name]) is not None]
        empty = [r for r in rows if sort_value(r["data"][name]) is None]
        rows = sorted(filled, key=lambda r: r["data"][name], reverse=descending) + empty
    return rows


FILTERS = {
    "isEmpty": lambda v, w: v is None,
    "isNotEmpty": lambda v, w: v is not None,
    "eq": lambda v, w: sort_value(v) == w,
    "ne": lambda v, w: sort_value(v) != w,
    "contains": lambda v, w: v is not None and as_text(w) in as_text(v),
    "in": lambda v, w: sort_value(v) == w,
    "gt": lambda v, w: sort_value(v) is not None and v > w,
    "lte": lambda v, w: sort_value(v) is not None and v <= w,
}


class Grid(RuleBasedStateMachine):
    user = None
    columns = Bundle("columns")
    records = Bundle("records")

    def __init__(self):
        super().__init__()
        self.types = {}
        self.rows = []  # in order of position
        self.serial = 0

    def row(self, record):
        return next((r for r in self.rows if r["id"] == record), None)

    @initialize(target=columns)
    def begin(self):
        self.table = make_table(self.user, ("c0", "text"), ("c1", "number"), ("c2", "boolean"))
        self.types = {"c0": "text", "c1": "number", "c2": "boolean"}
        self.serial = 3
        return multiple("c0", "c1", "c2")

    def data(self, draw):
        left_out = draw.draw(st.sets(st.sampled_from(sorted(self.types)), max_size=1)) if self.types else ()
        return {name: draw.draw(VALUES[kind]) for name, kind in self.types.items() if name not in left_out}

    @rule(target=records, draw=st.data(), count=st.integers(1, 6))
    def add(self, draw, count):
        rows = [self.data(draw) for _ in range(count)]
        made = self.table.add(*rows)
        for row, record in zip(rows, made):
            self.rows.append({"id": record["id"], "version": 1, "data": dict.fromkeys(self.types) | {k: v if v != "" else None
                                                                                                for k, v in row.items()}})
        return multiple(*(record["id"] for record in made))

    @rule(record=records, draw=st.data(), how=st.sampled_from(["none", "right", "stale"]))
    def edit(self, record, draw, how):
        row, data = self.row(record), self.data(draw)
        version = {"none": [], "right": [row["version"] if row else 1], "stale": [row["version"] + 1 if row else 7]}[how]
        reply = self.table.change((record, *version, data), ok=False)
        if row is None:
            assert reply.status == 404
        elif how == "stale":
            assert reply.status == 409
        else:
            assert reply.status == 200, reply
            row["data"] |= {k: v if v != "" else None for k, v in data.items()}
            row["version"] += bool(data)
            assert reply.data[0]["version"] == row["version"]

    @rule(record=consumes(records))
    def remove(self, record):
        row = self.row(record)
        assert self.table.remove(record, str(uuid.uuid4())) == (row is not None)
        if row:
            self.rows.remove(row)

    @rule(target=columns, kind=st.sampled_from(TYPES))
    def add_column(self, kind):
        if len(self.types) >= 6:
            return multiple()
        name = f"c{self.serial}"
        self.serial += 1
        self.user.ok("POST", f"{self.table.path}/columns", {"name": name, "type": kind}, status=201)
        self.table.reload()
        self.types[name] = kind
        for row in self.rows:
            row["data"][name] = None
        return name

    @rule(column=columns, kind=st.sampled_from(TYPES))
    def retype(self, column, kind):
        if column not in self.types:
            return
        self.user.ok("PATCH", f"{self.table.path}/columns/{self.table.ids[column]}", {"type": kind})
        if kind != self.types[column]:
            for row in self.rows:
                row["data"][column] = fit(kind, as_text(row["data"][column]))
        self.types[column] = kind

    @rule(column=consumes(columns))
    def drop_column(self, column):
        if column not in self.types:
            return
        self.user.ok("DELETE", f"{self.table.path}/columns/{self.table.ids[column]}")
        self.table.reload()
        del self.types[column]
        for row in self.rows:
            del row["data"][column]

    @rule(draw=st.data(), limit=st.integers(1, 7), op=st.sampled_from([None, *FILTERS]))
    def look(self, draw, limit, op):
        """A sorted and filtered list, page by page, is the model's."""
        if not self.types:
            return
        names = st.sampled_from(sorted(self.types))
        keys = [(n, draw.draw(st.booleans())) for n in draw.draw(st.lists(names, unique=True, max_size=3))]
        rows, query = self.rows, {}
        if keys:
            query["sort"] = [(n, "desc" if d else "asc") for n, d in keys]
        if op:
            name = draw.draw(names)
            kind = self.types[name]
            if op in ("gt", "lte") and kind == "boolean":
                return
            want = draw.draw(VALUES[kind].filter(lambda v: v not in (None, "")))
            value = {"in": [want], "contains": as_text(want)}.get(op, want)
            query["filter"] = (name, op) if op.startswith("is") else (name, op, value)
            rows = [r for r in rows if FILTERS[op](r["data"][name], want)]
        want = [r["id"] for r in ordered(rows, keys)]
        assert [r["id"] for r in self.table.all(limit=limit, **query)] == want, json.dumps(query)
        assert self.table.list(limit=1, **query).meta["total"] == len(want)

    @invariant()
    def same(self):
        if not self.serial:
            return
        have = self.table.all(limit=4)
        assert [(r["id"], r["version"], self.table.values(r)) for r in have] == [
            (r["id"], r["version"], r["data"]) for r in self.rows]
        for record, row in zip(have, self.rows):
            for name, value in row["data"].items():
                cell = record["cells"][self.table.ids[name]]
                assert cell["status"] == ("empty" if value is None else "manual"), (name, value, cell)
                assert cell.get("raw", False) == isinstance(value, Raw), (name, value, cell)


def test_the_grid_is_the_model(stack):
    class Bound(Grid):
        user = stack.user()

    run_state_machine_as_test(Bound, settings=settings(settings.default, stateful_step_count=30))
