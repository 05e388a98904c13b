/* The validator: keywords, references, refused schemas, fault paths, limits, threads. */
#include "test.h"
#include "schema/schema.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static const struct json *parse(const char *text)
{
        const struct json *v = NULL;

        assert_int_equal(json_parse(&ctx, str_from(text), &v), OK);
        return v;
}

/* The faults as "rule path; rule path". */
static const char *faults_text(void)
{
        struct buf b;

        buf_init(&b, &arena, 100000);
        buf_add_c(&b, "");
        LIST_EACH (f, &ctx.faults)
                buf_printf(&b, "%s%.*s %.*s", b.len ? "; " : "", FMT(f->rule), FMT(f->path));
        return b.ptr ? b.ptr : "";
}

static struct schema *compile(const char *text)
{
        struct schema *s = NULL;

        ctx_clear(&ctx);
        if (schema_compile_text(&ctx, str_from(text), &s) != OK)
                fail_msg("%s: %.*s", text, FMT(ctx.message));
        return s;
}

struct example {
        const char *schema, *value, *faults; /* faults NULL: valid */
};

static void check(const struct example *e, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                struct schema *s = compile(e[i].schema);
                const struct json *v = parse(e[i].value);
                enum err got = schema_validate(&ctx, s, v, STR(""));
                const char *faults = faults_text();

                if (got != (e[i].faults ? ERR_VALIDATION : OK) ||
                    strcmp(faults, e[i].faults ? e[i].faults : "") != 0)
                        fail_msg("%s on %s: %d \"%s\"", e[i].schema, e[i].value, (int)got, faults);
                schema_close(s);
        }
}

static void test_values(void **state)
{
        static const struct example examples[] = {
                {"true", "1", NULL},
                {"{}", "[1]", NULL},
                {"false", "1", "false "},
                {"{\"type\":\"integer\"}", "3", NULL},
                {"{\"type\":\"integer\"}", "3.0", NULL},
                {"{\"type\":\"integer\"}", "3.5", "type "},
                {"{\"type\":\"number\"}", "3", NULL},
                {"{\"type\":[\"string\",\"null\"]}", "null", NULL},
                {"{\"type\":[\"string\",\"null\"]}", "true", "type "},
                {"{\"enum\":[1,\"a\",null,[1,{\"b\":2}]]}", "[1.0,{\"b\":2}]", NULL},
                {"{\"enum\":[1,\"a\"]}", "\"b\"", "enum "},
                {"{\"enum\":[1]}", "true", "enum "},
                {"{\"const\":null}", "null", NULL},
                {"{\"const\":null}", "0", "const "},
                {"{\"const\":{\"a\":1,\"b\":2}}", "{\"b\":2,\"a\":1.0}", NULL},
                {"{\"minimum\":3,\"maximum\":5}", "3", NULL},
                {"{\"minimum\":3,\"maximum\":5}", "2.9", "minimum "},
                {"{\"minimum\":3,\"maximum\":5}", "5.1", "maximum "},
                {"{\"exclusiveMinimum\":3}", "3", "exclusiveMinimum "},
                {"{\"exclusiveMaximum\":3}", "3.0", "exclusiveMaximum "},
                {"{\"maximum\":9007199254740993}", "9007199254740993", NULL},
                {"{\"maximum\":9007199254740992}", "9007199254740993", "maximum "},
                {"{\"multipleOf\":0.01}", "19.99", NULL},
                {"{\"multipleOf\":0.01}", "19.995", "multipleOf "},
                {"{\"multipleOf\":3}", "-9", NULL},
                {"{\"multipleOf\":1e-8}", "12391239123", NULL},
                {"{\"multipleOf\":0.5}", "1e308", NULL},
                {"{\"multipleOf\":7}", "1e300", "multipleOf "},
                {"{\"minLength\":2}", "\"\xc3\xa4\xf0\x9f\x98\x80\"", NULL},
                {"{\"maxLength\":1}", "\"\xf0\x9f\x98\x80\"", NULL},
                {"{\"minLength\":2}", "\"\xf0\x9f\x98\x80\"", "minLength "},
                {"{\"maxLength\":1}", "\"ab\"", "maxLength "},
                {"{\"pattern\":\"^a+$\"}", "\"aaa\"", NULL},
                {"{\"pattern\":\"^a+$\"}", "\"aab\"", "pattern "},
                {"{\"pattern\":\"^a+$\"}", "7", NULL},
                {"{\"format\":\"email\"}", "\"a@b.example\"", NULL},
                {"{\"format\":\"email\"}", "\"a b\"", "format "},
                {"{\"format\":\"no such format\"}", "\"a b\"", NULL},
        };

        check(examples, ELEMENTS(examples));
}

