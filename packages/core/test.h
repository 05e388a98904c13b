/*
 * What every x_test.c includes first: cmocka with the headers it needs, and a fresh arena and ctx
 * for each case. cmocka's fail() gives way to ours; use fail_msg() in tests.
 */
#ifndef MILLRACE_CORE_TEST_H
#define MILLRACE_CORE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#undef fail
#undef fail_msg
#define fail_msg(...)                      \
        do {                               \
                print_error(__VA_ARGS__);  \
                print_error("\n");         \
                _fail(__FILE__, __LINE__); \
        } while (0)

#include "err/ctx.h"

static struct arena arena;
static struct ctx ctx;

_unused_ static int test_setup(void **state)
{
        arena_init(&arena, 256 << 20);
        ctx_init(&ctx, &arena);
        return 0;
}

_unused_ static int test_teardown(void **state)
{
        arena_finish(&arena);
        return 0;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, test_setup, test_teardown)

#endif
