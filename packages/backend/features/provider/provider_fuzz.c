/*
 * Fuzz target: the input's first line says what the rest is: the slug of a shipped provider (the
 * rest is its answer), "definition" (a definition, which then is asked and answered), or "text"
 * (a header, domain, address, name, phone number). Besides memory errors it looks for outcomes that
 * contradict themselves.
 */
#include <stdlib.h>
#include <string.h>

#include "features/provider/definition.h"
#include "fetch/fetch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct provider_registry *registry;

static void require(bool holds)
{
        if (!holds)
                abort();
}

static void check_output(const struct provider_def *def, const struct provider_output *out)
{
        const struct field *f = field_find(out->key);
        struct str text = json_get_str(out->value);

        require(f && provider_gives(def, out->key));
        if (!strcmp(f->type, "number"))
                require(json_is_number(out->value) && json_get_double(out->value, -1) >= 0);
        else
                require(text.len > 0 && text.len <= 4100 && !memchr(text.ptr, 0, text.len));
}

static void check_answer(struct ctx *ctx, const struct provider_def *def, struct str body)
{
        struct fetch_res res = {.outcome = FETCH_ANSWERED, .status = 200, .body = body};
        struct provider_result r = {0};

        require(provider_interpret(ctx, def, &res, &r) == OK && ctx->faults.len == 0);
        require((r.outcome == PROVIDER_HIT) == (r.outputs.len > 0));
        require(r.confidence >= 0 && r.confidence <= 1);
        require(r.outcome == PROVIDER_HIT || r.detail.len > 0);
        LIST_EACH (out, &r.outputs)
                check_output(def, out);
}

static void check_definition(struct ctx *ctx, struct str text)
{
        const struct provider_def *def = NULL;
        struct json *credential = json_new_object(ctx->arena);
        struct provider_inputs in = {0};
        struct provider_question q = {0};
        struct fetch_req req = {0};

        if (provider_compile(ctx, text, &def) != OK) {
                require(ctx->message.len > 0);
                return;
        }
        json_put(credential, STR("apiKey"), json_from_str(ctx->arena, STR("k")));
        LIST_EACH (input, &def->inputs)
                provider_inputs_put(ctx, &in, input->key, STR("a.example"));
        require(provider_question(ctx, def, &in, &q) == OK && q.key.len == 64);
        if (q.complete &&
            provider_request(ctx, def, &q.inputs, credential, STR_NULL, STR_NULL, &req) == OK)
                require(str_starts(req.url, def->base_url));
        ctx_clear(ctx);
        check_answer(ctx, def, STR("{\"a\":[{\"b\":1}],\"c\":\"d\"}"));
}

static void check_text(struct ctx *ctx, struct str text)
{
        static const char *const slugs[][2] = {{"name-split", "full_name"},
                                               {"phone-normalise", "phone"},
                                               {"domain-from-url", "website"}};
        struct str domain = STR_NULL, again = STR_NULL, email = STR_NULL;
        const char *why = NULL;
        double score = 0;

        require(!field_find_by_alias(text, &score) || (score >= 0.5 && score <= 1));
        if (normal_domain(ctx->arena, text, &domain)) {
                require(domain.len <= 253 && normal_domain(ctx->arena, domain, &again));
                require(str_eq(domain, again) || str_starts(domain, STR("www.")));
        }
        if (normal_email(ctx->arena, text, &email, &why)) {
                require(normal_email(ctx->arena, email, &again, &why) && str_eq(email, again));
        } else {
                require(why != NULL);
        }
        for (size_t i = 0; i < ELEMENTS(slugs); i++) {
                const struct provider_def *def = provider_find(registry, str_from(slugs[i][0]));
                struct provider_inputs in = {0};
                struct provider_question q = {0};
                struct provider_result r = {0};

                provider_inputs_put(ctx, &in, str_from(slugs[i][1]), text);
                require(provider_question(ctx, def, &in, &q) == OK);
                if (!q.complete)
                        continue;
                require(provider_run_local(ctx, def, &q.inputs, &r) == OK);
                require((r.outcome == PROVIDER_HIT) == (r.outputs.len > 0));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct str rest = {(const char *)data, size}, kind = STR("");
        struct provider_settings none = {0};
        const struct provider_def *def;
        struct arena arena;
        struct ctx ctx;

        if (size > 1 << 20)
                return 0;
        arena_init(&arena, 1 << 30);
        ctx_init(&ctx, &arena);
        if (!registry)
                require(provider_registry_open(&ctx, &none, &registry) == OK);
        ctx.deadline_ns = time_mono_ns() + 20 * NS_PER_S;
        if (!size || !str_split(&rest, '\n', &kind) || !rest.ptr)
                rest = STR("");
        def = provider_find(registry, kind);
        if (def && !def->builtin)
                check_answer(&ctx, def, rest);
        else if (str_eq(kind, STR("definition")))
                check_definition(&ctx, rest);
        else if (str_eq(kind, STR("text")))
                check_text(&ctx, rest);
        arena_finish(&arena);
        return 0;
}
