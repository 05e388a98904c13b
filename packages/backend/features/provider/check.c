/* `millrace providers check`: is a definition sound, and does it read its sample answers rightly.
 */
#include "features/provider/definition.h"

#include <math.h>
#include <string.h>
#include "features/provider/files.h"
#include "fetch/fetch.h"

/* ---- pointers against the response schema ---- */

#define DEPTH_MAX 32

static bool reachable(const struct json *root, const struct json *schema, struct str pointer,
                      int depth);

static bool in_any(const struct json *root, const struct json *list, struct str pointer, int depth)
{
        JSON_EACH_ITEM (i, item, list)
                if (reachable(root, item, pointer, depth))
                        return true;
        return false;
}

static bool is_index(struct str token)
{
        int64_t n;

        return str_eq(token, STR("*")) || (str_to_i64(token, &n) && n >= 0);
}

static bool step(const struct json *root, const struct json *schema, struct str token,
                 struct str rest, int depth)
{
        const struct json *next = json_member_str(json_member(schema, "properties"), token);

        if (next && reachable(root, next, rest, depth))
                return true;
        next = json_member(schema, "additionalProperties");
        if (json_is_object(next) && reachable(root, next, rest, depth))
                return true;
        if (!is_index(token))
                return false;
        if (in_any(root, json_member(schema, "prefixItems"), rest, depth))
                return true;
        next = json_member(schema, "items");
        return json_is_object(next) && reachable(root, next, rest, depth);
}

/* Whether the schema describes anything at the pointer. */
static bool reachable(const struct json *root, const struct json *schema, struct str pointer,
                      int depth)
{
        static const char *const branches[] = {"anyOf", "oneOf", "allOf"};
        struct str ref = json_member_text(schema, "$ref"), token;
        size_t end;

        if (depth > DEPTH_MAX || !json_is_object(schema))
                return false;
        if (!pointer.len)
                return true;
        if (str_starts(ref, STR("#")) &&
            reachable(root, json_pointer(root, str_slice(ref, 1, ref.len)), pointer, depth + 1))
                return true;
        for (size_t i = 0; i < ELEMENTS(branches); i++)
                if (in_any(root, json_member(schema, branches[i]), pointer, depth + 1))
                        return true;
        token = str_slice(pointer, 1, pointer.len);
        end = str_find_char(token, '/');
        if (end == SIZE_MAX)
                end = token.len;
        return step(root, schema, str_slice(token, 0, end), str_slice(token, end, token.len),
                    depth + 1);
}

static void check_pointer(struct ctx *ctx, const struct json *schema, struct str pointer,
                          struct str where)
{
        if (!reachable(schema, schema, pointer, 0))
                ctx_fault(ctx, where, "schema", "the response schema describes nothing at %.*s",
                          FMT(pointer));
}

static void check_pointers(struct ctx *ctx, const struct provider_def *def)
{
        const struct provider_program *p = def->program;

        LIST_EACH (m, &p->map)
                LIST_EACH (pointer, &m->extract.pointers)
                        check_pointer(ctx, p->schema_source, *pointer,
                                      str_printf(ctx->arena, "/response/map/%s", m->field->key));
        LIST_EACH (c, &p->miss_when)
                check_pointer(ctx, p->schema_source, c->pointer, STR("/response/missWhen"));
        if (p->confidence_pointer.len)
                check_pointer(ctx, p->schema_source, p->confidence_pointer,
                              STR("/response/confidence"));
}

/* ---- fixtures ---- */

static void check_request(struct ctx *ctx, const struct provider_def *def,
                          const struct json *sample, struct str where)
{
        struct ctx scratch; /* its failures are findings, not ours */
        struct provider_inputs in = {0};
        struct provider_question q = {0};
        struct json *credential = json_new_object(ctx->arena);
        struct fetch_req req = {0};
        struct str url = json_member_text(sample, "url");
        const struct json *body = json_member(sample, "body"), *sent = NULL;

        ctx_init(&scratch, ctx->arena);
        json_put(credential, STR("apiKey"), json_from_str(ctx->arena, STR("KEY")));
        json_put(credential, STR("username"), json_from_str(ctx->arena, STR("USER")));
        json_put(credential, STR("password"), json_from_str(ctx->arena, STR("PASS")));
        JSON_EACH_MEMBER (it, json_member(sample, "inputs"))
                provider_inputs_put(ctx, &in, it.key, json_get_str(it.value));
        if (provider_question(&scratch, def, &in, &q) != OK || !q.complete) {
                ctx_fault(ctx, where, "request", "the sample's inputs are not complete");
                return;
        }
        if (provider_request(&scratch, def, &q.inputs, credential, STR_NULL, STR_NULL, &req) !=
            OK) {
                ctx_fault(ctx, where, "request", "%.*s", FMT(scratch.message));
                return;
        }
        if (!str_eq(url, req.url))
                ctx_fault(ctx, where, "url", "makes %.*s, not %.*s", FMT(req.url), FMT(url));
        if (body && (json_parse(&scratch, req.body, &sent) != OK || !json_same(sent, body)))
                ctx_fault(ctx, where, "body", "sends %.*s", FMT(req.body));
}