static void test_objects(void **state)
{
        static const struct example examples[] = {
                {"{\"required\":[\"a\",\"b\"]}", "{\"c\":1}", "required /a; required /b"},
                {"{\"properties\":{\"a\":{\"type\":\"string\"}},\"additionalProperties\":false}",
                 "{\"a\":1,\"x\":2,\"y/~\":3}",
                 "type /a; additionalProperties /x; additionalProperties /y~1~0"},
                {"{\"additionalProperties\":{\"type\":\"string\"}}", "{\"a\":1}", "type /a"},
                {"{\"patternProperties\":{\"^n_\":{\"type\":\"number\"},\"x$\":{\"minimum\":3}},"
                 "\"additionalProperties\":false}",
                 "{\"n_x\":1,\"n_y\":\"a\",\"zx\":4,\"q\":0}",
                 "minimum /n_x; type /n_y; additionalProperties /q"},
                {"{\"propertyNames\":{\"maxLength\":2}}", "{\"ab\":1,\"abc\":2}",
                 "propertyNames /abc"},
                {"{\"minProperties\":1}", "{}", "minProperties "},
                {"{\"maxProperties\":1}", "{\"a\":1,\"b\":2}", "maxProperties "},
                {"{\"dependentRequired\":{\"card\":[\"address\",\"name\"]}}",
                 "{\"card\":1,\"name\":2}", "dependentRequired /address"},
                {"{\"dependentSchemas\":{\"a\":{\"required\":[\"b\"]}}}", "{\"a\":1}",
                 "required /b"},
                {"{\"dependentSchemas\":{\"a\":{\"required\":[\"b\"]}}}", "{\"c\":1}", NULL},
                {"{\"properties\":{\"\":{\"type\":\"null\"}}}", "{\"\":1}", "type /"},
                {"{\"properties\":{\"a\":true},\"allOf\":[{\"properties\":{\"b\":true}}],"
                 "\"unevaluatedProperties\":false}",
                 "{\"a\":1,\"b\":2,\"c\":3}", "unevaluatedProperties /c"},
                {"{\"anyOf\":[{\"properties\":{\"a\":{\"const\":1}},\"required\":[\"a\"]},"
                 "{\"properties\":{\"b\":true}}],\"unevaluatedProperties\":false}",
                 "{\"a\":2}", "unevaluatedProperties /a"},
                {"{\"if\":{\"properties\":{\"kind\":{\"const\":\"x\"}},\"required\":[\"kind\"]},"
                 "\"then\":{\"properties\":{\"x\":true}},\"else\":{\"properties\":{\"y\":true}},"
                 "\"unevaluatedProperties\":false}",
                 "{\"kind\":\"x\",\"x\":1,\"y\":2}", "unevaluatedProperties /y"},
        };

        check(examples, ELEMENTS(examples));
}

