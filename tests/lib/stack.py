"""Throwaway stacks of the real programs, for tests.

A stack is a private PostgreSQL 15 cluster, a private Redis, the provider sandbox and one or more millraced, each on
its own free port or unix socket, everything below one temporary directory. Nothing here is shared with `./run` or
with another stack, nothing is mocked, and everything is ended when the stack is closed.

    with Stack() as stack:                       # cluster, redis, sandbox, migrated database, one ready millraced
        api = stack.client()                     # anonymous client of the /api/v1 envelope
        me = api.register()                      # fresh user + workspace; api now carries the token
        reply = api.get(f"/workspaces/{api.workspace_id}/tables")
        assert reply.status == 200 and reply.data == []
        stack.backend.kill()                     # SIGKILL, as a crash test does
        stack.backend.start()                    # the same port and settings again; waits until it is ready
        second = stack.add_backend()             # another millraced on the same database
        rows = stack.sql("SELECT count(*) FROM users")
        done = stack.cli("providers", "check")   # runs bin/millrace with this stack's settings

Contract of the programs: settings by environment only, JSON lines on stdout and stderr, readiness at
GET /api/v1/readiness (millraced) and GET /_sandbox/health (millrace-sandbox), `millrace migrate up` migrates.

Settings:
  MILLRACE_BUILD       build directory of the programs (default: build-asan beside the sources)
  MILLRACE_TEST_KEEP   1 keeps the temporary directory and says where it is

Threads: a Stack belongs to the thread that made it; a Client may be used by one thread at a time, so give each
thread its own by client() or Client.clone().

Sanitizers: every program runs with its reports written into the stack's folder; Stack.close() (and
Stack.check_sanitizers() at any time) raises SanitizerReport when there is one. A program that ends by itself without
having been told to is reported by Stack.close() too, as ProgramDied.

As a command: `python3 stack.py CMD ARG…` starts a stack, runs CMD with MILLRACE_URL, MILLRACE_DATABASE_URL,
MILLRACE_REDIS_URL, MILLRACE_SANDBOX_URL and the keys in its environment, ends the stack and exits as CMD did.
"""

import atexit
import contextlib
import itertools
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psycopg

ROOT = Path(__file__).resolve().parents[2]
PG_BIN = Path("/usr/lib/postgresql/15/bin")
START_SECONDS = 60.0
PASSWORD = "correct-horse-battery-staple-9"

_serial = itertools.count(1)


class StackError(Exception):
    """A part of the stack did not do what a test needs of it."""


class SanitizerReport(StackError):
    """A program wrote an AddressSanitizer, LeakSanitizer, UndefinedBehaviorSanitizer or ThreadSanitizer report."""


class ProgramDied(StackError):
    """A program ended by itself."""


def build_dir():
    return Path(os.environ.get("MILLRACE_BUILD") or ROOT / "build-asan").resolve()


def program(name):
    """The path of one of our programs in the build under test."""
    folder = {"millraced": "backend", "millrace": "cli", "millrace-sandbox": "sandbox", "millrace-supervise": "supervisor"}[name]
    path = build_dir() / "packages" / folder / name
    if not path.exists():
        raise StackError(f"{path} is missing: build it first (./test does), or set MILLRACE_BUILD")
    return path


