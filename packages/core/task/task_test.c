/* Unit tests of core/task: breaker, bucket and retry on a made-up clock; pool and queue. */
#include "test.h"

#include "task/breaker.h"
#include "task/bucket.h"
#include "task/queue.h"
#include "task/retry.h"
#include "task/task.h"

#include <pthread.h>
#include <stdatomic.h>

#define S NS_PER_S

static const struct breaker_config guide = {10, 5, 60 * S};

static bool call(struct breaker *b, bool worked, int64_t now)
{
        struct breaker_permit p;

        if (!breaker_admit(b, now, &p))
                return false;
        breaker_report(b, p, worked, now);
        return true;
}

static void five_failures_in_ten_open_the_breaker(void **state)
{
        struct breaker b;

        breaker_init(&b, &guide);
        for (int i = 0; i < 4; i++)
                assert_true(call(&b, false, 0));
        for (int i = 0; i < 9; i++) /* the window slides past three of them */
                assert_true(call(&b, true, 0));
        assert_int_equal(breaker_view(&b, 0).failures, 1);
        for (int i = 0; i < 3; i++)
                assert_true(call(&b, false, 0));
        assert_int_equal(breaker_view(&b, 0).state, BREAKER_CLOSED);
        assert_true(call(&b, false, 0));
        assert_true(call(&b, false, 0));
        assert_int_equal(breaker_view(&b, 0).state, BREAKER_OPEN);
        assert_int_equal(breaker_view(&b, 0).trips, 1);
        assert_int_equal(breaker_view(&b, 10 * S).wait_ns, 50 * S);
        assert_false(call(&b, true, 60 * S - 1));
        breaker_finish(&b);
}

static struct breaker opened(void)
{
        struct breaker b;

        breaker_init(&b, &guide);
        for (int i = 0; i < 5; i++)
                assert_true(call(&b, false, 0));
        assert_int_equal(breaker_view(&b, 0).state, BREAKER_OPEN);
        return b;
}

static void half_open_lets_one_probe_through(void **state)
{
        struct breaker b = opened();
        struct breaker_permit probe, other;

        assert_true(breaker_admit(&b, 60 * S, &probe));
        assert_int_equal(breaker_view(&b, 60 * S).state, BREAKER_HALF_OPEN);
        for (int i = 0; i < 100; i++)
                assert_false(breaker_admit(&b, 60 * S + i, &other));
        breaker_report(&b, probe, true, 61 * S);
        assert_int_equal(breaker_view(&b, 61 * S).state, BREAKER_CLOSED);
        assert_int_equal(breaker_view(&b, 61 * S).failures, 0);
        for (int i = 0; i < 4; i++)
                assert_true(call(&b, false, 61 * S));
        assert_int_equal(breaker_view(&b, 61 * S).state, BREAKER_CLOSED);
        breaker_finish(&b);
}

static void a_failed_probe_opens_it_again(void **state)
{
        struct breaker b = opened();

        assert_true(call(&b, false, 60 * S));
        assert_int_equal(breaker_view(&b, 60 * S).state, BREAKER_OPEN);
        assert_false(call(&b, true, 119 * S));
        assert_true(call(&b, true, 120 * S));
        assert_int_equal(breaker_view(&b, 120 * S).state, BREAKER_CLOSED);
        breaker_finish(&b);
}

static void late_reports_do_not_count(void **state)
{
        struct breaker b;
        struct breaker_permit slow, probe;

        breaker_init(&b, &guide);
        assert_true(breaker_admit(&b, 0, &slow));
        for (int i = 0; i < 5; i++)
                assert_true(call(&b, false, 0));
        assert_true(breaker_admit(&b, 60 * S, &probe));
        breaker_report(&b, slow, true, 60 * S); /* from before it opened */
        assert_int_equal(breaker_view(&b, 60 * S).state, BREAKER_HALF_OPEN);
        breaker_report(&b, slow, false, 60 * S);
        assert_int_equal(breaker_view(&b, 60 * S).state, BREAKER_HALF_OPEN);
        breaker_finish(&b);
}

static void a_lost_or_withdrawn_probe_gives_way(void **state)
{
        struct breaker b = opened();
        struct breaker_permit lost, next;

        assert_true(breaker_admit(&b, 60 * S, &lost));
        assert_false(breaker_admit(&b, 119 * S, &next));
        assert_true(breaker_admit(&b, 120 * S, &next));
        breaker_report(&b, lost, true, 121 * S);
        assert_int_equal(breaker_view(&b, 121 * S).state, BREAKER_HALF_OPEN);
        breaker_withdraw(&b, next, 122 * S);
        assert_true(breaker_admit(&b, 122 * S, &next));
        breaker_report(&b, next, true, 123 * S);
        assert_int_equal(breaker_view(&b, 123 * S).state, BREAKER_CLOSED);
        breaker_finish(&b);
}

