/* The command line taken apart, and the help. See cli.h. */
#include "cli.h"

#include <string.h>

/* Every command has these. */
static const struct option_spec common[] = {
        {"json", 0, NULL, "print one JSON object instead of text"},
        {"help", 'h', NULL, "print this help"},
        {NULL, 0, NULL, NULL},
};

static size_t words(const char *name)
{
        size_t n = 1;

        for (; *name; name++)
                n += *name == ' ';
        return n;
}

/* Do the first words of argv name this command? */
static bool names(const char *name, int argc, char *const *argv)
{
        struct str rest = str_from(name), word;

        for (int i = 1; str_split(&rest, ' ', &word); i++)
                if (i >= argc || !str_eq_c(word, argv[i]))
                        return false;
        return true;
}

static enum err find_command(struct cli *cli, const struct command *table, int argc,
                             char *const *argv)
{
        for (const struct command *c = table; c->name; c++)
                if (names(c->name, argc, argv) &&
                    (!cli->command || words(c->name) > words(cli->command->name)))
                        cli->command = c;
        if (cli->command)
                return OK;
        for (const struct command *c = table; c->name; c++)
                if (str_starts(str_from(c->name), str_from(argv[1])) &&
                    c->name[strlen(argv[1])] == ' ') {
                        bool known = argc > 2 && argv[2][0] != '-';

                        return fail(&cli->ctx, ERR_VALIDATION,
                                    known ? "there is no command \"%s %s\""
                                          : "\"%s\" needs to know what to do%s",
                                    argv[1], known ? argv[2] : "");
                }
        return fail(&cli->ctx, ERR_VALIDATION, "there is no command \"%s\"", argv[1]);
}

static const struct option_spec *find_in(const struct option_spec *list, struct str name,
                                         char letter)
{
        for (; list && list->name; list++)
                if (letter ? list->letter == letter : str_eq_c(name, list->name))
                        return list;
        return NULL;
}

static const struct option_spec *find_option(const struct cli *cli, struct str name, char letter)
{
        const struct option_spec *o = find_in(cli->command->options, name, letter);

        return o ? o : find_in(common, name, letter);
}

/* One option at argv[*i]; moves *i over a value that stands by itself. */
static enum err take_option(struct cli *cli, int argc, char *const *argv, int *i)
{
        struct str arg = str_from(argv[*i]), name = str_slice(arg, 2, arg.len), text = STR_NULL;
        bool is_long = str_starts(arg, STR("--"));
        const struct option_spec *o;

        if (is_long) {
                size_t eq = str_find_char(name, '=');

                if (eq != SIZE_MAX) {
                        text = str_slice(name, eq + 1, name.len);
                        name = str_slice(name, 0, eq);
                }
                o = find_option(cli, name, 0);
        } else {
                if (arg.len > 2)
                        text = str_slice(arg, 2, arg.len);
                o = find_option(cli, STR_NULL, arg.ptr[1]);
        }
        if (!o)
                return fail(&cli->ctx, ERR_VALIDATION, "\"%s\" does not know the option %.*s",
                            cli->command->name, is_long ? (int)name.len + 2 : 2, arg.ptr);
        if (!o->value && text.ptr)
                return fail(&cli->ctx, ERR_VALIDATION, "--%s takes no value", o->name);
        if (o->value && !text.ptr) {
                if (*i + 1 >= argc)
                        return fail(&cli->ctx, ERR_VALIDATION, "--%s needs a value: %s", o->name,
                                    o->value);
                text = str_from(argv[++*i]);
        }
        LIST_PUSH(&cli->arena, &cli->values, ((struct option_value){o, text}));
        cli->json = cli->json || str_eq_c(STR("json"), o->name);
        cli->help = cli->help || str_eq_c(STR("help"), o->name);
        return OK;
}

static enum err check_operands(struct cli *cli)
{
        const struct command *c = cli->command;

