"""./run on the real programs: start, second start, crash, stop, reset, settings, busy ports, two states side by side."""

import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import httpx
import pytest

from lib.stack import ROOT, build_dir, free_port, sanitizer_env, wait_for

pytestmark = pytest.mark.timeout(180)


class Checkout:
    """./run of this checkout with a state directory, ports and programs (those under test) of its own."""

    def __init__(self, state, **more):
        self.state = state
        self.port = free_port()
        self.env = {
            "PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "MILLRACE_STATE_DIR": str(state),
            "MILLRACE_PORT": str(self.port), "MILLRACE_SANDBOX_PORT": str(free_port()), "MILLRACE_BUILD": str(build_dir()),
        } | sanitizer_env(state / "log") | more

    def run(self, *args, status=0, timeout=120):
        done = subprocess.run([ROOT / "run", *args], env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout)
        assert status is None or done.returncode == status, f"status {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def ready(self):
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/api/v1/readiness", trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def part(self, name):
        """(state, pid, restarts) of a part, from the status file."""
        text = (self.state / "run" / "status").read_text()
        found = re.search(rf"^part {name} (\S+) (\d+) (\d+)", text, re.M)
        return found.group(1), int(found.group(2)), int(found.group(3))


def closed(place):
    """Stops what runs in a state and looks for sanitizer reports."""
    place.run("--stop", status=None)
    reports = [path.read_text() for path in place.state.glob("log/report.*")]
    assert not any(reports), reports


@pytest.fixture(scope="module")
def folder():
    # Not one of pytest's: those are closed to the user that the stack runs as when we are root.
    path = Path(tempfile.mkdtemp(prefix="millrace-run-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def home(folder):
    place = Checkout(folder / "home")
    yield place
    closed(place)


@pytest.fixture
def place(home):
    """One state for many tests: made once, stopped before each."""
    home.run("--stop")
    return home


@pytest.fixture
def up(home):
    """The same, running."""
    home.run("--detach")
    return home


@pytest.fixture
def checkout(folder):
    """A function that makes further states."""
    made = []

    def make(name, **more):
        made.append(Checkout(folder / name, **more))
        return made[-1]

    yield make
    for place in made:
        closed(place)


def test_detached_start_status_second_start_and_stop(place):
    text = place.run("--detach")
    assert f"http://localhost:{place.port}" in text
    assert re.search(r"first login +http://\S+", text)
    assert str(place.state / "log") in text
    assert place.ready()
    assert "runs already" in place.run()
    status = place.run("--status")
    for name in ("postgres", "redis", "sandbox", "millraced"):
        assert re.search(rf"{name} +ready", status)
    assert "Stopped" in place.run("--stop")
    assert not place.ready()
    assert "does not run" in place.run("--status", status=3)
    assert "does not run" in place.run("--stop")


def test_nothing_in_the_stack_runs_as_root_and_keys_are_closed(up):
    for name in ("postgres", "redis", "sandbox", "millraced"):
        assert os.stat(f"/proc/{up.part(name)[1]}").st_uid != 0
    for key in ("master.key", "service.key"):
        path = up.state / "secrets" / key
        assert path.stat().st_mode & 0o777 == 0o600
        assert re.fullmatch(r"[0-9a-f]{64}", path.read_text())
    assert (up.state / "run").stat().st_mode & 0o777 == 0o700


def test_keys_and_data_outlive_a_restart(up):
    key = (up.state / "secrets" / "master.key").read_text()
    body = {"email": "ada@example.com", "password": "correct-horse-battery-9", "name": "Ada"}
    url = f"http://127.0.0.1:{up.port}/api/v1/auth"
    assert httpx.post(f"{url}/register", json=body, trust_env=False).status_code == 201
    up.run("--stop")
    up.run("--detach")
    assert (up.state / "secrets" / "master.key").read_text() == key
    login = {"email": body["email"], "password": body["password"]}
    assert httpx.post(f"{url}/login", json=login, trust_env=False).status_code == 200


@pytest.mark.parametrize("name", ["millraced", "sandbox", "redis", "postgres"])
def test_a_crashed_part_is_started_again(up, name):
    _, pid, restarts = up.part(name)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: up.part(name)[0] == "ready" and up.part(name)[2] > restarts, 60, f"{name} again")
    wait_for(up.ready, 60, "the stack ready again")


def test_ctrl_c_stops_everything(place):
    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # who runs the tests may have it ignored; a terminal's shell has not
        os.execve(ROOT / "run", [str(ROOT / "run")], place.env)
    seen = b""
    while b"Ctrl-C stops" not in seen:
        seen += os.read(terminal, 4096)
    pids = [place.part(name)[1] for name in ("postgres", "redis", "sandbox", "millraced")]
    os.write(terminal, b"\x03")
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if select.select([terminal], [], [], 1)[0]:
            try:
                seen += os.read(terminal, 4096)
            except OSError:
                break
    assert os.waitpid(pid, 0)[1] == 0
    assert b"Stopped" in seen
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)


