"""Rate limits: by address before login, by user after, shared through Redis, in memory without it."""

import pytest

LIMITS = {"MILLRACE_RATE_LIMIT_AUTH": "5", "MILLRACE_RATE_LIMIT_GENERAL": "20"}


@pytest.fixture
def fresh_limited(make_stack):
    return make_stack(env=LIMITS)


def spend(client, path, times, **options):
    return [client.get(path, **options).status for _ in range(times)]


def test_sign_in_attempts_are_limited(fresh_limited):
    client = fresh_limited.client()
    statuses = [client.post("/auth/login", json={"email": "a@b.example", "password": "wrong password"}).status
                for _ in range(7)]
    assert statuses[:5] == [401] * 5
    assert statuses[5:] == [429] * 2


def test_the_refusal_says_when_to_come_back(fresh_limited):
    client = fresh_limited.client()
    for _ in range(20):
        client.get("/nope")
    reply = client.get("/nope")
    assert reply.status == 429 and reply.code == "RATE_LIMITED"
    assert 1 <= int(reply.headers["Retry-After"]) <= 60
    assert reply.headers["RateLimit-Limit"] == "20"
    assert reply.headers["RateLimit-Remaining"] == "0"
    assert client.get("/health").status == 200, "monitors are never limited"


def test_users_behind_one_address_have_limits_of_their_own(fresh_limited):
    one, two = fresh_limited.user(), fresh_limited.user()
    assert spend(one, "/auth/me", 21)[-1] == 429
    assert two.get("/auth/me").status == 200


def test_two_servers_share_the_count(make_stack):
    with_two = make_stack(env=LIMITS, backends=2)
    first, second = (with_two.client(b) for b in with_two.backends)
    assert spend(first, "/nope", 15) == [404] * 15
    assert spend(second, "/nope", 6) == [404] * 5 + [429]


def test_limits_hold_in_memory_when_redis_is_gone(make_stack):
    stack = make_stack(env=LIMITS)
    stack.redis.kill()
    client = stack.client()
    assert spend(client, "/nope", 21) == [404] * 20 + [429]
