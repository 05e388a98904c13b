/* Building and taking down struct app. See app.h. */
#include "app/app.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "app/openapi.h"
#include "app/routes.h"
#include "app/web.h"
#include "cache/cache.h"
#include "crypto/crypto.h"
#include "crypto/password.h"
#include "engine/engine.h"
#include "features/event/event.h"
#include "features/import/import.h"
#include "features/operations/metrics.h"
#include "jobs/scheduler.h"
#include "features/provider/provider.h"
#include "fetch/fetch.h"
#include "log/log.h"
#include "middleware/call.h"

static struct arena app_arena; /* settings and documents live as long as the process */

static enum err load_settings(struct ctx *ctx, struct app *app)
{
        struct ctx own;
        enum log_level level;

        arena_init(&app_arena, 64 << 20);
        ctx_init(&own, &app_arena);
        enum err e = conf_load(&own, settings_table, &app->settings);

        if (e == OK && !log_level_parse(app->settings.log_level, &level)) {
                ctx_fault(&own, STR("LOG_LEVEL"), "enum",
                          "LOG_LEVEL must be debug, info, warn or "
                          "error");
                e = fail(&own, ERR_VALIDATION, "a setting is wrong");
        }
        if (e != OK) {
                LIST_EACH (f, &own.faults)
                        ctx_fault(ctx, f->path, "setting", "%.*s", FMT(f->message));
                return fail(ctx, e, "%.*s", FMT(own.message));
        }
        log_init("millraced", level);
        return OK;
}

static enum err make_spool(struct ctx *ctx, struct app *app)
{
        char *dir = str_to_c(ctx->arena,
                             str_printf(ctx->arena, "%.*s/spool", FMT(app->settings.state_dir)));

        if (mkdir(str_to_c(ctx->arena, app->settings.state_dir), 0700) != 0 && errno != EEXIST)
                return fail(ctx, ERR_INTERNAL, "cannot make the state folder: %s", strerror(errno));
        if (mkdir(dir, 0700) != 0 && errno != EEXIST)
                return fail(ctx, ERR_INTERNAL, "cannot make %s: %s", dir, strerror(errno));
        return OK;
}

/* What the guard lets through although it is not public: as set, and the provider sandbox. */
static struct str egress_allowed(struct ctx *ctx, const struct settings *s)
{
        size_t at = str_find(s->sandbox_url, STR("://"));
        struct str rest, host;

        if (at == SIZE_MAX)
                return s->egress_allow;
        rest = str_slice(s->sandbox_url, at + 3, s->sandbox_url.len);
        if (!str_split(&rest, '/', &host))
                return s->egress_allow;
        return str_printf(ctx->arena, "%.*s%s%.*s", FMT(s->egress_allow),
                          s->egress_allow.len ? "," : "", FMT(host));
}

static enum err open_parts(struct ctx *ctx, struct app *app)
{
        const struct settings *s = &app->settings;
        const struct db_config db = {
                .url = s->database_url,
                .connections = (int)s->database_connections,
                .queue_timeout_ms = 5000,
                .statement_timeout_ms = 60000,
                .application_name = "millraced",
        };
        const struct fetch_config fetch = {
                .inflight_max = (int)s->fetch_max,
                .per_host_max = (int)s->fetch_max,
                .egress_allow = egress_allowed(ctx, s),
                .dns_servers = s->dns_servers,
        };

        app->db = db_open(&db);
        app->events = event_hub_open(app->db, &db);
        app->cache = cache_open(s->redis_url);
        TRY(crypto_keys_open(ctx, s->master_key, s->master_key_previous, &app->keys));
        TRY(password_open(ctx, 2, NULL, &app->hasher));
        TRY(fetch_open(ctx, &fetch, &app->fetch));
        TRY(provider_registry_open(ctx,
                                   &(struct provider_settings){.dir = s->providers_dir,
                                                               .sandbox_url = s->sandbox_url,
                                                               .dns_servers = s->dns_servers},
                                   &app->providers));
        app->metrics = metrics_open();
        app->rate_limiter = rate_limiter_open();
        return OK;
}

static enum err open_api(struct ctx *ctx, struct app *app)
{
        TRY(make_spool(ctx, app));
        TRY(web_open(ctx, app->settings.web_dir, &app->web));
        TRY(router_open(ctx, all_routers, &app->routes));
        openapi_write(&app_arena, app->routes, &app->openapi, &app->docs);
        return OK;
}

enum err app_open(struct ctx *ctx, unsigned roles, struct app **ret)
{
        struct app *app = mem_alloc(sizeof *app);
        enum err e;

        app->roles = roles;
        app->started_ns = time_mono_ns();
        ctx->app = app;
        e = load_settings(ctx, app);
        if (e == OK)
                e = open_parts(ctx, app);
        if (e == OK && (roles & APP_ROLE_API))
                e = open_api(ctx, app);
        if (e != OK) {
                app_close(app);
                return e;
        }
        *ret = app;
        return OK;
}

enum err app_start(struct ctx *ctx, struct app *app)
{
        if (app->roles & APP_ROLE_WORKER)
                TRY(engine_open(ctx, app, &app->engine));
        TRY(event_hub_start(ctx, app->events, engine_session_sql(app->engine)));
        if (app->engine)
                TRY(engine_begin(ctx, app->engine));
        if (app->roles & APP_ROLE_WORKER)
                TRY(importer_open(ctx, app, &app->importer));
        if (app->roles & APP_ROLE_SCHEDULER)
                TRY(scheduler_open(ctx, app, &app->scheduler));
        return OK;
}

void app_stop(struct app *app)
{
        app->stopping = true;
        engine_stop(app->engine);
        importer_stop(app->importer);
        scheduler_stop(app->scheduler);
        event_hub_shut(app->events);
}

void app_close(struct app *app)
{
        if (!app)
                return;
        engine_drain(app->engine);
        importer_close(app->importer);
        scheduler_close(app->scheduler);
        fetch_close(app->fetch);
        router_close(app->routes);
        web_close(app->web);
        rate_limiter_close(app->rate_limiter);
        metrics_close(app->metrics);
        provider_registry_close(app->providers);
        password_close(app->hasher);
        crypto_keys_close(app->keys);
        cache_close(app->cache);
        event_hub_close(app->events);
        engine_close(app->engine);
        db_close(app->db);
        mem_free(app);
        arena_finish(&app_arena);
}
