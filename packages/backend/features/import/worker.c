/* The threads that carry out committed imports, and the upkeep of their files. See import.h. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "features/import/internal.h"
#include "import_sql.h"
#include "log/log.h"
#include "task/worker.h"

#define THREADS     2 /* so that a small import does not wait for a large one */
#define PERIOD      (2 * NS_PER_S)
#define PURGE_EVERY (3600 * NS_PER_S)
#define ORPHAN_S    3600
#define ARENA_MAX   ((size_t)512 << 20)
#define TRIES       3 /* of a load that others got in the way of */

struct importer {
        struct app *app;
        struct task_worker *threads[THREADS];
        int64_t purged_ns; /* read and written atomically */
};

enum err import_spool_dir(struct ctx *ctx, char **ret)
{
        char *dir = arena_printf(ctx->arena, "%.*s/imports", FMT(ctx->app->settings.state_dir));

        if (mkdir(dir, 0700) != 0 && errno != EEXIST)
                return fail(ctx, ERR_UNAVAILABLE, "cannot make %s: %s", dir, strerror(errno));
        *ret = dir;
        return OK;
}

enum err import_spool_path(struct ctx *ctx, struct str name, char **ret)
{
        char *dir;

        TRY(import_spool_dir(ctx, &dir));
        *ret = arena_printf(ctx->arena, "%s/%.*s", dir, FMT(name));
        return OK;
}

static void unlink_spool(struct ctx *ctx, struct str name)
{
        char *path;

        if (name.len && import_spool_path(ctx, name, &path) == OK)
                unlink(path);
}

static struct str faults_json(struct ctx *ctx, const struct import_faults *f)
{
        struct buf b;
        struct json_out o = {.buf = &b};

        buf_init(&b, ctx->arena, 4 << 20);
        import_faults_write(&o, NULL, f);
        return buf_str(&b);
}

void import_note_progress(struct ctx *ctx, const struct import_job *job,
                          const struct import_result *r)
{
        struct ctx own = *ctx;

        own.deadline_ns = time_mono_ns() + NS_PER_S;
        if (db_exec(&own, ctx->app->db, &sql_progress,
                    PARAMS(p_str(job->id), p_i64(&own, r->rows_read)), NULL) != OK)
                log_debug("import progress is not written", LOG_STR("error", own.message));
}

static enum err read_job(struct ctx *ctx, struct tx *tx, struct str id, struct import_job *ret,
                         bool *ret_old)
{
        const struct json *dialect, *columns, *plan;
        struct db_result r;

        TRY(tx_query(tx, &sql_read_job, PARAMS(p_str(id)), &r));
        if (r.rows == 0) {
                *ret = (struct import_job){0};
                return OK;
        }
        TRY(json_parse(ctx, db_text(&r, 0, 6), &dialect));
        TRY(json_parse(ctx, db_text(&r, 0, 7), &columns));
        TRY(json_parse(ctx, db_text(&r, 0, 8), &plan));
        *ret = (struct import_job){
                .id = db_text(&r, 0, 0),
                .workspace_id = db_text(&r, 0, 1),
                .table_id = db_text(&r, 0, 2),
                .user_id = db_text(&r, 0, 3),
                .file_name = db_text(&r, 0, 4),
                .spool_name = db_text(&r, 0, 5),
                .width = json_len(columns),
        };
        *ret_old = db_bool(&r, 0, 9);
        import_dialect_parse(dialect, &ret->dialect);
        import_plan_parse(ctx->arena, plan, &ret->plan);
        return OK;
}

static enum err complete(struct ctx *ctx, struct tx *tx, const struct import_job *job,
                         const struct import_result *r)
{
        return tx_exec(tx, &sql_complete,
                       PARAMS(p_str(job->id), p_str(r->table_id), p_i64(ctx, r->rows_read),
                              p_i64(ctx, r->rows_imported), p_i64(ctx, r->rows_rejected),
                              p_str(faults_json(ctx, &r->faults)), p_i64(ctx, r->faults.count)),
                       NULL);
}

/* Says for good that the import failed. */
static void give_up(struct ctx *ctx, const struct import_job *job, const struct import_result *r,
                    struct str message)
{
        struct ctx own = *ctx;

        if (db_exec(&own, ctx->app->db, &sql_fail,
                    PARAMS(p_str(job->id), p_str(message), p_i64(&own, r->rows_read),
                           p_i64(&own, r->rows_rejected), p_str(faults_json(&own, &r->faults)),
                           p_i64(&own, r->faults.count)),
                    NULL) != OK) {
                log_warn("import is still open", LOG_STR("importId", job->id),
                         LOG_STR("error", own.message));
                return;
        }
        unlink_spool(ctx, job->spool_name);
        log_warn("import failed", LOG_STR("importId", job->id), LOG_STR("error", message));
}

static bool is_passing(enum err e)
{
        return e == ERR_UNAVAILABLE || e == ERR_TIMEOUT || e == ERR_CANCELLED;
}

/* Fresh statistics, or the first queries on a large table are planned blindly. */
static void analyze(struct ctx *ctx, struct str table_id)
{
        struct grid_table t;
        struct tx tx = {0};

        if (tx_begin(ctx, ctx->app->db, &tx) != OK)
                return;
        struct db_result r;

        if (tx_query(&tx, &sql_workspace_of, PARAMS(p_str(table_id)), &r) == OK && r.rows &&
            grid_load(ctx, &tx, db_text(&r, 0, 0), table_id, &t) == OK &&
            tx_script(&tx, arena_printf(ctx->arena, "ANALYZE %s", t.rows)) == OK &&
            tx_commit(&tx) == OK)
                log_debug("table analyzed", LOG_STR("tableId", table_id));
        tx_end(&tx);
}

