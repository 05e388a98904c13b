/* Routes of jobs: estimate, create, list, look, cancel, retry, attempts. */
#include "features/job/internal.h"

#include "job_sql.h"

/* ---- requests ---- */

static const char waterfall_schema[] =
        "\"type\":\"array\",\"minItems\":1,\"maxItems\":20,\"items\":{\"anyOf\":["
        "{\"type\":\"string\",\"minLength\":1,\"maxLength\":63},"
        "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"provider\"],"
        "\"properties\":{\"provider\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":63},"
        "\"inputs\":{\"type\":\"object\",\"maxProperties\":30,"
        "\"additionalProperties\":{\"type\":\"string\",\"format\":\"uuid\"}},"
        "\"minConfidence\":{\"type\":\"number\",\"minimum\":0,\"maximum\":1}}}]}";

static const struct desc_field request_field_fields[] = {
        DESC_F(job_request_field, column_id, "columnId", DESC_UUID),
        DESC_F(job_request_field, output, "output", DESC_STR, .flags = DESC_OPTIONAL,
               .schema = "\"minLength\":1,\"maxLength\":63"),
        DESC_F(job_request_field, waterfall, "waterfall", DESC_JSON, .schema = waterfall_schema),
        DESC_F(job_request_field, only_if_empty, "onlyIfEmpty", DESC_BOOL, .flags = DESC_OPTIONAL,
               DESC_HAS(job_request_field, has_only_if_empty)),
        DESC_F(job_request_field, min_confidence, "minConfidence", DESC_DOUBLE,
               .flags = DESC_OPTIONAL, .schema = "\"minimum\":0,\"maximum\":1"),
        {0},
};
static const struct desc request_field_desc =
        DESC("JobField", job_request_field, request_field_fields);

static const struct desc_field request_fields[] = {
        DESC_F(job_request, table_id, "tableId", DESC_UUID),
        DESC_F(job_request, record_ids, "recordIds", DESC_LIST_STR, .flags = DESC_OPTIONAL,
               DESC_HAS(job_request, has_record_ids),
               .schema = "\"minItems\":1,\"maxItems\":100000,"
                         "\"items\":{\"type\":\"string\",\"format\":\"uuid\"}"),
        DESC_F(job_request, filter, "filter", DESC_JSON, .flags = DESC_OPTIONAL,
               .schema = "\"type\":\"object\""),
        DESC_F(job_request, fields, "fields", DESC_LIST_OF, .sub = &request_field_desc,
               .schema = "\"minItems\":1,\"maxItems\":30"),
        DESC_F(job_request, budget, "budget", DESC_I64, .flags = DESC_OPTIONAL,
               DESC_HAS(job_request, has_budget), .schema = "\"minimum\":0,\"maximum\":1e15"),
        {0},
};
static const struct desc request_desc = DESC("JobRequest", job_request, request_fields);

/* ---- answers ---- */

#define INTEGER "{\"type\":\"integer\"}"
#define TEXT    "{\"type\":\"string\"}"
#define MAYBE   "{\"type\":[\"string\",\"null\"]}"

static const char job_schema[] =
        "{\"title\":\"Job\",\"type\":\"object\",\"required\":[\"id\",\"tableId\",\"status\","
        "\"engine\",\"totals\",\"credits\",\"createdAt\"],\"properties\":{"
        "\"id\":{\"type\":\"string\",\"format\":\"uuid\"},"
        "\"tableId\":{\"type\":\"string\",\"format\":\"uuid\"},"
        "\"status\":{\"enum\":[\"queued\",\"running\",\"completed\",\"partially_completed\","
        "\"failed\",\"cancelled\"]},\"engine\":{\"enum\":[\"local\",\"temporal\"]},"
        "\"retryOf\":" MAYBE ",\"totals\":{\"type\":\"object\",\"properties\":{\"cells\":" INTEGER
        ",\"complete\":" INTEGER ",\"notFound\":" INTEGER ",\"failed\":" INTEGER
        ",\"skipped\":" INTEGER "}},\"credits\":{\"type\":\"object\",\"properties\":{"
        "\"reserved\":" INTEGER ",\"spent\":" INTEGER ",\"refunded\":" INTEGER "}},"
        "\"budget\":{\"type\":[\"integer\",\"null\"]},\"budgetReached\":{\"type\":\"boolean\"},"
        "\"cancelRequested\":{\"type\":\"boolean\"},\"error\":" MAYBE ",\"createdBy\":" MAYBE
        ",\"createdAt\":" TEXT ",\"startedAt\":" MAYBE ",\"finishedAt\":" MAYBE "}}";