static void test_arrays(void **state)
{
        static const struct example examples[] = {
                {"{\"items\":{\"type\":\"string\"}}", "[\"a\",1,\"b\",2]", "type /1; type /3"},
                {"{\"prefixItems\":[{\"type\":\"string\"},{\"type\":\"number\"}]}",
                 "[\"a\",\"b\",true]", "type /1"},
                {"{\"prefixItems\":[true],\"items\":false}", "[1,2]", "items "},
                {"{\"prefixItems\":[true],\"items\":{\"type\":\"null\"}}", "[1,2]", "type /1"},
                {"{\"contains\":{\"minimum\":5}}", "[1,5]", NULL},
                {"{\"contains\":{\"minimum\":5}}", "[1,4]", "contains "},
                {"{\"contains\":true,\"minContains\":2}", "[1]", "minContains "},
                {"{\"contains\":true,\"minContains\":0}", "[]", NULL},
                {"{\"contains\":{\"const\":1},\"maxContains\":1}", "[1,1]", "maxContains "},
                {"{\"minItems\":1,\"maxItems\":2}", "[]", "minItems "},
                {"{\"minItems\":1,\"maxItems\":2}", "[1,2,3]", "maxItems "},
                {"{\"uniqueItems\":true}", "[1,\"1\",true,null,[1],{\"a\":1}]", NULL},
                {"{\"uniqueItems\":true}", "[{\"a\":1,\"b\":2},3,{\"b\":2,\"a\":1.0}]",
                 "uniqueItems "},
                {"{\"uniqueItems\":true}", "[0,-0.0]", "uniqueItems "},
                {"{\"uniqueItems\":true}", "[false,0,true,1]", NULL},
                {"{\"prefixItems\":[true],\"unevaluatedItems\":false}", "[1,2]",
                 "unevaluatedItems /1"},
                {"{\"contains\":{\"type\":\"string\"},\"unevaluatedItems\":{\"minimum\":2}}",
                 "[\"a\",1,2]", "minimum /1"},
                {"{\"properties\":{\"list\":{\"items\":{\"properties\":{\"a\":{\"type\":"
                 "\"null\"}}}}}}",
                 "{\"list\":[{},{\"a\":1}]}", "type /list/1/a"},
        };

        check(examples, ELEMENTS(examples));
}

static void test_combined(void **state)
{
        static const struct example examples[] = {
                {"{\"allOf\":[{\"minimum\":3},{\"maximum\":1}]}", "2", "minimum ; maximum "},
                {"{\"anyOf\":[{\"type\":\"string\"},{\"minimum\":3}]}", "2", "anyOf "},
                {"{\"anyOf\":[{\"type\":\"string\"},{\"minimum\":3}]}", "3", NULL},
                {"{\"oneOf\":[{\"minimum\":1},{\"minimum\":3}]}", "2", NULL},
                {"{\"oneOf\":[{\"minimum\":1},{\"minimum\":3}]}", "4", "oneOf "},
                {"{\"oneOf\":[{\"minimum\":1},{\"minimum\":3}]}", "0", "oneOf "},
                {"{\"not\":{\"type\":\"null\"}}", "null", "not "},
                {"{\"not\":{}}", "1", "not "},
                {"{\"not\":false}", "1", NULL},
                {"{\"if\":{\"minimum\":10},\"then\":{\"multipleOf\":10},\"else\":{\"minimum\":5}}",
                 "11", "multipleOf "},
                {"{\"if\":{\"minimum\":10},\"then\":{\"multipleOf\":10},\"else\":{\"minimum\":5}}",
                 "4", "minimum "},
                {"{\"then\":{\"minimum\":5}}", "1", NULL},
        };

        check(examples, ELEMENTS(examples));
}

