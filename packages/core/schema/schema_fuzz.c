/*
 * Fuzz target: the input's first line is a schema, the rest a value. Besides memory errors it looks
 * for answers that depend on whether faults are reported or only a match is asked for.
 */
#include "schema/schema.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool limited(const struct ctx *ctx, enum err e)
{
        bool limit = e == ERR_TIMEOUT;

        LIST_EACH (f, &ctx->faults)
                limit |= str_eq_c(f->rule, "limit");
        return limit;
}

/* {"not": {"not": schema}}: the same answer, found without reporting. */
static struct schema *compile_quiet(struct ctx *ctx, struct str text)
{
        struct json *outer = json_new_object(ctx->arena), *middle = json_new_object(ctx->arena);
        struct json *inner = json_new_object(ctx->arena);
        const struct json *source = NULL;
        struct schema *s = NULL;

        if (json_parse(ctx, text, &source) != OK)
                abort();
        JSON_EACH_MEMBER (it, source)
                json_put(inner, it.key, it.value);
        if (!json_member(inner, "$id")) /* so that "#/…" in it means what it meant */
                json_put(inner, STR("$id"), json_from_str(ctx->arena, STR("https://a.example/")));
        json_put(outer, STR("not"), middle);
        json_put(middle, STR("not"), json_is_object(source) ? inner : source);
        return schema_compile(ctx, outer, &s) == OK ? s : NULL;
}

static void check(struct ctx *ctx, struct str text, const struct json *value)
{
        struct schema *s = NULL;

        if (schema_compile_text(ctx, text, &s) != OK) {
                if (ctx->faults.len == 0)
                        abort(); /* refused without a reason */
                return;
        }
        ctx->deadline_ns = time_mono_ns() + 2 * NS_PER_S;
        enum err e = schema_validate(ctx, s, value, STR("/x"));
        bool unknown = limited(ctx, e);

        if (e == ERR_VALIDATION && (ctx->faults.len == 0 || ctx->faults.len > SCHEMA_FAULTS_MAX))
                abort();
        LIST_EACH (f, &ctx->faults)
                if (!str_starts(f->path, STR("/x")) || f->message.len == 0)
                        abort();
        schema_close(s);
        ctx_clear(ctx);
        s = compile_quiet(ctx, text);
        if (s && !unknown) {
                ctx_clear(ctx);
                enum err quiet = schema_validate(ctx, s, value, STR(""));

                if (!limited(ctx, quiet) && quiet != e)
                        abort();
        }
        schema_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct arena a;
        struct ctx ctx;
        struct str rest = {(const char *)data, size}, schema;
        const struct json *value;

        arena_init(&a, (size_t)1 << 30);
        ctx_init(&ctx, &a);
        if (str_split(&rest, '\n', &schema) && json_parse(&ctx, rest, &value) == OK)
                check(&ctx, schema, value);
        arena_finish(&a);
        return 0;
}
