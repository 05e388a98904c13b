/* The route tree. See router.h. */
#include "base/router.h"

#include "schema/schema.h"

#define METHODS (HTTP_OTHER + 1)

struct node {
        struct str segment; /* literal text; of the parameter child it is empty */
        struct node *children, *next, *param;
        struct compiled_route *routes[METHODS];
};

struct route_tree {
        struct arena arena;
        struct node root;
        compiled_routes all;
};

static struct node *child_literal(const struct node *n, struct str segment)
{
        for (struct node *c = n->children; c; c = c->next)
                if (str_eq(c->segment, segment))
                        return c;
        return NULL;
}

static struct node *child_make(struct arena *a, struct node *n, struct str segment)
{
        struct node *c;

        if (segment.len && segment.ptr[0] == ':') {
                if (!n->param)
                        n->param = arena_new(a, struct node);
                return n->param;
        }
        c = child_literal(n, segment);
        if (c)
                return c;
        c = arena_new(a, struct node);
        c->segment = segment;
        c->next = n->children;
        n->children = c;
        return c;
}

struct str route_body_schema(struct arena *a, const struct route *r)
{
        struct buf b;

        if (r->body_schema)
                return str_from(r->body_schema);
        if (!r->body)
                return STR_NULL;
        buf_init(&b, a, 1 << 20);
        desc_schema(&b, r->body, true);
        return buf_str(&b);
}

static enum err compile_schemas(struct ctx *ctx, struct compiled_route *c)
{
        struct str body = route_body_schema(ctx->arena, c->route);

        if (body.ptr)
                TRY(schema_compile_text(ctx, body, &c->body));
        if (c->route->query) {
                struct buf b;

                buf_init(&b, ctx->arena, 1 << 20);
                desc_schema(&b, c->route->query, true);
                TRY(schema_compile_text(ctx, buf_str(&b), &c->query));
        }
        return OK;
}

static enum err add_route(struct ctx *ctx, struct route_tree *t, const struct router *router,
                          const struct route *route)
{
        struct compiled_route *c = arena_new(&t->arena, struct compiled_route);
        struct node *n = &t->root;
        struct str rest, segment;

        c->route = route;
        c->router = router;
        c->path = str_printf(&t->arena, "%s%s", router->prefix, route->path);
        rest = str_slice(c->path, 1, c->path.len);
        while (rest.ptr && str_split(&rest, '/', &segment)) {
                n = child_make(&t->arena, n, segment);
                if (segment.len && segment.ptr[0] == ':')
                        LIST_PUSH(&t->arena, &c->params, str_slice(segment, 1, segment.len));
        }
        if (n->routes[route->method])
                return fail(ctx, ERR_INTERNAL, "two routes for %s %.*s",
                            http_method_name(route->method), FMT(c->path));
        n->routes[route->method] = c;
        LIST_PUSH(&t->arena, &t->all, c);
        enum err e = compile_schemas(ctx, c);

        if (e != OK)
                return fail(ctx, ERR_INTERNAL, "schema of %s %.*s: %.*s %.*s",
                            http_method_name(route->method), FMT(c->path), FMT(ctx->message),
                            FMT(ctx->faults.len ? ctx->faults.ptr[0].message : STR("")));
        return OK;
}

enum err router_open(struct ctx *ctx, const struct router *const *routers, struct route_tree **ret)
{
        struct route_tree *t = mem_alloc(sizeof *t);

        arena_init(&t->arena, 64 << 20);
        for (const struct router *const *r = routers; *r; r++) {
                for (const struct route *route = (*r)->routes; route->path; route++) {
                        enum err e = add_route(ctx, t, *r, route);

                        if (e != OK) {
                                router_close(t);
                                return e;
                        }
                }
        }
        *ret = t;
        return OK;
}

void router_close(struct route_tree *t)
{
        if (!t)
                return;
        LIST_EACH (c, &t->all) {
                schema_close((*c)->body);
                schema_close((*c)->query);
        }
        arena_finish(&t->arena);
        mem_free(t);
}

const compiled_routes *router_all(const struct route_tree *t)
{
        return &t->all;
}

struct match {
        struct str values[8];
        size_t count;
        const struct node *node;
};

/* Literal segments win over parameters; backtracks when the literal branch leads nowhere. */
static bool walk(const struct node *n, struct str rest, struct match *m)
{
        struct str segment;

        if (!rest.ptr || !str_split(&rest, '/', &segment)) {
                for (size_t i = 0; i < METHODS; i++)
                        if (n->routes[i]) {
                                m->node = n;
                                return true;
                        }
                return false;
        }
        const struct node *c = child_literal(n, segment);

        if (c && walk(c, rest, m))
                return true;
        if (!n->param || segment.len == 0 || m->count == ELEMENTS(m->values))
                return false;
        m->values[m->count++] = segment;
        if (walk(n->param, rest, m))
                return true;
        m->count--;
        return false;
}

static struct str allowed_methods(struct ctx *ctx, const struct node *n)
{
        struct buf b;

        buf_init(&b, ctx->arena, 200);
        for (size_t i = 0; i < METHODS; i++)
                if (n->routes[i])
                        buf_printf(&b, "%s%s", b.len ? ", " : "",
                                   http_method_name((enum http_method)i));
        return buf_str(&b);
}

enum err router_match(struct ctx *ctx, const struct route_tree *t, struct str path, struct req *req,
                      const struct compiled_route **ret, struct str *ret_allow)
{
        struct match m = {0};

        if (path.len == 0 || path.ptr[0] != '/' ||
            !walk(&t->root, str_slice(path, 1, path.len), &m))
                return fail(ctx, ERR_NOT_FOUND, "no such path");
        const struct compiled_route *c = m.node->routes[req->method];

        if (!c) {
                *ret_allow = allowed_methods(ctx, m.node);
                return fail(ctx, ERR_NOT_FOUND, "%s is not offered here, only %.*s",
                            http_method_name(req->method), FMT(*ret_allow));
        }
        for (size_t i = 0; i < c->params.len; i++) {
                struct str name = c->params.ptr[i];

                if ((str_eq(name, STR("id")) || str_ends(name, STR("Id"))) &&
                    !str_is_uuid(m.values[i]))
                        return fail(ctx, ERR_NOT_FOUND, "%.*s is not a UUID", FMT(name));
                LIST_PUSH(ctx->arena, &req->params, ((struct http_pair){name, m.values[i]}));
        }
        *ret = c;
        return OK;
}