        if (cli->operands.len >= c->operands_min && cli->operands.len <= c->operands_max)
                return OK;
        if (cli->operands.len > c->operands_max)
                return fail(&cli->ctx, ERR_VALIDATION, "\"%s\" does not know what to do with %.*s",
                            c->name, FMT(cli->operands.ptr[c->operands_max]));
        return fail(&cli->ctx, ERR_VALIDATION, "\"%s\" needs %s", c->name, c->operands);
}

enum err cli_parse(struct cli *cli, const struct command *table, int argc, char *const *argv)
{
        bool only_operands = false;

        for (int i = 1; i < argc; i++) /* so that errors come as JSON too when asked for */
                cli->json = cli->json || str_eq_c(STR("--json"), argv[i]);
        if (argc < 2 || argv[1][0] == '-')
                return fail(&cli->ctx, ERR_VALIDATION, "a command is missing");
        TRY(find_command(cli, table, argc, argv));
        for (int i = 1 + (int)words(cli->command->name); i < argc; i++) {
                if (!only_operands && str_eq_c(STR("--"), argv[i]))
                        only_operands = true;
                else if (!only_operands && argv[i][0] == '-' && argv[i][1] != '\0')
                        TRY(take_option(cli, argc, argv, &i));
                else
                        LIST_PUSH(&cli->arena, &cli->operands, str_from(argv[i]));
        }
        return cli->help ? OK : check_operands(cli);
}

struct str cli_text(const struct cli *cli, const char *option)
{
        struct str text = STR_NULL;

        LIST_EACH (v, &cli->values)
                if (strcmp(v->spec->name, option) == 0)
                        text = v->text.ptr ? v->text : STR("");
        return text;
}

bool cli_has(const struct cli *cli, const char *option)
{
        return cli_text(cli, option).ptr != NULL;
}

enum err cli_number(struct cli *cli, const char *option, int64_t otherwise, int64_t min,
                    int64_t max, int64_t *ret)
{
        struct str text = cli_text(cli, option);
        int64_t v = otherwise;

        if (text.ptr && (!str_to_i64(text, &v) || v < min || v > max))
                return fail(&cli->ctx, ERR_VALIDATION,
                            "--%s must be a whole number from %lld to %lld, not \"%.*s\"", option,
                            (long long)min, (long long)max, FMT(text));
        *ret = v;
        return OK;
}

static void help_options(FILE *out, const struct option_spec *list)
{
        for (; list && list->name; list++) {
                char left[64], letter[8] = "    ";

                if (list->letter)
                        snprintf(letter, sizeof letter, "-%c, ", list->letter);
                snprintf(left, sizeof left, "%s--%s%s%s", letter, list->name,
                         list->value ? " " : "", list->value ? list->value : "");
                fprintf(out, "  %-28s %s\n", left, list->help);
        }
}

static void help_all(FILE *out, const struct command *table)
{
        fprintf(out, "usage: millrace COMMAND [OPTION…] [OPERAND…]\n\n");
        for (const struct command *c = table; c->name; c++)
                fprintf(out, "  %-22s %s\n", c->name, c->summary);
        fprintf(out, "\n`millrace COMMAND --help` says more; packages/cli/millrace.1 is the manual "
                     "page.\n"
                     "Exit status: 0 fine, 1 something is wrong, 2 wrong usage, 3 the server or "
                     "database "
                     "does not\nanswer, 4 ended early with a part done.\n");
}

void cli_help(FILE *out, const struct command *table, const struct command *command)
{
        if (!command) {
                help_all(out, table);
                return;
        }
        fprintf(out, "usage: millrace %s [OPTION…]%s%s\n\n%s.\n", command->name,
                command->operands[0] ? " " : "", command->operands, command->summary);
        if (command->details[0])
                fprintf(out, "\n%s\n", command->details);
        fprintf(out, "\noptions:\n");
        help_options(out, command->options);
        help_options(out, common);
        fprintf(out, "\nexit status: %s\n", command->exits);
}
