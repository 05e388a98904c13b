/* Values in and out, filters, sorting and cursors: everything of the grid that needs no database.
 */
#include "test.h"

#include <string.h>
#include "features/table/internal.h"

static struct grid_table table;

/* A table with one column of each type, named after it. */
static const struct grid_column *column(enum grid_type type)
{
        if (table.columns.len == 0 || table.columns.ptr[0].name.ptr == NULL) {
                table = (struct grid_table){.id = STR("11111111-2222-3333-4444-555555555555")};
                for (int i = 0; i < GRID_TYPES; i++) {
                        struct grid_column *c = LIST_ADD(&arena, &table.columns);

                        c->id = str_printf(&arena, "aaaaaaaa-0000-0000-0000-00000000000%d", i);
                        c->type = (enum grid_type)i;
                        c->name = str_from(grid_type_name(c->type));
                        grid_name_column(c);
                }
                grid_name_table(&table);
        }
        return &table.columns.ptr[type];
}

static int setup(void **state)
{
        table = (struct grid_table){0};
        test_setup(state);
        column(GRID_TEXT);
        return 0;
}

static const struct json *parse(const char *text)
{
        const struct json *v = NULL;

        assert_int_equal(json_parse(&ctx, str_from(text), &v), OK);
        return v;
}

static void assert_text(struct str have, const char *want)
{
        if (!want) {
                assert_null(have.ptr);
                return;
        }
        assert_non_null(have.ptr);
        assert_string_equal(str_to_c(&arena, have), want);
}

static void identifiers_come_from_ids_only(void **state)
{
        assert_string_equal(table.rows, "grid.t_11111111222233334444555555555555");
        assert_string_equal(table.cells, "grid.p_11111111222233334444555555555555");
        assert_string_equal(column(GRID_NUMBER)->ident, "c_aaaaaaaa000000000000000000000001");
        assert_true(str_is_uuid(STR("11111111-2222-3333-4444-55555555555F")));
        assert_false(str_is_uuid(STR("11111111-2222-3333-4444-55555555555g")));
        assert_false(str_is_uuid(STR("11111111-2222-3333-4444-5555555555555")));
        assert_false(str_is_uuid(STR("1111111122223333444455555555555555--")));
        assert_false(str_is_uuid(STR("")));
}

static void texts_are_read_by_type(void **state)
{
        static const struct {
                enum grid_type type;
                const char *text, *sql; /* sql NULL: does not fit; "": an empty cell */
        } cases[] = {
                {GRID_TEXT, " kept as is ", " kept as is "},
                {GRID_TEXT, "", ""},
                {GRID_NUMBER, " 12.50 ", "12.50"},
                {GRID_NUMBER, "-1e-5", "-1e-5"},
                {GRID_NUMBER, "1e100", NULL},
                {GRID_NUMBER, "1,5", NULL},
                {GRID_NUMBER, ".", NULL},
                {GRID_NUMBER, "nan", NULL},
                {GRID_NUMBER, "   ", ""},
                {GRID_BOOLEAN, "YES", "true"},
                {GRID_BOOLEAN, "off", "false"},
                {GRID_BOOLEAN, "2", NULL},
                {GRID_DATE, "2024-02-29", "2024-02-29T00:00:00Z"},
                {GRID_DATE, "2023-02-29", NULL},
                {GRID_DATE, "1900-02-29", NULL},
                {GRID_DATE, "2024-05-06 07:08", "2024-05-06 07:08Z"},
                {GRID_DATE, "2024-05-06T07:08:09.123456+02:00", "2024-05-06T07:08:09.123456+02:00"},
                {GRID_DATE, "2024-05-06T07:08:09.1234567Z", NULL},
                {GRID_DATE, "2024-05-06T07:08+15:00", NULL},
                {GRID_DATE, "2024-05-06T", NULL},
                {GRID_URL, "a.example", "a.example"},
                {GRID_URL, "a b.example", NULL},
                {GRID_EMAIL, " a@b.example ", "a@b.example"},
                {GRID_EMAIL, "a@b", NULL},
                {GRID_PHONE, "+49 (30) 1", "+49 (30) 1"},
                {GRID_PHONE, "12", NULL},
                {GRID_SELECT, "anything", "anything"},
                {GRID_JSON, "{\"a\": 1}", "{\"a\":1}"},
                {GRID_JSON, "{broken", "\"{broken\""},
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct grid_value v =
                        grid_from_text(&arena, column(cases[i].type), str_from(cases[i].text));

                if (!cases[i].sql) {
                        assert_non_null(v.why);
                        assert_text(v.raw, cases[i].text);
                        assert_null(v.sql.ptr);
                } else {
                        assert_null(v.why);
                        assert_text(v.sql, *cases[i].sql ? cases[i].sql : NULL);
                }
        }
}