/* In the transaction that holds the claim. */
static enum err carry_out(struct ctx *ctx, struct tx *tx, const struct import_job *job,
                          struct import_result *r)
{
        int64_t started = time_mono_ns();

        TRY(db_exec(ctx, ctx->app->db, &sql_begin, PARAMS(p_str(job->id)), NULL));
        TRY(tx_script(tx, "SET LOCAL statement_timeout = 0"));
        TRY(import_load(ctx, tx, job, r));
        TRY(complete(ctx, tx, job, r));
        TRY(tx_commit(tx));
        log_info("import completed", LOG_STR("importId", job->id), LOG_STR("tableId", r->table_id),
                 LOG_I64("rows", r->rows_imported), LOG_I64("rejected", r->rows_rejected),
                 LOG_F64("seconds", (double)(time_mono_ns() - started) / 1e9));
        return OK;
}

/* Tries the import once; ERR_CONFLICT when it is worth another try at once. */
static enum err try_import(struct ctx *ctx, struct str id, bool last)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct import_job job;
        struct import_result r = {0};
        struct db_result locked;
        bool old = false;
        char *path;
        enum err e;

        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(tx_query(&tx, &sql_claim, PARAMS(p_str(id)), &locked));
        if (!db_bool(&locked, 0, 0))
                return OK; /* somebody loads it */
        TRY(read_job(ctx, &tx, id, &job, &old));
        if (!job.id.ptr)
                return OK; /* somebody has loaded it */
        TRY(import_spool_path(ctx, job.spool_name, &path));
        if (access(path, R_OK) != 0 && !old)
                return OK; /* on another machine's disk */
        e = carry_out(ctx, &tx, &job, &r);
        if (e == OK) {
                unlink(path);
                analyze(ctx, r.table_id);
                return OK;
        }
        struct str message = str_dup(ctx->arena, ctx->message);

        tx_end(&tx);
        if (is_passing(e) || (e == ERR_CONFLICT && !last))
                return e;
        give_up(ctx, &job, &r, message);
        return OK;
}

static void run_import(struct app *app, struct str id)
{
        enum err e = ERR_CONFLICT;

        for (int i = 1; e == ERR_CONFLICT && i <= TRIES && !app->stopping; i++) {
                struct arena arena;
                struct ctx ctx;

                arena_init(&arena, ARENA_MAX);
                ctx_init(&ctx, &arena);
                ctx.app = app;
                e = try_import(&ctx, id, i == TRIES);
                if (e != OK)
                        log_warn("import will be tried again", LOG_STR("importId", id),
                                 LOG_STR("error", ctx.message));
                arena_finish(&arena);
        }
}

/* ---- upkeep ---- */

static void remove_orphan(struct ctx *ctx, const char *name)
{
        struct db_result r;
        struct stat st;
        char *path;

        if (name[0] == '.' || import_spool_path(ctx, str_from(name), &path) != OK ||
            stat(path, &st) != 0 || time_wall_us() / 1000000 - st.st_mtime < ORPHAN_S)
                return;
        if (db_query(ctx, ctx->app->db, &sql_spool_known, PARAMS(p_c(name)), &r) == OK &&
            !db_bool(&r, 0, 0))
                unlink(path);
}

/* Forgotten previews, and files that no import knows. */
static void purge(struct ctx *ctx)
{
        struct db_result r;
        char *dir;
        DIR *d;

        if (db_query(ctx, ctx->app->db, &sql_purge, NO_PARAMS, &r) != OK ||
            import_spool_dir(ctx, &dir) != OK)
                return;
        for (int i = 0; i < r.rows; i++)
                unlink_spool(ctx, db_text(&r, i, 0));
        d = opendir(dir);
        if (!d)
                return;
        for (struct dirent *entry; (entry = readdir(d));)
                remove_orphan(ctx, entry->d_name);
        closedir(d);
}

static void look_for_work(void *user)
{
        struct importer *im = user;
        struct db_result r;
        struct arena arena;
        struct ctx ctx;
        int64_t last = __atomic_load_n(&im->purged_ns, __ATOMIC_RELAXED), now = time_mono_ns();

        arena_init(&arena, 64 << 20);
        ctx_init(&ctx, &arena);
        ctx.app = im->app;
        if ((last == 0 || now - last > PURGE_EVERY) &&
            __atomic_compare_exchange_n(&im->purged_ns, &last, now, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
                purge(&ctx);
        if (db_query(&ctx, im->app->db, &sql_open, NO_PARAMS, &r) == OK)
                for (int i = 0; i < r.rows && !im->app->stopping; i++)
                        run_import(im->app, db_text(&r, i, 0));
        arena_finish(&arena);
}

enum err importer_open(struct ctx *ctx, struct app *app, struct importer **ret)
{
        struct importer *im = mem_alloc(sizeof *im);

        im->app = app;
        for (int i = 0; i < THREADS; i++) {
                enum err e =
                        task_worker_open(ctx, "import", PERIOD, look_for_work, im, &im->threads[i]);

                if (e != OK) {
                        importer_close(im);
                        return e;
                }
        }
        *ret = im;
        return OK;
}

void importer_wake(struct importer *im)
{
        for (int i = 0; im && i < THREADS; i++)
                task_worker_wake(im->threads[i]);
}

void importer_stop(struct importer *im)
{
        for (int i = 0; im && i < THREADS; i++)
                task_worker_stop(im->threads[i]);
}

void importer_close(struct importer *im)
{
        if (!im)
                return;
        for (int i = 0; i < THREADS; i++)
                task_worker_close(im->threads[i]);
        mem_free(im);
}
