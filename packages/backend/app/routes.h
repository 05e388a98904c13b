/* Every router of the API: one line a feature. */
#ifndef MILLRACE_APP_ROUTES_H
#define MILLRACE_APP_ROUTES_H

#include "base/route.h"

extern const struct router *const all_routers[]; /* ends with NULL */

#endif