static void json_values_are_read_by_type(void **state)
{
        static const struct {
                enum grid_type type;
                const char *json, *sql;
        } cases[] = {
                {GRID_TEXT, "null", ""},
                {GRID_TEXT, "\"\"", ""},
                {GRID_TEXT, "\"x\"", "x"},
                {GRID_TEXT, "12", "12"},
                {GRID_TEXT, "true", "true"},
                {GRID_TEXT, "[1]", NULL},
                {GRID_TEXT, "\"a\\u0000b\"", NULL},
                {GRID_NUMBER, "1e300", "1e+300"},
                {GRID_NUMBER, "\"7\"", "7"},
                {GRID_NUMBER, "true", NULL},
                {GRID_NUMBER, "{}", NULL},
                {GRID_BOOLEAN, "true", "true"},
                {GRID_BOOLEAN, "0", "false"},
                {GRID_BOOLEAN, "0.5", NULL},
                {GRID_DATE, "20240101", NULL},
                {GRID_JSON, "[1, 2]", "[1,2]"},
                {GRID_JSON, "false", "false"},
                {GRID_JSON, "\"s\"", "\"s\""},
                {GRID_JSON, "[\"\\u0000\"]", NULL},
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct grid_value v =
                        grid_from_json(&arena, column(cases[i].type), parse(cases[i].json));

                assert_int_equal(v.why != NULL, cases[i].sql == NULL);
                if (cases[i].sql)
                        assert_text(v.sql, *cases[i].sql ? cases[i].sql : NULL);
                else
                        assert_null(memchr(v.raw.ptr, '\0', v.raw.len));
        }
}

static void choices_are_kept_to(void **state)
{
        struct grid_column c = *column(GRID_SELECT);

        c.options = parse("{\"choices\": [\"red\", \"green\"]}");
        assert_null(grid_from_text(&arena, &c, STR(" red ")).why);
        assert_non_null(grid_from_text(&arena, &c, STR("blue")).why);
        assert_non_null(grid_from_text(&arena, &c, STR("RED")).why);
}

static void long_texts_are_cut_between_characters(void **state)
{
        struct buf b;

        buf_init(&b, &arena, 2 << 20);
        buf_add_char(&b, 'x');
        while (b.len < GRID_TEXT_MAX + 10)
                buf_add(&b, STR("ü"));
        struct grid_value v = grid_from_text(&arena, column(GRID_TEXT), buf_str(&b));

        assert_string_equal(v.why, "is too long");
        assert_true(v.raw.len <= GRID_TEXT_MAX && v.raw.len > GRID_TEXT_MAX - 4);
        assert_true(((unsigned char)v.raw.ptr[v.raw.len - 1] & 0x80) == 0 ||
                    (unsigned char)v.raw.ptr[v.raw.len - 2] == 0xc3);
}

static const char *shown(enum grid_type type, const char *db)
{
        struct buf b;
        struct json_out o = {.buf = &b};

        buf_init(&b, &arena, 4096);
        grid_to_json(&o, NULL, type, str_from(db));
        return buf_str(&b).ptr;
}

static void values_come_out_as_json_and_text(void **state)
{
        assert_string_equal(shown(GRID_NUMBER, "1e+20"), "1e+20");
        assert_string_equal(shown(GRID_BOOLEAN, "f"), "false");
        assert_string_equal(shown(GRID_DATE, "2024-05-06 00:00:00"), "\"2024-05-06\"");
        assert_string_equal(shown(GRID_DATE, "2024-05-06 07:08:09.5"),
                            "\"2024-05-06T07:08:09.5Z\"");
        assert_string_equal(shown(GRID_TEXT, "a\"b"), "\"a\\\"b\"");
        assert_string_equal(shown(GRID_TEXT, ""), "null");
        assert_string_equal(shown(GRID_JSON, "[1, 2]"), "[1, 2]");
        assert_string_equal(shown(GRID_NUMBER, NULL), "null");
        assert_text(grid_to_text(&arena, GRID_BOOLEAN, STR("t")), "true");
        assert_text(grid_to_text(&arena, GRID_DATE, STR("2024-05-06 00:00:00")), "2024-05-06");
        assert_text(grid_to_text(&arena, GRID_JSON, STR("\"a\\\"b\"")), "a\"b");
        assert_text(grid_to_text(&arena, GRID_JSON, STR("{\"a\": 1}")), "{\"a\": 1}");
        assert_text(grid_to_text(&arena, GRID_TEXT, STR_NULL), NULL);
}

static void copy_fields_are_escaped(void **state)
{
        struct buf b;

        buf_init(&b, &arena, 4096);
        grid_copy_field(&b, STR("a\tb\nc\\d\re"));
        buf_add_char(&b, '|');
        grid_copy_field(&b, STR_NULL);
        buf_add_char(&b, '|');
        grid_copy_field(&b, STR("\\N"));
        assert_string_equal(buf_str(&b).ptr, "a\\tb\\nc\\\\d\\re|\\N|\\\\N");
}

