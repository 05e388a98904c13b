/* Unit tests of core/fetch against a local server (test_server.h) and a local name server. */
#include "fetch/fetch_test.h"

#include "task/task.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static struct fetch_res get(const char *path, enum fetch_outcome want)
{
        struct fetch_res res = {0};
        enum err e =
                fetch(&ctx, client, &(struct fetch_req){.url = url_of(path), .redirects = 5}, &res);

        if (res.outcome != want)
                fail_msg("%s: %s: %.*s", path, fetch_outcome_name(res.outcome), FMT(res.message));
        assert_int_equal(e, fetch_outcome_err(want));
        return res;
}

static void a_request_goes_out_as_given(void **state)
{
        const struct fetch_header h[] = {{STR("X-Key"), STR("k1")}, {STR("X-None"), STR("")}};
        struct fetch_res res;

        setenv("http_proxy", "http://127.0.0.1:1", 1);
        res = get("/echo?a=b%20c", FETCH_ANSWERED);
        unsetenv("http_proxy");
        assert_int_equal(res.status, 200);
        assert_true(str_starts(res.body, STR("GET /echo?a=b%20c HTTP/1.1\r\n")));
        assert_true(has(res.body, "User-Agent: millrace\r\n"));
        assert_true(str_eq(fetch_header(&res, "x-TEST"), STR("one")));
        assert_true(str_eq(res.addr, STR("127.0.0.1")));
        struct fetch_req req = {.method = STR("PATCH"),
                                .url = url_of("/echo"),
                                .headers = h,
                                .header_count = 2,
                                .body = STR("{}")};

        assert_int_equal(fetch(&ctx, client, &req, &res), OK);
        assert_true(str_starts(res.body, STR("PATCH /echo HTTP/1.1\r\n")));
        assert_true(has(res.body, "X-Key: k1\r\n") && has(res.body, "X-None:\r\n"));
        assert_true(has(res.body, "Content-Length: 2\r\n") &&
                    str_ends(res.body, STR("\r\n\r\n{}")));
        assert_false(has(res.body, "Content-Type") || has(res.body, "Expect"));
        req = (struct fetch_req){.method = STR("POST"), .url = url_of("/echo")};
        assert_int_equal(fetch(&ctx, client, &req, &res), OK);
        assert_true(has(res.body, "POST /echo") && has(res.body, "Content-Length: 0\r\n"));
        req.method = STR("HEAD");
        req.url = url_of("/status/204");
        assert_int_equal(fetch(&ctx, client, &req, &res), OK);
        assert_int_equal(res.status, 204);
}

static void connections_are_kept(void **state)
{
        for (int i = 0; i < 20; i++)
                assert_int_equal(get("/status/404", FETCH_ANSWERED).status, 404);
        assert_int_equal(test_server_connections(server), 1);
        assert_int_equal(get("/status/429", FETCH_ANSWERED).retry_after_ms, 7000);
        assert_int_equal(get("/status/200", FETCH_ANSWERED).connect_us, 0);
}

static void compressed_answers_are_read(void **state)
{
        assert_true(str_eq(get("/gzip", FETCH_ANSWERED).body, STR("hello")));
}

static void answers_are_bounded(void **state)
{
        assert_int_equal(get("/big/100000", FETCH_ANSWERED).body.len, 100000);
        get("/big/100001", FETCH_TOO_LARGE);
        assert_int_equal(get("/chunked/99999", FETCH_ANSWERED).body.len, 99999);
        get("/chunked/100001", FETCH_TOO_LARGE);
        get("/headers/30000", FETCH_ANSWERED);
        get("/headers/80000", FETCH_TOO_LARGE);
        struct fetch_res res;
        struct fetch_req req = {.url = url_of("/bomb"), .body_max = 50000};

        assert_int_equal(fetch(&ctx, client, &req, &res), ERR_TOO_LARGE);
        assert_int_equal(get("/echo", FETCH_ANSWERED).status, 200);
}

