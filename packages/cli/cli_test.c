/* The command line's parts that need no server: options, event streams, progress, plans, input. */
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "enrich/enrich.h"

static enum err no_run(struct cli *cli)
{
        return OK;
}

static const struct option_spec options[] = {
        {"output", 'o', "FILE", "where to"},
        {"column", 'c', "FIELD", "what"},
        {"waterfall", 'w', "LIST", "whom"},
        {"dry-run", 0, NULL, "nothing"},
        {NULL, 0, NULL, NULL},
};
static const struct command table[] = {
        {"enrich", "FILE", "Enrich", "", "0", options, 1, 1, no_run},
        {"admin user list", "", "List", "", "0", options, 0, 0, no_run},
        {"admin user add", "EMAIL", "Add", "", "0", options, 1, 1, no_run},
        {0},
};

static struct cli cli;

static enum err parse(int argc, ...)
{
        char *argv[16] = {(char[]){"millrace"}};
        va_list ap;

        assert_true(argc < 15);
        va_start(ap, argc);
        for (int i = 1; i <= argc; i++)
                argv[i] = va_arg(ap, char *);
        va_end(ap);
        cli = (struct cli){0};
        ctx_init(&cli.ctx, &arena);
        cli.arena = (struct arena){.cap = 1 << 20};
        return cli_parse(&cli, table, argc + 1, argv);
}

static void test_options(void **state)
{
        int64_t n;

        assert_int_equal(parse(6, "enrich", "a.csv", "-o", "b.csv", "--column=email", "--dry-run"),
                         OK);
        assert_string_equal(cli.command->name, "enrich");
        assert_true(str_eq_c(cli.operands.ptr[0], "a.csv"));
        assert_true(str_eq_c(cli_text(&cli, "output"), "b.csv"));
        assert_true(str_eq_c(cli_text(&cli, "column"), "email"));
        assert_true(cli_has(&cli, "dry-run"));
        assert_false(cli_has(&cli, "waterfall"));
        arena_finish(&cli.arena);

        assert_int_equal(parse(4, "enrich", "-ob.csv", "--", "-a.csv"), OK);
        assert_true(str_eq_c(cli.operands.ptr[0], "-a.csv"));
        assert_true(str_eq_c(cli_text(&cli, "output"), "b.csv"));
        arena_finish(&cli.arena);

        assert_int_equal(parse(4, "admin", "user", "add", "x@y.example"), OK);
        assert_string_equal(cli.command->name, "admin user add");
        assert_int_equal(cli.operands.len, 1);
        arena_finish(&cli.arena);

        assert_int_equal(parse(3, "enrich", "a.csv", "--column=12"), OK);
        assert_int_equal(cli_number(&cli, "column", 1, 0, 20, &n), OK);
        assert_int_equal(n, 12);
        assert_int_equal(cli_number(&cli, "column", 1, 0, 5, &n), ERR_VALIDATION);
        assert_int_equal(cli_number(&cli, "output", 7, 0, 5, &n), OK);
        assert_int_equal(n, 7);
        arena_finish(&cli.arena);
}

static void test_wrong_usage(void **state)
{
        static const struct {
                int argc;
                const char *argv[4], *message;
        } wrong[] = {
                {0, {NULL}, "a command is missing"},
                {1, {"nothing"}, "there is no command \"nothing\""},
                {1, {"admin"}, "\"admin\" needs to know what to do"},
                {2, {"admin", "grow"}, "there is no command \"admin grow\""},
                {1, {"enrich"}, "\"enrich\" needs FILE"},
                {3, {"enrich", "a", "b"}, "\"enrich\" does not know what to do with b"},
                {2, {"enrich", "--fast"}, "\"enrich\" does not know the option --fast"},
                {2, {"enrich", "-x"}, "\"enrich\" does not know the option -x"},
                {2, {"enrich", "--output"}, "--output needs a value: FILE"},
                {3, {"enrich", "a", "--dry-run=1"}, "--dry-run takes no value"},
        };

        for (size_t i = 0; i < ELEMENTS(wrong); i++) {
                assert_int_equal(
                        parse(wrong[i].argc, wrong[i].argv[0], wrong[i].argv[1], wrong[i].argv[2]),
                        ERR_VALIDATION);
                assert_string_equal(str_to_c(&arena, cli.ctx.message), wrong[i].message);
                arena_finish(&cli.arena);
        }
}

/* Every command of the program is documented in full. */
static void test_commands(void **state)
{
        for (const struct command *c = commands; c->name; c++) {
                assert_non_null(c->run);
                assert_true(strlen(c->summary) > 10 && c->summary[strlen(c->summary) - 1] != '.');
                assert_true(strlen(c->exits) > 5);
                assert_true(c->operands_min <= c->operands_max);
                assert_int_equal(c->operands_max > 0, c->operands[0] != '\0');
                for (const struct option_spec *o = c->options; o->name; o++)
                        assert_true(strlen(o->help) > 8);
        }
}

/* ---- event streams ---- */