static void test_references(void **state)
{
        static const struct example examples[] = {
                {"{\"$ref\":\"#/$defs/a\",\"minimum\":2,\"$defs\":{\"a\":{\"maximum\":5}}}", "1",
                 "minimum "},
                {"{\"$ref\":\"#/$defs/a\",\"minimum\":2,\"$defs\":{\"a\":{\"maximum\":5}}}", "6",
                 "maximum "},
                {"{\"$ref\":\"#/$defs/a%25~1b\",\"$defs\":{\"a%/b\":false}}", "1", "false "},
                {"{\"$ref\":\"#name\",\"$defs\":{\"x\":{\"$anchor\":\"name\",\"type\":\"null\"}}}",
                 "1", "type "},
                {"{\"$id\":\"https://example.com/root.json\",\"$ref\":\"item.json\",\"$defs\":{"
                 "\"i\":{\"$id\":\"/item.json\",\"type\":\"null\"}}}",
                 "1", "type "},
                {"{\"$id\":\"https://example.com/a/b/root.json\",\"$ref\":\"../c/./item.json#x\","
                 "\"$defs\":{\"i\":{\"$id\":\"https://example.com/a/c/item.json\",\"$defs\":{"
                 "\"x\":{\"$anchor\":\"x\",\"type\":\"null\"}}}}}",
                 "1", "type "},
                {"{\"$id\":\"urn:example:1\",\"items\":{\"$ref\":\"#/$defs/a\"},\"$defs\":{\"a\":"
                 "{\"type\":\"null\"}}}",
                 "[1]", "type /0"},
                {"{\"properties\":{\"child\":{\"$ref\":\"#\"}},\"additionalProperties\":false}",
                 "{\"child\":{\"child\":{\"x\":1}}}", "additionalProperties /child/child/x"},
                {"{\"$ref\":\"#/x-shared/a\",\"x-shared\":{\"a\":{\"type\":\"null\"}}}", "1",
                 "type "},
                {"{\"enum\":[{\"$id\":\"https://example.com/no\"}]}", "1", "enum "},
        };

        check(examples, ELEMENTS(examples));
}

static void test_refused(void **state)
{
        static const struct {
                const char *schema, *faults;
        } bad[] = {
                {"7", "type "},
                {"not json", "json "},
                {"{\"type\":\"text\"}", "type /type"},
                {"{\"type\":[]}", "type /type"},
                {"{\"type\":7,\"minimum\":\"a\",\"properties\":{\"a/b\":{\"minLength\":-1}}}",
                 "type /type; minimum /minimum; minLength /properties/a~1b/minLength"},
                {"{\"minLength\":1.5}", "minLength /minLength"},
                {"{\"multipleOf\":0}", "multipleOf /multipleOf"},
                {"{\"required\":[\"a\",\"b\",\"a\"]}", "required /required"},
                {"{\"type\":[\"null\",\"null\"]}", "type /type"},
                {"{\"title\":7,\"deprecated\":1}", "title /title; deprecated /deprecated"},
                {"{\"enum\":7}", "enum /enum"},
                {"{\"required\":\"a\"}", "required /required"},
                {"{\"required\":[1]}", "required /required"},
                {"{\"properties\":[]}", "properties /properties"},
                {"{\"properties\":{\"a\":1}}", "properties /properties/a"},
                {"{\"items\":[{}]}", "items /items"},
                {"{\"allOf\":[]}", "allOf /allOf"},
                {"{\"anyOf\":[{},7]}", "anyOf /anyOf/1"},
                {"{\"uniqueItems\":1}", "uniqueItems /uniqueItems"},
                {"{\"pattern\":\"(\"}", "pattern /pattern"},
                {"{\"pattern\":\"\\\\Qa\\\\E\"}", "pattern /pattern"},
                {"{\"pattern\":\"(*LIMIT_MATCH=9)a\"}", "pattern /pattern"},
                {"{\"patternProperties\":{\"[\":{}}}", "patternProperties /patternProperties/["},
                {"{\"dependentRequired\":{\"a\":7}}", "dependentRequired /dependentRequired/a"},
                {"{\"$ref\":\"#/$defs/none\"}", "$ref /$ref"},
                {"{\"$ref\":\"https://example.com/other.json\"}", "$ref /$ref"},
                {"{\"$ref\":7}", "$ref /$ref"},
                {"{\"$dynamicRef\":\"#a\"}", "$dynamicRef /$dynamicRef"},
                {"{\"$schema\":\"http://json-schema.org/draft-07/schema#\"}", "$schema /$schema"},
                {"{\"$anchor\":\"1a\"}", "$anchor /$anchor"},
                {"{\"$defs\":{\"a\":{\"$anchor\":\"x\"},\"b\":{\"$anchor\":\"x\"}}}",
                 "$anchor /$defs/b/$anchor"},
                {"{\"$id\":\"https://example.com/#part\"}", "$id /$id"},
                {"{\"$ref\":\"#\"}", "$ref "},
                {"{\"allOf\":[{\"$ref\":\"#/$defs/a\"}],\"$defs\":{\"a\":{\"anyOf\":[true,{"
                 "\"$ref\":\"#\"}]}}}",
                 "$ref /$defs/a/anyOf/1"},
                {"{\"dependentSchemas\":{\"a\":{\"$ref\":\"#\"}}}", "$ref /dependentSchemas/a"},
        };

        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                struct schema *s = NULL;

                ctx_clear(&ctx);
                assert_int_equal(schema_compile_text(&ctx, str_from(bad[i].schema), &s),
                                 ERR_VALIDATION);
                if (strcmp(faults_text(), bad[i].faults) != 0)
                        fail_msg("%s: \"%s\"", bad[i].schema, faults_text());
        }
}

