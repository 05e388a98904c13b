/* Configuration from the environment. See conf.h. */
#include "conf/conf.h"

#include <stdlib.h>

static bool parse_bool(struct str s, bool *ret)
{
        static const char *const yes[] = {"1", "true", "yes", "on"};
        static const char *const no[] = {"0", "false", "no", "off"};

        for (size_t i = 0; i < ELEMENTS(yes); i++) {
                if (str_eq_nocase(s, str_from(yes[i])))
                        return *ret = true, true;
                if (str_eq_nocase(s, str_from(no[i])))
                        return *ret = false, true;
        }
        return false;
}

static void load_int(struct ctx *ctx, const struct conf_entry *e, struct str value, int64_t *out)
{
        int64_t v;

        if (!str_to_i64(value, &v)) {
                ctx_fault(ctx, str_from(e->name), "type", "%s must be a whole number, not \"%.*s\"",
                          e->name, FMT(value));
        } else if ((e->min || e->max) && (v < e->min || v > e->max)) {
                ctx_fault(ctx, str_from(e->name), "range", "%s must be %lld to %lld, not %lld",
                          e->name, (long long)e->min, (long long)e->max, (long long)v);
        } else {
                *out = v;
        }
}

static void load_text(struct ctx *ctx, const struct conf_entry *e, struct str value,
                      struct str *out)
{
        if (value.len < (size_t)e->min && (value.len || e->type == CONF_SECRET || !e->otherwise)) {
                ctx_fault(ctx, str_from(e->name), "length", "%s must have at least %lld characters",
                          e->name, (long long)e->min);
                return;
        }
        *out = str_dup(ctx->arena, value);
}

static void load_entry(struct ctx *ctx, const struct conf_entry *e, char *base)
{
        const char *env = getenv(e->name);
        struct str value = str_from(env ? env : e->otherwise);
        void *out = base + e->offset;

        if (!value.ptr) {
                ctx_fault(ctx, str_from(e->name), "required", "%s is not set: %s", e->name,
                          e->help ? e->help : "");
                return;
        }
        switch (e->type) {
        case CONF_INT: load_int(ctx, e, value, out); break;
        case CONF_TEXT:
        case CONF_SECRET: load_text(ctx, e, value, out); break;
        case CONF_BOOL:
                if (!parse_bool(value, out))
                        ctx_fault(ctx, str_from(e->name), "type",
                                  "%s must be true or false, not \"%.*s\"", e->name, FMT(value));
                break;
        }
}

enum err conf_load(struct ctx *ctx, const struct conf_entry *table, void *ret)
{
        size_t before = ctx->faults.len;

        for (const struct conf_entry *e = table; e->name; e++)
                load_entry(ctx, e, ret);
        if (ctx->faults.len > before)
                return fail(ctx, ERR_VALIDATION, "%zu settings are wrong",
                            ctx->faults.len - before);
        return OK;
}

void conf_document(struct buf *b, const struct conf_entry *table)
{
        for (const struct conf_entry *e = table; e->name; e++) {
                buf_printf(b, "| `%s` | ", e->name);
                if (!e->otherwise)
                        buf_add_c(b, "required");
                else if (e->otherwise[0])
                        buf_printf(b, "`%s`", e->otherwise);
                buf_printf(b, " | %s |\n", e->help ? e->help : "");
        }
}