struct heard {
        struct buf text;
        int stop_after;
};

static bool hear(void *arg, struct str event, struct str data)
{
        struct heard *h = arg;

        buf_printf(&h->text, "[%.*s|%.*s]", FMT(event), FMT(data));
        return --h->stop_after != 0;
}

static const char stream[] =
        ": hello\n\nevent: a\nid: 7\ndata: one\ndata:two\r\n\r\ndata: x\r\rid\n"
        "event:b\ndata\n\nevent: never\n\ndata: last\n\n";

static void test_events(void **state)
{
        /* the same in pieces of every size */
        for (size_t piece = 1; piece < sizeof stream; piece++) {
                struct heard h = {.stop_after = 100};
                struct sse s;

                sse_init(&s);
                buf_init(&h.text, &arena, 10000);
                s.on_event = hear;
                s.arg = &h;
                for (size_t i = 0; i < sizeof stream - 1; i += piece)
                        assert_true(sse_push(
                                &s, str_slice((struct str){stream, sizeof stream - 1}, i, piece)));
                assert_string_equal(h.text.ptr, "[a|one\ntwo][message|x][b|][message|last]");
                sse_finish(&s);
        }
}

static void test_events_end(void **state)
{
        struct heard h = {.stop_after = 2};
        struct sse s;

        sse_init(&s);
        buf_init(&h.text, &arena, 10000);
        s.on_event = hear;
        s.arg = &h;
        assert_false(sse_push(&s, (struct str){stream, sizeof stream - 1}));
        assert_string_equal(h.text.ptr, "[a|one\ntwo][message|x]");
        assert_string_equal(s.id, "7");
        sse_finish(&s);
}

/* ---- progress ---- */

static void test_progress(void **state)
{
        struct progress p = {.cells = 4000,
                             .done = 1000,
                             .found = 600,
                             .asked = 800,
                             .credits = 1234,
                             .elapsed_ms = 20000};

        assert_string_equal(progress_line(&arena, &p, false, 80).ptr,
                            " 25 %  1,000/4,000 cells  50/s  600 found (75 %)  1,234 credits  "
                            "1:00 left");
        assert_string_equal(progress_line(&arena, &p, true, 120).ptr,
                            "██████░░░░░░░░░░░░░░░░░░  25 %  1,000/4,000 cells  50/s  600 found "
                            "(75 %)  1,234 credits  1:00 left");
        p.done = 4000;
        assert_null(strstr(progress_line(&arena, &p, false, 80).ptr, "left"));
        p = (struct progress){0};
        assert_string_equal(progress_line(&arena, &p, false, 80).ptr,
                            "100 %  0/0 cells  0 found  0 credits");
        assert_string_equal(number_text(&arena, -1234567).ptr, "-1,234,567");
        assert_string_equal(number_text(&arena, 999).ptr, "999");
}

/* ---- input and plan ---- */

static char csv_path[64];

static struct input open_input(const char *text)
{
        struct input in = {0};

        snprintf(csv_path, sizeof csv_path, "/tmp/millrace-cli-test-XXXXXX");
        int fd = mkstemp(csv_path);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        close(fd);
        cli = (struct cli){.arena = {.cap = 64 << 20}};
        ctx_init(&cli.ctx, &cli.arena);
        if (input_open(&cli, str_from(csv_path), &in) != OK)
                print_error("%.*s\n", FMT(cli.ctx.message));
        unlink(csv_path);
        return in;
}

static void test_input(void **state)
{
        struct input in =
                open_input("Firma;Web site;Notes\nAcme;https://acme.example;\n;x.example\n");

        assert_int_equal(in.rows, 2);
        assert_int_equal(in.headers.len, 3);
        assert_int_equal(in.dialect.delimiter, ';');
        assert_int_equal(input_column(&in, STR("company_name")), 0);
        assert_int_equal(input_column(&in, STR("website")), 1);
        assert_int_equal(input_column(&in, STR("email")), SIZE_MAX);
        assert_int_equal(in.empty.ptr[0], 1);
        assert_int_equal(in.empty.ptr[1], 0);
        assert_int_equal(in.empty.ptr[2], 2);
        assert_int_equal(in.hash.len, 64);
        input_close(&in);
        arena_finish(&cli.arena);
        in = open_input("a,b\n");
        assert_null(in.data.ptr);
        assert_int_equal(cli.ctx.err, ERR_VALIDATION);
        arena_finish(&cli.arena);
}