static void test_messages(void **state)
{
        static const struct example examples[] = {
                {"{\"properties\":{\"email\":{\"type\":\"string\"}}}", "{\"email\":1}",
                 "\"email\" must be a string, not a number"},
                {"{\"required\":[\"email\"]}", "{}", "\"email\" is required"},
                {"{\"additionalProperties\":false}", "{\"emial\":1}",
                 "\"emial\" is an unknown field"},
                {"{\"properties\":{\"email\":true,\"e_mails\":true},\"additionalProperties\":"
                 "false}",
                 "{\"emial\":1}", "\"emial\" is an unknown field; is \"email\" meant?"},
                {"{\"properties\":{\"email\":true},\"additionalProperties\":false}",
                 "{\"phone\":1}", "\"phone\" is an unknown field"},
                {"{\"properties\":{\"a\":true},\"additionalProperties\":false}", "{\"b\":1}",
                 "\"b\" is an unknown field"},
                {"{\"properties\":{\"tags\":{\"items\":{\"format\":\"uuid\"}}}}",
                 "{\"tags\":[\"x\"]}", "\"tags[0]\" must be a UUID"},
                {"{\"type\":\"object\"}", "1", "the value must be an object, not a number"},
                {"{\"items\":{\"items\":{\"type\":\"null\"}}}", "[[0,1],[]]",
                 "item [0][0] must be null, not a number"},
                {"{\"enum\":[\"a\",2,null]}", "\"b\"", "the value must be one of \"a\", 2, null"},
                {"{\"propertyNames\":{\"pattern\":\"^[a-z]+$\"}}", "{\"A\":1}",
                 "\"A\" is not an allowed name: must match the pattern ^[a-z]+$"},
                {"{\"properties\":{\"p\":{\"anyOf\":[{\"type\":\"null\"},{\"properties\":{\"q\":{"
                 "\"minimum\":2}}}]}}}",
                 "{\"p\":{\"q\":1}}",
                 "\"p\" matches none of the 2 allowed forms (nearest: \"q\" must be at least 2)"},
                {"{\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"a\":1}",
                 "\"b\" is required when \"a\" is there"},
        };

        for (size_t i = 0; i < ELEMENTS(examples); i++) {
                struct schema *s = compile(examples[i].schema);

                assert_int_equal(schema_validate(&ctx, s, parse(examples[i].value), STR("/body")),
                                 ERR_VALIDATION);
                assert_string_equal(str_to_c(&arena, ctx.faults.ptr[0].message),
                                    examples[i].faults);
                assert_true(str_starts(ctx.faults.ptr[0].path, STR("/body")));
                schema_close(s);
        }
}