static void broken_answers_are_told_apart(void **state)
{
        struct fetch_res res;

        get("/cut", FETCH_BROKEN);
        get("/junk", FETCH_BROKEN);
        struct fetch_req req = {.url = STR("http://127.0.0.1:1/")};

        assert_int_equal(fetch(&ctx, client, &req, &res), ERR_UNAVAILABLE);
        assert_int_equal(res.outcome, FETCH_NO_CONNECT);
        assert_true(fetch_outcome_unsent(res.outcome));
        req.url = str_printf(&arena, "https://127.0.0.1:%d/", test_server_port(server));
        assert_int_equal(fetch(&ctx, client, &req, &res), ERR_UNAVAILABLE);
        assert_int_equal(res.outcome, FETCH_TLS);
}

static void malformed_requests_never_leave(void **state)
{
        static const struct fetch_header bad[] = {
                {STR("X-A"), STR("a\r\nX-B: c")},
                {STR("X A"), STR("v")},
                {STR(""), STR("v")},
                {STR("Host"), STR("other")},
                {STR("content-length"), STR("0")},
                {STR("X-A"), STR("\0")},
        };
        struct fetch_res res;

        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                struct fetch_req req = {
                        .url = url_of("/echo"), .headers = &bad[i], .header_count = 1};

                assert_int_equal(fetch(&ctx, client, &req, &res), ERR_VALIDATION);
                assert_int_equal(res.outcome, FETCH_BAD_URL);
        }
        struct fetch_req req = {.url = url_of("/echo"),
                                .method = STR("GET / HTTP/1.1\r\nA: b\r\n")};

        assert_int_equal(fetch(&ctx, client, &req, &res), ERR_VALIDATION);
        req = (struct fetch_req){.url = STR("file:///etc/passwd")};
        assert_int_equal(fetch(&ctx, client, &req, &res), ERR_VALIDATION);
        assert_int_equal(test_server_requests(server), 0);
}

static void time_limits_hold(void **state)
{
        struct fetch_req req = {.url = url_of("/hang"), .timeout_ms = 30};
        int64_t begin = time_mono_ns();
        struct fetch_res res;

        assert_int_equal(fetch(&ctx, client, &req, &res), ERR_TIMEOUT);
        assert_in_range(time_mono_ns() - begin, 30 * NS_PER_MS, 20 * NS_PER_S);
        req = (struct fetch_req){.url = url_of("/drip/10000/2"), .timeout_ms = 50};
        assert_int_equal(fetch(&ctx, client, &req, &res), ERR_TIMEOUT);
        req = (struct fetch_req){.url = url_of("/hang")};
        ctx.deadline_ns = time_mono_ns() + 30 * NS_PER_MS;
        assert_int_equal(fetch(&ctx, client, &req, &res), ERR_TIMEOUT);
        ctx.deadline_ns = time_mono_ns() - 1;
        assert_int_equal(fetch(&ctx, client, &req, &res), ERR_TIMEOUT);
        ctx.deadline_ns = 0;
}

static void what_is_not_allowed_is_not_called(void **state)
{
        struct fetch_client *strict = open_client((struct fetch_config){0});
        static const char *const forms[] = {"127.0.0.1", "2130706433",         "0x7f.1",
                                            "localhost", "[::ffff:127.0.0.1]", "0"};
        struct fetch_res res;

        for (size_t i = 0; i < ELEMENTS(forms); i++) {
                struct fetch_req req = {.url = str_printf(&arena, "http://%s:%d/echo", forms[i],
                                                          test_server_port(server))};

                assert_int_equal(fetch(&ctx, strict, &req, &res), ERR_VALIDATION);
                assert_int_equal(res.outcome, FETCH_REFUSED);
        }
        assert_int_equal(fetch_stats(strict).refused, ELEMENTS(forms));
        assert_int_equal(test_server_connections(server), 0);
        fetch_close(strict);
}

