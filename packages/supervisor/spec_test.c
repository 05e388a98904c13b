/* Unit tests of the specification's parser. */
#include "test.h"

#include <arpa/inet.h>
#include <signal.h>

#include "spec.h"

#define HEAD "lock /l\nstatus /s\nlog-dir /d\n"

static void reads_a_whole_specification(void **state)
{
        struct spec spec;
        const char *text = "# comment\n" HEAD "log-bytes 2048\nlog-keep 2\nenv A=1 2\n\n"
                           "part db\nexec /bin/db\narg -D\narg /a path\nready notify\nstop INT 20\n"
                           "death INT\nstart-seconds 9\n"
                           "part step\nexec /bin/step\nready exit\nafter db\n"
                           "part web\nexec /bin/web\nenv B=x=y\nafter db step\n"
                           "ready http 127.0.0.1 3000 /ready?x=1\n";

        assert_int_equal(spec_parse(&ctx, str_from(text), &spec), OK);
        assert_string_equal(spec.lock_path, "/l");
        assert_int_equal(spec.log_bytes, 2048);
        assert_int_equal(spec.log_keep, 2);
        assert_string_equal(spec.env.ptr[0], "A=1 2");
        assert_int_equal(spec.parts.len, 3);

        struct part_spec *db = &spec.parts.ptr[0], *web = &spec.parts.ptr[2];

        assert_string_equal(db->argv.ptr[2], "/a path");
        assert_null(db->argv.ptr[3]);
        assert_int_equal(db->ready, READY_NOTIFY);
        assert_int_equal(db->stop_signal, SIGINT);
        assert_int_equal(db->stop_seconds, 20);
        assert_int_equal(db->death_signal, SIGINT);
        assert_int_equal(db->start_seconds, 9);
        assert_int_equal(spec.parts.ptr[1].ready, READY_EXIT);
        assert_int_equal(web->after.len, 2);
        assert_int_equal(web->after.ptr[1], 1);
        assert_int_equal(web->port, 3000);
        assert_int_equal(web->host, htonl(INADDR_LOOPBACK));
        assert_string_equal(web->path, "/ready?x=1");
        assert_string_equal(web->env.ptr[0], "B=x=y");
        assert_int_equal(web->stop_signal, SIGTERM);
        assert_int_equal(web->death_signal, SIGKILL);
}

static void names_the_line_of_a_fault(void **state)
{
        static const struct {
                const char *text;
                const char *line;
        } cases[] = {
                {HEAD "colour blue\n", "line 4: "},
                {HEAD "part a\nexec /a\ncolour blue\n", "line 6: "},
                {HEAD "part a\narg x\n", "line 5: "},
                {HEAD "part a\nexec /a\nexec /b\n", "line 6: "},
                {HEAD "part a\nexec /a\nafter b\n", "line 6: "},
                {HEAD "part a\nexec /a\nafter a\n", "line 6: "},
                {HEAD "part a\nexec /a\npart a\nexec /b\n", "line 6: "},
                {HEAD "part a/b\nexec /a\n", "line 4: "},
                {HEAD "part a\nexec /a\nready http localhost 80 /\n", "line 6: "},
                {HEAD "part a\nexec /a\nready http 127.0.0.1 65536 /\n", "line 6: "},
                {HEAD "part a\nexec /a\nready soon\n", "line 6: "},
                {HEAD "part a\nexec /a\nstop HUP 3\n", "line 6: "},
                {HEAD "part a\nexec /a\nstop TERM 0\n", "line 6: "},
                {HEAD "log-keep many\n", "line 4: "},
                {HEAD, "no part"},
                {HEAD "part a\n", "without exec"},
                {"part a\nexec /a\n", "lock, status and log-dir"},
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct spec spec;

                ctx_clear(&ctx);
                assert_int_equal(spec_parse(&ctx, str_from(cases[i].text), &spec), ERR_VALIDATION);
                if (str_find(ctx.message, str_from(cases[i].line)) == SIZE_MAX)
                        assert_string_equal(str_to_c(&arena, ctx.message), cases[i].line);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(reads_a_whole_specification),
                TEST(names_the_line_of_a_fault),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