/* The SQL of a filter with C for column number and T for the text one. */
static enum err filter(const char *text, struct grid_sql *q)
{
        struct buf b;

        buf_init(&b, &arena, 1 << 20);
        for (const char *p = text; *p; p++) {
                if (strncmp(p, "@N", 2) == 0)
                        buf_add(&b, column(GRID_NUMBER)->id), p++;
                else if (strncmp(p, "@T", 2) == 0)
                        buf_add(&b, column(GRID_TEXT)->id), p++;
                else
                        buf_add_char(&b, *p);
        }
        ctx_clear(&ctx);
        grid_sql_init(&ctx, q);
        return grid_filter_sql(&ctx, &table, parse(buf_str(&b).ptr), "/filter", q);
}

static void filter_values_are_parameters(void **state)
{
        struct grid_sql q;

        assert_int_equal(
                filter("{\"and\":[{\"column\":\"@N\",\"op\":\"gt\",\"value\":5},{\"or\":[{"
                       "\"column\":\"@T\",\"op\":\"eq\",\"value\":\"'; DROP\"},{\"column\":"
                       "\"@T\",\"op\":\"contains\",\"value\":\"50%_\\\\\"}]}]}",
                       &q),
                OK);
        assert_null(strstr(buf_str(&q.sql).ptr, "DROP"));
        assert_int_equal(q.params.len, 3);
        assert_text(q.params.ptr[0].text, "5");
        assert_text(q.params.ptr[1].text, "'; DROP");
        assert_text(q.params.ptr[2].text, "%50\\%\\_\\\\%");
        assert_int_equal(filter("null", &q), OK);
        assert_string_equal(buf_str(&q.sql).ptr, "true");
        assert_int_equal(filter("{\"or\":[]}", &q), OK);
        assert_string_equal(buf_str(&q.sql).ptr, "(false)");
}

static void every_fault_of_a_filter_is_named(void **state)
{
        struct grid_sql q;

        assert_int_equal(
                filter("{\"and\":[{\"column\":\"x\",\"op\":\"huh\"},{\"column\":\"@N\",\"op\":"
                       "\"in\",\"value\":[1,\"a\",null]},5]}",
                       &q),
                ERR_VALIDATION);
        assert_int_equal(ctx.faults.len, 5);
        assert_text(ctx.faults.ptr[0].path, "/filter/and/0/column");
        assert_text(ctx.faults.ptr[1].path, "/filter/and/0/op");
        assert_text(ctx.faults.ptr[2].path, "/filter/and/1/value/1");
        assert_text(ctx.faults.ptr[3].path, "/filter/and/1/value/2");
        assert_text(ctx.faults.ptr[4].path, "/filter/and/2");
        assert_int_equal(filter("{\"and\":[],\"or\":[]}", &q), ERR_VALIDATION);
        assert_int_equal(filter("[]", &q), ERR_VALIDATION);
}

static void filters_are_bounded(void **state)
{
        struct buf b;
        struct grid_sql q;

        buf_init(&b, &arena, 1 << 20);
        for (int i = 0; i < GRID_FILTER_DEPTH; i++)
                buf_add(&b, STR("{\"and\":["));
        buf_add(&b, STR("{\"column\":\"@N\",\"op\":\"isEmpty\"}"));
        for (int i = 0; i < GRID_FILTER_DEPTH; i++)
                buf_add(&b, STR("]}"));
        assert_int_equal(filter(buf_str(&b).ptr, &q), OK);
        assert_int_equal(filter(arena_printf(&arena, "{\"or\":[%s]}", buf_str(&b).ptr), &q),
                         ERR_VALIDATION);
        assert_int_equal(ctx.faults.len, 1);
        buf_reset(&b);
        buf_add(&b, STR("{\"or\":["));
        for (int i = 0; i < 5000; i++)
                buf_printf(&b, "%s{\"column\":\"@N\",\"op\":\"isEmpty\"}", i ? "," : "");
        buf_add(&b, STR("]}"));
        assert_int_equal(filter(buf_str(&b).ptr, &q), ERR_VALIDATION);
        assert_int_equal(ctx.faults.len, 1);
}

static struct grid_sort sort_by(const char *json)
{
        struct grid_sort sort;
        struct str text =
                str_printf(&arena, json, FMT(column(GRID_NUMBER)->id), FMT(column(GRID_TEXT)->id));

        assert_int_equal(
                grid_sort_parse(&ctx, &table, parse(str_to_c(&arena, text)), "/sort", &sort), OK);
        return sort;
}

#define BY_BOTH "[{\"column\":\"%.*s\",\"direction\":\"desc\"},{\"column\":\"%.*s\"}]"

