/* Unit tests: fields, templates, questions, requests, interpretation, the registry. */
#include "test.h"

#include <pthread.h>
#include <string.h>
#include "features/provider/definition.h"
#include "features/provider/files.h"
#include "fetch/fetch.h"

static struct provider_registry *registry;

static int open_registry(void **state)
{
        struct provider_settings settings = {.sandbox_url = STR("http://127.0.0.1:3900/")};

        test_setup(state);
        assert_int_equal(provider_registry_open(&ctx, &settings, &registry), OK);
        return 0;
}

static int close_registry(void **state)
{
        provider_registry_close(registry);
        return test_teardown(state);
}

#define WITH_REGISTRY(fn) cmocka_unit_test_setup_teardown(fn, open_registry, close_registry)

static const struct provider_def *def_of(const char *slug)
{
        const struct provider_def *def = provider_find(registry, str_from(slug));

        assert_non_null(def);
        return def;
}

static void check_str(struct str got, const char *want)
{
        assert_string_equal(str_to_c(&arena, got), want);
}

/* Inputs from "key", "text", …, NULL. */
static struct provider_inputs inputs_of(const char *key, ...)
{
        struct provider_inputs in = {0};
        va_list args;

        va_start(args, key);
        for (; key; key = va_arg(args, const char *))
                provider_inputs_put(&ctx, &in, str_from(key), str_from(va_arg(args, const char *)));
        va_end(args);
        return in;
}

/* ---- fields ---- */

static void check_alias(const char *header, const char *key)
{
        double score = 0;
        const struct field *f = field_find_by_alias(str_from(header), &score);

        if (!key) {
                if (f)
                        fail_msg("\"%s\" is taken for %s (%g)", header, f->key, score);
                return;
        }
        if (!f)
                fail_msg("\"%s\" is not recognised", header);
        assert_string_equal(f->key, key);
        assert_true(score > 0.5 && score <= 1);
}

static void headers_are_recognised(void **state)
{
        check_alias("Company", "company_name");
        check_alias("COMPANY_NAME", "company_name");
        check_alias("CompanyName", "company_name");
        check_alias("Firma", "company_name");
        check_alias("Soci\xc3\xa9t\xc3\xa9", "company_name");
        check_alias("Web site", "website");
        check_alias("Website URL", "website");
        check_alias("e-mail", "email");
        check_alias("E-Mail Address", "email");
        check_alias("Work Email (new)", "email");
        check_alias("Vorname", "first_name");
        check_alias("Last Name", "last_name");
        check_alias("Pr\xc3\xa9nom", "first_name");
        check_alias("# Employees", "employee_count");
        check_alias("Number of employees", "employee_count");
        check_alias("Company size", "employee_count");
        check_alias("HQ City (2024)", "city");
        check_alias("Company city", "city");
        check_alias("Phone No.", "phone");
        check_alias("LinkedIn", "linkedin_url");
        check_alias("Company LinkedIn", "company_linkedin_url");
        check_alias("Job Title", "title");
        check_alias("Gr\xc3\xbcndungsjahr", "founded_year");
        check_alias("Domain", "domain");
        check_alias("id", NULL);
        check_alias("", NULL);
        check_alias("xyzzy", NULL);
        check_alias("\xff\xfe", NULL);
}

static void vocabulary_has_no_doubles(void **state)
{
        for (size_t i = 0; i < field_count(); i++)
                for (size_t j = i + 1; j < field_count(); j++)
                        assert_string_not_equal(field_at(i)->key, field_at(j)->key);
        assert_null(field_at(field_count()));
        assert_null(field_find(STR("nonsense")));
        assert_string_equal(field_find(STR("email"))->type, "email");
}

/* ---- templates ---- */

static const char *render(const char *text, const struct provider_inputs *in,
                          enum template_escape escape)
{
        struct template t = {0};
        struct buf b;

        assert_int_equal(template_compile(&ctx, str_from(text), &t), OK);
        if (!template_ready(&t, in))
                return "(not ready)";
        buf_init(&b, &arena, 4096);
        template_render(&b, &t, in, escape);
        return str_to_c(&arena, buf_str(&b));
}