struct crowd {
        struct breaker *breaker;
        atomic_int admitted;
};

static void *push_in(void *arg)
{
        struct crowd *c = arg;
        struct breaker_permit p;

        for (int i = 0; i < 1000; i++)
                if (breaker_admit(c->breaker, 60 * S, &p))
                        c->admitted++;
        return NULL;
}

static void only_one_of_many_threads_is_the_probe(void **state)
{
        struct breaker b = opened();
        struct crowd crowd = {.breaker = &b};
        pthread_t t[8];

        for (size_t i = 0; i < ELEMENTS(t); i++)
                pthread_create(&t[i], NULL, push_in, &crowd);
        for (size_t i = 0; i < ELEMENTS(t); i++)
                pthread_join(t[i], NULL);
        assert_int_equal(crowd.admitted, 1);
        breaker_finish(&b);
}

static void a_bucket_keeps_its_rate(void **state)
{
        struct bucket b;
        int64_t wait = 0;
        int taken = 0;

        bucket_init(&b, 2, 10 * S, 2);
        assert_int_equal(bucket_available(&b, 0), 2);
        assert_true(bucket_take(&b, 1, 0, NULL));
        assert_true(bucket_take(&b, 1, 0, NULL));
        assert_false(bucket_take(&b, 1, 0, &wait));
        assert_int_equal(wait, 5 * S);
        assert_false(bucket_take(&b, 1, 5 * S - 1, NULL));
        assert_true(bucket_take(&b, 1, 5 * S, NULL));
        assert_false(bucket_take(&b, 3, 1000 * S, NULL)); /* more than the burst: never */
        for (int64_t now = 1000 * S; now < 1100 * S; now += S / 10)
                taken += bucket_take(&b, 1, now, NULL);
        assert_int_equal(taken, 21); /* 100 s at 2 in 10 s, and the second saved token */
        bucket_finish(&b);
}

static void reservations_stand_in_line(void **state)
{
        struct bucket b;

        bucket_init(&b, 10, S, 1);
        for (int64_t i = 0; i < 50; i++)
                assert_int_equal(bucket_reserve(&b, 1, 0), i * S / 10);
        assert_false(bucket_take(&b, 1, 4 * S, NULL));
        bucket_refund(&b, 50, 0);
        assert_true(bucket_take(&b, 1, 0, NULL));
        bucket_finish(&b);
}

static void a_hold_stops_everything(void **state)
{
        struct bucket b;
        int64_t wait;

        bucket_init(&b, 10, S, 10);
        bucket_hold(&b, 3 * S);
        bucket_hold(&b, 2 * S); /* an earlier end does not shorten it */
        assert_int_equal(bucket_available(&b, S), 0);
        assert_false(bucket_take(&b, 1, S, &wait));
        assert_int_equal(wait, 2 * S);
        assert_int_equal(bucket_reserve(&b, 1, S), 3 * S);
        assert_true(bucket_take(&b, 1, 3 * S, NULL));
        bucket_finish(&b);
}

static void no_rate_is_no_limit(void **state)
{
        struct bucket b;

        bucket_init(&b, 0, S, 0);
        for (int i = 0; i < 1000; i++)
                assert_true(bucket_take(&b, 1000000, 5, NULL));
        assert_int_equal(bucket_reserve(&b, INT64_MAX, 5), 5);
        assert_int_equal(bucket_available(&b, 5), INT64_MAX);
        bucket_finish(&b);
}

static void backoff_grows_jitters_and_ends(void **state)
{
        struct retry_policy p = {.attempts = 6, .base_ms = 100, .cap_ms = 1000};
        int64_t sum = 0;

        for (int attempt = 1; attempt < 6; attempt++)
                for (uint64_t seed = 0; seed < 1000; seed++) {
                        int64_t d = retry_delay_ns(&p, attempt, seed, 0);

                        assert_in_range(d, 0, MIN_OF(100 << (attempt - 1), 1000) * NS_PER_MS);
                        assert_int_equal(d, retry_delay_ns(&p, attempt, seed, 0));
                        if (attempt == 1)
                                sum += d;
                }
        assert_in_range(sum / 1000, 45 * NS_PER_MS, 55 * NS_PER_MS); /* uniform: half on average */
        assert_int_equal(retry_delay_ns(&p, 6, 1, 0), -1);
        p.exact = true;
        assert_int_equal(retry_delay_ns(&p, 3, 1, 0), 400 * NS_PER_MS);
        assert_int_equal(retry_delay_ns(&p, 5, 1, 0), 1000 * NS_PER_MS);
        p.cap_ms = 0;
        p.attempts = 1000;
        assert_true(retry_delay_ns(&p, 999, 1, 0) > 0);
}

