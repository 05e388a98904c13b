/*
 * What the cache keeps of rows that nearly every request reads: sessions (15 minutes), a member's
 * role and a workspace's settings (5 minutes). Without Redis every read goes to the database.
 *
 * A change is announced after its commit by cached_changed(): until the entry's time is over,
 * readers go to the database. Readers fill in only what is not there, so a reader that read before
 * the change cannot put the old value back after it.
 */
#ifndef MILLRACE_BASE_CACHED_H
#define MILLRACE_BASE_CACHED_H

#include "base/app.h"

enum cached_kind {
        CACHED_SESSION,   /* a: session id */
        CACHED_ROLE,      /* a: workspace id, b: user id */
        CACHED_WORKSPACE, /* a: workspace id */
};

bool cached_get(struct ctx *ctx, enum cached_kind kind, struct str a, struct str b,
                struct str *ret);
void cached_fill(struct ctx *ctx, enum cached_kind kind, struct str a, struct str b,
                 struct str value);
void cached_changed(struct ctx *ctx, enum cached_kind kind, struct str a, struct str b);

#endif
