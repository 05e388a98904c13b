/*
 * Working together: invitations (seven days, one answer), the activity feed, the audit log.
 *
 * There is no mail server: whoever invites gets the link once, to pass on. Its token is stored as
 * SHA-256. Only a signed-in user with the invited address can accept.
 */
#ifndef MILLRACE_FEATURES_TEAM_TEAM_H
#define MILLRACE_FEATURES_TEAM_TEAM_H

#include "features/workspace/workspace.h"

extern const struct router team_router, team_public_router;

struct invitation {
        struct str id, email, role;
        struct str status; /* pending, accepted, declined, revoked, expired */
        struct str invited_by, created_at, expires_at, answered_at;
        struct str token, url;     /* only when just made */
        struct str workspace_name; /* only for the invited */
};
typedef LIST(struct invitation) invitation_list;
extern const struct desc invitation_desc;

_must_check_ enum err invitation_list_of(struct ctx *ctx, struct str workspace_id,
                                         const struct keyset *k, invitation_list *ret,
                                         struct page *ret_page);
/* ERR_CONFLICT when the address is a member or has an open invitation. */
_must_check_ enum err invitation_create(struct ctx *ctx, struct str workspace_id, struct str email,
                                        struct str role, struct invitation *ret);
_must_check_ enum err invitation_revoke(struct ctx *ctx, struct str workspace_id, struct str id);
/* Open ones only: ERR_NOT_FOUND for a token that is unknown, answered or too old. */
_must_check_ enum err invitation_show(struct ctx *ctx, struct str token, struct invitation *ret);
/* The ctx's actor joins; *ret is the workspace. ERR_AUTHORIZATION for another address. */
_must_check_ enum err invitation_accept(struct ctx *ctx, struct str token, struct workspace *ret);
_must_check_ enum err invitation_decline(struct ctx *ctx, struct str token);

struct audit_entry {
        struct str id, action, entity_type, entity_id, user_id, user_name, user_email;
        const struct json *details;
        struct str ip, request_id, created_at;
};
typedef LIST(struct audit_entry) audit_list;
extern const struct desc audit_desc;    /* everything, for admins */
extern const struct desc activity_desc; /* without address and request id */

struct audit_filter { /* STR_NULL: any */
        struct str user_id, action, entity_type, from, to;
        bool feed; /* only what every member may see */
};

/* Newest first; `action` may end at a dot to mean all that begin so. */
_must_check_ enum err audit_list_of(struct ctx *ctx, struct str workspace_id,
                                    const struct audit_filter *f, const struct keyset *k,
                                    audit_list *ret, struct page *ret_page);

/* The whole log as CSV, read page by page while it is sent. */
struct audit_csv;
_must_check_ enum err audit_csv_open(struct ctx *ctx, struct str workspace_id,
                                     const struct audit_filter *f, struct audit_csv **ret);
int64_t audit_csv_read(void *csv, char *out, size_t max); /* an http_read_fn */
void audit_csv_close(void *csv);                          /* accepts NULL */

#endif