static void retry_after_is_heeded(void **state)
{
        struct retry_policy p = {.attempts = 3, .base_ms = 100, .cap_ms = 1000, .after_ms = 30000};
        int64_t now = INT64_C(1445412470) * 1000000; /* Wed, 21 Oct 2015 07:27:50 GMT */

        assert_int_equal(retry_delay_ns(&p, 1, 7, 5000), 5000 * NS_PER_MS);
        assert_int_equal(retry_delay_ns(&p, 1, 7, 30001), -1);
        assert_int_equal(retry_after_parse(STR(" 120 "), now), 120000);
        assert_int_equal(retry_after_parse(STR("Wed, 21 Oct 2015 07:28:00 GMT"), now), 10000);
        assert_int_equal(retry_after_parse(STR("Wednesday, 21-Oct-15 07:28:00 GMT"), now), 10000);
        assert_int_equal(retry_after_parse(STR("Wed Oct 21 07:28:00 2015"), now), 10000);
        assert_int_equal(retry_after_parse(STR("Wed, 21 Oct 2015 07:00:00 GMT"), now), 0);
        assert_int_equal(retry_after_parse(STR("-5"), now), 0);
        assert_int_equal(retry_after_parse(STR("soon"), now), 0);
        assert_int_equal(retry_after_parse(STR_NULL, now), 0);
        assert_int_equal(retry_after_parse(STR("99999999999999"), now), INT64_C(31622400000));
        assert_true(retry_worth_status(503));
        assert_false(retry_worth_status(404));
}

static void a_sleep_ends_at_the_deadline(void **state)
{
        int64_t begin = time_mono_ns();

        assert_int_equal(task_sleep(&ctx, 5 * NS_PER_MS), OK);
        assert_true(time_mono_ns() - begin >= 5 * NS_PER_MS);
        begin = time_mono_ns();
        ctx.deadline_ns = begin + 5 * NS_PER_MS;
        assert_int_equal(task_sleep(&ctx, 3600 * S), ERR_TIMEOUT);
        assert_in_range(time_mono_ns() - begin, 5 * NS_PER_MS, 60 * S);
}

struct gate {
        pthread_mutex_t lock;
        pthread_cond_t turn;
        bool open;
        int inside;
};

static enum err pass_gate(void *arg)
{
        struct gate *g = arg;

        pthread_mutex_lock(&g->lock);
        g->inside++;
        pthread_cond_broadcast(&g->turn);
        while (!g->open)
                pthread_cond_wait(&g->turn, &g->lock);
        pthread_mutex_unlock(&g->lock);
        return ERR_CONFLICT;
}

struct visitor {
        struct task_pool *pool;
        struct gate *gate;
        enum err result;
};

static void *visit(void *arg)
{
        struct visitor *v = arg;
        struct arena a;
        struct ctx c;

        arena_init(&a, 1 << 16);
        ctx_init(&c, &a);
        v->result = task_offload(&c, v->pool, pass_gate, v->gate);
        arena_finish(&a);
        return NULL;
}

static enum err set_flag(void *arg)
{
        *(bool *)arg = true;
        return OK;
}

static void a_pool_bounds_and_withdraws_work(void **state)
{
        struct gate gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .turn = PTHREAD_COND_INITIALIZER};
        struct visitor v = {.gate = &gate};
        struct task_pool *none, *pool;
        pthread_t t;
        bool ran = false;

        assert_int_equal(task_pool_open(&ctx, 1, 1, &pool), OK);
        assert_int_equal(task_pool_open(&ctx, 1, 0, &none), OK);
        assert_int_equal(task_offload(&ctx, none, set_flag, &ran), ERR_UNAVAILABLE);
        v.pool = pool;
        pthread_create(&t, NULL, visit, &v);
        pthread_mutex_lock(&gate.lock);
        while (!gate.inside)
                pthread_cond_wait(&gate.turn, &gate.lock);
        pthread_mutex_unlock(&gate.lock);
        ctx.deadline_ns = time_mono_ns() + 5 * NS_PER_MS;
        assert_int_equal(task_offload(&ctx, pool, set_flag, &ran), ERR_TIMEOUT);
        pthread_mutex_lock(&gate.lock);
        gate.open = true;
        pthread_cond_broadcast(&gate.turn);
        pthread_mutex_unlock(&gate.lock);
        pthread_join(t, NULL);
        assert_int_equal(v.result, ERR_CONFLICT);
        assert_false(ran);
        ctx.deadline_ns = 0;
        assert_int_equal(task_offload(&ctx, pool, set_flag, &ran), OK);
        assert_true(ran);
        task_pool_close(pool);
        task_pool_close(none);
}

