/*
 * Workspaces and who belongs to them. A workspace always has an owner; only owners make, change or
 * remove owners. Deleting hides a workspace at once; its rows stay.
 */
#ifndef MILLRACE_FEATURES_WORKSPACE_WORKSPACE_H
#define MILLRACE_FEATURES_WORKSPACE_WORKSPACE_H

#include "base/keyset.h"

extern const struct router workspace_router, workspace_member_router;

struct workspace_credits {
        int64_t available, reserved, spent;
};

struct workspace {
        struct str id, name;
        struct str role; /* of who asks */
        struct workspace_credits credits;
        struct str created_at;
};
typedef LIST(struct workspace) workspace_list;
extern const struct desc workspace_desc;

/* With its owner, credit accounts and starter credits, in the caller's transaction. */
_must_check_ enum err workspace_create(struct ctx *ctx, struct tx *tx, struct str user_id,
                                       struct str name, struct workspace *ret);
/* Those the user belongs to, oldest first. */
_must_check_ enum err workspace_list_of(struct ctx *ctx, struct str user_id, const struct keyset *k,
                                        workspace_list *ret, struct page *ret_page);
/* ERR_NOT_FOUND unless the user belongs to it. */
_must_check_ enum err workspace_get(struct ctx *ctx, struct str id, struct str user_id,
                                    struct workspace *ret);
_must_check_ enum err workspace_rename(struct ctx *ctx, struct str id, struct str name);
_must_check_ enum err workspace_delete(struct ctx *ctx, struct str id);

struct member {
        struct str user_id, email, name, role, joined_at;
};
typedef LIST(struct member) member_list;
extern const struct desc member_desc;

_must_check_ enum err member_list_of(struct ctx *ctx, struct str workspace_id,
                                     const struct keyset *k, member_list *ret,
                                     struct page *ret_page);
/* In the caller's transaction; ERR_CONFLICT when already a member. Then member_changed(). */
_must_check_ enum err member_add(struct ctx *ctx, struct tx *tx, struct str workspace_id,
                                 struct str user_id, struct str role);
_must_check_ enum err member_set_role(struct ctx *ctx, struct str workspace_id, struct str user_id,
                                      struct str role, struct member *ret);
_must_check_ enum err member_remove(struct ctx *ctx, struct str workspace_id, struct str user_id);
/* After the commit of anything that gives, changes or takes a role. */
void member_changed(struct ctx *ctx, struct str workspace_id, struct str user_id);

#endif
