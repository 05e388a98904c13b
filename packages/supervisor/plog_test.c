/* Unit tests of the rotating log. */
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plog.h"

static char folder[] = "/tmp/millrace-plog-XXXXXX";

static char *in_folder(const char *name)
{
        return arena_printf(&arena, "%s/%s", folder, name);
}

static struct str content(const char *name)
{
        char *data = arena_alloc(&arena, 65536);
        int fd = open(in_folder(name), O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return STR_NULL;
        ssize_t n = read(fd, data, 65536);

        close(fd);
        return (struct str){data, n > 0 ? (size_t)n : 0};
}

static void rotates_between_lines_and_keeps_so_many(void **state)
{
        struct plog log;
        char line[32];

        assert_true(plog_open(&log, in_folder("a.log"), 1024, 2));
        for (int i = 0; i < 500; i++) {
                int n = snprintf(line, sizeof(line), "line %04d\n", i);

                plog_write(&log, line, (size_t)n);
        }
        plog_close(&log);
        assert_true(str_ends(content("a.log"), STR("line 0499\n")));
        for (int i = 0; i <= 2; i++) {
                struct str text = content(i ? arena_printf(&arena, "a.log.%d", i) : "a.log");

                assert_true(text.len > 0 && text.len <= 1024 + 16);
                assert_true(str_starts(text, STR("line ")));
                assert_true(str_ends(text, STR("\n")));
        }
        assert_null(content("a.log.3").ptr);
}

static void goes_on_with_the_file_that_is_there(void **state)
{
        struct plog log;

        for (int i = 0; i < 2; i++) {
                assert_true(plog_open(&log, in_folder("b.log"), 1024, 2));
                assert_int_equal(log.size, i * 6);
                plog_write(&log, "hello\n", 6);
                plog_close(&log);
        }
        assert_true(str_eq(content("b.log"), STR("hello\nhello\n")));
}

static void a_line_longer_than_the_limit_stays_whole(void **state)
{
        struct plog log;
        char part[600];

        memset(part, 'x', sizeof(part));
        assert_true(plog_open(&log, in_folder("c.log"), 1024, 1));
        for (int i = 0; i < 5; i++)
                plog_write(&log, part, sizeof(part));
        plog_write(&log, "\nnext\n", 6);
        plog_close(&log);
        assert_int_equal(content("c.log.1").len, 3001);
        assert_true(str_eq(content("c.log"), STR("next\n")));
}

static void says_when_the_file_cannot_be_opened(void **state)
{
        struct plog log;

        assert_false(plog_open(&log, in_folder("no/such/folder.log"), 1024, 1));
        plog_close(&log);
}

static int make_folder(void **state)
{
        return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
        static const char *const names[] = {"a.log", "a.log.1", "a.log.2",
                                            "b.log", "c.log",   "c.log.1"};
        char path[128];

        for (size_t i = 0; i < ELEMENTS(names); i++) {
                snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
                (void)unlink(path);
        }
        return rmdir(folder);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(rotates_between_lines_and_keeps_so_many),
                TEST(goes_on_with_the_file_that_is_there),
                TEST(a_line_longer_than_the_limit_stays_whole),
                TEST(says_when_the_file_cannot_be_opened),
        };
        return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
