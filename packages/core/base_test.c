/* Unit tests of the base: arena, str, buf, ctx, json, conf. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "json/json.h"

static int order[3], order_len;

static void note(void *p)
{
        order[order_len++] = *(int *)p;
}

static void arena_gives_zeroed_aligned_memory_and_defers_in_reverse(void **state)
{
        static int one = 1, two = 2;

        for (size_t i = 1; i < 5000; i += 37) {
                unsigned char *p = arena_alloc(&arena, i);

                assert_int_equal((uintptr_t)p % 16, 0);
                for (size_t k = 0; k < i; k++)
                        assert_int_equal(p[k], 0);
                memset(p, 0xff, i);
        }
        order_len = 0;
        arena_defer(&arena, note, &one);
        arena_defer(&arena, note, &two);
        arena_finish(&arena);
        assert_int_equal(order_len, 2);
        assert_int_equal(order[0], 2);
        assert_int_equal(order[1], 1);
        assert_int_equal(arena.total, 0);
}

static void lists_keep_their_items_when_they_grow(void **state)
{
        LIST(int) list = {0};

        for (int i = 0; i < 1000; i++)
                LIST_PUSH(&arena, &list, i);
        int want = 0;

        LIST_EACH (v, &list)
                assert_int_equal(*v, want++);
        assert_int_equal(want, 1000);
}

static void strings_split_trim_and_compare(void **state)
{
        struct str rest = STR("a,,b"), part;

        assert_true(str_split(&rest, ',', &part) && str_eq(part, STR("a")));
        assert_true(str_split(&rest, ',', &part) && str_eq(part, STR("")));
        assert_true(str_split(&rest, ',', &part) && str_eq(part, STR("b")));
        assert_false(str_split(&rest, ',', &part));
        assert_true(str_eq(str_trim(STR(" \t x y\n")), STR("x y")));
        assert_true(str_cmp(STR("ab"), STR("abc")) < 0);
        assert_int_equal(str_find(STR("hello"), STR("llo")), 2);
        assert_true(str_find(STR("hello"), STR("lloo")) == SIZE_MAX);
}

static void numbers_are_whole_strings_within_range(void **state)
{
        int64_t i;
        double d;

        assert_true(str_to_i64(STR("-9223372036854775808"), &i) && i == INT64_MIN);
        assert_false(str_to_i64(STR("9223372036854775808"), &i));
        assert_false(str_to_i64(STR("12x"), &i));
        assert_false(str_to_i64(STR(""), &i));
        assert_true(str_to_double(STR("1.5e3"), &d) && d > 1499.9 && d < 1500.1);
        assert_false(str_to_double(STR("1e999"), &d));
        assert_false(str_to_double(STR("nan"), &d));
        assert_false(str_to_double(STR(" 1"), &d));
}

static void uuids_are_told_from_other_text(void **state)
{
        assert_true(str_is_uuid(STR("01234567-89ab-CDEF-0123-456789abcdef")));
        assert_false(str_is_uuid(STR("0123456789abcdef0123456789abcdef0123")));
        assert_false(str_is_uuid(STR("01234567-89ab-cdef-0123-456789abcdeg")));
        assert_false(str_is_uuid(STR("01234567-89ab-cdef-0123-456789abcde")));
        assert_false(str_is_uuid(STR_NULL));
}

static void a_builder_never_passes_its_maximum(void **state)
{
        struct buf b;

        buf_init(&b, NULL, 5);
        buf_add(&b, STR("abc"));
        buf_add(&b, STR("def"));
        assert_true(buf_full(&b));
        assert_true(str_eq(buf_str(&b), STR("abc")));
        buf_reset(&b);
        buf_add_i64(&b, -1234);
        assert_true(str_eq(buf_str(&b), STR("-1234")));
        buf_finish(&b);
}

static void a_failure_keeps_code_message_and_faults(void **state)
{
        ctx_fault(&ctx, STR("/a"), "type", "must be %s", "text");
        assert_int_equal(fail(&ctx, ERR_CONFLICT, "stale version %d", 3), ERR_CONFLICT);
        assert_true(str_eq(ctx.message, STR("stale version 3")));
        assert_int_equal(err_status(ctx.err), 409);
        assert_string_equal(err_code(ctx.err), "CONFLICT");
        assert_int_equal(ctx.faults.len, 1);
        ctx_clear(&ctx);
        assert_int_equal(ctx.faults.len, 0);
}

static const struct json *parse(const char *text)
{
        const struct json *v = NULL;

        assert_int_equal(json_parse(&ctx, str_from(text), &v), OK);
        return v;
}

static void json_reads_pointers_and_members(void **state)
{
        const struct json *v = parse("{\"a\":{\"b/c\":[1,2.5,\"x\\u0000y\",null,true]},\"~\":3}");

        assert_int_equal(json_get_i64(json_pointer(v, STR("/a/b~1c/0")), -1), 1);
        assert_int_equal(json_get_i64(json_pointer(v, STR("/~0")), -1), 3);
        assert_null(json_pointer(v, STR("/a/b~1c/01")));
        assert_null(json_pointer(v, STR("/a/none/0")));
        assert_int_equal(json_get_str(json_pointer(v, STR("/a/b~1c/2"))).len, 3);
        assert_true(json_get_bool(json_pointer(v, STR("/a/b~1c/4")), false));
        assert_int_equal(json_len(v), 2);
}

static void json_refuses_what_is_not_json(void **state)
{
        static const char *const bad[] = {"",   "{",   "{\"a\":1,\"a\":2}", "[1,]", "\"\xff\"",
                                          "01", "nul", "{\"a\" 1}",         "[1] x"};
        struct buf deep;
        const struct json *v;

        for (size_t i = 0; i < ELEMENTS(bad); i++)
                assert_int_equal(json_parse(&ctx, str_from(bad[i]), &v), ERR_VALIDATION);
        buf_init(&deep, &arena, 1 << 20);
        for (int i = 0; i < 600; i++)
                buf_add_char(&deep, '[');
        assert_int_equal(json_parse(&ctx, buf_str(&deep), &v), ERR_VALIDATION);
        assert_non_null(strstr(str_to_c(&arena, ctx.message), "deeper"));
}

static void json_writes_what_it_read(void **state)
{
        const char *text =
                "{\"z\":[1,-2,0.1,1e+300,\"\\\"\\\\\\n\\u0001\\u00e9\"],\"a\":{},\"b\":[]}";
        const struct json *v = parse(text);
        const struct json *again = parse(str_to_c(&arena, json_text(&arena, v)));
        struct buf b;

        assert_true(json_same(v, again));
        buf_init(&b, &arena, 1000);
        json_write_sorted(&b, parse("{\"b\":1,\"a\":{\"d\":2,\"c\":3}}"));
        assert_true(str_eq(buf_str(&b), STR("{\"a\":{\"c\":3,\"d\":2},\"b\":1}")));
        buf_reset(&b);
        json_write_str(&b, STR("a\xff"
                               "b\xc3\xa9"));
        assert_true(str_eq(buf_str(&b), STR("\"a\xef\xbf\xbd"
                                            "b\xc3\xa9\"")));
}

static void the_streaming_writer_places_commas(void **state)
{
        struct buf b;
        struct json_out o = {.buf = &b};

        buf_init(&b, &arena, 1000);
        out_object(&o, NULL);
        out_i64(&o, "n", 1);
        out_array(&o, "l");
        out_str(&o, NULL, STR("x"));
        out_object(&o, NULL);
        out_end_object(&o);
        out_end_array(&o);
        out_key_str(&o, STR("k"));
        out_null(&o, NULL);
        out_str(&o, "s", STR_NULL);
        out_end_object(&o);
        assert_true(str_eq(buf_str(&b), STR("{\"n\":1,\"l\":[\"x\",{}],\"k\":null,\"s\":null}")));
}

struct sample {
        struct str name;
        int64_t port;
        bool on;
        struct str key;
};

static const struct conf_entry table[] = {
        {"T_NAME", CONF_TEXT, offsetof(struct sample, name), "x", 0, 0, "a name"},
        {"T_PORT", CONF_INT, offsetof(struct sample, port), "3000", 1, 65535, "a port"},
        {"T_ON", CONF_BOOL, offsetof(struct sample, on), "no", 0, 0, "a switch"},
        {"T_KEY", CONF_SECRET, offsetof(struct sample, key), NULL, 8, 0, "a key"},
        {0},
};

static void settings_list_every_fault_at_once(void **state)
{
        struct sample s = {0};

        setenv("T_PORT", "70000", 1);
        setenv("T_ON", "maybe", 1);
        unsetenv("T_KEY");
        assert_int_equal(conf_load(&ctx, table, &s), ERR_VALIDATION);
        assert_int_equal(ctx.faults.len, 3);
        ctx_clear(&ctx);
        setenv("T_PORT", "80", 1);
        setenv("T_ON", "Yes", 1);
        setenv("T_KEY", "12345678", 1);
        assert_int_equal(conf_load(&ctx, table, &s), OK);
        assert_int_equal(s.port, 80);
        assert_true(s.on);
        assert_true(str_eq(s.name, STR("x")));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(arena_gives_zeroed_aligned_memory_and_defers_in_reverse),
                TEST(lists_keep_their_items_when_they_grow),
                TEST(strings_split_trim_and_compare),
                TEST(numbers_are_whole_strings_within_range),
                TEST(uuids_are_told_from_other_text),
                TEST(a_builder_never_passes_its_maximum),
                TEST(a_failure_keeps_code_message_and_faults),
                TEST(json_reads_pointers_and_members),
                TEST(json_refuses_what_is_not_json),
                TEST(json_writes_what_it_read),
                TEST(the_streaming_writer_places_commas),
                TEST(settings_list_every_fault_at_once),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
