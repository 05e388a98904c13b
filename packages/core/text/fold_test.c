/* Unit tests of text made comparable. */
#include "test.h"
#include "text/fold.h"

static void check(struct str got, const char *want)
{
        assert_string_equal(str_to_c(&arena, got), want);
}

static void fold_takes_off_case_accents_and_punctuation(void **state)
{
        check(text_fold(&arena, STR("Société (Générale)")), "societe generale");
        check(text_fold(&arena, STR("  E-Mail_Address!! ")), "e mail address");
        check(text_fold(&arena, STR("STRASSE Straße")), "strasse strasse");
        check(text_fold(&arena, STR("Women's")), "womens");
        check(text_fold(&arena, STR("")), "");
        check(text_fold(&arena, STR("\xff\xfe")), "");
}

static void tidy_joins_white_space(void **state)
{
        check(text_tidy(&arena, STR("\t Ada \xc2\xa0 Love\r\nlace ")), "Ada Love lace");
        check(text_tidy(&arena, STR("a\0b")), "a b");
}

static void casefold_keeps_accents(void **state)
{
        check(text_casefold(&arena, STR("M\xc3\x9cLLER")), "m\xc3\xbcller");
        /* u and a combining diaeresis are the same letter as the composed one */
        check(text_casefold(&arena, STR("Mu\xcc\x88ller")), "m\xc3\xbcller");
}

static void titlecase_capitalises_words(void **state)
{
        check(text_titlecase(&arena, STR("MOUNTAIN view")), "Mountain View");
        check(text_titlecase(&arena, STR("saint-mand\xc3\xa9")), "Saint-Mand\xc3\xa9");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(fold_takes_off_case_accents_and_punctuation),
                TEST(tidy_joins_white_space),
                TEST(casefold_keeps_accents),
                TEST(titlecase_capitalises_words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
