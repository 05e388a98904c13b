/*
 * Working on this machine's own installation: the backend's services over its database and keys,
 * and sessions made there, for commands that need no password because whoever can read the master
 * key owns the installation anyway.
 */
#ifndef MILLRACE_CLI_SESSION_H
#define MILLRACE_CLI_SESSION_H

#include "api.h"

/* struct app without background parts, as ctx->app. The caller calls local_close(). */
_must_check_ enum err local_open(struct cli *cli);
void local_close(struct cli *cli); /* also when local_open() failed */

/*
 * Access tokens for the API: MILLRACE_TOKEN where it is set, else a session of its own for the user
 * (`--user`, by default the oldest platform administrator, made when there is nobody yet).
 */
struct session {
        struct cli *cli;
        struct str fixed; /* MILLRACE_TOKEN */
        bool fixed_used;
        struct str user_id, email, session_id;
};
_must_check_ enum err session_open(struct cli *cli, struct session *ret);
void session_close(struct session *s); /* ends the session; accepts a zeroed one */
struct api_auth session_auth(struct session *s);

#endif