static void templates_are_filled_and_encoded(void **state)
{
        struct provider_inputs in = inputs_of("domain", "a&b.com", "city", "K\xc3\xb6ln/1", NULL);

        assert_string_equal(render("/v1/{{domain}}/x", &in, ESCAPE_URL), "/v1/a%26b.com/x");
        assert_string_equal(render("{{ city }}", &in, ESCAPE_URL), "K%C3%B6ln%2F1");
        assert_string_equal(render("{{city}}-{{domain}}", &in, ESCAPE_NONE),
                            "K\xc3\xb6ln/1-a&b.com");
        assert_string_equal(render("plain", &in, ESCAPE_URL), "plain");
        assert_string_equal(render("{{email}}", &in, ESCAPE_URL), "(not ready)");
}

static void bad_templates_are_refused(void **state)
{
        static const char *const bad[] = {"{{", "}}", "{{}}", "{{a b}}", "{{A}}", "a}}{{b", "{{a}"};
        struct template t = {0};

        for (size_t i = 0; i < ELEMENTS(bad); i++)
                assert_int_equal(template_compile(&ctx, str_from(bad[i]), &t), ERR_VALIDATION);
}

/* ---- questions ---- */

static struct provider_question ask(const char *slug, struct provider_inputs in)
{
        struct provider_question q = {0};

        assert_int_equal(provider_question(&ctx, def_of(slug), &in, &q), OK);
        return q;
}

static void same_question_has_the_same_key(void **state)
{
        struct provider_question a =
                ask("pdl-company", inputs_of("domain", "sap.com", "company_name", "SAP", NULL));
        struct provider_question b = ask(
                "pdl-company", inputs_of("company_name", "  sap ", "domain",
                                         "HTTPS://www.SAP.com/about?x=1", "industry", "no", NULL));
        struct provider_question c =
                ask("pdl-company", inputs_of("domain", "sap.de", "company_name", "SAP", NULL));
        struct provider_question d = ask("hunter-company", inputs_of("domain", "sap.com", NULL));
        struct provider_question e = ask("abstract-company", inputs_of("domain", "sap.com", NULL));

        assert_int_equal(a.key.len, 64);
        check_str(b.key, str_to_c(&arena, a.key));
        assert_false(str_eq(a.key, c.key));
        assert_false(str_eq(d.key, e.key));
        check_str(provider_inputs_get(&b.inputs, STR("domain")), "sap.com");
        assert_null(provider_inputs_get(&b.inputs, STR("industry")).ptr);
}

static void missing_inputs_are_named(void **state)
{
        struct provider_question q = ask("hunter-company", inputs_of("company_name", "SAP", NULL));

        assert_false(q.complete);
        assert_int_equal(q.missing.len, 1);
        check_str(q.missing.ptr[0], "domain");
        q = ask("hunter-company", inputs_of("domain", "not a domain", NULL));
        assert_false(q.complete);
        q = ask("hunter-email-finder", inputs_of("domain", "sap.com", "first_name", "A", NULL));
        assert_false(q.complete);
        q = ask("hunter-email-finder", inputs_of("domain", "sap.com", "full_name", "A B", NULL));
        assert_true(q.complete);
        q = ask("zerobounce", inputs_of("email", "nonsense", NULL));
        assert_false(q.complete);
}

static void inputs_follow_from_others(void **state)
{
        struct provider_question q =
                ask("hunter-company", inputs_of("website", "http://shop.sap.com/x", NULL));

        assert_true(q.complete);
        check_str(provider_inputs_get(&q.inputs, STR("domain")), "shop.sap.com");
        q = ask("name-split", inputs_of("first_name", "Ada", "last_name", "Lovelace", NULL));
        check_str(provider_inputs_get(&q.inputs, STR("full_name")), "Ada Lovelace");
}