static const char jobs_schema[] = "{\"type\":\"array\",\"items\":{\"type\":\"object\"}}";

static const char estimate_schema[] =
        "{\"title\":\"JobEstimate\",\"type\":\"object\",\"properties\":{\"cells\":" INTEGER
        ",\"providers\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
        "\"slug\":" TEXT ",\"expectedCalls\":{\"type\":\"number\"},"
        "\"expectedCredits\":{\"type\":\"number\"}}}},\"credits\":{\"type\":\"object\","
        "\"properties\":{\"expected\":" INTEGER ",\"p90\":" INTEGER ",\"max\":" INTEGER "}},"
        "\"warnings\":{\"type\":\"array\",\"items\":" TEXT "}}}";

static enum err reply_job(struct ctx *ctx, struct reply *out, int status, const struct job *job)
{
        struct json_out o;

        reply_begin(out, status, &o);
        job_write(&o, "data", job);
        return reply_end(ctx, out, &o, NULL);
}

static double rounded(double v)
{
        return (double)(int64_t)(v * 10 + 0.5) / 10;
}

static enum err estimate(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct job_request request = {0};
        struct job_estimate e;
        struct json_out o;

        TRY(req_decode(ctx, req, &request_desc, &request));
        TRY(job_estimate(ctx, req_param(req, "workspaceId"), &request, &e));
        reply_begin(out, 200, &o);
        out_object(&o, "data");
        out_i64(&o, "cells", e.cells);
        out_array(&o, "providers");
        LIST_EACH (p, &e.providers) {
                out_object(&o, NULL);
                out_str(&o, "slug", p->slug);
                out_double(&o, "expectedCalls", rounded(p->expected_calls));
                out_double(&o, "expectedCredits", rounded(p->expected_credits));
                out_end_object(&o);
        }
        out_end_array(&o);
        out_object(&o, "credits");
        out_i64(&o, "expected", e.expected);
        out_i64(&o, "p90", e.p90);
        out_i64(&o, "max", e.max);
        out_end_object(&o);
        out_array(&o, "warnings");
        LIST_EACH (w, &e.warnings)
                out_str(&o, NULL, *w);
        out_end_array(&o);
        out_end_object(&o);
        return reply_end(ctx, out, &o, NULL);
}

static enum err create(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct job_request request = {0};
        struct job job;

        TRY(req_decode(ctx, req, &request_desc, &request));
        TRY(job_create(ctx, req_param(req, "workspaceId"), &request, &job));
        return reply_job(ctx, out, 202, &job);
}

struct jobs_query {
        struct list_query list;
        struct str table_id;
};

static const struct desc_field jobs_query_fields[] = {
        DESC_F(jobs_query, list.limit, "limit", DESC_I64, .flags = DESC_OPTIONAL,
               .schema = "\"minimum\":1,\"maximum\":1000", DESC_HAS(jobs_query, list.has_limit)),
        DESC_F(jobs_query, list.cursor, "cursor", DESC_STR, .flags = DESC_OPTIONAL,
               .schema = "\"maxLength\":2000"),
        DESC_F(jobs_query, table_id, "tableId", DESC_UUID, .flags = DESC_OPTIONAL),
        {0},
};
static const struct desc jobs_query_desc = DESC("JobsQuery", jobs_query, jobs_query_fields);

