/* A workspace's own definitions, inside this feature and for the engine through provider.h. */
#ifndef MILLRACE_FEATURES_PROVIDER_OWN_H
#define MILLRACE_FEATURES_PROVIDER_OWN_H

#include "db/db.h"
#include "features/provider/definition.h"

#define OWN_MAX 200 /* definitions of one workspace */

struct own_provider {
        const struct provider_def *def;
        const struct json *source; /* the definition as it was given */
};
typedef LIST(struct own_provider) own_provider_list;

/* Those that no longer compile (the format has grown stricter) are left out. */
_must_check_ enum err own_list(struct ctx *ctx, struct str workspace_id, own_provider_list *ret);
_must_check_ enum err own_get(struct ctx *ctx, struct str workspace_id, struct str slug,
                              struct own_provider *ret);
/* ERR_VALIDATION with every fault of the definition; ERR_CONFLICT for a slug that is taken. */
_must_check_ enum err own_create(struct ctx *ctx, struct str workspace_id,
                                 const struct json *definition, struct own_provider *ret);
/* The members of `changes` take the place of the definition's. The slug stays. */
_must_check_ enum err own_change(struct ctx *ctx, struct str workspace_id, struct str slug,
                                 const struct json *changes, struct own_provider *ret);
_must_check_ enum err own_delete(struct ctx *ctx, struct str workspace_id, struct str slug);

/* The slugs that the workspace has a credential for. */
_must_check_ enum err credential_slugs(struct ctx *ctx, struct str workspace_id, str_list *ret);

#endif