static void domains_are_normalised(void **state)
{
        struct str d = STR_NULL;

        assert_true(normal_domain(&arena, STR(" HTTP://User@WWW.M\xc3\xbcller.de:80/a "), &d));
        check_str(d, "xn--mller-kva.de");
        assert_true(normal_domain(&arena, STR("www.com"), &d));
        check_str(d, "www.com");
        assert_true(normal_domain(&arena, STR("ada@sap.com."), &d));
        check_str(d, "sap.com");
        assert_false(normal_domain(&arena, STR("localhost"), &d));
        assert_false(normal_domain(&arena, STR("10.0.0.1"), &d));
        assert_false(normal_domain(&arena, STR("a..com"), &d));
        assert_false(normal_domain(&arena, STR("-a.com"), &d));
        assert_false(normal_domain(&arena, STR(""), &d));
}

/* ---- a definition of somebody's own ---- */

static const char own_definition[] =
        "{\"slug\":\"mine\",\"name\":\"Mine\",\"category\":\"other\","
        "\"baseUrl\":\"https://api.example.com/"
        "x\",\"inputs\":[{\"key\":\"domain\",\"required\":true},"
        "{\"key\":\"city\"}],\"outputs\":[\"industry\",\"employee_count\"],"
        "\"credits\":{\"hit\":4,\"miss\":1},\"auth\":{\"type\":\"basic\"},"
        "\"request\":{\"method\":\"GET\",\"path\":\"/c/{{domain}}\",\"query\":{\"q\":[\"{{city}}\","
        "\"all\"]},\"headers\":{\"X-City\":\"{{city}}\"}},"
        "\"response\":{\"schema\":{\"type\":\"object\",\"properties\":{\"i\":{\"type\":\"string\"},"
        "\"n\":{\"type\":[\"string\",\"number\"]},\"c\":{\"type\":\"number\"}}},"
        "\"map\":{\"industry\":\"/i\",\"employee_count\":\"/n\"},"
        "\"confidence\":{\"pointer\":\"/c\",\"scale\":100}}}";

static const struct provider_def *own(void)
{
        const struct provider_def *def = NULL;

        assert_int_equal(provider_compile(&ctx, str_from(own_definition), &def), OK);
        return def;
}

/* ---- the way ---- */

static void a_credential_leads_past_the_sandbox(void **state)
{
        struct provider_route r = {0};
        struct provider_registry *bare = NULL;
        struct provider_settings none = {0};

        assert_int_equal(provider_route(&ctx, registry, def_of("pdl-company"), false, &r), OK);
        assert_int_equal(r.source, SOURCE_SANDBOX);
        check_str(r.base_url, "http://127.0.0.1:3900/pdl-company");
        assert_int_equal(r.rate_requests, 0);
        assert_int_equal(provider_route(&ctx, registry, def_of("pdl-company"), true, &r), OK);
        assert_int_equal(r.source, SOURCE_REMOTE);
        assert_null(r.base_url.ptr);
        assert_int_equal(r.rate_requests, 1000);
        assert_int_equal(provider_route(&ctx, registry, def_of("name-split"), false, &r), OK);
        assert_int_equal(r.source, SOURCE_BUILTIN);

        assert_int_equal(provider_route(&ctx, registry, own(), true, &r), OK);
        assert_int_equal(r.source, SOURCE_WORKSPACE);
        assert_int_equal(provider_route(&ctx, registry, own(), false, &r), ERR_VALIDATION);

        assert_int_equal(provider_registry_open(&ctx, &none, &bare), OK);
        assert_int_equal(
                provider_route(&ctx, bare, provider_find(bare, STR("zerobounce")), false, &r),
                ERR_VALIDATION);
        assert_true(str_find(ctx.message, STR("zerobounce")) != SIZE_MAX);
        provider_registry_close(bare);
}

/* ---- requests ---- */

static struct str header(const struct fetch_req *req, const char *name)
{
        for (size_t i = 0; i < req->header_count; i++)
                if (str_eq_nocase(req->headers[i].name, str_from(name)))
                        return req->headers[i].value;
        return STR_NULL;
}