static enum err list(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct jobs_query q = {0};
        struct str at = STR_NULL, id = STR_NULL;
        job_list jobs = {0};
        struct json_out o;

        TRY(req_decode_query(ctx, req, &jobs_query_desc, &q));
        int64_t limit = q.list.has_limit ? q.list.limit : LIST_LIMIT_DEFAULT;
        struct page page = {.limit = limit, .total = -1};

        if (q.list.cursor.ptr)
                TRY(cursor_decode(ctx, q.list.cursor, &at, &id));
        TRY(job_list_page(ctx, req_param(req, "workspaceId"), q.table_id, at, id, limit + 1,
                          &jobs));
        if ((int64_t)jobs.len > limit) {
                jobs.len = (size_t)limit;
                const struct job *last = &jobs.ptr[limit - 1];

                page.next_cursor = cursor_encode(ctx, last->cursor_at, last->id);
        }
        reply_begin(out, 200, &o);
        out_array(&o, "data");
        LIST_EACH (job, &jobs)
                job_write(&o, NULL, job);
        out_end_array(&o);
        return reply_end(ctx, out, &o, &page);
}

static enum err get(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct job job;

        TRY(job_get(ctx, req_param(req, "workspaceId"), req_param(req, "jobId"), &job));
        return reply_job(ctx, out, 200, &job);
}

static enum err cancel(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct job job;

        TRY(job_cancel(ctx, req_param(req, "workspaceId"), req_param(req, "jobId"), &job));
        return reply_job(ctx, out, 202, &job);
}

static enum err retry(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct job job;

        TRY(job_retry(ctx, req_param(req, "workspaceId"), req_param(req, "jobId"), &job));
        return reply_job(ctx, out, 202, &job);
}

/* ---- attempts ---- */

struct attempt {
        struct str idempotency_key, record_id, column_id, provider, outcome, started_at, error;
        struct str field_name; /* for the cursor only */
        int64_t record_index, credits, latency_ms, calls;
        bool cached, has_confidence;
        double confidence;
};

static const struct desc_field attempt_fields[] = {
        DESC_F(attempt, idempotency_key, "idempotencyKey", DESC_STR),
        DESC_F(attempt, record_id, "recordId", DESC_UUID),
        DESC_F(attempt, column_id, "columnId", DESC_UUID),
        DESC_F(attempt, field_name, "fieldName", DESC_STR),
        DESC_F(attempt, record_index, "recordIndex", DESC_I64),
        DESC_F(attempt, provider, "provider", DESC_STR),
        DESC_F(attempt, outcome, "outcome", DESC_STR),
        DESC_F(attempt, credits, "credits", DESC_I64),
        DESC_F(attempt, confidence, "confidence", DESC_DOUBLE, .flags = DESC_OPTIONAL,
               DESC_HAS(attempt, has_confidence)),
        DESC_F(attempt, latency_ms, "latencyMs", DESC_I64),
        DESC_F(attempt, calls, "calls", DESC_I64),
        DESC_F(attempt, cached, "cached", DESC_BOOL),
        DESC_F(attempt, started_at, "startedAt", DESC_TIME),
        DESC_F(attempt, error, "error", DESC_STR, .flags = DESC_OPTIONAL),
        {0},
};
static const struct desc attempt_desc = DESC("Attempt", attempt, attempt_fields);

struct attempts_query {
        struct list_query list;
        struct str record_id;
};

static const struct desc_field attempts_query_fields[] = {
        DESC_F(attempts_query, list.limit, "limit", DESC_I64, .flags = DESC_OPTIONAL,
               .schema = "\"minimum\":1,\"maximum\":1000",
               DESC_HAS(attempts_query, list.has_limit)),
        DESC_F(attempts_query, list.cursor, "cursor", DESC_STR, .flags = DESC_OPTIONAL,
               .schema = "\"maxLength\":2000"),
        DESC_F(attempts_query, record_id, "recordId", DESC_UUID, .flags = DESC_OPTIONAL),
        {0},
};
static const struct desc attempts_query_desc =
        DESC("AttemptsQuery", attempts_query, attempts_query_fields);