static void redirects_are_followed_and_counted(void **state)
{
        struct fetch_res res = get("/to/302//echo", FETCH_ANSWERED);

        assert_int_equal(res.redirects, 1);
        assert_true(str_eq(res.url, url_of("/echo")));
        res = get("/to/301//to/302//to/303//to/307//to/308//echo", FETCH_ANSWERED);
        assert_int_equal(res.redirects, 5);
        get("/to/301//to/301//to/301//to/301//to/301//to/301//echo", FETCH_REDIRECT);
        get("/to/302/file:///etc/passwd", FETCH_REDIRECT);
        get("/to/302/http://u:p@127.0.0.1/", FETCH_REDIRECT);
        struct fetch_req req = {.url = url_of("/to/302//echo")};

        assert_int_equal(fetch(&ctx, client, &req, &res), OK);
        assert_int_equal(res.status, 302);
        assert_true(str_eq(res.body, STR("moved")));
        req = (struct fetch_req){.method = STR("POST"),
                                 .url = url_of("/to/302//echo"),
                                 .body = STR("x"),
                                 .redirects = 1};
        assert_int_equal(fetch(&ctx, client, &req, &res), OK);
        assert_true(str_starts(res.body, STR("GET /echo")) && !has(res.body, "Content-Length"));
        req.url = url_of("/to/307//echo");
        assert_int_equal(fetch(&ctx, client, &req, &res), OK);
        assert_true(str_starts(res.body, STR("POST /echo")) && str_ends(res.body, STR("\r\nx")));
}

static void redirects_to_closed_addresses_are_refused(void **state)
{
        static const char *const to[] = {"http://127.0.0.2/", "http://169.254.169.254/latest",
                                         "http://[::1]/", "http://10.0.0.1/", "//0x7f000002/x"};

        for (size_t i = 0; i < ELEMENTS(to); i++)
                get(arena_printf(&arena, "/to/302/%s", to[i]), FETCH_REFUSED);
}

static void another_origin_gets_no_credentials(void **state)
{
        struct test_server *other = test_server_open();
        const struct fetch_header h[] = {{STR("Authorization"), STR("Bearer secret")},
                                         {STR("X-Api-Key"), STR("secret")},
                                         {STR("Accept"), STR("application/json")}};
        const char *to =
                arena_printf(&arena, "/to/307/http://127.0.0.1:%d/echo", test_server_port(other));
        struct fetch_req req = {.url = url_of(to), .headers = h, .header_count = 3, .redirects = 2};
        struct fetch_res res;

        assert_int_equal(fetch(&ctx, client, &req, &res), OK);
        assert_int_equal(res.redirects, 1);
        assert_false(has(res.body, "secret"));
        assert_true(has(res.body, "Accept: application/json"));
        req.method = STR("POST");
        req.body = STR("secret");
        assert_int_equal(fetch(&ctx, client, &req, &res), ERR_UNAVAILABLE);
        assert_int_equal(res.outcome, FETCH_REDIRECT);
        req.url = url_of("/to/307//echo"); /* the same origin keeps them */
        assert_int_equal(fetch(&ctx, client, &req, &res), OK);
        assert_true(has(res.body, "Bearer secret"));
        test_server_close(other);
}

static void a_batch_hands_out_what_finishes_first(void **state)
{
        _cleanup_(fetch_batch_closep) struct fetch_batch *b = fetch_batch_open(client);
        struct fetch_res res;

        fetch_start(&ctx, b, &(struct fetch_req){.url = url_of("/delay/300")}, 1, 0);
        fetch_start(&ctx, b, &(struct fetch_req){.url = url_of("/delay/100")}, 2, 0);
        fetch_start(&ctx, b, &(struct fetch_req){.url = url_of("/echo")}, 3, 0);
        fetch_start(&ctx, b, &(struct fetch_req){.url = STR("nonsense")}, 4, 0);
        assert_int_equal(fetch_batch_pending(b), 4);
        static const uint64_t order[] = {4, 3, 2, 1};

        for (size_t i = 0; i < 4; i++) {
                assert_int_equal(fetch_batch_next(&ctx, b, &res), OK);
                assert_int_equal(res.tag, order[i]);
        }
        assert_int_equal(fetch_batch_next(&ctx, b, &res), ERR_NOT_FOUND);
        fetch_start(&ctx, b, &(struct fetch_req){.url = url_of("/hang")}, 5, 0);
        ctx.deadline_ns = time_mono_ns() + 5 * NS_PER_MS;
        assert_int_equal(fetch_batch_next(&ctx, b, &res), ERR_TIMEOUT);
        ctx.deadline_ns = 0;
}