static const struct json *parsed(const char *text)
{
        const struct json *v = NULL;

        assert_int_equal(json_parse(&ctx, str_from(text), &v), OK);
        return v;
}

static void request_carries_key_and_idempotency_key(void **state)
{
        struct provider_question q =
                ask("anymailfinder",
                    inputs_of("domain", "sap.com", "full_name", "Ada \"Q\" {{domain}}", NULL));
        struct fetch_req req = {0};

        assert_int_equal(provider_request(&ctx, def_of("anymailfinder"), &q.inputs,
                                          parsed("{\"apiKey\":\"s3cret\"}"), STR_NULL,
                                          STR("job:1:email:x"), &req),
                         OK);
        check_str(req.url, "https://api.anymailfinder.com/v5.1/find-email/person");
        check_str(req.method, "POST");
        check_str(header(&req, "authorization"), "s3cret");
        check_str(header(&req, "idempotency-key"), "job:1:email:x");
        check_str(header(&req, "content-type"), "application/json");
        assert_true(json_same(parsed(str_to_c(&arena, req.body)),
                              parsed("{\"domain\":\"sap.com\",\"full_name\":\"Ada \\\"Q\\\" "
                                     "{{domain}}\"}")));
}

static void sandbox_gets_a_key_of_its_own(void **state)
{
        struct provider_question q = ask("zerobounce", inputs_of("email", "a+b@sap.com", NULL));
        struct fetch_req req = {0};

        assert_int_equal(provider_request(&ctx, def_of("zerobounce"), &q.inputs, NULL,
                                          STR("http://127.0.0.1:3900/zerobounce"), STR_NULL, &req),
                         OK);
        check_str(req.url, "http://127.0.0.1:3900/zerobounce/v2/validate?email=a%2Bb%40sap.com"
                           "&ip_address=&api_key=millrace-sandbox");
        assert_int_equal(provider_request(&ctx, def_of("zerobounce"), &q.inputs, NULL, STR_NULL,
                                          STR_NULL, &req),
                         ERR_VALIDATION);
}

static void credentials_cannot_inject_headers(void **state)
{
        struct provider_question q = ask("hunter-company", inputs_of("domain", "sap.com", NULL));
        struct fetch_req req = {0};

        assert_int_equal(provider_request(&ctx, def_of("hunter-company"), &q.inputs,
                                          parsed("{\"apiKey\":\"a\\r\\nX: y\"}"), STR_NULL,
                                          STR_NULL, &req),
                         ERR_VALIDATION);
}

static void own_definition_makes_requests(void **state)
{
        struct provider_inputs in = inputs_of("domain", "a.com", NULL);
        struct fetch_req req = {0};

        assert_int_equal(provider_request(&ctx, own(), &in,
                                          parsed("{\"username\":\"u\",\"password\":\"p\"}"),
                                          STR_NULL, STR_NULL, &req),
                         OK);
        check_str(req.url, "https://api.example.com/x/c/a.com?q=all");
        check_str(header(&req, "authorization"), "Basic dTpw");
        assert_null(header(&req, "x-city").ptr);
        provider_inputs_put(&ctx, &in, STR("city"), STR("Ulm"));
        assert_int_equal(provider_request(&ctx, own(), &in,
                                          parsed("{\"username\":\"u\",\"password\":\"p\"}"),
                                          STR_NULL, STR_NULL, &req),
                         OK);
        check_str(req.url, "https://api.example.com/x/c/a.com?q=Ulm");
        check_str(header(&req, "x-city"), "Ulm");
}

/* ---- interpretation ---- */

static struct provider_result interpret(int status, const char *body)
{
        struct fetch_res res = {
                .outcome = FETCH_ANSWERED, .status = status, .body = str_from(body)};
        struct provider_result r = {0};

        res.retry_after_ms = 2500;
        assert_int_equal(provider_interpret(&ctx, own(), &res, &r), OK);
        return r;
}

