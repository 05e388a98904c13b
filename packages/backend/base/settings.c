/* The table behind settings.def. */
#include "base/app.h"

const struct conf_entry settings_table[] = {
#define SETTING(name, kind, member, otherwise, min, max, help) \
        {name, CONF_##kind, offsetof(struct settings, member), otherwise, min, max, help},
#include "base/settings.def"
#undef SETTING
        {0},
};

struct str app_link(struct ctx *ctx, const char *path, struct str token)
{
        const struct settings *s = &ctx->app->settings;
        struct str base = s->url;

        while (base.len && base.ptr[base.len - 1] == '/')
                base.len--;
        if (!base.len)
                base = str_printf(ctx->arena, "http://localhost:%lld", (long long)s->port);
        return str_printf(ctx->arena, "%.*s%s%.*s", FMT(base), path, FMT(token));
}