struct counter {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        int count;
};

static void count_up(void *arg)
{
        struct counter *c = arg;

        pthread_mutex_lock(&c->lock);
        c->count++;
        pthread_cond_signal(&c->changed);
        pthread_mutex_unlock(&c->lock);
}

static void submitted_work_is_done_without_waiting(void **state)
{
        struct counter c = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
        struct task_pool *none, *pool;

        assert_int_equal(task_pool_open(&ctx, 1, 0, &none), OK);
        assert_false(task_submit(none, count_up, &c));
        assert_int_equal(task_pool_open(&ctx, 3, 1000, &pool), OK);
        for (int i = 0; i < 500; i++)
                assert_true(task_submit(pool, count_up, &c));
        pthread_mutex_lock(&c.lock);
        while (c.count < 500)
                pthread_cond_wait(&c.changed, &c.lock);
        pthread_mutex_unlock(&c.lock);
        for (int i = 0; i < 500; i++)
                assert_true(task_submit(pool, count_up, &c));
        task_pool_close(pool); /* runs what is queued */
        assert_int_equal(c.count, 1000);
        task_pool_close(none);
}

#define ITEMS 20000

struct worker {
        struct queue *q;
        atomic_llong *sum;
        intptr_t from;
};

static void *produce(void *arg)
{
        struct worker *w = arg;
        struct arena a;
        struct ctx c;

        arena_init(&a, 1 << 16);
        ctx_init(&c, &a);
        for (intptr_t i = 1; i <= ITEMS; i++)
                assert_int_equal(queue_push(&c, w->q, (void *)i), OK);
        arena_finish(&a);
        return NULL;
}

static void *consume(void *arg)
{
        struct worker *w = arg;
        struct arena a;
        struct ctx c;
        void *item;

        arena_init(&a, 1 << 16);
        ctx_init(&c, &a);
        while (queue_pop(&c, w->q, &item) == OK)
                *w->sum += (intptr_t)item;
        assert_int_equal(c.err, ERR_CANCELLED);
        arena_finish(&a);
        return NULL;
}

static void a_queue_loses_and_repeats_nothing(void **state)
{
        atomic_llong sum = 0;
        struct worker w = {queue_open(7), &sum, 0};
        pthread_t p[3], c[3];

        for (int i = 0; i < 3; i++) {
                pthread_create(&p[i], NULL, produce, &w);
                pthread_create(&c[i], NULL, consume, &w);
        }
        for (int i = 0; i < 3; i++)
                pthread_join(p[i], NULL);
        queue_shut(w.q);
        for (int i = 0; i < 3; i++)
                pthread_join(c[i], NULL);
        assert_int_equal(sum, 3LL * ITEMS * (ITEMS + 1) / 2);
        queue_close(w.q);
}

static void queue_waits_end_at_the_deadline(void **state)
{
        struct queue *q = queue_open(1);
        void *item;

        ctx.deadline_ns = time_mono_ns() + 2 * NS_PER_MS;
        assert_int_equal(queue_pop(&ctx, q, &item), ERR_TIMEOUT);
        assert_int_equal(queue_push(&ctx, q, &item), OK);
        assert_int_equal(queue_push(&ctx, q, &item), ERR_TIMEOUT);
        assert_false(queue_try_push(q, &item));
        queue_shut(q);
        assert_int_equal(queue_push(&ctx, q, &item), ERR_CANCELLED);
        assert_int_equal(queue_len(q), 1);
        assert_true(queue_try_pop(q, &item)); /* what is in is still handed out */
        assert_false(queue_try_pop(q, &item));
        assert_int_equal(queue_pop(&ctx, q, &item), ERR_CANCELLED);
        queue_close(q);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(five_failures_in_ten_open_the_breaker),
                TEST(half_open_lets_one_probe_through),
                TEST(a_failed_probe_opens_it_again),
                TEST(late_reports_do_not_count),
                TEST(a_lost_or_withdrawn_probe_gives_way),
                TEST(only_one_of_many_threads_is_the_probe),
                TEST(a_bucket_keeps_its_rate),
                TEST(reservations_stand_in_line),
                TEST(a_hold_stops_everything),
                TEST(no_rate_is_no_limit),
                TEST(backoff_grows_jitters_and_ends),
                TEST(retry_after_is_heeded),
                TEST(a_sleep_ends_at_the_deadline),
                TEST(a_pool_bounds_and_withdraws_work),
                TEST(submitted_work_is_done_without_waiting),
                TEST(a_queue_loses_and_repeats_nothing),
                TEST(queue_waits_end_at_the_deadline),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