/* The cursor: "recordIndex" and "fieldName\nprovider". */
static enum err attempts_after(struct ctx *ctx, struct str cursor, struct str *ret_index,
                               struct str *ret_field, struct str *ret_provider)
{
        struct str index, rest, field;
        int64_t number;

        TRY(cursor_decode(ctx, cursor, &index, &rest));
        if (!str_to_i64(index, &number) || !str_split(&rest, '\n', &field) || !rest.ptr) {
                ctx_fault(ctx, STR("/query/cursor"), "cursor", "is not a cursor of this list");
                return fail(ctx, ERR_VALIDATION, "the cursor is not one of this list");
        }
        *ret_index = index;
        *ret_field = field;
        *ret_provider = rest;
        return OK;
}

static enum err attempts(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct str index = STR_NULL, field = STR_NULL, provider = STR_NULL;
        struct attempts_query q = {0};
        LIST(struct attempt) rows = {0};
        struct db_result r;
        struct job job;

        TRY(req_decode_query(ctx, req, &attempts_query_desc, &q));
        TRY(job_get(ctx, req_param(req, "workspaceId"), req_param(req, "jobId"), &job));
        int64_t limit = q.list.has_limit ? q.list.limit : LIST_LIMIT_DEFAULT;
        struct page page = {.limit = limit, .total = -1};

        if (q.list.cursor.ptr)
                TRY(attempts_after(ctx, q.list.cursor, &index, &field, &provider));
        TRY(db_query(ctx, ctx->app->db, &sql_attempts_page,
                     PARAMS(p_str(job.id), p_str(index), p_str(field), p_str(provider),
                            p_str(q.record_id), p_i64(ctx, limit + 1)),
                     &r));
        desc_from_rows(ctx, &attempt_desc, &r, &rows);
        if ((int64_t)rows.len > limit) {
                rows.len = (size_t)limit;
                const struct attempt *last = &rows.ptr[limit - 1];

                page.next_cursor = cursor_encode(
                        ctx, str_printf(ctx->arena, "%lld", (long long)last->record_index),
                        str_printf(ctx->arena, "%.*s\n%.*s", FMT(last->field_name),
                                   FMT(last->provider)));
        }
        return reply_list(ctx, out, &attempt_desc, &rows, &page);
}

static const struct route job_routes[] = {
        {HTTP_POST, "/jobs/estimate", ROLE_MEMBER, estimate, .body = &request_desc,
         .reply_schema = estimate_schema, .summary = "What a job would ask and cost"},
        {HTTP_POST, "/jobs", ROLE_MEMBER, create, .body = &request_desc, .status = 202,
         .reply_schema = job_schema, .summary = "Enrich cells of a table"},
        {HTTP_GET, "/jobs", ROLE_VIEWER, list, .query = &jobs_query_desc, .list = true,
         .reply_schema = jobs_schema, .summary = "List jobs, newest first"},
        {HTTP_GET, "/jobs/:jobId", ROLE_VIEWER, get, .reply_schema = job_schema,
         .summary = "How a job stands"},
        {HTTP_POST, "/jobs/:jobId/cancel", ROLE_MEMBER, cancel, .status = 202,
         .reply_schema = job_schema, .summary = "Stop a job"},
        {HTTP_POST, "/jobs/:jobId/retry", ROLE_MEMBER, retry, .status = 202,
         .reply_schema = job_schema, .summary = "A new job over the cells that failed"},
        {HTTP_GET, "/jobs/:jobId/attempts", ROLE_VIEWER, attempts, .query = &attempts_query_desc,
         .reply = &attempt_desc, .list = true,
         .summary = "Every question put to a provider, and its price"},
        {0},
};

const struct router job_router = {"/workspaces/:workspaceId", "jobs", job_routes};