static void check_outcome(int status, const char *body, enum provider_outcome want)
{
        struct provider_result r = interpret(status, body);

        assert_string_equal(provider_outcome_name(r.outcome), provider_outcome_name(want));
        assert_true(r.outcome == PROVIDER_HIT || r.detail.len > 0);
        assert_true(r.outcome == PROVIDER_HIT || r.outputs.len == 0);
}

static void answers_are_typed(void **state)
{
        struct provider_result r = interpret(200, "{\"i\":\" Steel \",\"n\":\"12,345+\",\"c\":73}");

        assert_int_equal(r.outcome, PROVIDER_HIT);
        assert_int_equal(r.credits, 4);
        assert_true(r.confidence > 0.729 && r.confidence < 0.731);
        check_str(json_get_str(provider_result_get(&r, STR("industry"))), "Steel");
        assert_int_equal(json_get_i64(provider_result_get(&r, STR("employee_count")), 0), 12345);
        r = interpret(200, "{\"i\":\"Steel\",\"n\":\"50-100\",\"c\":7300}");
        assert_null(provider_result_get(&r, STR("employee_count")));
        assert_true(r.confidence == 1);
}

static void every_ending_has_its_outcome(void **state)
{
        check_outcome(404, "", PROVIDER_MISS);
        assert_int_equal(interpret(404, "").credits, 1);
        check_outcome(200, "{}", PROVIDER_MISS);
        check_outcome(200, "{\"i\":\"  \"}", PROVIDER_MISS);
        check_outcome(200, "{\"n\":\"many\"}", PROVIDER_INVALID);
        check_outcome(200, "{\"i\":7}", PROVIDER_INVALID);
        check_outcome(200, "{\"i\":", PROVIDER_INVALID);
        check_outcome(200, "", PROVIDER_INVALID);
        check_outcome(200, "\xff", PROVIDER_INVALID);
        check_outcome(429, "", PROVIDER_RATE_LIMITED);
        assert_int_equal(interpret(429, "").retry_after_ms, 2500);
        check_outcome(500, "", PROVIDER_RETRY);
        check_outcome(408, "", PROVIDER_RETRY);
        check_outcome(401, "", PROVIDER_AUTH);
        check_outcome(402, "", PROVIDER_AUTH);
        check_outcome(400, "", PROVIDER_PERMANENT);
        check_outcome(302, "", PROVIDER_PERMANENT);
        assert_int_equal(interpret(500, "").credits, 0);
        assert_int_equal(interpret(200, "{\"i\":7}").credits, 0);
        assert_int_equal(ctx.faults.len, 0);
}

static void transport_failures_have_theirs(void **state)
{
        static const struct {
                enum fetch_outcome fetch;
                enum provider_outcome want;
        } cases[] = {{FETCH_TIMED_OUT, PROVIDER_RETRY},   {FETCH_BROKEN, PROVIDER_RETRY},
                     {FETCH_NO_CONNECT, PROVIDER_RETRY},  {FETCH_NO_HOST, PROVIDER_RETRY},
                     {FETCH_TOO_LARGE, PROVIDER_INVALID}, {FETCH_REFUSED, PROVIDER_PERMANENT},
                     {FETCH_TLS, PROVIDER_PERMANENT}};

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct fetch_res res = {.outcome = cases[i].fetch, .message = STR("why")};
                struct provider_result r = {0};

                assert_int_equal(provider_interpret(&ctx, own(), &res, &r), OK);
                assert_int_equal(r.outcome, cases[i].want);
        }
}

static void deep_and_hostile_answers_are_garbage(void **state)
{
        struct buf b;

        buf_init(&b, &arena, 1 << 20);
        for (int i = 0; i < 100000; i++)
                buf_add_char(&b, '[');
        check_outcome(200, str_to_c(&arena, buf_str(&b)), PROVIDER_INVALID);
        buf_reset(&b);
        buf_add_c(&b, "{\"i\":\"");
        for (int i = 0; i < 100000; i++)
                buf_add_c(&b, "\xc3\xa4");
        buf_add_c(&b, "\"}");
        struct provider_result r = interpret(200, str_to_c(&arena, buf_str(&b)));

        assert_int_equal(r.outcome, PROVIDER_HIT);
        assert_true(json_get_str(provider_result_get(&r, STR("industry"))).len <= 4000);
}