def free_port():
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def service_user():
    """Who PostgreSQL and Redis run as: PostgreSQL refuses root. None means the user we already are."""
    if os.geteuid() != 0:
        return None
    for name in ("millrace", "postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise StackError("running as root, and there is no user millrace, postgres or nobody to run PostgreSQL as")


def wait_until(check, seconds, what, pause=0.01):
    """Calls check() until it returns something true, and returns that; StackError after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise StackError(f"{what}: not within {seconds:g} s")
        time.sleep(pause)


def tail(path, lines=40):
    """The last lines of a log, for a message."""
    with contextlib.suppress(OSError):
        return "\n".join(Path(path).read_text(errors="replace").splitlines()[-lines:])
    return "(no output)"


class Process:
    """One program of a stack: start, stop, kill -9, restart, with its output kept in `log`."""

    def __init__(self, name, argv, *, env, log, ready, user=None, stop_signal=signal.SIGTERM, cwd="/"):
        self.name = name
        self.argv = [str(arg) for arg in argv]
        self.env = dict(env)
        self.log = Path(log)
        self.ready = ready
        self.user = user
        self.stop_signal = stop_signal
        self.cwd = cwd
        self.popen = None
        self.expected_exit = True

    @property
    def pid(self):
        return self.popen.pid if self.popen else None

    @property
    def running(self):
        return self.popen is not None and self.popen.poll() is None

    def start(self, *, wait=True):
        """Starts the program and, unless told otherwise, waits until it answers as ready."""
        if self.running:
            raise StackError(f"{self.name} runs already")
        who = {}
        if self.user:
            who = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
        with open(self.log, "ab") as out:
            self.popen = subprocess.Popen(
                self.argv, env=self.env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.cwd,
                start_new_session=True, **who)
        self.expected_exit = False
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, seconds=START_SECONDS):
        def check():
            if not self.running:
                raise StackError(f"{self.name} ended with {self.popen.returncode} before it was ready:\n{tail(self.log)}")
            return self.ready()

        try:
            wait_until(check, seconds, f"{self.name} ready")
        except StackError as fault:
            if self.running:
                raise StackError(f"{fault}\n{tail(self.log)}") from None
            raise

    def signal(self, number):
        """Sends a signal to the program itself."""
        self.popen.send_signal(number)

    def wait(self, seconds=60.0):
        """Waits for the end that a test brought about; returns the exit status as subprocess does."""
        self.expected_exit = True
        return self.popen.wait(seconds)

    def stop(self, seconds=40.0):
        """Asks the program to end (it drains), insists after `seconds`; returns its exit status."""
        if self.popen is None:
            return None
        if self.running:
            self.expected_exit = True
            self.signal(self.stop_signal)
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise StackError(f"{self.name} did not end within {seconds:g} s of {self.stop_signal.name}:\n"
                                 f"{tail(self.log)}") from None
        return self.popen.returncode

    def kill(self):
        """SIGKILL to the whole process group: what a power cut looks like to the others."""
        if self.running:
            self.expected_exit = True
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.popen.pid, signal.SIGKILL)
            self.popen.wait(10)

    def restart(self):
        self.stop()
        return self.start()

    def died(self):
        """True when the program ended without having been told to."""
        return self.popen is not None and not self.expected_exit and self.popen.poll() is not None


class Cluster:
    """A private PostgreSQL 15 cluster on a unix socket. Durability is off: it lives for one test run."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.data = self.folder / "pg"
        self.socket_dir = self.folder / "s"
        self.user = service_user()
        self.process = None
        self._template = None

    def start(self):
        self.data.mkdir(parents=True)
        self.socket_dir.mkdir()
        if self.user:
            for path in (self.folder, self.data, self.socket_dir):
                os.chown(path, self.user.pw_uid, self.user.pw_gid)
        who = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if self.user else {}
        made = subprocess.run(
            [PG_BIN / "initdb", "-D", self.data, "-U", "millrace", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
             "--no-sync", "--no-instructions"], capture_output=True, text=True, cwd="/", env={"PATH": os.environ["PATH"]}, **who)
        if made.returncode != 0:
            raise StackError(f"initdb failed:\n{made.stdout}{made.stderr}")
        settings = {"listen_addresses": "", "unix_socket_directories": self.socket_dir, "fsync": "off",
                    "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200",
                    "shared_buffers": "64MB", "autovacuum_naptime": "5s", "max_wal_size": "2GB",
                    "log_line_prefix": "%m [%p] ", "deadlock_timeout": "200ms"}
        argv = [PG_BIN / "postgres", "-D", self.data]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        self.process = Process("postgres", argv, env={"PATH": os.environ["PATH"]}, log=self.folder / "postgres.log",
                               ready=self._ready, user=self.user, stop_signal=signal.SIGINT)
        self.process.start()
        return self

    def _ready(self):
        try:
            self.connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def url(self, database):
        return f"postgresql:///{database}?host={self.socket_dir}&user=millrace"

    def connect(self, database, **options):
        """A psycopg connection in autocommit mode."""
        return psycopg.connect(self.url(database), autocommit=True, **options)

    def create(self, name, template="template0"):
        with self.connect("postgres") as db:
            db.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop(self, name):
        with self.connect("postgres") as db:
            db.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def migrated(self):
        """The name of a database that `millrace migrate up` has been run on, to clone from; made once."""
        if self._template is None:
            url = self.create("migrated")
            env = sanitizer_env(self.folder) | {"PATH": os.environ["PATH"], "MILLRACE_DATABASE_URL": url}
            done = subprocess.run([program("millrace"), "migrate", "up"], env=env, capture_output=True, text=True, timeout=300)
            if done.returncode != 0:
                raise StackError(f"millrace migrate up exited with {done.returncode}:\n{done.stdout}{done.stderr}")
            self._template = "migrated"
        return self._template

    def stop(self):
        if self.process:
            self.process.stop()


def sanitizer_env(folder):
    """Where a program's sanitizer reports go and how strict they are."""
    common = "print_stacktrace=1:symbolize=1"
    return {
        "ASAN_OPTIONS": f"log_path={folder}/report.asan:detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1:"
                        f"check_initialization_order=1:allocator_may_return_null=1:{common}",
        "UBSAN_OPTIONS": f"log_path={folder}/report.ubsan:halt_on_error=0:{common}",
        "TSAN_OPTIONS": f"log_path={folder}/report.tsan:halt_on_error=0:{common}",
    }


_cluster = None


def shared_cluster():
    """One cluster for the whole process; every stack has a database of its own in it."""
    global _cluster
    if _cluster is None:
        folder = tempfile.mkdtemp(prefix="millrace-pg-")
        os.chmod(folder, 0o755)
        cluster = Cluster(folder)

        def end():
            with contextlib.suppress(Exception):
                cluster.stop()
            if os.environ.get("MILLRACE_TEST_KEEP") != "1":
                shutil.rmtree(folder, ignore_errors=True)

        atexit.register(end)
        cluster.start()
        _cluster = cluster
    return _cluster


class Reply:
    """An answer of the API: status, headers, the whole body, and the envelope's parts."""

    def __init__(self, response):
        self.status = response.status_code
        self.headers = response.headers
        self.content = response.content
        self.body = None
        if response.headers.get("content-type", "").startswith("application/json"):
            self.body = response.json()
        envelope = self.body if isinstance(self.body, dict) else {}
        self.success = envelope.get("success")
        self.data = envelope.get("data")
        self.error = envelope.get("error")
        self.meta = envelope.get("meta")

    @property
    def code(self):
        """The error's code, or None."""
        return self.error["code"] if self.error else None

    @property
    def text(self):
        return self.content.decode(errors="replace")

    def __repr__(self):
        return f"<Reply {self.status} {self.text[:2000]}>"


class Client:
    """A caller of one millraced. Paths are below /api/v1."""

    def __init__(self, url, token=None, workspace_id=None):
        self.url = url
        self.token = token
        self.refresh_token = None
        self.user = None
        self.workspace_id = workspace_id
        self.http = httpx.Client(base_url=url, timeout=60.0, trust_env=False)

    def clone(self, url=None):
        """The same user on a connection of its own (for another thread, or another millraced)."""
        return Client(url or self.url, self.token, self.workspace_id)

    def close(self):
        self.http.close()

    def _headers(self, headers):
        base = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return base | (headers or {})

    def request(self, method, path, *, headers=None, **options):
        """Any request; `json=`, `content=`, `files=`, `params=` as httpx takes them. Never raises on a status."""
        return Reply(self.http.request(method, f"/api/v1{path}", headers=self._headers(headers), **options))

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, json=None, **options):
        return self.request("POST", path, json=json, **options)

    def patch(self, path, json=None, **options):
        return self.request("PATCH", path, json=json, **options)

    def put(self, path, json=None, **options):
        return self.request("PUT", path, json=json, **options)

    def delete(self, path, json=None, **options):
        return self.request("DELETE", path, json=json, **options)

    def ok(self, method, path, json=None, *, status=None, **options):
        """The `data` of an answer that must be a success (and have `status`, if given)."""
        reply = self.request(method, path, json=json, **options)
        if not reply.success or (status and reply.status != status):
            raise AssertionError(f"{method} {path}: expected success{f' {status}' if status else ''}, got {reply!r}")
        return reply.data

    def register(self, email=None, password=PASSWORD, name="Test Person", workspace_name=None):
        """A new user with a workspace; this client is that user from now on. Returns the answer's data."""
        email = email or f"user-{os.getpid()}-{next(_serial)}-{secrets.token_hex(3)}@example.com"
        body = {"email": email, "password": password, "name": name}
        if workspace_name:
            body["workspaceName"] = workspace_name
        data = self.ok("POST", "/auth/register", body, status=201)
        self._take(data)
        return data

    def login(self, email, password=PASSWORD):
        data = self.ok("POST", "/auth/login", {"email": email, "password": password})
        self._take(data)
        return data

    def _take(self, data):
        self.token = data["accessToken"]
        self.refresh_token = data["refreshToken"]
        self.user = data.get("user")
        if data.get("workspace"):
            self.workspace_id = data["workspace"]["id"]

    @property
    def w(self):
        """The path of this client's workspace."""
        return f"/workspaces/{self.workspace_id}"

    def pages(self, path, *, limit=100, **params):
        """Every item of a keyset-paged list, page after page."""
        cursor = None
        while True:
            query = params | {"limit": limit} | ({"cursor": cursor} if cursor else {})
            reply = self.get(path, params=query)
            if not reply.success:
                raise AssertionError(f"GET {path}: {reply!r}")
            yield from reply.data
            cursor = (reply.meta or {}).get("nextCursor")
            if not cursor:
                return

    @contextlib.contextmanager
    def events(self, path, *, last_event_id=None, timeout=60.0):
        """Server-sent events of a path: yields an iterator of {"event", "id", "data"} dicts, data parsed as JSON."""
        headers = self._headers({"Accept": "text/event-stream"})
        if last_event_id:
            headers["Last-Event-ID"] = last_event_id
        with self.http.stream("GET", f"/api/v1{path}", headers=headers, timeout=timeout) as response:
            if response.status_code != 200:
                response.read()
                raise AssertionError(f"GET {path}: {Reply(response)!r}")
            yield _parse_events(response.iter_lines())