def test_a_killed_run_takes_the_stack_along(place):
    started = subprocess.Popen([ROOT / "run"], env=place.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    for line in started.stdout:
        if "Ctrl-C stops" in line:
            break
    started.kill()
    started.wait()
    wait_for(lambda: "does not run" in place.run("--status", status=None), 60, "the end of the stack")
    started.stdout.close()


@pytest.mark.parametrize("setting", ["MILLRACE_PORT", "MILLRACE_SANDBOX_PORT"])
def test_a_busy_port_is_reported_with_its_holder_and_setting(checkout, setting):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        text = checkout(setting.lower(), **{setting: str(port)}).run("--detach", status=1)
    assert f"port {port} is taken" in text and f"pid={os.getpid()}" in text and setting in text


def test_two_states_run_side_by_side_and_reset_deletes_one_after_asking(up, checkout):
    other = checkout("other")
    other.run("--detach")
    assert up.ready() and other.ready()
    assert "no terminal to ask on" in other.run("--reset", status=1)
    assert other.ready()
    other.run("--reset", "--yes")
    assert up.ready() and not other.ready()
    assert not (other.state / "pg").exists() and not (other.state / "secrets").exists()


def test_a_state_with_a_long_path_works(checkout):
    place = checkout("x" * 80)
    assert "too long for unix sockets" in place.run("--detach")
    assert place.ready()


def test_a_wrong_setting_is_named_and_everything_is_stopped(place, checkout):
    text = checkout("home", MILLRACE_STARTER_CREDITS="many").run("--detach", status=1)
    assert "millraced did not start" in text and "MILLRACE_STARTER_CREDITS" in text
    place.run("--status", status=3)


def test_a_file_is_enriched_and_the_stack_left_as_it_was_found(place, folder):
    source = folder / "three.csv"
    source.write_text("Company,Website\nSiemens,https://www.siemens.com/global/en.html\nSAP,\nNobody Knows GmbH,\n")
    for runs in (False, True):
        if runs:
            place.run("--detach")
        text = place.run(str(source))
        assert "demo data" in text
        rows = (folder / "three.enriched.csv").read_text().splitlines()
        assert len(rows) == 4
        assert rows[0].startswith("Company,Website,Domain,Domain source,Domain confidence,")
        assert rows[1].startswith("Siemens,https://www.siemens.com/global/en.html,siemens.com,")
        assert rows[3].startswith("Nobody Knows GmbH,,")
        assert place.ready() is runs
        (folder / "three.enriched.csv").unlink()


def test_unknown_options_and_files_are_refused(place):
    assert "usage:" in place.run("--nonsense", status=2)
    assert "no readable file" in place.run("/no/such/file.csv", status=1)
    assert "usage:" in place.run("--help")