static void calls_wait_for_their_time(void **state)
{
        _cleanup_(fetch_batch_closep) struct fetch_batch *b = fetch_batch_open(client);
        int64_t begin = time_mono_ns();
        struct fetch_res res;

        for (uint64_t i = 0; i < 20; i++)
                fetch_start(&ctx, b, &(struct fetch_req){.url = url_of("/echo")}, 19 - i,
                            begin + (int64_t)(19 - i) * 5 * NS_PER_MS);
        for (uint64_t i = 0; i < 20; i++) {
                assert_int_equal(fetch_batch_next(&ctx, b, &res), OK);
                assert_true(time_mono_ns() - begin >= (int64_t)res.tag * 5 * NS_PER_MS);
        }
}

static void a_wait_ends_by_a_call_a_wake_or_the_deadline(void **state)
{
        _cleanup_(fetch_batch_closep) struct fetch_batch *b = fetch_batch_open(client);
        struct fetch_res res;

        fetch_batch_wake(b); /* remembered */
        fetch_batch_wait(&ctx, b);
        fetch_start(&ctx, b, &(struct fetch_req){.url = url_of("/echo")}, 1, 0);
        fetch_batch_wait(&ctx, b);
        ctx.deadline_ns = 1; /* long past: takes what is there */
        assert_int_equal(fetch_batch_next(&ctx, b, &res), OK);
        ctx.deadline_ns = time_mono_ns() + 5 * NS_PER_MS;
        fetch_batch_wait(&ctx, b);
        assert_true(time_mono_ns() >= ctx.deadline_ns);
        ctx.deadline_ns = 0;
}

static void cancelling_ends_all(void **state)
{
        struct fetch_batch *b = fetch_batch_open(client);
        struct fetch_res res;

        for (uint64_t i = 0; i < 100; i++)
                fetch_start(&ctx, b, &(struct fetch_req){.url = url_of("/hang")}, i,
                            i % 2 ? 0 : time_mono_ns() + 3600 * NS_PER_S);
        fetch_batch_cancel(b);
        for (int i = 0; i < 100; i++) {
                assert_int_equal(fetch_batch_next(&ctx, b, &res), OK);
                assert_int_equal(res.outcome, FETCH_CANCELLED);
        }
        for (uint64_t i = 0; i < 100; i++)
                fetch_start(&ctx, b, &(struct fetch_req){.url = url_of("/hang")}, i, 0);
        fetch_batch_close(b); /* with all of them on their way */
        assert_int_equal(fetch_stats(client).in_flight, 0);
}

static void a_body_may_come_in_parts(void **state)
{
        size_t big = 3 << 20;
        char *fill = arena_alloc(&arena, big);
        struct fetch_res res;

        for (size_t i = 0; i < big; i++)
                fill[i] = (char)('a' + i % 26);
        const struct str parts[] = {STR("head-"), {fill, big}, STR(""), STR("-tail")};
        struct fetch_req req = {.method = STR("POST"),
                                .url = url_of("/echo"),
                                .body_parts = parts,
                                .body_part_count = ELEMENTS(parts),
                                .body_max = 8 << 20};

        assert_int_equal(fetch(&ctx, client, &req, &res), OK);
        assert_true(has(res.body, "Content-Length: 3145738\r\n"));
        size_t at = str_find(res.body, STR("\r\n\r\n")) + 4;
        struct str body = str_slice(res.body, at, res.body.len);

        assert_int_equal(body.len, big + 10);
        assert_true(str_starts(body, STR("head-abc")) && str_ends(body, STR("-tail")));
        assert_memory_equal(body.ptr + 5, fill, big);
}

