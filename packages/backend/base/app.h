/*
 * What every part of the backend shares: the settings and `struct app`, the objects built at start.
 * They are thread-safe by themselves and outlive every request; app/ opens and closes them.
 */
#ifndef MILLRACE_BASE_APP_H
#define MILLRACE_BASE_APP_H

#include "conf/conf.h"
#include "db/db.h"

struct settings {
#define KIND_INT                                               int64_t
#define KIND_TEXT                                              struct str
#define KIND_SECRET                                            struct str
#define KIND_BOOL                                              bool
#define SETTING(name, kind, member, otherwise, min, max, help) KIND_##kind member;
#include "base/settings.def"
#undef SETTING
#undef KIND_INT
#undef KIND_TEXT
#undef KIND_SECRET
#undef KIND_BOOL
};

extern const struct conf_entry settings_table[];

enum app_roles {
        APP_ROLE_API = 1,
        APP_ROLE_WORKER = 2,
        APP_ROLE_REPLICATOR = 4,
        APP_ROLE_SCHEDULER = 8,
        APP_ROLE_ALL = 15,
};

struct app {
        struct settings settings;
        unsigned roles;
        struct db *db;
        struct cache *cache;
        struct crypto_keys *keys;
        struct password_hasher *hasher;
        struct fetch_client *fetch;
        struct provider_registry *providers; /* features/provider */
        struct event_hub *events;            /* features/event */
        struct engine *engine;               /* engine/ */
        struct importer *importer;           /* features/import; NULL without the worker role */
        struct scheduler *scheduler;         /* jobs/ */
        struct metrics *metrics;             /* features/operations */
        struct route_tree *routes;           /* app/ */
        struct web_files *web;               /* app/ */
        struct rate_limiter *rate_limiter;   /* middleware/ */
        struct str openapi, docs;            /* the finished documents */
        int instance_id;                     /* worker_instances.id of this process */
        int64_t started_ns;
        _Atomic bool stopping;
};

/* An address of the web app, to be given to people: MILLRACE_URL, then the path and the token. */
struct str app_link(struct ctx *ctx, const char *path, struct str token);

#endif
