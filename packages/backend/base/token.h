/*
 * Access tokens: JWT HS256, 15 minutes, signed with a key derived from the master key. `sub` is the
 * user, `sid` the session. Former master keys still verify, so that a rotation signs nobody out.
 */
#ifndef MILLRACE_BASE_TOKEN_H
#define MILLRACE_BASE_TOKEN_H

#include "base/app.h"

#define TOKEN_ACCESS_SECONDS (15 * 60)

_must_check_ enum err token_issue(struct ctx *ctx, struct str user_id, struct str session_id,
                                  struct str *ret);
/* ERR_AUTHENTICATION when it is not ours or has expired. */
_must_check_ enum err token_verify(struct ctx *ctx, struct str token, struct str *ret_user_id,
                                   struct str *ret_session_id);

/* What the database keeps of a random token (refresh, reset, invitation): its SHA-256. */
struct db_param p_token(struct ctx *ctx, struct str token);

#endif
