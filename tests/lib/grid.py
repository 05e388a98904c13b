"""Short forms for tests of tables and records.

    table = make_table(user, ("Name", "text"), ("Age", "number"))
    rows = table.add({"Name": "Ada", "Age": 36}, {"Name": "Bob"})
    table.get(sort=[("Age", "desc")])
"""

import json


class TestTable:
    """A table of a user, addressed by the names of its columns."""

    __test__ = False

    def __init__(self, user, data):
        self.user = user
        self.id = data["id"]
        self.path = f"{user.w}/tables/{self.id}"
        self.take(data)

    def take(self, data):
        self.data = data
        self.columns = data["columns"]
        self.ids = {c["name"]: c["id"] for c in self.columns}
        self.names = {c["id"]: c["name"] for c in self.columns}

    def reload(self):
        self.take(self.user.ok("GET", self.path))
        return self

    def by_id(self, data):
        return {self.ids.get(name, name): value for name, value in data.items()}

    def values(self, record):
        """A record's data by column name."""
        return {self.names[key]: value for key, value in record["data"].items()}

    def status(self, record, name):
        return record["cells"][self.ids[name]]["status"]

    def add(self, *rows):
        body = {"records": [{"data": self.by_id(row)} for row in rows]}
        return self.user.ok("POST", f"{self.path}/records", body, status=201)

    def change(self, *updates, ok=True):
        """updates: (id, data) or (id, version, data). Returns the records, or the Reply with ok=False."""
        listed = [{"id": u[0], **({"version": u[1]} if len(u) == 3 else {}), "data": self.by_id(u[-1])} for u in updates]
        reply = self.user.patch(f"{self.path}/records", {"updates": listed})
        if not ok:
            return reply
        assert reply.status == 200, reply
        return reply.data

    def remove(self, *ids):
        return self.user.ok("DELETE", f"{self.path}/records", {"ids": list(ids)})["deleted"]

    def query(self, sort=None, filter=None, **params):
        if sort is not None:
            params["sort"] = json.dumps([{"column": self.ids.get(n, n), "direction": d} for n, d in sort])
        if filter is not None:
            params["filter"] = json.dumps(self.filter(filter))
        return params

    def filter(self, node):
        """A filter with names for columns: ("Age", "gt", 3), {"and": [...]}, {"or": [...]}."""
        if isinstance(node, tuple):
            name, op, *value = node
            return {"column": self.ids.get(name, name), "op": op} | ({"value": value[0]} if value else {})
        return {key: [self.filter(item) for item in items] for key, items in node.items()}

    def list(self, **query):
        """One page: the Reply."""
        return self.user.get(f"{self.path}/records", params=self.query(**query))

    def all(self, limit=1000, **query):
        """Every record, page after page."""
        return list(self.user.pages(f"{self.path}/records", limit=limit, **self.query(**query)))

    def column_of(self, name, **query):
        """One column's values of every record."""
        return [self.values(r)[name] for r in self.all(**query)]


def make_table(user, *columns, name="Table"):
    """columns: names, (name, type) or whole dicts."""
    listed = [c if isinstance(c, dict) else {"name": c} if isinstance(c, str) else {"name": c[0], "type": c[1]} for c in columns]
    return TestTable(user, user.ok("POST", f"{user.w}/tables", {"name": name, "columns": listed}, status=201))
