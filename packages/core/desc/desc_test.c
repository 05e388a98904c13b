/* Unit tests of descriptors: JSON in and out, schema, time. */
#include "test.h"

#include "desc/desc.h"

struct part {
        struct str name;
};
static const struct desc_field part_fields[] = {
        DESC_F(part, name, "name", DESC_STR, .schema = "\"minLength\":1"),
        {0},
};
static const struct desc part_desc = DESC("Part", part, part_fields);

struct note {
        struct str id, title, memo, at;
        int64_t count;
        bool has_count, done;
        double ratio;
        str_list tags;
        LIST(struct part) parts;
        struct part main;
        const struct json *extra;
};
static const struct desc_field note_fields[] = {
        DESC_F(note, id, "id", DESC_UUID),
        DESC_F(note, title, "title", DESC_STR),
        DESC_F(note, memo, "memo", DESC_STR, .flags = DESC_OPTIONAL),
        DESC_F(note, at, "createdAt", DESC_TIME, .flags = DESC_NULLABLE),
        DESC_F(note, count, "count", DESC_I64, .flags = DESC_OPTIONAL, DESC_HAS(note, has_count)),
        DESC_F(note, done, "done", DESC_BOOL),
        DESC_F(note, ratio, "ratio", DESC_DOUBLE),
        DESC_F(note, tags, "tags", DESC_LIST_STR, .schema = "\"maxItems\":3"),
        DESC_F(note, parts, "parts", DESC_LIST_OF, .sub = &part_desc),
        DESC_F(note, main, "main", DESC_OBJECT, .sub = &part_desc),
        DESC_F(note, extra, "extra", DESC_JSON, .flags = DESC_OPTIONAL),
        {0},
};
static const struct desc note_desc = DESC("Note", note, note_fields);

static const char text[] = "{\"id\":\"a\",\"title\":\"T\",\"count\":7,\"done\":true,\"ratio\":0.5,"
                           "\"tags\":[\"x\",\"y\"],\"parts\":[{\"name\":\"p\"},{\"name\":\"q\"}],"
                           "\"main\":{\"name\":\"m\"},\"extra\":{\"k\":[1]}}";

static struct note decoded(void)
{
        const struct json *v;
        struct note n = {0};

        assert_int_equal(json_parse(&ctx, str_from(text), &v), OK);
        desc_decode(&arena, &note_desc, v, &n);
        return n;
}

static void json_becomes_the_struct(void **state)
{
        struct note n = decoded();

        assert_true(str_eq(n.title, STR("T")));
        assert_null(n.memo.ptr);
        assert_true(n.has_count && n.count == 7 && n.done);
        assert_int_equal(n.tags.len, 2);
        assert_true(str_eq(n.tags.ptr[1], STR("y")));
        assert_int_equal(n.parts.len, 2);
        assert_true(str_eq(n.parts.ptr[1].name, STR("q")));
        assert_true(str_eq(n.main.name, STR("m")));
        assert_int_equal(json_len(n.extra), 1);
}

static void the_struct_becomes_the_same_json(void **state)
{
        struct note n = decoded();
        struct buf b;
        struct json_out o = {.buf = &b};

        buf_init(&b, &arena, 10000);
        desc_write(&o, NULL, &note_desc, &n);
        assert_string_equal(b.ptr, "{\"id\":\"a\",\"title\":\"T\",\"createdAt\":null,\"count\":7,"
                                   "\"done\":true,\"ratio\":0.5,\"tags\":[\"x\",\"y\"],\"parts\":[{"
                                   "\"name\":\"p\"},{\"name\":\"q\"}],\"main\":{\"name\":\"m\"},"
                                   "\"extra\":{\"k\":[1]}}");
}

static void the_schema_is_json_and_closed_for_requests(void **state)
{
        const struct json *s;
        struct buf b;

        buf_init(&b, &arena, 100000);
        desc_schema(&b, &note_desc, true);
        assert_int_equal(json_parse(&ctx, buf_str(&b), &s), OK);
        assert_false(json_get_bool(json_member(s, "additionalProperties"), true));
        assert_int_equal(json_len(json_member(s, "required")), 8);
        assert_true(str_eq(json_get_str(json_pointer(s, STR("/properties/createdAt/type/1"))),
                           STR("null")));
        assert_true(str_eq(
                json_get_str(json_pointer(s, STR("/properties/parts/items/properties/name/type"))),
                STR("string")));
        assert_int_equal(json_get_i64(json_pointer(s, STR("/properties/tags/maxItems")), 0), 3);
        buf_reset(&b);
        desc_schema(&b, &note_desc, false);
        assert_int_equal(json_parse(&ctx, buf_str(&b), &s), OK);
        assert_null(json_member(s, "additionalProperties"));
}

static void times_become_rfc_3339(void **state)
{
        assert_true(str_eq(desc_time(&arena, STR("2026-01-02 03:04:05.6+00")),
                           STR("2026-01-02T03:04:05.600Z")));
        assert_true(str_eq(desc_time(&arena, STR("2026-01-02 03:04:05+00")),
                           STR("2026-01-02T03:04:05.000Z")));
        assert_true(str_eq(desc_time(&arena, STR("2026-01-02 03:04:05.123456+00")),
                           STR("2026-01-02T03:04:05.123Z")));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(json_becomes_the_struct),
                TEST(the_struct_becomes_the_same_json),
                TEST(the_schema_is_json_and_closed_for_requests),
                TEST(times_become_rfc_3339),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
