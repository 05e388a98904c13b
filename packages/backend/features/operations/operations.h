/* Health, readiness, metrics and the API's own description. Public routes; no state of its own. */
#ifndef MILLRACE_FEATURES_OPERATIONS_H
#define MILLRACE_FEATURES_OPERATIONS_H

#include "base/route.h"
#include "features/operations/metrics.h"

extern const struct router operations_router;

void metrics_json(struct app *app, struct json_out *o);
void metrics_prometheus(struct app *app, struct buf *b);

#endif