static void test_from_json(void **state)
{
        struct json *source = json_new_object(&arena);
        struct schema *s;

        json_put(source, STR("type"), json_from_str(&arena, STR("string")));
        assert_int_equal(schema_compile(&ctx, source, &s), OK);
        assert_int_equal(schema_validate(&ctx, s, json_from_i64(&arena, 1), STR("")),
                         ERR_VALIDATION);
        schema_close(s);
        schema_close(NULL);
}

static void test_fault_cap(void **state)
{
        struct schema *s = compile("{\"items\":{\"type\":\"null\"}}");
        struct json *list = json_new_array(&arena);

        for (int i = 0; i < 1000; i++)
                json_push(list, json_from_i64(&arena, i));
        assert_int_equal(schema_validate(&ctx, s, list, STR("")), ERR_VALIDATION);
        assert_int_equal(ctx.faults.len, SCHEMA_FAULTS_MAX);
        schema_close(s);
}

/* A long name in the input may not blow up every path and message. */
static void test_long_names(void **state)
{
        struct schema *s = compile("{\"additionalProperties\":{\"items\":{\"type\":\"null\"}}}");
        struct json *object = json_new_object(&arena), *list = json_new_array(&arena);
        size_t n = 1 << 20;
        char *name = arena_alloc(&arena, n);

        memset(name, 'x', n);
        for (int i = 0; i < 100; i++)
                json_push(list, json_from_i64(&arena, i));
        json_put(object, (struct str){name, n}, list);
        assert_int_equal(schema_validate(&ctx, s, object, STR("")), ERR_VALIDATION);
        LIST_EACH (f, &ctx.faults) {
                assert_true(f->path.len <= 2048);
                assert_true(f->message.len <= 1000);
        }
        schema_close(s);
}

static void nested(struct buf *b, const char *open, const char *close, int depth, const char *in)
{
        buf_init(b, &arena, 1 << 20);
        for (int i = 0; i < depth; i++)
                buf_add_c(b, open);
        buf_add_c(b, in);
        for (int i = 0; i < depth; i++)
                buf_add_c(b, close);
}