def _parse_events(lines):
    event, ident, data = "message", None, []
    for line in lines:
        if line == "":
            if data:
                text = "\n".join(data)
                yield {"event": event, "id": ident, "data": json.loads(text)}
            event, data = "message", []
        elif not line.startswith(":"):
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "event":
                event = value
            elif field == "id":
                ident = value
            elif field == "data":
                data.append(value)


class Stack:
    """See the top of this file.

    env           settings added to (or, with value None, taken from) every program's environment
    sandbox       False leaves the provider sandbox out
    backends      how many millraced to start (0 for none)
    own_redis     False leaves Redis out: the programs must do without it
    cluster       a Cluster of the test's own (for tests that kill PostgreSQL); else the process's shared one
    """

    def __init__(self, *, env=None, sandbox=True, backends=1, own_redis=True, cluster=None):
        self.extra = dict(env or {})
        self.folder = Path(tempfile.mkdtemp(prefix="millrace-stack-"))
        os.chmod(self.folder, 0o755)
        self.cluster = cluster or shared_cluster()
        self.database = f"t_{os.getpid()}_{next(_serial)}"
        self.backends = []
        self.redis = None
        self.sandbox = None
        self.sandbox_port = free_port() if sandbox else 0
        self.master_key = secrets.token_hex(32)
        self.service_key = secrets.token_hex(32)
        self._clients = []
        self._seen_reports = set()
        self._want = (backends, own_redis)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            with contextlib.suppress(Exception):
                self.close()
            raise

    def __exit__(self, kind, *_):
        if kind is None:
            self.close()
        else:
            with contextlib.suppress(StackError):
                self.close()

    def start(self):
        backends, own_redis = self._want
        self.database_url = self.cluster.create(self.database, self.cluster.migrated())
        if own_redis:
            self._start_redis()
        if self.sandbox_port:
            self._start_sandbox()
        for _ in range(backends):
            self.add_backend()
        return self

    def environment(self, **more):
        """The settings of this stack as a complete environment for one of its programs."""
        state = self.folder / "state"
        state.mkdir(exist_ok=True)
        env = {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "TZ": "UTC", "LANG": "C.UTF-8", "LOG_LEVEL": "info",
            "MILLRACE_STATE_DIR": str(state), "MILLRACE_BIND": "127.0.0.1",
            "MILLRACE_DATABASE_URL": self.database_url,
            "MILLRACE_SANDBOX_PORT": str(self.sandbox_port),
            "MILLRACE_MASTER_KEY": self.master_key, "MILLRACE_SERVICE_KEY": self.service_key,
            "MILLRACE_RATE_LIMIT_AUTH": "0", "MILLRACE_RATE_LIMIT_GENERAL": "0",
        }
        if self.redis:
            env["MILLRACE_REDIS_URL"] = f"unix://{self.folder}/redis.sock"
        if self.sandbox_port:
            env["MILLRACE_SANDBOX_URL"] = f"http://127.0.0.1:{self.sandbox_port}"
        web = ROOT / "packages" / "web" / "dist"
        if web.is_dir():
            env["MILLRACE_WEB_DIR"] = str(web)
        env |= sanitizer_env(self.folder)
        for name, value in (self.extra | more).items():
            if value is None:
                env.pop(name, None)
            else:
                env[name] = str(value)
        return env

    def _start_redis(self):
        sock = self.folder / "redis.sock"
        self.redis = Process(
            "redis", ["redis-server", "--port", "0", "--unixsocket", sock, "--unixsocketperm", "777", "--save", "",
                      "--appendonly", "no", "--dir", "/tmp"],
            env={"PATH": os.environ["PATH"]}, log=self.folder / "redis.log", ready=lambda: _unix_accepts(sock))
        self.redis.start()

    def _start_sandbox(self):
        url = f"http://127.0.0.1:{self.sandbox_port}/_sandbox/health"
        self.sandbox = Process("sandbox", [program("millrace-sandbox")], env=self.environment(),
                               log=self.folder / "sandbox.log", ready=lambda: _http_ok(url))
        self.sandbox.start()
        self.sandbox.url = f"http://127.0.0.1:{self.sandbox_port}"

    def add_backend(self, *, wait=True, **env):
        """One more millraced on this stack's database, with settings of its own if given. It is `.url` away."""
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        number = len(self.backends) + 1
        settings = self.environment(MILLRACE_PORT=port, MILLRACE_URL=url, **env)
        process = Process(f"millraced-{number}", [program("millraced")], env=settings,
                          log=self.folder / f"millraced-{number}.log",
                          ready=lambda: _http_ok(f"{url}/api/v1/readiness"))
        process.url = url
        process.port = port
        self.backends.append(process)
        process.start(wait=wait)
        return process

    @property
    def backend(self):
        """The first millraced."""
        return self.backends[0]

    @property
    def url(self):
        return self.backend.url

    def client(self, backend=None):
        """An anonymous client of a millraced (the first one by default)."""
        client = Client((backend or self.backend).url)
        self._clients.append(client)
        return client

    def user(self, **options):
        """A client that is a freshly registered user with a workspace."""
        client = self.client()
        client.register(**options)
        return client

    def sql(self, query, params=None):
        """Rows (a list of tuples) of a statement run straight on this stack's database; [] when it returns none."""
        with psycopg.connect(self.database_url, autocommit=True) as db:
            cursor = db.execute(query, params)
            return cursor.fetchall() if cursor.description else []

    def cli(self, *args, timeout=300, check=False, input=None, **env):
        """Runs `millrace ARG…` with this stack's settings; returns the CompletedProcess (text)."""
        settings = self.environment(**env)
        if self.backends:
            settings.setdefault("MILLRACE_URL", self.url)
            settings.setdefault("MILLRACE_PORT", str(self.backend.port))
        done = subprocess.run([program("millrace"), *map(str, args)], env=settings, capture_output=True, text=True,
                              timeout=timeout, input=input)
        if check and done.returncode != 0:
            raise StackError(f"millrace {' '.join(map(str, args))} exited with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def sandbox_get(self, path):
        """JSON of one of the sandbox's own pages (its call log, its knobs)."""
        return httpx.get(f"{self.sandbox.url}{path}", timeout=30, trust_env=False).json()

    def sandbox_send(self, method, path, json=None):
        return httpx.request(method, f"{self.sandbox.url}{path}", json=json, timeout=30, trust_env=False)

    def logs(self, lines=60):
        """The last output of every program, for the report of a failed test."""
        return "\n".join(f"--- {path.name}\n{tail(path, lines)}" for path in sorted(self.folder.glob("*.log")))

    def check_sanitizers(self):
        """Raises SanitizerReport when a program has written a report since the last call."""
        texts = []
        for path in sorted(self.folder.glob("report.*")):
            if path not in self._seen_reports:
                self._seen_reports.add(path)
                text = path.read_text(errors="replace")
                if text.strip():
                    texts.append(f"{path.name}:\n{text[:8000]}")
        if texts:
            raise SanitizerReport("\n".join(texts))

    def close(self):
        """Ends every program in order, then says what went wrong with any of them."""
        faults = []
        for client in self._clients:
            client.close()
        order = [*reversed(self.backends), self.sandbox, self.redis]
        for process in filter(None, order):
            if process.died():
                faults.append(f"{process.name} ended by itself with {process.popen.returncode}:\n{tail(process.log)}")
            try:
                process.stop()
            except StackError as fault:
                faults.append(str(fault))
        report = None
        try:
            self.check_sanitizers()
        except SanitizerReport as found:
            report = found
        with contextlib.suppress(Exception):
            self.cluster.drop(self.database)
        if os.environ.get("MILLRACE_TEST_KEEP") == "1":
            print(f"kept {self.folder}", file=sys.stderr)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        if report:
            raise report
        if faults:
            raise ProgramDied("\n".join(faults))


def _http_ok(url):
    try:
        return httpx.get(url, timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _unix_accepts(path):
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


def wait_for(check, seconds=30.0, what="condition", pause=0.02):
    """For tests: waits until check() is true and returns its value (see wait_until)."""
    return wait_until(check, seconds, what, pause)


def json_lines(text):
    """The JSON objects of a program's log or of JSON Lines output."""
    return [json.loads(line) for line in text.splitlines() if re.match(r"\s*\{", line)]


def main(argv):
    if not argv:
        print(__doc__, file=sys.stderr)
        return 2
    with Stack() as stack:
        env = os.environ | {key: value for key, value in stack.environment().items() if key.startswith("MILLRACE_")}
        env |= {"MILLRACE_URL": stack.url, "MILLRACE_PORT": str(stack.backend.port)}
        return subprocess.run(argv, env=env).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
