/*
 * Credentials: the keys that a workspace has for providers. They are sealed with the workspace's
 * own key and their row's id (core/crypto); the API only ever shows the last characters.
 *
 * A secret is a JSON object: {"apiKey": …}, or {"username": …, "password": …}.
 */
#ifndef MILLRACE_FEATURES_CREDENTIAL_CREDENTIAL_H
#define MILLRACE_FEATURES_CREDENTIAL_CREDENTIAL_H

#include "base/keyset.h"

extern const struct router credential_router, credential_internal_router;

struct credential {
        struct str id, provider, name;
        struct str last4, masked; /* "••••abcd" */
        struct str created_at, updated_at;
};
typedef LIST(struct credential) credential_list;
extern const struct desc credential_desc;

struct credential_input { /* STR_NULL: not given */
        struct str provider, name, value, username, password;
};

_must_check_ enum err credential_list_of(struct ctx *ctx, struct str workspace_id,
                                         const struct keyset *k, credential_list *ret,
                                         struct page *ret_page);
/* ERR_VALIDATION for a provider there is not, ERR_CONFLICT for a name that is taken. */
_must_check_ enum err credential_create(struct ctx *ctx, struct str workspace_id,
                                        const struct credential_input *in, struct credential *ret);
_must_check_ enum err credential_change(struct ctx *ctx, struct str workspace_id, struct str id,
                                        const struct credential_input *in, struct credential *ret);
_must_check_ enum err credential_delete(struct ctx *ctx, struct str workspace_id, struct str id);

struct credential_test {
        bool ok;
        struct str outcome, message;
        int64_t latency_ms;
};
/* Asks the provider one question about a well-known company. It may cost what a question costs. */
_must_check_ enum err credential_test(struct ctx *ctx, struct str workspace_id, struct str id,
                                      struct credential_test *ret);

/*
 * The secret for a provider, newest first; NULL when the workspace has none. For the engine: keep
 * it no longer than the call, never log or store it.
 */
_must_check_ enum err credential_find(struct ctx *ctx, struct str workspace_id,
                                      struct str provider_slug, const struct json **ret);

struct credential_secret {
        struct str id, workspace_id, provider;
        const struct json *secret;
};
/* By id, whichever workspace: only for the internal service route. */
_must_check_ enum err credential_open(struct ctx *ctx, struct str id,
                                      struct credential_secret *ret);

/* Seals what an earlier master key sealed with the current one. *ret_count: how many. */
_must_check_ enum err credential_reseal(struct ctx *ctx, int64_t *ret_count);

#endif
