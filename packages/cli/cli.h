/*
 * The command line `millrace`: what its commands share. One thread, one command, one arena.
 *
 * A command is a row of the table in commands.c and one function. It prints results to stdout and
 * everything else to stderr; with --json it prints one object instead, in the API's envelope:
 * { "success", "data", "error" }.
 */
#ifndef MILLRACE_CLI_CLI_H
#define MILLRACE_CLI_CLI_H

#include "err/ctx.h"
#include "json/json.h"

#include <stdio.h>

enum exit_status {
        EXIT_FINE = 0,
        EXIT_FAULTS = 1,      /* done, and something is wrong; or it could not be done */
        EXIT_USAGE = 2,       /* the command line itself (or a schema) is wrong */
        EXIT_UNREACHABLE = 3, /* the server or the database does not answer */
        EXIT_PARTIAL = 4, /* enrich: ended early (budget, cancelled), what there is was written */
        EXIT_INTERRUPTED = 130,
};

struct cli;

struct option_spec {
        const char *name;  /* long form without dashes; NULL ends the list */
        char letter;       /* short form, or 0 */
        const char *value; /* what it takes, for the help; NULL: a switch */
        const char *help;
};

struct command {
        const char *name;     /* "schema validate" */
        const char *operands; /* for the usage line; "" for none */
        const char *summary;  /* one line, no full stop */
        const char *details;  /* further paragraphs of --help, or "" */
        const char *exits;    /* meaning of the exit statuses */
        const struct option_spec *options;
        size_t operands_min, operands_max; /* SIZE_MAX: any number */
        enum err (*run)(struct cli *cli);
};

extern const struct command commands[]; /* ends with a NULL name */

struct option_value {
        const struct option_spec *spec;
        struct str text;
};

struct cli {
        struct arena arena;
        struct ctx ctx;
        const struct command *command;
        LIST(struct option_value) values;
        str_list operands;
        bool json, help;
        enum exit_status status; /* of a run that returned OK */
        struct str root;         /* the checkout that this program belongs to; STR_NULL: none */
        char **environment;      /* as it was before env_load() */
};

/* ---- options.c ---- */

/* Takes argv[1…] apart: finds the command, its options and operands. ERR_VALIDATION with a message
 * for people. With --help the rest is not checked. */
_must_check_ enum err cli_parse(struct cli *cli, const struct command *table, int argc,
                                char *const *argv);
bool cli_has(const struct cli *cli, const char *option);
struct str cli_text(const struct cli *cli, const char *option); /* the last one; STR_NULL: absent */
/* A whole number within min..max; `otherwise` when absent. */
_must_check_ enum err cli_number(struct cli *cli, const char *option, int64_t otherwise,
                                 int64_t min, int64_t max, int64_t *ret);
void cli_help(FILE *out, const struct command *table, const struct command *command);

/* ---- output.c ---- */

/* The result of a command under --json: `data` is JSON text. */
void cli_put_data(struct cli *cli, struct str data);
/* The recorded failure, as text or as an envelope; gives the exit status for it. */
enum exit_status cli_put_error(struct cli *cli, enum err e);
void cli_note(const struct cli *cli, const char *fmt, ...) _printf_(2, 3); /* to stderr */
void cli_print(const char *fmt, ...) _printf_(1, 2);                       /* to stdout */
/* A fault as one line: "where: /path: message". `where` may be STR_NULL. */
void cli_put_fault(struct str where, const struct fault *f);
void cli_fault_json(struct json_out *o, const struct fault *f);

/* ---- files.c ---- */

/* "-" is stdin. ERR_NOT_FOUND with the system's reason, ERR_TOO_LARGE above max bytes. */
_must_check_ enum err cli_open(struct cli *cli, struct str path, FILE **ret);
void cli_closep(FILE **f); /* for _cleanup_; leaves stdin open */
_must_check_ enum err cli_read_file(struct cli *cli, struct str path, size_t max, struct str *ret);

/* ---- the commands ---- */

enum err command_schema_validate(struct cli *cli);
enum err command_csv_cat(struct cli *cli);
enum err command_migrate_up(struct cli *cli);
enum err command_migrate_down(struct cli *cli);
enum err command_migrate_status(struct cli *cli);
enum err command_providers_list(struct cli *cli);
enum err command_providers_check(struct cli *cli);
enum err command_openapi(struct cli *cli);
enum err command_enrich(struct cli *cli);
enum err command_admin_login_link(struct cli *cli);
enum err command_admin_token(struct cli *cli);
enum err command_admin_user_list(struct cli *cli);
enum err command_admin_user_add(struct cli *cli);
enum err command_admin_grant(struct cli *cli);
enum err command_admin_credits(struct cli *cli);
enum err command_admin_reconcile(struct cli *cli);
enum err command_admin_reseal(struct cli *cli);
enum err command_doctor(struct cli *cli);
enum err command_version(struct cli *cli);

#endif
