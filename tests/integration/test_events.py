"""A table's events: exactly when data commits, over several processes, resumable, bounded."""

import threading
import time

from lib.grid import make_table
from lib.stack import wait_for

STACK = dict(backends=2)


class Watcher(threading.Thread):
    """Collects a stream's events with the time of their arrival."""

    def __init__(self, client, path, last_event_id=None):
        super().__init__(daemon=True)
        self.client, self.path, self.last = client, path, last_event_id
        self.seen, self.fault, self.ended = [], None, threading.Event()
        self.open = threading.Event()

    def run(self):
        headers = self.client._headers({"Accept": "text/event-stream"} | ({"Last-Event-ID": self.last} if self.last else {}))
        try:
            with self.client.http.stream("GET", f"/api/v1{self.path}/events", headers=headers) as response:
                self.response = response
                assert response.status_code == 200 and response.headers["content-type"].startswith("text/event-stream"), response
                event, ident, data = None, None, []
                for line in response.iter_lines():
                    self.open.set()
                    if line == "" and ident is not None and not data:
                        self.start_id = ident
                    if line == "" and data:
                        self.seen.append((time.monotonic(), event, ident, "\n".join(data)))
                        event, data = None, []
                    name, _, value = line.partition(": ")
                    if name == "event":
                        event = value
                    elif name == "id":
                        ident = value
                    elif name == "data":
                        data.append(value)
        except Exception as fault:
            self.fault = fault
        self.ended.set()

    def start(self):
        super().start()
        assert self.open.wait(10), self.fault
        return self

    def kinds(self):
        return [event for _, event, _, _ in self.seen]

    def data(self, kind):
        import json
        return [json.loads(text) for _, event, _, text in self.seen if event == kind]


def watch(stack, user, table, backend=0, last=None):
    return Watcher(user.clone(stack.backends[backend].url), table.path, last).start()


def test_edits_reach_browsers_of_both_processes_in_time(user, stack):
    table = make_table(user, "A", "B")
    (record,) = table.add({"A": "1"})
    watchers = [watch(stack, user, table, backend) for backend in (0, 1)]
    for i in range(10):
        sent = time.monotonic()
        (changed,) = table.change((record["id"], {"A": str(i)}))
        for w in watchers:
            wait_for(lambda: len(w.data("record.updated")) == i + 1, 5, "the event", pause=0.002)
            assert w.seen[-1][0] - sent < 0.5
            event = w.data("record.updated")[-1]
            assert event.pop("recordId") == record["id"]
            assert event == changed


def test_each_change_has_its_event(user, stack):
    table = make_table(user, "A")
    w = watch(stack, user, table, 1)

    def expect(count):
        wait_for(lambda: len(w.seen) >= count, 5, f"{count} events")

    rows = table.add({"A": "1"}, {"A": "2"})
    expect(1)
    assert w.data("records.changed")[-1] == {"kind": "inserted", "count": 2, "ids": [r["id"] for r in rows]}
    table.remove(rows[0]["id"])
    expect(2)
    assert w.data("records.changed")[-1] == {"kind": "deleted", "count": 1, "ids": [rows[0]["id"]]}
    user.ok("PATCH", table.path, {"name": "New"})
    made = user.ok("POST", f"{table.path}/columns", {"name": "C"})
    user.ok("DELETE", f"{table.path}/columns/{made['id']}")
    expect(5)
    assert [(e["kind"], e.get("columnId")) for e in w.data("table.changed")] == [
        ("renamed", None), ("column.added", made["id"]), ("column.deleted", made["id"])]
    many = table.add(*[{"A": "x"} for _ in range(150)])
    table.change(*[(r["id"], {"A": "y"}) for r in many])
    expect(7)
    last = w.data("records.changed")[-1]
    assert (last["kind"], last["count"], len(last["ids"])) == ("updated", 150, 150)
    # what fails is not told
    assert table.change((rows[0]["id"], {"A": "z"}), ok=False).status == 404
    table.change((rows[1]["id"], {"A": "end"}))
    expect(8)
    assert w.kinds()[-1] == "record.updated" and len(w.seen) == 8