static const char providers_text[] =
        "[{\"slug\":\"dear\",\"source\":\"sandbox\",\"inputs\":[{\"key\":\"domain\",\"required\":"
        "true}],\"outputs\":[\"industry\",\"email\"],\"credits\":{\"hit\":5,\"miss\":0}},"
        "{\"slug\":\"cheap\",\"source\":\"sandbox\",\"inputs\":[{\"key\":\"domain\",\"required\":"
        "true}],\"outputs\":[\"industry\"],\"credits\":{\"hit\":1,\"miss\":0}},"
        "{\"slug\":\"person\",\"source\":\"sandbox\",\"inputs\":[{\"key\":\"full_name\","
        "\"required\":"
        "false},{\"key\":\"domain\",\"required\":false}],\"outputs\":[\"email\"],\"credits\":{"
        "\"hit\":1,\"miss\":0}},"
        "{\"slug\":\"desk\",\"subject\":\"company\",\"source\":\"sandbox\",\"inputs\":[{\"key\":"
        "\"domain\"}],\"outputs\":[\"email\"],\"credits\":{\"hit\":9,\"miss\":0}},"
        "{\"slug\":\"both\",\"source\":\"sandbox\",\"inputs\":[{\"key\":\"full_name\"},{\"key\":"
        "\"country\"}],\"requireOneOf\":[[\"full_name\",\"country\"]],\"outputs\":[\"email\"],"
        "\"credits\":{\"hit\":0,\"miss\":0}},"
        "{\"slug\":\"keyed\",\"source\":\"remote\",\"requiresCredential\":true,\"inputs\":[{"
        "\"key\":"
        "\"domain\",\"required\":true}],\"outputs\":[\"industry\"],\"credits\":{\"hit\":0,\"miss\":"
        "0}"
        "},"
        "{\"slug\":\"by-name\",\"source\":\"builtin\",\"inputs\":[{\"key\":\"company_name\","
        "\"required\":true}],\"outputs\":[\"domain\"],\"credits\":{\"hit\":0,\"miss\":0}},"
        "{\"slug\":\"by-site\",\"source\":\"builtin\",\"inputs\":[{\"key\":\"website\","
        "\"required\":"
        "true}],\"outputs\":[\"domain\"],\"credits\":{\"hit\":0,\"miss\":0}}]";

static const char *plan_text(const target_list *targets)
{
        struct buf b;

        buf_init(&b, &arena, 10000);
        LIST_EACH (t, targets) {
                buf_printf(&b, "%s%s%s:", b.len ? " " : "", t->field->key,
                           t->csv_column == SIZE_MAX ? "+" : "");
                LIST_EACH (slug, &t->waterfall)
                        buf_printf(&b, "%s%.*s", slug == t->waterfall.ptr ? "" : ",", FMT(*slug));
        }
        return b.ptr ? b.ptr : "";
}

static const char *default_plan(const char *csv)
{
        struct input in = open_input(csv);
        const struct json *providers = NULL;
        target_list targets = {0};

        assert_int_equal(json_parse(&ctx, str_from(providers_text), &providers), OK);
        if (plan_default(&cli, &in, providers, &targets) != OK)
                targets.len = 0;
        const char *text = arena_strdup(&arena, plan_text(&targets));

        input_close(&in);
        arena_finish(&cli.arena);
        return text;
}

static void test_plan(void **state)
{
        assert_string_equal(default_plan("Company,Web\nA,a.example\n"),
                            "domain+:by-site,by-name industry+:cheap,dear email+:dear,desk");
        assert_string_equal(default_plan("Company\nA\n"),
                            "domain+:by-name industry+:cheap,dear email+:dear,desk");
        /* what is there already is not paid for; what has gaps is completed */
        assert_string_equal(default_plan("Domain,Industry,Email\na.example,Steel,\n"),
                            "email:dear,desk");
        assert_string_equal(default_plan("Name,Domain,Industry\nAda L,a.example,x\n"),
                            "email+:person,dear"); /* not the front desk's address for Ada's */
        assert_string_equal(default_plan("Colour,Weight\nred,1\n"), "");
}

static void test_plan_asked(void **state)
{
        struct input in;
        const struct json *providers = NULL;
        target_list targets = {0};

        assert_int_equal(json_parse(&ctx, str_from(providers_text), &providers), OK);
        in = open_input("Domain\na.example\n");
        struct cli parsed = cli;

        assert_int_equal(
                parse(6, "enrich", "a", "--column=Industry", "-w", "dear, cheap", "-cemail"), OK);
        assert_int_equal(plan_asked(&cli, &in, providers, &targets), OK);
        assert_string_equal(plan_text(&targets), "industry+:dear,cheap email+:dear,desk");
        arena_finish(&cli.arena);
        assert_int_equal(parse(4, "enrich", "a", "--column=email", "-wcheap"), OK);
        assert_int_equal(plan_asked(&cli, &in, providers, &targets), ERR_VALIDATION);
        assert_non_null(strstr(cli.ctx.message.ptr, "cheap does not give \"email\""));
        arena_finish(&cli.arena);
        assert_int_equal(parse(3, "enrich", "a", "--column=colour"), OK);
        assert_int_equal(plan_asked(&cli, &in, providers, &targets), ERR_VALIDATION);
        arena_finish(&cli.arena);
        cli = parsed;
        input_close(&in);
        arena_finish(&cli.arena);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_options), TEST(test_wrong_usage), TEST(test_commands),
                TEST(test_events),  TEST(test_events_end),  TEST(test_progress),
                TEST(test_input),   TEST(test_plan),        TEST(test_plan_asked),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
