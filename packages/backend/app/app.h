/*
 * Wiring: builds struct app at start and takes it down in reverse order.
 */
#ifndef MILLRACE_APP_APP_H
#define MILLRACE_APP_APP_H

#include "base/app.h"

/*
 * Settings from the environment (every fault listed in ctx->faults), then every shared object.
 * `roles` says which background parts run; 0 opens only what services need (command line).
 */
_must_check_ enum err app_open(struct ctx *ctx, unsigned roles, struct app **ret);
/* Starts what works in the background: call once the HTTP server answers. */
_must_check_ enum err app_start(struct ctx *ctx, struct app *app);
/* Asks background work and open streams to end; does not wait. */
void app_stop(struct app *app);
/* Waits for background work to settle, then frees everything; accepts NULL. */
void app_close(struct app *app);

#endif