static void *validate_deep(void *arg)
{
        struct schema *s = arg;
        struct arena a;
        struct ctx c;
        const struct json *v;
        struct buf b;

        arena_init(&a, 64 << 20);
        ctx_init(&c, &a);
        nested(&b, "{\"c\":[", "]}", 250, "7");
        assert_int_equal(json_parse(&c, buf_str(&b), &v), OK);
        assert_int_equal(schema_validate(&c, s, v, STR("")), ERR_VALIDATION);
        assert_int_equal(c.faults.len, 1);
        assert_true(str_eq(c.faults.ptr[0].rule, STR("anyOf")) ||
                    str_eq(c.faults.ptr[0].rule, STR("limit")));
        arena_finish(&a);
        return NULL;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK ((size_t)8 << 20) /* its frames are many times larger */
#else
#define STACK ((size_t)512 << 10)
#endif

/* The deepest walk fits the stack that the header promises. */
static void test_small_stack(void **state)
{
        struct schema *s = compile(
                "{\"anyOf\":[{\"$ref\":\"#/$defs/node\"},{\"type\":\"null\"}],\"$defs\":{\"node\":{"
                "\"type\":\"object\",\"properties\":{\"c\":{\"items\":{\"allOf\":[{\"oneOf\":[{"
                "\"$ref\":\"#\"}]}]},\"unevaluatedItems\":false}},\"unevaluatedProperties\":false"
                "}}}");
        pthread_attr_t attr;
        pthread_t thread;

        assert_int_equal(pthread_attr_init(&attr), 0);
        assert_int_equal(pthread_attr_setstacksize(&attr, STACK), 0);
        assert_int_equal(pthread_create(&thread, &attr, validate_deep, s), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        pthread_attr_destroy(&attr);
        schema_close(s);
}

static void test_hostile_pattern(void **state)
{
        struct schema *s = compile("{\"items\":{\"pattern\":\"^(a+)+$\"}}");
        struct json *list = json_new_array(&arena);
        int64_t start = time_mono_ns();

        for (int i = 0; i < 1000; i++)
                json_push(list, json_from_str(&arena, STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab")));
        assert_int_equal(schema_validate(&ctx, s, list, STR("")), ERR_VALIDATION);
        assert_string_equal(faults_text(), "limit /0");
        assert_true(time_mono_ns() - start < 5 * NS_PER_S);
        schema_close(s);
}

/* Two references at each of 40 levels would be 2^40 steps. */
static void test_hostile_schema(void **state)
{
        struct buf b;
        struct schema *s;

        buf_init(&b, &arena, 1 << 20);
        buf_add_c(&b, "{\"$ref\":\"#/$defs/l0\",\"$defs\":{");
        for (int i = 0; i < 40; i++)
                buf_printf(&b,
                           "\"l%d\":{\"allOf\":[{\"$ref\":\"#/$defs/l%d\"},"
                           "{\"$ref\":\"#/$defs/l%d\"}]},",
                           i, i + 1, i + 1);
        buf_add_c(&b, "\"l40\":{\"type\":\"number\"}}}");
        s = compile(b.ptr);
        ctx.deadline_ns = time_mono_ns() + 50 * NS_PER_MS;
        assert_int_equal(schema_validate(&ctx, s, parse("1"), STR("")), ERR_TIMEOUT);
        ctx.deadline_ns = 0;
        ctx_clear(&ctx);
        assert_int_equal(schema_validate(&ctx, s, parse("1"), STR("")), ERR_VALIDATION);
        assert_string_equal(faults_text(), "limit ");
        schema_close(s);
}

static void test_unique_is_fast(void **state)
{
        struct schema *s = compile("{\"uniqueItems\":true}");
        struct json *list = json_new_array(&arena);
        int64_t start;

        for (int i = 0; i < 100000; i++)
                json_push(list, json_from_i64(&arena, i));
        start = time_mono_ns();
        assert_int_equal(schema_validate(&ctx, s, list, STR("")), OK);
        assert_true(time_mono_ns() - start < 2 * NS_PER_S);
        schema_close(s);
}

static void *validate_often(void *arg)
{
        struct arena a;
        struct ctx c;
        const struct json *v;

        arena_init(&a, 256 << 20);
        ctx_init(&c, &a);
        assert_int_equal(json_parse(&c, STR("{\"name\":\"Ada\",\"tags\":[\"x\",\"y\"]}"), &v), OK);
        for (int i = 0; i < 2000; i++)
                assert_int_equal(schema_validate(&c, arg, v, STR("")), OK);
        arena_finish(&a);
        return NULL;
}

static void test_threads(void **state)
{
        struct schema *s =
                compile("{\"properties\":{\"name\":{\"pattern\":\"^A\",\"enum\":[\"Ada\",\"Bob\"]},"
                        "\"tags\":{\"uniqueItems\":true,\"items\":{\"type\":\"string\"}}},"
                        "\"additionalProperties\":false}");
        pthread_t threads[4];

        for (size_t i = 0; i < ELEMENTS(threads); i++)
                assert_int_equal(pthread_create(&threads[i], NULL, validate_often, s), 0);
        for (size_t i = 0; i < ELEMENTS(threads); i++)
                assert_int_equal(pthread_join(threads[i], NULL), 0);
        schema_close(s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_values),         TEST(test_objects),        TEST(test_arrays),
                TEST(test_combined),       TEST(test_references),     TEST(test_refused),
                TEST(test_messages),       TEST(test_from_json),      TEST(test_fault_cap),
                TEST(test_long_names),     TEST(test_small_stack),    TEST(test_hostile_pattern),
                TEST(test_hostile_schema), TEST(test_unique_is_fast), TEST(test_threads),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
