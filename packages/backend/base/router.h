/*
 * Router: the feature tables compiled into a tree of path segments, with each route's schemas.
 * Built once at start, immutable afterwards.
 */
#ifndef MILLRACE_BASE_ROUTER_H
#define MILLRACE_BASE_ROUTER_H

#include "base/route.h"

struct schema;

struct compiled_route {
        const struct route *route;
        const struct router *router;
        struct str path; /* whole pattern, below /api/v1 */
        str_list params; /* names in order */
        struct schema *body, *query;
};
typedef LIST(struct compiled_route *) compiled_routes;

struct route_tree;

/* `routers` ends with NULL. Two routes for one method and path are a mistake of ours: ERR_INTERNAL.
 */
_must_check_ enum err router_open(struct ctx *ctx, const struct router *const *routers,
                                  struct route_tree **ret);
void router_close(struct route_tree *t);
const compiled_routes *router_all(const struct route_tree *t);

/*
 * The route of a path below /api/v1; its parameters are added to req->params. ERR_NOT_FOUND when
 * there is no such path; when only the method differs *ret_allow lists those there are.
 */
_must_check_ enum err router_match(struct ctx *ctx, const struct route_tree *t, struct str path,
                                   struct req *req, const struct compiled_route **ret,
                                   struct str *ret_allow);

/* The JSON Schema text of a route's request body; STR_NULL when it has none. */
struct str route_body_schema(struct arena *a, const struct route *r);

#endif
