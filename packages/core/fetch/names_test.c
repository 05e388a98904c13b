/* Tests of core/fetch with names: resolved by us, checked, pinned. */
#include "fetch/fetch_test.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A name server: every name is `answer`; "none…" does not exist. */
struct names {
        int fd;
        atomic_int queries;
        char server[32];
        uint8_t answer[4];
        pthread_t thread;
};

static void *serve_names(void *arg)
{
        struct names *n = arg;
        uint8_t q[512];
        struct sockaddr_in from;
        socklen_t size = sizeof from;
        ssize_t len;

        while ((len = recvfrom(n->fd, q, sizeof q - 16, 0, (struct sockaddr *)&from, &size)) > 12) {
                bool exists = memcmp(q + 13, "none", 4) != 0;
                ssize_t end = 12;

                while (q[end])
                        end += q[end] + 1;
                bool is_a = q[end + 2] == 1;

                end += 5;
                q[2] = 0x81;
                q[3] = exists ? 0x80 : 0x83;
                q[7] = exists && is_a;
                q[8] = q[9] = q[10] = q[11] = 0;
                if (exists && is_a) {
                        const uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4};

                        n->queries++;
                        memcpy(q + end, record, sizeof record);
                        memcpy(q + end + sizeof record, n->answer, 4);
                        end += (ssize_t)sizeof record + 4;
                }
                sendto(n->fd, q, (size_t)end, 0, (struct sockaddr *)&from, size);
        }
        return NULL;
}

static void names_open(struct names *n, const char *answer)
{
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
        socklen_t size = sizeof in;

        *n = (struct names){.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
        assert_int_equal(inet_pton(AF_INET, answer, n->answer), 1);
        assert_int_equal(bind(n->fd, (struct sockaddr *)&in, sizeof in), 0);
        assert_int_equal(getsockname(n->fd, (struct sockaddr *)&in, &size), 0);
        snprintf(n->server, sizeof n->server, "127.0.0.1:%d", ntohs(in.sin_port));
        assert_int_equal(pthread_create(&n->thread, NULL, serve_names, n), 0);
}

static void names_close(struct names *n)
{
        shutdown(n->fd, SHUT_RDWR);
        pthread_join(n->thread, NULL);
        close(n->fd);
}

static struct fetch_res get_by_name(struct fetch_client *c, const char *host)
{
        struct fetch_res res = {0};
        struct fetch_req req = {
                .url = str_printf(&arena, "http://%s:%d/echo", host, test_server_port(server))};
        enum err e = fetch(&ctx, c, &req, &res);

        assert_int_equal(e, fetch_outcome_err(res.outcome));
        return res;
}

static void names_that_lead_inside_are_refused(void **state)
{
        struct names n;
        struct fetch_client *c;

        names_open(&n, "127.0.0.1");
        c = open_client((struct fetch_config){.dns_servers = str_from(n.server)});
        assert_int_equal(get_by_name(c, "inside.example").outcome, FETCH_REFUSED);
        assert_int_equal(get_by_name(c, "none.example").outcome, FETCH_NO_HOST);
        fetch_close(c);
        assert_int_equal(test_server_connections(server), 0);
        names_close(&n);
}

static void allowed_names_are_resolved_once_for_all(void **state)
{
        struct names n;
        struct fetch_client *c;
        struct fetch_res res;

        names_open(&n, "127.0.0.1");
        c = open_client((struct fetch_config){
                .dns_servers = str_from(n.server),
                .egress_allow = str_printf(&arena, "api.example:%d", test_server_port(server))});
        struct fetch_batch *b = fetch_batch_open(c);
        struct fetch_req req = {
                .url = str_printf(&arena, "http://API.example.:%d/echo", test_server_port(server))};

        for (uint64_t i = 0; i < 50; i++)
                fetch_start(&ctx, b, &req, i, 0);
        for (int i = 0; i < 50; i++) {
                assert_int_equal(fetch_batch_next(&ctx, b, &res), OK);
                assert_int_equal(res.outcome, FETCH_ANSWERED);
                assert_true(has(res.body, arena_printf(&arena, "Host: api.example:%d\r\n",
                                                       test_server_port(server))));
        }
        assert_int_equal(n.queries, 1);
        assert_int_equal(get_by_name(c, "other.example").outcome, FETCH_REFUSED);
        fetch_batch_close(b);
        fetch_close(c);
        names_close(&n);
}

static void a_silent_name_server_is_a_timeout(void **state)
{
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
        socklen_t size = sizeof in;

        assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &size), 0);
        struct fetch_client *c = open_client((struct fetch_config){
                .dns_servers = str_printf(&arena, "127.0.0.1:%d", ntohs(in.sin_port)),
                .connect_timeout_ms = 50});

        assert_int_equal(get_by_name(c, "a.example").outcome, FETCH_TIMED_OUT);
        fetch_close(c);
        close(fd);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                NET(names_that_lead_inside_are_refused),
                NET(allowed_names_are_resolved_once_for_all),
                NET(a_silent_name_server_is_a_timeout),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
