/* Context and error recording. See ctx.h. */
#include "err/ctx.h"

#include <stdarg.h>

static const struct {
        int status;
        const char *code;
} table[ERR_MAX] = {
        [OK] = {200, "OK"},
#define ERR(name, status, code) [ERR_##name] = {status, code},
#include "err/err.def"
#undef ERR
};

int err_status(enum err e)
{
        return table[e].status;
}

const char *err_code(enum err e)
{
        return table[e].code;
}

void ctx_init(struct ctx *ctx, struct arena *arena)
{
        *ctx = (struct ctx){.arena = arena};
}

enum err ctx_fail(struct ctx *ctx, enum err code, const char *file, int line, const char *fmt, ...)
{
        va_list ap;

        if (!ctx)
                return code;
        va_start(ap, fmt);
        ctx->err = code;
        ctx->message = str_vprintf(ctx->arena, fmt, ap);
        ctx->err_file = file;
        ctx->err_line = line;
        va_end(ap);
        return code;
}

void ctx_fault(struct ctx *ctx, struct str path, const char *rule, const char *fmt, ...)
{
        va_list ap;
        struct fault *f = LIST_ADD(ctx->arena, &ctx->faults);

        va_start(ap, fmt);
        f->path = path;
        f->rule = str_from(rule);
        f->message = str_vprintf(ctx->arena, fmt, ap);
        va_end(ap);
}

void ctx_clear(struct ctx *ctx)
{
        ctx->err = OK;
        ctx->message = STR_NULL;
        ctx->faults.len = 0;
        ctx->retry_after_ms = 0;
}

int ctx_time_left_ms(const struct ctx *ctx)
{
        if (!ctx->deadline_ns)
                return INT32_MAX;
        int64_t left = (ctx->deadline_ns - time_mono_ns() + NS_PER_MS - 1) / NS_PER_MS;

        return left <= 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}