static void two_thousand_calls_fly_at_once(void **state)
{
        enum { CALLS = 2000 };
        _cleanup_(fetch_batch_closep) struct fetch_batch *b = fetch_batch_open(client);
        struct arena one;
        struct ctx c;
        struct rusage usage;
        struct fetch_res res;
        int answered = 0;

        for (uint64_t i = 0; i < CALLS; i++)
                fetch_start(&ctx, b, &(struct fetch_req){.url = url_of("/gather/2000")}, i, 0);
        for (int i = 0; i < CALLS; i++) {
                arena_init(&one, 1 << 20);
                ctx_init(&c, &one);
                assert_int_equal(fetch_batch_next(&c, b, &res), OK);
                answered += res.status == 200 && str_eq(res.body, STR("here"));
                arena_finish(&one);
        }
        assert_int_equal(answered, CALLS);
        assert_int_equal(test_server_peak(server), CALLS);
        getrusage(RUSAGE_SELF, &usage);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        assert_in_range(usage.ru_maxrss, 0, 300 * 1024); /* KiB, the server's side included */
#endif
}

static void a_host_gets_no_more_than_its_limit_and_batches_take_turns(void **state)
{
        struct fetch_client *narrow = open_client(
                (struct fetch_config){.egress_allow = STR("127.0.0.0/8"), .per_host_max = 2});
        struct fetch_batch *b = fetch_batch_open(narrow);
        struct fetch_res res;

        for (uint64_t i = 0; i < 100; i++)
                fetch_start(&ctx, b, &(struct fetch_req){.url = url_of("/delay/10")}, i, 0);
        assert_int_equal(fetch(&ctx, narrow, &(struct fetch_req){.url = url_of("/echo")}, &res),
                         OK);
        assert_true(fetch_stats(narrow).waiting > 50); /* it did not stand behind the hundred */
        for (int i = 0; i < 100; i++)
                assert_int_equal(fetch_batch_next(&ctx, b, &res), OK);
        assert_int_equal(test_server_peak(server), 2);
        fetch_batch_close(b);
        fetch_close(narrow);
}

static void the_line_is_bounded_by_the_deadline(void **state)
{
        struct fetch_client *narrow = open_client(
                (struct fetch_config){.egress_allow = STR("127.0.0.1"), .per_host_max = 1});
        struct fetch_batch *b = fetch_batch_open(narrow);
        struct fetch_res res;

        fetch_start(&ctx, b, &(struct fetch_req){.url = url_of("/hang")}, 1, 0);
        ctx.deadline_ns = time_mono_ns() + 30 * NS_PER_MS;
        assert_int_equal(fetch(&ctx, narrow, &(struct fetch_req){.url = url_of("/echo")}, &res),
                         ERR_TIMEOUT);
        ctx.deadline_ns = 0;
        assert_int_equal(test_server_requests(server), 1);
        fetch_batch_close(b);
        fetch_close(narrow);
}

struct caller {
        struct str url;
        int answered;
};

static void *call_often(void *arg)
{
        struct caller *me = arg;

        for (int i = 0; i < 50; i++) {
                struct arena a;
                struct ctx c;
                struct fetch_res res;

                arena_init(&a, 1 << 20);
                ctx_init(&c, &a);
                me->answered += fetch(&c, client, &(struct fetch_req){.url = me->url}, &res) == OK;
                arena_finish(&a);
        }
        return NULL;
}

static void threads_share_a_client(void **state)
{
        struct caller callers[8];
        pthread_t t[ELEMENTS(callers)];

        for (size_t i = 0; i < ELEMENTS(callers); i++) {
                callers[i] = (struct caller){url_of("/echo"), 0};
                assert_int_equal(pthread_create(&t[i], NULL, call_often, &callers[i]), 0);
        }
        for (size_t i = 0; i < ELEMENTS(callers); i++) {
                pthread_join(t[i], NULL);
                assert_int_equal(callers[i].answered, 50);
        }
        assert_int_equal(fetch_stats(client).answered, 400);
}

struct sink {
        size_t bytes, pieces, stop_after;
        int status;
        int64_t pause_ns;
        bool refuse;
};