static void check_outputs(struct ctx *ctx, const struct provider_result *r,
                          const struct json *expected, struct str where)
{
        JSON_EACH_MEMBER (it, expected) {
                const struct json *got = provider_result_get(r, it.key);

                if (!got || !json_same(got, it.value))
                        ctx_fault(ctx, where, "outputs", "%.*s is %.*s, not %.*s", FMT(it.key),
                                  FMT(json_text(ctx->arena, got)),
                                  FMT(json_text(ctx->arena, it.value)));
        }
        LIST_EACH (out, &r->outputs)
                if (expected && !json_member_str(expected, out->key))
                        ctx_fault(ctx, where, "outputs", "%.*s was not expected", FMT(out->key));
}

static void check_answer(struct ctx *ctx, const struct provider_def *def, const struct json *answer,
                         struct str where)
{
        const struct json *body = json_member(answer, "body");
        const struct json *expect = json_member(answer, "expect");
        const struct json *sure = json_member(expect, "confidence");
        struct str outcome = json_member_text(expect, "outcome");
        struct provider_result r = {0};
        struct ctx scratch;
        struct fetch_res res = {.outcome = FETCH_ANSWERED,
                                .status = (int)json_get_i64(json_member(answer, "status"), 200)};

        ctx_init(&scratch, ctx->arena);
        res.body = body ? json_text(ctx->arena, body) : json_member_text(answer, "text");
        if (provider_interpret(&scratch, def, &res, &r) != OK) {
                ctx_fault(ctx, where, "answer", "%.*s", FMT(scratch.message));
                return;
        }
        if (!str_eq_c(outcome, provider_outcome_name(r.outcome)))
                ctx_fault(ctx, where, "outcome", "is read as %s, not %.*s%s%.*s",
                          provider_outcome_name(r.outcome), FMT(outcome), r.detail.len ? ": " : "",
                          FMT(r.detail));
        check_outputs(ctx, &r, json_member(expect, "outputs"), where);
        if (sure && fabs(json_get_double(sure, -1) - r.confidence) > 1e-9)
                ctx_fault(ctx, where, "confidence", "is %g, not %g", r.confidence,
                          json_get_double(sure, -1));
}

static void check_fixtures(struct ctx *ctx, const struct provider_def *def, struct str text,
                           size_t *ret_count)
{
        const struct json *doc = NULL, *answers;

        if (json_parse(ctx, text, &doc) != OK) {
                ctx_fault(ctx, STR("fixtures"), "json", "%.*s", FMT(ctx->message));
                return;
        }
        if (json_member(doc, "request"))
                check_request(ctx, def, json_member(doc, "request"), STR("fixtures/request"));
        answers = json_member(doc, "answers");
        JSON_EACH_ITEM (i, answer, answers)
                check_answer(ctx, def, answer,
                             str_printf(ctx->arena, "fixtures/%.*s",
                                        FMT(json_member_text(answer, "name"))));
        *ret_count = json_len(answers);
}

/* ---- one and all ---- */

enum err provider_check_one(struct ctx *ctx, struct str file, struct str json, struct str fixtures,
                            struct provider_check *ret)
{
        struct provider_check check = {.file = file};
        const struct provider_def *def = NULL;
        size_t before = ctx->faults.len;
        enum err e = provider_compile(ctx, json, &def);

        if (e != OK && e != ERR_VALIDATION)
                return e;
        if (e != OK && ctx->faults.len == before)
                ctx_fault(ctx, STR(""), "json", "%.*s", FMT(ctx->message));
        if (e == OK) {
                check.slug = def->slug;
                check_pointers(ctx, def);
                if (fixtures.ptr)
                        check_fixtures(ctx, def, fixtures, &check.fixtures);
        }
        for (size_t i = before; i < ctx->faults.len; i++)
                LIST_PUSH(ctx->arena, &check.faults, ctx->faults.ptr[i]);
        ctx->faults.len = before; /* they are the result, not our failure */
        ctx_clear(ctx);
        *ret = check;
        return OK;
}

static enum err check_embedded(struct ctx *ctx, provider_check_list *list)
{
        for (const struct embedded_file *f = provider_files; f->name; f++) {
                const char *samples = arena_printf(ctx->arena, "fixtures/%s", f->name);

                if (file_is_definition(f->name))
                        TRY(provider_check_one(ctx, str_from(f->name), f->text,
                                               embedded_text(provider_files, samples),
                                               LIST_ADD(ctx->arena, list)));
        }
        return OK;
}

enum err provider_check_all(struct ctx *ctx, struct str dir, provider_check_list *ret)
{
        provider_check_list list = {0};
        str_list names = {0};

        if (!dir.len) {
                TRY(check_embedded(ctx, &list));
                *ret = list;
                return OK;
        }
        TRY(files_list(ctx, dir, &names));
        LIST_EACH (name, &names) {
                const char *path = arena_printf(ctx->arena, "%.*s/%.*s", FMT(dir), FMT(*name));
                struct str text = STR_NULL, fixtures = STR_NULL;

                TRY(file_read(ctx, path, &text));
                path = arena_printf(ctx->arena, "%.*s/fixtures/%.*s", FMT(dir), FMT(*name));
                if (file_read(ctx, path, &fixtures) != OK)
                        ctx_clear(ctx); /* fixtures are welcome, not needed */
                TRY(provider_check_one(ctx, *name, text, fixtures, LIST_ADD(ctx->arena, &list)));
        }
        *ret = list;
        return OK;
}
