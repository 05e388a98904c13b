/* openapi.json (OpenAPI 3.1) and the /docs page, made from the route tables at start. */
#ifndef MILLRACE_APP_OPENAPI_H
#define MILLRACE_APP_OPENAPI_H

#include "base/router.h"

/* Both texts live in the arena. */
void openapi_write(struct arena *a, const struct route_tree *routes, struct str *ret_json,
                   struct str *ret_html);

#endif
