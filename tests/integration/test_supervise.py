"""millrace-supervise: order, readiness, back-off, stopping, logs, and what happens when it is itself killed."""

import os
import signal
import subprocess
import sys
import time

import pytest

from lib.stack import free_port, program, sanitizer_env, wait_for

pytestmark = pytest.mark.timeout(60)

# Parts of a made-up stack. Each appends what happens to it to a file of its own.
NOTIFY = """
import os, signal, socket, sys
address = os.environ["NOTIFY_SOCKET"].replace("@", chr(0), 1)
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"STATUS=fine\\nREADY=1", address)
signal.signal(signal.SIGINT, lambda *_: (print("told to stop", flush=True), sys.exit(0)))
print("hello from notify", flush=True)
while True: signal.pause()
"""
WEB = """
import http.server, os, sys
asked = 0
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        global asked
        asked += 1
        self.send_response(200 if asked > 2 and self.path == "/ready?x=1" else 503)
        self.end_headers()
    def log_message(self, *args): print("asked", flush=True)
if os.environ.get("CHILD"):
    os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "1000")
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
STUBBORN = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("stubborn", flush=True)
while True: signal.pause()
"""


class Supervisor:
    """A supervisor with a specification made of parts, its events read line by line."""

    def __init__(self, folder, parts, *options, head=""):
        self.folder = folder
        self.spec = folder / "spec"
        (folder / "log").mkdir(exist_ok=True)
        lines = [f"lock {folder}/lock", f"status {folder}/status", f"log-dir {folder}/log", head]
        self.spec.write_text("\n".join([*lines, *parts]) + "\n")
        self.options = options
        self.popen = None

    def start(self):
        env = {"PATH": os.environ["PATH"]} | sanitizer_env(self.folder)
        self.popen = subprocess.Popen([program("millrace-supervise"), *self.options, self.spec], stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True, env=env)
        return self

    def until(self, start):
        """Reads events until one begins with `start`; returns all of them. pytest's timeout bounds it."""
        seen = []
        for line in self.popen.stdout:
            seen.append(line.rstrip("\n"))
            if line.startswith(start):
                return seen
        raise AssertionError(f"ended with {self.popen.wait()} before {start!r}: {seen}")

    def stop(self, number=signal.SIGTERM):
        self.popen.send_signal(number)
        return self.until("down"), self.popen.wait(60)

    def parts(self):
        rows = [line.split(" ", 6) for line in (self.folder / "status").read_text().splitlines()]
        return {row[1]: {"state": row[2], "pid": int(row[3]), "restarts": int(row[4]), "exit": row[6]}
                for row in rows if row[0] == "part"}

    def log(self, name):
        return (self.folder / "log" / f"{name}.log").read_text()


def part(name, code, *lines, args=()):
    return "\n".join([f"part {name}", f"exec {sys.executable}", "arg -c", "arg import sys; exec(open(sys.argv.pop(1)).read())",
                      f"arg {code}", *(f"arg {arg}" for arg in args), *lines])


@pytest.fixture
def scripts(tmp_path):
    made = {}
    for name, text in {"notify": NOTIFY, "web": WEB, "stubborn": STUBBORN}.items():
        made[name] = tmp_path / f"{name}.py"
        made[name].write_text(text)
    return made


@pytest.fixture
def supervise(tmp_path):
    started = []

    def make(parts, *options, **more):
        supervisor = Supervisor(tmp_path, parts, *options, **more).start()
        started.append(supervisor)
        return supervisor

    yield make
    for supervisor in started:
        if supervisor.popen.poll() is None:
            supervisor.popen.terminate()
            supervisor.popen.wait(60)
        supervisor.popen.stdout.close()
    reports = [path.read_text() for path in tmp_path.glob("report.*")]
    assert not any(reports), reports