def test_fat_events_arrive_whole(user, stack):
    table = make_table(user, "A")
    (record,) = table.add({})
    w = watch(stack, user, table, 1)
    text = "ü\n" * 20_000
    table.change((record["id"], {"A": text}))
    wait_for(lambda: w.data("record.updated"), 5, "the event")
    assert table.values(w.data("record.updated")[0])["A"] == text


def test_a_browser_resumes_where_it_was(user, stack):
    table = make_table(user, "A")
    (record,) = table.add({})
    w = watch(stack, user, table)
    for i in range(3):
        table.change((record["id"], {"A": str(i)}))
    wait_for(lambda: len(w.seen) == 3, 5, "three events")
    last = w.seen[-1][2]
    first = w.start_id
    for i in range(3, 6):
        table.change((record["id"], {"A": str(i)}))
    # the other process, as a balancer would choose it; a replay may repeat what was seen shortly before
    again = watch(stack, user, table, 1, last)
    wait_for(lambda: len(again.seen) >= 3, 5, "the missed events")
    values = [table.values(e)["A"] for e in again.data("record.updated")]
    assert values[-3:] == ["3", "4", "5"]
    table.change((record["id"], {"A": "6"}))
    wait_for(lambda: table.values(again.data("record.updated")[-1])["A"] == "6", 5, "what comes next")
    whole = watch(stack, user, table, 0, first)
    wait_for(lambda: len(whole.data("record.updated")) >= 7, 5, "everything since the start")


def test_events_committed_out_of_order_are_not_missed(user, stack):
    """An event whose id is lower but which committed later than the last one seen is replayed."""
    import psycopg
    table = make_table(user, "A")
    with psycopg.connect(stack.database_url) as slow:
        slow.execute("INSERT INTO table_events (table_id, type, data, created_at) VALUES (%s, 'record.updated', '{\"late\":true}', "
                     "clock_timestamp())", (table.id,))
        w = watch(stack, user, table)
        table.add({"A": "1"})
        wait_for(lambda: w.seen, 5, "the event")
        slow.commit()
    again = watch(stack, user, table, 1, w.seen[-1][2])
    wait_for(lambda: {"late": True} in again.data("record.updated"), 5, "the late event")


def test_a_browser_that_was_away_too_long_loads_again(user, stack):
    table = make_table(user, "A")
    table.add({"A": "1"})
    for last in ("999999999", "1", "nonsense"):
        w = watch(stack, user, table, 0, last)
        wait_for(lambda: w.seen, 5, "the resync")
        assert w.data("records.changed") == [{"resync": True}], last


def test_old_events_are_pruned_by_publishers(user, stack):
    table = make_table(user, "A")
    (record,) = table.add({"A": "1"})
    stack.sql("INSERT INTO table_events (table_id, type, data, created_at) SELECT %s, 'record.updated', '{}', now() - interval '2 hours' "
              "FROM generate_series(1, 1500)", (table.id,))

    def old():
        table.change(*[(record["id"], {"A": "x"})])
        return stack.sql("SELECT count(*) FROM table_events WHERE created_at < now() - interval '1 hour'")[0][0] == 0

    wait_for(old, 60, "old events gone")


def test_streams_end_when_the_process_is_asked_to(user, stack):
    table = make_table(user, "A")
    third = stack.add_backend()
    w = Watcher(user.clone(third.url), table.path).start()
    began = time.monotonic()
    assert third.stop() == 0
    assert time.monotonic() - began < 10
    assert w.ended.wait(5)


def test_a_lost_listener_makes_browsers_load_again(user, stack):
    table = make_table(user, "A")
    w = watch(stack, user, table)
    # each process has one connection that listens
    killed = stack.sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() "
                       "AND query LIKE 'LISTEN%%'")[0][0]
    assert killed >= 2
    wait_for(lambda: {"resync": True} in w.data("records.changed"), 10, "the resync")
    table.add({"A": "1"})
    wait_for(lambda: any(e.get("kind") == "inserted" for e in w.data("records.changed")), 5, "events again")
