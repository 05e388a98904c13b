/*
 * Routes as data. A feature describes its endpoints in constant tables; routing, roles, validation
 * and openapi.json all come from them.
 *
 *   static const struct route table_routes[] = {
 *           {HTTP_GET, "/tables", ROLE_VIEWER, table_list, .reply = &table_desc, .list = true,
 *            .summary = "List tables"},
 *           {HTTP_POST, "/tables", ROLE_MEMBER, table_create, .body = &table_input_desc,
 *            .reply = &table_desc, .status = 201, .summary = "Create a table"},
 *           {0},
 *   };
 *   const struct router table_router = {"/workspaces/:workspaceId", "tables", table_routes};
 *
 * Routers nest by their prefix: its parameters are merged with the route's. A parameter named id or
 * …Id must be a UUID (else 404). The pipeline has checked the caller's role in :workspaceId before
 * a handler runs; a workspace the caller does not belong to is 404.
 */
#ifndef MILLRACE_BASE_ROUTE_H
#define MILLRACE_BASE_ROUTE_H

#include "base/app.h"
#include "desc/desc.h"
#include "http/http.h"

enum role {
        ROLE_PUBLIC,     /* nobody needs to be signed in */
        ROLE_USER,       /* any signed-in user */
        ROLE_ANY_MEMBER, /* any member of the workspace, billing_admin included */
        ROLE_VIEWER,
        ROLE_MEMBER,
        ROLE_ADMIN,
        ROLE_OWNER,
        ROLE_BILLING_ADMIN, /* billing_admin or owner */
        ROLE_SERVICE,       /* X-Service-Key */
        ROLE_PLATFORM_ADMIN,
};
const char *role_name(enum role r);
/* "viewer", "member", "admin", "owner", "billing_admin"; false for another text. */
bool role_parse(struct str name, enum role *ret);
/* Whether a member with role `have` may do what asks for `need`. */
bool role_allows(enum role have, enum role need);

/* Who asks. ctx->actor; NULL before login. */
struct actor {
        struct str user_id, email, session_id;
        struct str workspace_id; /* of the route, STR_NULL outside a workspace */
        enum role role;          /* in that workspace */
        bool platform_admin;
        bool service;
        struct str ip;
};

typedef enum err handler_fn(struct ctx *ctx, const struct req *req, struct reply *out);

enum route_flags {
        ROUTE_AUTH_RATE = 1, /* counts against the sign-in limit */
        ROUTE_MULTIPART = 2, /* body: multipart/form-data, files spooled */
        ROUTE_RAW_BODY = 4,  /* body: bytes as they came */
        ROUTE_NO_RATE = 8,   /* health checks */
        ROUTE_STREAMED = 16, /* the answer is not the JSON envelope (CSV, events) */
        ROUTE_UNLISTED = 32, /* not in openapi.json */
};

struct route {
        enum http_method method;
        const char
                *path; /* below the router's prefix; "" is the prefix itself. NULL ends a table */
        enum role role;
        handler_fn *handler;
        const struct desc *body;  /* NULL: no body */
        const struct desc *query; /* NULL: no query parameters */
        const struct desc *reply; /* of data; NULL: null or described by reply_schema */
        const char *reply_schema; /* JSON Schema text of data, instead of reply */
        const char *body_schema;  /* JSON Schema text of a body that no struct describes */
        bool list;                /* data is an array of reply, meta has limit and nextCursor */
        int status;               /* of success; 0 is 200 */
        unsigned flags;
        const char *summary;
        const char *media; /* content type of a streamed answer */
};

struct router {
        const char *prefix; /* below /api/v1 */
        const char *tag;
        const struct route *routes;
};

/* ---- For handlers ---- */

/* The validated body or query as its struct; fields that are absent stay zero. */
_must_check_ enum err req_decode(struct ctx *ctx, const struct req *req, const struct desc *d,
                                 void *ret);
_must_check_ enum err req_decode_query(struct ctx *ctx, const struct req *req, const struct desc *d,
                                       void *ret);

/* The envelope around one value; NULL desc and value give data: null. */
_must_check_ enum err reply_json(struct ctx *ctx, struct reply *out, int status,
                                 const struct desc *d, const void *value);
/* A LIST(struct …) of d, with meta { limit, nextCursor, total? }: total < 0 leaves it out. */
struct page {
        int64_t limit;
        struct str next_cursor; /* STR_NULL at the end */
        int64_t total;
        bool total_is_estimate;
};
_must_check_ enum err reply_list(struct ctx *ctx, struct reply *out, const struct desc *d,
                                 const void *list, const struct page *page);

/* Hand-written data: reply_begin, write one value with key "data" into *ret, reply_end. */
void reply_begin(struct reply *out, int status, struct json_out *ret);
_must_check_ enum err reply_end(struct ctx *ctx, struct reply *out, struct json_out *o,
                                const struct page *page_or_null);
/* A streamed or plain answer that is not the envelope. */
void reply_stream(struct reply *out, int status, const char *content_type, http_read_fn *read,
                  void (*close)(void *), void *state);
void reply_text(struct reply *out, int status, const char *content_type, struct str text);

/* Keyset cursors for simple lists: opaque text around one or two values. */
struct str cursor_encode(struct ctx *ctx, struct str a, struct str b);
_must_check_ enum err cursor_decode(struct ctx *ctx, struct str cursor, struct str *ret_a,
                                    struct str *ret_b);

/* Query parameters limit and cursor, as every list has them. */
struct list_query {
        int64_t limit;
        bool has_limit;
        struct str cursor;
};
extern const struct desc list_query_desc; /* limit 1..1000 */
#define LIST_LIMIT_DEFAULT 100

/* A row of another workspace, or none: the one answer for both. */
enum err fail_not_found(struct ctx *ctx, const char *what);

/* ---- Audit: in the caller's transaction ---- */
_must_check_ enum err audit_write(struct ctx *ctx, struct tx *tx, struct str workspace_id,
                                  const char *action, const char *entity_type, struct str entity_id,
                                  struct str details_json);

#endif
