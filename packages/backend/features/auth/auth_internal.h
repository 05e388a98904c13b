/* What the parts of the auth feature share. */
#ifndef MILLRACE_FEATURES_AUTH_INTERNAL_H
#define MILLRACE_FEATURES_AUTH_INTERNAL_H

#include "crypto/crypto.h"
#include "features/auth/auth.h"

/* From here on the ctx acts for this user: what the audit log names. */
void auth_act_as(struct ctx *ctx, struct str user_id);

/* A new session in tx: *ret gets its tokens. */
_must_check_ enum err auth_session_begin(struct ctx *ctx, struct tx *tx, const struct user *user,
                                         struct auth_session *ret);
/* After the commit: the user's first workspace, if any. */
_must_check_ enum err auth_session_fill(struct ctx *ctx, struct auth_session *s);
/* Forgets ended sessions in the cache, after the commit. */
void auth_sessions_ended(struct ctx *ctx, const struct db_result *ids);

#endif
