/*
 * What tests/property/test_schema.py calls through ctypes: validates a JSON text against a schema
 * text. Part of libmillrace-test.so only.
 */
#include "schema/schema.h"

/* The functions that Python calls. */
char *test_schema_check(const char *schema, size_t schema_len, const char *value, size_t value_len);
void test_schema_free(char *text);

static enum err check(struct ctx *ctx, struct str schema, struct str value, const char **stage)
{
        const struct json *v = NULL;
        struct schema *s = NULL;

        *stage = "schema";
        TRY(schema_compile_text(ctx, schema, &s));
        *stage = "value";
        enum err e = json_parse(ctx, value, &v);

        if (e == OK)
                e = schema_validate(ctx, s, v, STR(""));
        schema_close(s);
        return e;
}

/* {"stage": "schema"|"value", "valid": bool, "faults": [{path, rule, message}]}, NUL-terminated. */
char *test_schema_check(const char *schema, size_t schema_len, const char *value, size_t value_len)
{
        struct arena a;
        struct ctx ctx;
        struct buf b;
        struct json_out o = {.buf = &b};
        const char *stage;

        arena_init(&a, (size_t)1 << 30);
        ctx_init(&ctx, &a);
        buf_init(&b, NULL, (size_t)1 << 30);
        enum err e = check(&ctx, (struct str){schema, schema_len}, (struct str){value, value_len},
                           &stage);

        out_object(&o, NULL);
        out_c(&o, "stage", stage);
        out_bool(&o, "valid", e == OK);
        out_array(&o, "faults");
        LIST_EACH (f, &ctx.faults) {
                out_object(&o, NULL);
                out_str(&o, "path", f->path);
                out_str(&o, "rule", f->rule);
                out_str(&o, "message", f->message);
                out_end_object(&o);
        }
        out_end_array(&o);
        out_end_object(&o);
        arena_finish(&a);
        return b.ptr;
}

void test_schema_free(char *text)
{
        mem_free(text);
}
