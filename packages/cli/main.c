/* millrace: the command line. Finds the command, runs it, turns its result into an exit status. */
#include "cli.h"
#include "env.h"

#include <locale.h>
#include <string.h>

static enum exit_status wrong_usage(struct cli *cli)
{
        cli->status = EXIT_USAGE;
        if (cli->json || cli->command)
                cli_put_error(cli, ERR_VALIDATION);
        else
                fprintf(stderr, "millrace: %.*s\n", FMT(cli->ctx.message));
        if (!cli->json && cli->command)
                fprintf(stderr, "usage: millrace %s [OPTION…] %s (--help says more)\n",
                        cli->command->name, cli->command->operands);
        else if (!cli->json)
                fprintf(stderr, "`millrace help` lists the commands\n");
        return EXIT_USAGE;
}

/* "help", "--help", "-h", and "help COMMAND…". */
static bool asks_for_help(struct cli *cli, int argc, char **argv)
{
        if (argc < 2 || (strcmp(argv[1], "help") != 0 && strcmp(argv[1], "--help") != 0 &&
                         strcmp(argv[1], "-h") != 0))
                return false;
        if (argc == 2 || cli_parse(cli, commands, argc - 1, argv + 1) != OK)
                ctx_clear(&cli->ctx);
        cli_help(stdout, commands, cli->command);
        return true;
}

static enum exit_status run(struct cli *cli, int argc, char **argv)
{
        if (asks_for_help(cli, argc, argv))
                return EXIT_FINE;
        if (argc == 2 && strcmp(argv[1], "--version") == 0)
                argv[1] = (char[]){"version"};
        if (cli_parse(cli, commands, argc, argv) != OK)
                return wrong_usage(cli);
        if (cli->help) {
                cli_help(stdout, commands, cli->command);
                return EXIT_FINE;
        }
        env_load(cli);
        enum err e = cli->command->run(cli);

        return e == OK ? cli->status : cli_put_error(cli, e);
}

int main(int argc, char **argv)
{
        struct cli cli = {0};

        setlocale(LC_CTYPE, "C.UTF-8");
        arena_init(&cli.arena, SIZE_MAX / 2);
        ctx_init(&cli.ctx, &cli.arena);
        enum exit_status status = run(&cli, argc, argv);

        arena_finish(&cli.arena);
        if (fflush(stdout) != 0 && status == EXIT_FINE) {
                perror("millrace: standard output");
                return EXIT_FAULTS;
        }
        return (int)status;
}
