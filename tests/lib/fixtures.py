"""pytest fixtures over lib.stack; every folder of tests/ has them.

stack         one stack for the whole test module: its own database, Redis, sandbox and millraced. A module may set
              STACK = dict(env={...}, backends=2, ...) at its top to have it started with those arguments.
fresh_stack   one stack for a single test (for tests that kill things)
make_stack    a function that starts a stack with the arguments given; closed after the test
user          a client that is a freshly registered user with a workspace of its own
client        an anonymous client
database_url  an empty, unmigrated database of the shared cluster
"""

import itertools
import os

import pytest

from lib.stack import Stack, shared_cluster

_serial = itertools.count(1)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for name in ("stack", "fresh_stack"):
            stack = item.funcargs.get(name) if hasattr(item, "funcargs") else None
            if stack is not None and stack.folder.exists():
                report.sections.append((f"logs of {name}", stack.logs()))


@pytest.fixture(scope="module")
def stack(request):
    with Stack(**getattr(request.module, "STACK", {})) as made:
        yield made


@pytest.fixture(autouse=True)
def _sanitizers_silent(request):
    """A sanitizer report fails the test during which it was written."""
    yield
    if "stack" in request.fixturenames:
        request.getfixturevalue("stack").check_sanitizers()


@pytest.fixture
def fresh_stack():
    with Stack() as made:
        yield made


@pytest.fixture
def make_stack():
    made = []

    def make(**options):
        stack = Stack(**options)
        made.append(stack)
        return stack.__enter__()

    yield make
    faults = []
    for stack in reversed(made):
        try:
            stack.close()
        except Exception as fault:
            faults.append(fault)
    if faults:
        raise faults[0]


@pytest.fixture
def client(stack):
    return stack.client()


@pytest.fixture
def user(stack):
    return stack.user()


@pytest.fixture
def database_url():
    cluster = shared_cluster()
    name = f"empty_{os.getpid()}_{next(_serial)}"
    url = cluster.create(name)
    yield url
    cluster.drop(name)
