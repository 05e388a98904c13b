/* Gates on a made-up clock: breaker, rate, places in flight, quiet on request, who shares one. */
#include "test.h"

#include "features/enrichment/gate.h"
#include "fetch/fetch.h"

static const struct provider_route narrow = {.source = SOURCE_REMOTE, .concurrency = 2};
static const struct provider_def acme = {.slug = STR("acme")};
static int64_t now;

static enum gate_answer enter(struct gate *g, struct breaker_permit *permit)
{
        int64_t at;

        return gate_enter(g, NULL, now, permit, &at);
}

static void test_places_are_limited_and_waiters_woken(void **state)
{
        struct gates *gs = gates_open();
        struct gate *g = gate_of(gs, &acme, &narrow, STR("w"));
        struct fetch_client *client;
        struct breaker_permit p[3];
        int64_t at;

        assert_int_equal(fetch_open(&ctx, &(struct fetch_config){0}, &client), OK);
        struct fetch_batch *batch = fetch_batch_open(client);

        assert_int_equal(enter(g, &p[0]), GATE_GO);
        assert_int_equal(enter(g, &p[1]), GATE_GO);
        assert_int_equal(gate_enter(g, batch, now, &p[2], &at), GATE_WAIT);
        assert_int_equal(at, 0);
        gate_leave(g, p[0], GATE_WORKED, now);
        fetch_batch_wait(&ctx, batch); /* returns: it was woken */
        assert_int_equal(gate_enter(g, batch, now, &p[2], &at), GATE_GO);
        assert_int_equal(gate_enter(g, batch, now, &p[0], &at), GATE_WAIT);
        gates_forget(gs, batch);
        fetch_batch_close(batch);
        gate_leave(g, p[1], GATE_WORKED, now); /* wakes nobody that is gone */
        gate_leave(g, p[2], GATE_UNTRIED, now);
        gates_close(gs);
        fetch_close(client);
}

static void test_five_failures_in_ten_open_it_for_a_minute(void **state)
{
        struct gates *gs = gates_open();
        struct gate *g = gate_of(gs, &acme, &narrow, STR("w"));
        struct breaker_permit p;

        for (int i = 0; i < 9; i++) {
                assert_int_equal(enter(g, &p), GATE_GO);
                gate_leave(g, p, i % 2 ? GATE_WORKED : GATE_FAILED, now);
        }
        assert_int_equal(enter(g, &p), GATE_OPEN);
        now += 61 * NS_PER_S;
        assert_int_equal(enter(g, &p), GATE_GO); /* the probe */
        gate_leave(g, p, GATE_WORKED, now);
        assert_int_equal(enter(g, &p), GATE_GO);
        gate_leave(g, p, GATE_UNTRIED, now);
        gates_close(gs);
}

static void test_the_rate_and_a_hold_say_when(void **state)
{
        static const struct provider_route slow = {.source = SOURCE_REMOTE,
                                                   .concurrency = 100,
                                                   .rate_requests = 10,
                                                   .rate_per_ms = 1000};
        struct gates *gs = gates_open();
        struct gate *g = gate_of(gs, &acme, &slow, STR("w"));
        struct breaker_permit p;
        int64_t at;

        assert_int_equal(gate_enter(g, NULL, now, &p, &at), GATE_GO);
        gate_leave(g, p, GATE_WORKED, now);
        assert_int_equal(gate_enter(g, NULL, now, &p, &at), GATE_WAIT);
        assert_true(at > now && at <= now + 100 * NS_PER_MS);
        now = at;
        assert_int_equal(gate_enter(g, NULL, now, &p, &at), GATE_GO);
        gate_leave(g, p, GATE_WORKED, now);
        gate_hold(g, now + 5 * NS_PER_S);
        now += NS_PER_S;
        assert_int_equal(gate_enter(g, NULL, now, &p, &at), GATE_WAIT);
        assert_true(at >= now + 4 * NS_PER_S);
        gates_close(gs);
}

static void test_who_shares_a_gate(void **state)
{
        static const struct provider_def own = {.slug = STR("acme"), .own = true};
        static const struct provider_route sandbox = {.source = SOURCE_SANDBOX};
        struct gates *gs = gates_open();
        struct gate *g = gate_of(gs, &acme, &narrow, STR("w1"));

        assert_ptr_equal(g, gate_of(gs, &acme, &narrow, STR("w2")));
        assert_ptr_not_equal(g, gate_of(gs, &acme, &sandbox, STR("w1")));
        assert_ptr_not_equal(gate_of(gs, &own, &narrow, STR("w1")),
                             gate_of(gs, &own, &narrow, STR("w2")));
        gates_close(gs);
}

static int start_clock(void **state)
{
        now = 1000 * NS_PER_S;
        return test_setup(state);
}

#define CLOCKED(fn) cmocka_unit_test_setup_teardown(fn, start_clock, test_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CLOCKED(test_places_are_limited_and_waiters_woken),
                CLOCKED(test_five_failures_in_ten_open_it_for_a_minute),
                CLOCKED(test_the_rate_and_a_hold_say_when),
                CLOCKED(test_who_shares_a_gate),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