def alive(pid):
    """True while the process exists and is no zombie."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def shell(name, command, *lines):
    return "\n".join([f"part {name}", "exec /bin/sh", "arg -c", f"arg {command}", *lines])


def test_starts_in_order_waits_for_readiness_and_stops_in_reverse(supervise, scripts):
    port = free_port()
    stack = supervise([
        part("db", scripts["notify"], "ready notify", "stop INT 20"),
        shell("step", "echo stepped; exit 0", "ready exit", "after db"),
        part("web", scripts["web"], f"ready http 127.0.0.1 {port} /ready?x=1", "after db step", args=[port]),
    ])
    seen = [line.rsplit(" ", 1)[0] if line.startswith("ready") else line for line in stack.until("up")]
    assert seen == ["starting db", "ready db", "starting step", "ready step", "starting web", "ready web", "up"]
    wait_for(lambda: stack.parts()["web"]["state"] == "ready", 5)
    assert {name: row["state"] for name, row in stack.parts().items()} == {"db": "ready", "step": "done", "web": "ready"}
    pids = [stack.parts()[name]["pid"] for name in ("db", "web")]
    seen, status = stack.stop()
    assert [line for line in seen if not line.startswith("stopped")] == ["stopping web", "stopping db", "down"]
    assert status == 0
    assert not any(map(alive, pids))
    assert not (stack.folder / "status").exists()
    assert stack.log("db") == "hello from notify\ntold to stop\n"
    assert stack.log("step") == "stepped\n"
    assert "up" in stack.log("supervise")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_other_signals_stop_it_too(supervise, number):
    stack = supervise([shell("a", "exec sleep 1000")])
    stack.until("starting a")
    seen, status = stack.stop(number)
    assert status == 0 and "down" in seen


def test_a_dead_part_runs_again_with_growing_pauses(supervise, scripts):
    stack = supervise([part("db", scripts["notify"], "ready notify")])
    stack.until("up")
    pauses = []
    for round_number in range(3):
        wait_for(lambda n=round_number: stack.parts()["db"]["state"] == "ready" and stack.parts()["db"]["restarts"] == n, 10)
        os.kill(stack.parts()["db"]["pid"], signal.SIGKILL)
        died = stack.until("died db")[-1]
        assert "signal 9" in died
        pauses.append(float(died.split()[-2]))
        stack.until("ready db")
    assert pauses == [0.1, 0.2, 0.4]


def test_a_death_takes_the_whole_process_group_along(supervise, scripts):
    port = free_port()
    stack = supervise([part("web", scripts["web"], f"ready http 127.0.0.1 {port} /ready?x=1", "env CHILD=1", args=[port])])
    stack.until("up")
    pid = wait_for(lambda: stack.parts()["web"]["state"] == "ready" and stack.parts()["web"]["pid"], 5)
    child = int(subprocess.run(["pgrep", "-P", str(pid), "sleep"], capture_output=True, text=True, check=True).stdout)
    os.kill(pid, signal.SIGKILL)
    stack.until("died web")
    wait_for(lambda: not alive(child), 5, "the child's end")


def test_a_part_that_fails_at_the_start_stops_the_stack_and_is_named(supervise, scripts):
    stack = supervise([part("db", scripts["notify"], "ready notify"),
                       shell("step", "echo no such table; exit 7", "ready exit", "after db")])
    seen = stack.until("down")
    assert "failed step status 7" in seen
    assert "stopping db" in seen
    assert stack.popen.wait(10) == 1
    assert stack.log("step") == "no such table\n"


def test_a_program_that_is_missing_is_named(supervise):
    stack = supervise(["part a\nexec /no/such/program\nready exit"])
    seen = stack.until("down")
    assert "failed a status 127" in seen
    assert "cannot run /no/such/program: No such file or directory" in stack.log("a")


def test_a_part_that_never_gets_ready_fails_the_start(supervise):
    stack = supervise([shell("a", "exec sleep 1000", "ready notify", "start-seconds 1")])
    assert "failed a not ready within 1 s" in stack.until("down")


def test_a_part_that_does_not_end_is_killed(supervise, scripts):
    stack = supervise([part("a", scripts["stubborn"], "stop TERM 1")])
    stack.until("up")
    wait_for(lambda: stack.log("a"), 10)
    start = time.monotonic()
    seen, status = stack.stop()
    assert "killing a: it did not end within 1 s" in seen
    assert any(line.startswith("stopped a signal 9") for line in seen)
    assert status == 0 and 0.9 < time.monotonic() - start < 10


def test_a_second_one_is_refused_and_told_who_runs(supervise):
    first = supervise([shell("a", "exec sleep 1000")])
    first.until("up")
    second = supervise([shell("a", "exec sleep 1000")])
    assert second.popen.communicate(timeout=10)[0] == f"locked {first.popen.pid}\n"
    assert second.popen.returncode == 3


def test_its_children_end_when_it_is_killed(supervise, scripts):
    stack = supervise([part("db", scripts["notify"], "ready notify", "death INT"), shell("a", "exec sleep 1000", "after db")])
    stack.until("up")
    wait_for(lambda: stack.parts()["a"]["state"] == "ready", 5)
    pids = [row["pid"] for row in stack.parts().values()]
    stack.popen.kill()
    stack.popen.wait()
    wait_for(lambda: not any(map(alive, pids)), 10, "the children's end")


def test_with_parent_it_stops_when_the_parent_dies(tmp_path):
    (tmp_path / "log").mkdir()
    spec = tmp_path / "spec"
    spec.write_text(f"lock {tmp_path}/lock\nstatus {tmp_path}/status\nlog-dir {tmp_path}/log\n"
                    + shell("a", "exec sleep 1000") + "\n")
    parent = subprocess.Popen(["sh", "-c", f"{program('millrace-supervise')} --with-parent {spec} & wait"],
                              stdout=subprocess.DEVNULL)
    wait_for(lambda: (tmp_path / "status").exists() and "part a ready" in (tmp_path / "status").read_text(), 10)
    pid = int((tmp_path / "lock").read_text())
    parent.kill()
    parent.wait()
    wait_for(lambda: not alive(pid), 10, "the supervisor's end")
    assert "down" in (tmp_path / "log" / "supervise.log").read_text()


def test_logs_are_rotated(supervise):
    stack = supervise([shell("a", "i=0; while [ $i -lt 400 ]; do echo line $i; i=$((i+1)); done; exec sleep 1000")],
                      head="log-bytes 1024\nlog-keep 2")
    stack.until("up")
    wait_for(lambda: "line 399\n" in stack.log("a"), 10)
    assert sorted(path.name for path in (stack.folder / "log").glob("a.log*")) == ["a.log", "a.log.1", "a.log.2"]


def test_a_bad_specification_is_refused_with_its_line(supervise):
    stack = supervise(["part a\nexec /bin/true\nafter b"])
    output, _ = stack.popen.communicate(timeout=10)
    assert stack.popen.returncode == 2
    assert "line 7: after names no earlier part: b" in output
