/*
 * millrace enrich: a CSV goes to the server, a job fills what is missing, a CSV comes back.
 *
 * The steps (import, columns, job, results) are each remembered in a small state file beside the
 * output, so that the same command goes on where an interrupted one stopped, in the same table and
 * job. Requests that make something carry idempotency keys made from the run's random name, so that
 * a step repeated because its answer was lost does nothing twice.
 */
#ifndef MILLRACE_CLI_ENRICH_H
#define MILLRACE_CLI_ENRICH_H

#include "api.h"
#include "csv/csv.h"
#include "features/provider/provider.h"

/* ---- the input file (input.c) ---- */

struct input {
        struct str path, data; /* the file, mapped */
        struct str hash;       /* SHA-256, hex */
        struct csv_dialect dialect;
        str_list headers;                 /* as the file has them; "Column N" where it has none */
        LIST(const struct field *) known; /* for each column what it holds, or NULL */
        LIST(int64_t) empty;              /* for each column how many cells are empty */
        int64_t rows;
};
/* Maps and scans the file. ERR_VALIDATION when it has no rows. */
_must_check_ enum err input_open(struct cli *cli, struct str path, struct input *ret);
void input_close(struct input *in); /* accepts a zeroed one */
/* The column that holds this field; SIZE_MAX when none does. */
size_t input_column(const struct input *in, struct str key);
/* Hands every row to fn, as csv_options.row has it. */
_must_check_ enum err input_rows(struct cli *cli, const struct input *in, csv_row_fn *fn,
                                 void *user);

/* ---- what to fill (plan.c) ---- */

struct target {
        const struct field *field;
        size_t csv_column;    /* of the input; SIZE_MAX: the column is added */
        str_list waterfall;   /* provider slugs */
        struct str column_id; /* of the table, once it is known */
};
typedef LIST(struct target) target_list;

/* The fields people ask for by --column and --waterfall, which come in pairs. */
_must_check_ enum err plan_asked(struct cli *cli, const struct input *in,
                                 const struct json *providers, target_list *ret);
/* What this file misses and the providers can find. */
_must_check_ enum err plan_default(struct cli *cli, const struct input *in,
                                   const struct json *providers, target_list *ret);

/* ---- the state file (state.c) ---- */

struct state {
        struct str path;
        struct str run;     /* random name of this run */
        struct str purpose; /* hash of input, server and what is asked: another one starts over */
        struct str import_id, table_id, job_id;
};
/* Reads the state of an interrupted run of the same purpose, or begins a new one. */
_must_check_ enum err state_open(struct cli *cli, struct str output, struct str purpose,
                                 struct state *ret, bool *ret_resumed);
_must_check_ enum err state_save(struct cli *cli, const struct state *s);
void state_remove(struct cli *cli, const struct state *s);

/* ---- the run ---- */

struct enrich {
        struct cli *cli;
        struct api api;
        struct input input;
        struct state state;
        target_list targets;
        struct str workspace; /* "/workspaces/<id>" */
        const struct json *providers;
        struct str output;
        int64_t available; /* credits of the workspace */
        int64_t budget;    /* of the job; -1: none */
        bool progress_bar; /* stderr is a terminal */
};

/* remote.c: each does nothing when the state says that it is done. */
_must_check_ enum err remote_import(struct enrich *e);
_must_check_ enum err remote_columns(struct enrich *e);
_must_check_ enum err remote_estimate(struct enrich *e, const struct json **ret);
_must_check_ enum err remote_job(struct enrich *e);
_must_check_ enum err remote_forget_table(struct enrich *e);

/* watch.c: follows the job to its end; *ret is the finished job, in the command's arena. */
_must_check_ enum err watch_job(struct enrich *e, const struct json **ret);

/* result.c: writes the output file. */
struct result_counts {
        int64_t rows, filled, sandbox; /* cells filled; of them by the sandbox */
};
_must_check_ enum err result_write(struct enrich *e, struct result_counts *ret);

/* ---- progress (progress.c) ---- */

struct progress {
        int64_t cells, done, found, asked; /* asked: done without those that were skipped */
        int64_t credits;
        int64_t elapsed_ms;
};
/* "████░░ 42 %  420/1,000 cells  35/s  380 found (90 %)  412 credits  0:16 left" */
struct str progress_line(struct arena *a, const struct progress *p, bool bar, int columns);
struct str number_text(struct arena *a, int64_t n); /* 1,234,567 */

#endif
