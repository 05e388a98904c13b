/* Unit tests of the background worker. */
#include "test.h"

#include <pthread.h>

#include "task/worker.h"

struct count {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        int calls, running;
        bool overlapped;
};

static void note(void *user)
{
        struct count *c = user;

        pthread_mutex_lock(&c->lock);
        c->overlapped |= c->running++ > 0;
        c->calls++;
        pthread_cond_broadcast(&c->changed);
        c->running--;
        pthread_mutex_unlock(&c->lock);
}

static void wait_calls(struct count *c, int want)
{
        pthread_mutex_lock(&c->lock);
        while (c->calls < want)
                pthread_cond_wait(&c->changed, &c->lock);
        pthread_mutex_unlock(&c->lock);
}

static void it_is_called_at_once_when_woken_and_when_time_passes(void **state)
{
        struct count c = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
        struct task_worker *w;

        assert_int_equal(task_worker_open(&ctx, "idle", 3600 * NS_PER_S, note, &c, &w), OK);
        wait_calls(&c, 1);
        for (int i = 2; i < 50; i++) {
                task_worker_wake(w);
                wait_calls(&c, i);
        }
        task_worker_close(w);
        assert_int_equal(c.calls, 49);
        assert_int_equal(task_worker_open(&ctx, "busy", NS_PER_MS, note, &c, &w), OK);
        wait_calls(&c, 60);
        task_worker_close(w);
        assert_false(c.overlapped);
        task_worker_close(NULL);
}

struct clock {
        struct count count;
        struct task_worker *worker; /* guarded by count.lock */
        int64_t due, called;
};

/* The second call asks for a third 20 ms later. */
static void note_and_ask(void *user)
{
        struct clock *c = user;

        pthread_mutex_lock(&c->count.lock);
        if (c->count.calls == 1) {
                c->due = time_mono_ns() + 20 * NS_PER_MS;
                task_worker_at(c->worker, c->due);
        }
        c->called = time_mono_ns();
        pthread_mutex_unlock(&c->count.lock);
        note(&c->count);
}

static void without_a_period_it_is_called_at_the_set_instant(void **state)
{
        struct clock c = {
                .count = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER}};
        struct task_worker *w;

        assert_int_equal(task_worker_open(&ctx, "at", 0, note_and_ask, &c, &w), OK);
        wait_calls(&c.count, 1);
        pthread_mutex_lock(&c.count.lock);
        c.worker = w;
        pthread_mutex_unlock(&c.count.lock);
        task_worker_wake(w);
        wait_calls(&c.count, 3);
        task_worker_close(w);
        assert_int_equal(c.count.calls, 3);
        assert_true(c.called >= c.due);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(it_is_called_at_once_when_woken_and_when_time_passes),
                TEST(without_a_period_it_is_called_at_the_set_instant),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
