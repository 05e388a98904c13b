/*
 * Signing up, in and out. An access token (base/token.h) lives 15 minutes; beside it goes a refresh
 * token for 7 days that is spent by its first use and replaced. A session is one family of refresh
 * tokens: presenting a spent one again means that somebody has a copy, and ends the session.
 *
 * Tokens are random; the database holds their SHA-256 only. A login takes the same time whether the
 * user exists or not.
 */
#ifndef MILLRACE_FEATURES_AUTH_AUTH_H
#define MILLRACE_FEATURES_AUTH_AUTH_H

#include "features/workspace/workspace.h"

extern const struct router auth_router;

struct user {
        struct str id, email, name;
        bool platform_admin;
        struct str created_at;
};
extern const struct desc user_desc;

/* What register, login, refresh and link answer. */
struct auth_session {
        struct user user;
        bool has_workspace;
        struct workspace workspace; /* the user's first */
        struct str access_token, refresh_token;
        int64_t expires_in; /* seconds that the access token lives */
};
extern const struct desc auth_session_desc;

struct register_input {
        struct str email, password, name, workspace_name; /* workspace_name may be STR_NULL */
};

/* ERR_CONFLICT when the address is taken. */
_must_check_ enum err auth_register(struct ctx *ctx, const struct register_input *in,
                                    struct auth_session *ret);
_must_check_ enum err auth_login(struct ctx *ctx, struct str email, struct str password,
                                 struct auth_session *ret);
_must_check_ enum err auth_refresh(struct ctx *ctx, struct str refresh_token,
                                   struct auth_session *ret);
/* Ends the session of the refresh token, or else that of the access token (session_id). */
_must_check_ enum err auth_logout(struct ctx *ctx, struct str refresh_token, struct str session_id);
_must_check_ enum err auth_me(struct ctx *ctx, struct str user_id, struct user *ret);

/*
 * Without a mail server the link to set a new password goes into this program's log, for its
 * operator to pass on. The caller learns nothing, not even whether the user exists.
 */
_must_check_ enum err auth_forgot(struct ctx *ctx, struct str email);
/* Sets the password and ends all sessions of the user. */
_must_check_ enum err auth_reset(struct ctx *ctx, struct str token, struct str password);

/* Signs in with the token of a login link, once. */
_must_check_ enum err auth_link(struct ctx *ctx, struct str token, struct auth_session *ret);
/*
 * A link that signs in once, within a day: for the operator (`millrace admin login-link`). `email`
 * STR_NULL is the oldest platform administrator; when there is no user at all, one is made, with a
 * workspace. ERR_NOT_FOUND when there is no such user.
 */
_must_check_ enum err auth_login_link(struct ctx *ctx, struct str email, struct str *ret_url);

/* Something about the user changed outside of this feature: caches forget their sessions. */
_must_check_ enum err auth_user_changed(struct ctx *ctx, struct str user_id);

/* Deletes what has expired; for the scheduler. */
_must_check_ enum err auth_sweep(struct ctx *ctx, struct tx *tx);

#endif
