/* Unit tests: the shipped definitions and their fixtures, and what the check finds in bad ones. */
#include "test.h"

#include "features/provider/definition.h"
#include "features/provider/files.h"
#include <string.h>

static void shipped_definitions_are_sound(void **state)
{
        provider_check_list list = {0};
        size_t faults = 0;

        assert_int_equal(provider_check_all(&ctx, STR(""), &list), OK);
        assert_true(list.len >= 11);
        LIST_EACH (check, &list) {
                LIST_EACH (f, &check->faults)
                        print_error("%.*s %.*s [%.*s] %.*s\n", FMT(check->file), FMT(f->path),
                                    FMT(f->rule), FMT(f->message));
                faults += check->faults.len;
                assert_true(check->fixtures >= 4);
        }
        assert_int_equal(faults, 0);
}

/* The shipped definition of hunter-company with one piece of text replaced. */
static struct provider_check check_changed(const char *from, const char *to)
{
        struct str text = embedded_text(provider_files, "hunter-company.json");
        size_t at = str_find(text, str_from(from));
        struct provider_check check = {0};
        struct buf b;

        assert_true(at != SIZE_MAX);
        buf_init(&b, &arena, 1 << 20);
        buf_add(&b, str_slice(text, 0, at));
        buf_add_c(&b, to);
        buf_add(&b, str_slice(text, at + strlen(from), text.len));
        assert_int_equal(
                provider_check_one(&ctx, STR("changed.json"), buf_str(&b), STR_NULL, &check), OK);
        assert_int_equal(ctx.faults.len, 0);
        return check;
}

static void expect_fault(const char *from, const char *to, const char *rule)
{
        struct provider_check check = check_changed(from, to);

        LIST_EACH (f, &check.faults)
                if (str_eq_c(f->rule, rule))
                        return;
        fail_msg("\"%s\" for \"%s\" is not found out by rule %s", to, from, rule);
}

static void mistakes_are_named(void **state)
{
        assert_int_equal(check_changed("Hunter", "Hunter").faults.len, 0);
        expect_fault("\"{{domain}}\"", "\"{{donain}}\"", "template");
        expect_fault("\"{{domain}}\"", "\"{{domain\"", "template");
        expect_fault("\"/data/name\",", "\"/data/nome\",", "schema");
        expect_fault("\"/data/tech/*\"", "\"/data/tech/*/name\"", "schema");
        expect_fault("\"industry\",", "\"sector\",", "vocabulary");
        expect_fault("\"industry\",", "", "outputs");
        expect_fault("\"ticker\": \"/data/ticker\",", "", "map");
        expect_fault("\"slug\": \"hunter-company\"", "\"slug\": \"Hunter Company\"", "pattern");
        expect_fault("\"method\": \"GET\"", "\"method\": \"FETCH\"", "enum");
        expect_fault("\"hit\": 1", "\"hit\": 1.5", "type");
        expect_fault("\"category\": \"company\",", "", "required");
        expect_fault("\"name\": \"Hunter", "\"colour\": \"x\", \"name\": \"Hunter",
                     "additionalProperties");
        expect_fault("\"name\": \"X-API-KEY\"", "\"prefix\": \"Key \"", "required");
        expect_fault("/v2/companies/find", "/v2/companies/{{ticker}}", "template");
}

static void garbage_is_no_definition(void **state)
{
        static const char *const texts[] = {"", "{", "[]", "null", "{\"slug\":{}}"};
        const struct provider_def *def = NULL;

        for (size_t i = 0; i < ELEMENTS(texts); i++)
                assert_int_equal(provider_compile(&ctx, str_from(texts[i]), &def), ERR_VALIDATION);
        assert_null(def);
}

static void wrong_fixture_is_found_out(void **state)
{
        struct str text = embedded_text(provider_files, "hunter-company.json");
        struct str fixtures = STR("{\"request\":{\"inputs\":{\"domain\":\"a.com\"},\"url\":\"x\"},"
                                  "\"answers\":[{\"name\":\"n\",\"status\":404,\"text\":\"\","
                                  "\"expect\":{\"outcome\":\"hit\"}}]}");
        struct provider_check check = {0};

        assert_int_equal(provider_check_one(&ctx, STR("f"), text, fixtures, &check), OK);
        assert_int_equal(check.faults.len, 2);
        assert_string_equal(str_to_c(&arena, check.faults.ptr[0].rule), "url");
        assert_string_equal(str_to_c(&arena, check.faults.ptr[1].rule), "outcome");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(shipped_definitions_are_sound),
                TEST(mistakes_are_named),
                TEST(garbage_is_no_definition),
                TEST(wrong_fixture_is_found_out),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