static void sort_orders_empty_cells_last(void **state)
{
        struct buf b;
        struct grid_sort sort = sort_by(BY_BOTH);

        buf_init(&b, &arena, 4096);
        grid_sort_order(&b, &sort);
        assert_string_equal(buf_str(&b).ptr,
                            "t.c_aaaaaaaa000000000000000000000001 DESC NULLS LAST, "
                            "left(t.c_aaaaaaaa000000000000000000000000, 100) COLLATE "
                            "\"und-x-icu\" ASC NULLS LAST, t.position");
        buf_reset(&b);
        sort.len = 0;
        grid_sort_order(&b, &sort);
        assert_string_equal(buf_str(&b).ptr, "t.position");
}

static void cursors_come_back_and_are_bound(void **state)
{
        struct grid_sort sort = sort_by(BY_BOTH);
        struct grid_cursor in = {.hash = 42, .position = 7, .total = 99, .total_is_estimate = true};
        struct grid_cursor out;

        in.values[0] = STR("1.5");
        in.values[1] = STR_NULL;
        struct str text = grid_cursor_encode(&ctx, &sort, &in);

        assert_int_equal(grid_cursor_decode(&ctx, text, &sort, 42, &out), OK);
        assert_int_equal(out.position, 7);
        assert_int_equal(out.total, 99);
        assert_true(out.total_is_estimate);
        assert_text(out.values[0], "1.5");
        assert_text(out.values[1], NULL);
        assert_int_equal(grid_cursor_decode(&ctx, text, &sort, 43, &out), ERR_VALIDATION);
        in.values[0] = STR("1.5; DROP");
        text = grid_cursor_encode(&ctx, &sort, &in);
        assert_int_equal(grid_cursor_decode(&ctx, text, &sort, 42, &out), ERR_VALIDATION);
        sort.len = 1;
        assert_int_equal(grid_cursor_decode(&ctx, text, &sort, 42, &out), ERR_VALIDATION);
        for (size_t i = 0; i < text.len; i++)
                assert_true(grid_cursor_decode(&ctx, str_slice(text, 0, i), &sort, 42, &out) != OK);
}

static void cursor_hashes_tell_lists_apart(void **state)
{
        const struct json *a = parse("[{\"column\":\"x\"}]"), *b = parse("{\"and\":[]}");
        uint64_t plain = grid_cursor_hash(&ctx, &table, NULL, NULL);

        assert_true(plain == grid_cursor_hash(&ctx, &table, NULL, NULL));
        assert_true(plain != grid_cursor_hash(&ctx, &table, a, NULL));
        assert_true(plain != grid_cursor_hash(&ctx, &table, NULL, b));
        assert_true(grid_cursor_hash(&ctx, &table, a, NULL) !=
                    grid_cursor_hash(&ctx, &table, NULL, a));
        assert_true(grid_cursor_hash(&ctx, &table, NULL, parse("{\"a\":1,\"b\":2}")) ==
                    grid_cursor_hash(&ctx, &table, NULL, parse("{\"b\":2,\"a\":1}")));
}

static void the_condition_behind_a_cursor(void **state)
{
        struct grid_sort sort = sort_by("[{\"column\":\"%.*s\",\"direction\":\"desc\"}]");
        struct grid_cursor c = {.position = 7, .values = {STR("1.5")}};
        struct grid_sql q;

        grid_sql_init(&ctx, &q);
        grid_cursor_sql(&ctx, &sort, &c, &q);
        assert_string_equal(buf_str(&q.sql).ptr,
                            "(((t.c_aaaaaaaa000000000000000000000001 < $1::double precision OR "
                            "t.c_aaaaaaaa000000000000000000000001 IS NULL)) OR "
                            "(t.c_aaaaaaaa000000000000000000000001 = $2::double precision AND "
                            "t.position > $3))");
        c.values[0] = STR_NULL;
        grid_sql_init(&ctx, &q);
        grid_cursor_sql(&ctx, &sort, &c, &q);
        assert_string_equal(buf_str(&q.sql).ptr,
                            "((false) OR (t.c_aaaaaaaa000000000000000000000001 IS NULL AND "
                            "t.position > $1))");
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, test_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(identifiers_come_from_ids_only),
                CASE(texts_are_read_by_type),
                CASE(json_values_are_read_by_type),
                CASE(choices_are_kept_to),
                CASE(long_texts_are_cut_between_characters),
                CASE(values_come_out_as_json_and_text),
                CASE(copy_fields_are_escaped),
                CASE(filter_values_are_parameters),
                CASE(every_fault_of_a_filter_is_named),
                CASE(filters_are_bounded),
                CASE(sort_orders_empty_cells_last),
                CASE(cursors_come_back_and_are_bound),
                CASE(cursor_hashes_tell_lists_apart),
                CASE(the_condition_behind_a_cursor),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
