/*
 * Settings for the command line. What the environment does not say is taken from .env beside the
 * checkout's `run`, then from what `./run` would choose: the state directory's sockets, keys and
 * port. So `bin/millrace` reaches the stack of its own checkout without any setting.
 */
#ifndef MILLRACE_CLI_ENV_H
#define MILLRACE_CLI_ENV_H

#include "cli.h"

/* Fills the process's environment and cli->root. Nothing that is set already is changed. */
void env_load(struct cli *cli);
struct str env_get(const char *name);                                      /* STR_NULL when unset */
struct str env_path(struct cli *cli, const char *name, const char *below); /* "$name/below" */
struct str env_url(void);                                                  /* of the server */

/*
 * A small pool to MILLRACE_DATABASE_URL; the caller closes it. ERR_VALIDATION when it is not set.
 * A database that is down is an error of the first query.
 */
struct db;
_must_check_ enum err env_database(struct cli *cli, struct db **ret);

#endif