static bool sink_head(void *arg, const struct fetch_res *head)
{
        struct sink *s = arg;

        assert_int_equal(s->bytes, 0);
        s->status = head->status;
        return !s->refuse;
}

static bool sink_data(void *arg, struct str piece)
{
        struct sink *s = arg;

        for (size_t i = 0; i < piece.len; i++)
                assert_int_equal(piece.ptr[i], 'a' + (s->bytes + i) % 26);
        s->bytes += piece.len;
        s->pieces++;
        if (s->pause_ns)
                assert_int_equal(task_sleep(&ctx, s->pause_ns), OK);
        return !s->stop_after || s->bytes < s->stop_after;
}

static enum fetch_outcome stream(struct sink *s, const char *path, int64_t idle_ms)
{
        struct fetch_stream st = {sink_head, sink_data, s, idle_ms};
        struct fetch_req req = {.url = url_of(path), .redirects = 1};
        struct fetch_res res;
        enum err e = fetch_streamed(&ctx, client, &req, &st, &res);

        assert_int_equal(e, fetch_outcome_err(res.outcome));
        return res.outcome;
}

static void bodies_stream_piece_by_piece(void **state)
{
        struct sink s = {0};

        assert_int_equal(stream(&s, "/drip/10/10", 0), FETCH_ANSWERED);
        assert_int_equal(s.bytes, 10);
        assert_in_range(s.pieces, 3, 10);
        assert_int_equal(s.status, 200);
        s = (struct sink){0};
        assert_int_equal(stream(&s, "/to/302//big/10", 0), FETCH_ANSWERED);
        assert_int_equal(s.bytes, 10);
        s = (struct sink){0};
        assert_int_equal(stream(&s, "/status/404", 0), FETCH_ANSWERED);
        assert_int_equal(s.status, 404);
}

static void a_slow_reader_slows_the_sender(void **state)
{
        struct sink s = {.pause_ns = NS_PER_MS};

        assert_int_equal(stream(&s, "/big/20000000", 0), FETCH_ANSWERED);
        assert_int_equal(s.bytes, 20000000);
        assert_true(s.pieces > 20000000 / (512 * 1024));
}

static void readers_may_stop_and_silence_ends(void **state)
{
        struct sink s = {.stop_after = 1};

        assert_int_equal(stream(&s, "/drip/100/5", 0), FETCH_CANCELLED);
        s = (struct sink){.refuse = true};
        assert_int_equal(stream(&s, "/drip/100/5", 0), FETCH_CANCELLED);
        s = (struct sink){.stop_after = 1};
        assert_int_equal(stream(&s, "/big/20000000", 0), FETCH_CANCELLED);
        s = (struct sink){0};
        assert_int_equal(stream(&s, "/drip/10/100000", 30), FETCH_TIMED_OUT);
        s = (struct sink){0};
        assert_int_equal(stream(&s, "/cut", 0), FETCH_BROKEN);
}

int main(void)
{
        struct rlimit files;
        const struct CMUnitTest tests[] = {
                NET(a_request_goes_out_as_given),
                NET(connections_are_kept),
                NET(compressed_answers_are_read),
                NET(answers_are_bounded),
                NET(broken_answers_are_told_apart),
                NET(malformed_requests_never_leave),
                NET(time_limits_hold),
                NET(what_is_not_allowed_is_not_called),
                NET(redirects_are_followed_and_counted),
                NET(redirects_to_closed_addresses_are_refused),
                NET(another_origin_gets_no_credentials),
                NET(a_batch_hands_out_what_finishes_first),
                NET(calls_wait_for_their_time),
                NET(a_wait_ends_by_a_call_a_wake_or_the_deadline),
                NET(cancelling_ends_all),
                NET(a_body_may_come_in_parts),
                NET(two_thousand_calls_fly_at_once),
                NET(a_host_gets_no_more_than_its_limit_and_batches_take_turns),
                NET(the_line_is_bounded_by_the_deadline),
                NET(threads_share_a_client),
                NET(bodies_stream_piece_by_piece),
                NET(a_slow_reader_slows_the_sender),
                NET(readers_may_stop_and_silence_ends),
        };

        getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
