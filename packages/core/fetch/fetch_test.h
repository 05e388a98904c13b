/* What the tests of core/fetch share: a server, a client that may reach it, and small words. */
#ifndef MILLRACE_CORE_FETCH_TEST_H
#define MILLRACE_CORE_FETCH_TEST_H

#include "test.h"

#include "fetch/fetch.h"
#include "fetch/test_server.h"

static struct test_server *server;
static struct fetch_client *client;

static struct fetch_client *open_client(struct fetch_config config)
{
        struct fetch_client *c = NULL;

        assert_int_equal(fetch_open(&ctx, &config, &c), OK);
        return c;
}

static int setup(void **state)
{
        test_setup(state);
        server = test_server_open();
        client = open_client((struct fetch_config){.egress_allow = STR("127.0.0.1"),
                                                   .per_host_max = 3000,
                                                   .inflight_max = 3000,
                                                   .body_max = 100000});
        return 0;
}

static int teardown(void **state)
{
        fetch_close(client);
        test_server_close(server);
        return test_teardown(state);
}

_unused_ static struct str url_of(const char *path)
{
        return str_printf(&arena, "http://127.0.0.1:%d%s", test_server_port(server), path);
}

_unused_ static bool has(struct str text, const char *part)
{
        return str_find(text, str_from(part)) != SIZE_MAX;
}

#define NET(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

#endif