/* ---- registry ---- */

static void registry_finds_by_slug(void **state)
{
        assert_true(provider_count(registry) >= 16);
        for (size_t i = 0; i < provider_count(registry); i++)
                assert_ptr_equal(provider_find(registry, provider_at(registry, i)->slug),
                                 provider_at(registry, i));
        assert_null(provider_find(registry, STR("nobody")));
        assert_null(provider_at(registry, provider_count(registry)));
        assert_true(def_of("email-syntax-mx")->builtin);
        assert_int_equal(def_of("email-syntax-mx")->credits_hit, 0);
}

static void every_output_has_two_sources_where_it_matters(void **state)
{
        static const char *const outputs[] = {"domain",       "industry",     "employee_count",
                                              "description",  "country",      "email",
                                              "email_status", "technologies", "phone"};

        for (size_t i = 0; i < ELEMENTS(outputs); i++) {
                size_t n = 0;

                for (size_t p = 0; p < provider_count(registry); p++)
                        n += provider_gives(provider_at(registry, p), str_from(outputs[i]));
                assert_true(n >= 2);
        }
}

/* Many threads compile, ask and interpret over one registry: for the thread sanitizer, too. */
static void *hammer(void *arg)
{
        const struct provider_def *def = provider_find(registry, STR("hunter-company"));
        struct arena a;
        struct ctx c;

        for (int i = 0; i < 200; i++) {
                struct provider_inputs in = {0};
                struct provider_question q = {0};
                struct provider_result r = {0};
                struct fetch_res res = {.outcome = FETCH_ANSWERED,
                                        .status = 200,
                                        .body = STR("{\"data\":{\"name\":\"SAP\",\"domain\":"
                                                    "\"sap.com\",\"tech\":[\"a\",\"b\"]}}")};

                arena_init(&a, 64 << 20);
                ctx_init(&c, &a);
                provider_inputs_put(&c, &in, STR("domain"), STR("sap.com"));
                if (provider_question(&c, def, &in, &q) != OK || !q.complete ||
                    provider_interpret(&c, def, &res, &r) != OK || r.outcome != PROVIDER_HIT)
                        *(int *)arg += 1;
                arena_finish(&a);
        }
        return NULL;
}

static void registry_is_shared_by_threads(void **state)
{
        pthread_t threads[4];
        int failures[4] = {0};

        for (size_t i = 0; i < ELEMENTS(threads); i++)
                assert_int_equal(pthread_create(&threads[i], NULL, hammer, &failures[i]), 0);
        for (size_t i = 0; i < ELEMENTS(threads); i++) {
                pthread_join(threads[i], NULL);
                assert_int_equal(failures[i], 0);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(headers_are_recognised),
                TEST(vocabulary_has_no_doubles),
                TEST(templates_are_filled_and_encoded),
                TEST(bad_templates_are_refused),
                WITH_REGISTRY(same_question_has_the_same_key),
                WITH_REGISTRY(missing_inputs_are_named),
                WITH_REGISTRY(inputs_follow_from_others),
                TEST(domains_are_normalised),
                WITH_REGISTRY(a_credential_leads_past_the_sandbox),
                WITH_REGISTRY(request_carries_key_and_idempotency_key),
                WITH_REGISTRY(sandbox_gets_a_key_of_its_own),
                WITH_REGISTRY(credentials_cannot_inject_headers),
                TEST(own_definition_makes_requests),
                TEST(answers_are_typed),
                TEST(every_ending_has_its_outcome),
                TEST(transport_failures_have_theirs),
                TEST(deep_and_hostile_answers_are_garbage),
                WITH_REGISTRY(registry_finds_by_slug),
                WITH_REGISTRY(every_output_has_two_sources_where_it_matters),
                WITH_REGISTRY(registry_is_shared_by_threads),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
