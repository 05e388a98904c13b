/* millrace migrate up|down|status: the database's schema. */
#include "cli.h"
#include "env.h"
#include "migrations/migrations.h"

#include <string.h>
#include <unistd.h>

static int newest(void)
{
        return migrations_count ? migrations[migrations_count - 1].number : 0;
}

static const char *name_of(int number)
{
        for (size_t i = 0; i < migrations_count; i++)
                if (migrations[i].number == number)
                        return migrations[i].name;
        return "";
}

static enum err put_state(struct cli *cli, struct db *db, const char *verb, int count)
{
        int at = 0;

        TRY(db_migrate_status(&cli->ctx, db, &at));
        if (cli->json)
                cli_put_data(cli,
                             str_printf(&cli->arena, "{\"%s\":%d,\"current\":%d,\"newest\":%d}",
                                        verb, count, at, newest()));
        else
                cli_print("%d %s; the database is at %03d%s%s, this program knows up to %03d\n",
                          count, verb, at, at ? " " : "", name_of(at), newest());
        return OK;
}

static enum err up(struct cli *cli, struct db *db)
{
        int applied = 0;

        TRY(db_migrate_up(&cli->ctx, db, migrations, migrations_count, &applied));
        return put_state(cli, db, "applied", applied);
}

/* Going down drops tables: people confirm it, scripts say --yes. */
static enum err confirm(struct cli *cli, int from, int64_t to)
{
        char answer[16] = "";

        if (cli_has(cli, "yes"))
                return OK;
        if (!isatty(STDIN_FILENO)) {
                cli->status = EXIT_USAGE;
                return fail(&cli->ctx, ERR_VALIDATION,
                            "this drops data; say --yes to do it without being asked");
        }
        fprintf(stderr,
                "This reverts migrations %03d to %03lld and drops what they hold. Type yes: ", from,
                (long long)to + 1);
        if (!fgets(answer, sizeof answer, stdin) || strcmp(answer, "yes\n") != 0)
                return fail(&cli->ctx, ERR_CANCELLED, "nothing was changed");
        return OK;
}

static enum err down(struct cli *cli, struct db *db)
{
        int at = 0, reverted = 0;
        int64_t to;

        TRY(db_migrate_status(&cli->ctx, db, &at));
        TRY(cli_number(cli, "to", at > 0 ? at - 1 : 0, 0, 9999, &to));
        if (to < at) {
                TRY(confirm(cli, at, to));
                TRY(db_migrate_down(&cli->ctx, db, migrations, migrations_count, (int)to,
                                    &reverted));
        }
        return put_state(cli, db, "reverted", reverted);
}

static enum err status(struct cli *cli, struct db *db)
{
        int at = 0;

        TRY(db_migrate_status(&cli->ctx, db, &at));
        if (at != newest())
                cli->status = EXIT_FAULTS;
        if (cli->json)
                return put_state(cli, db, "pending", newest() > at ? newest() - at : 0);
        for (size_t i = 0; i < migrations_count; i++)
                cli_print("%03d %-24s %s\n", migrations[i].number, migrations[i].name,
                          migrations[i].number <= at ? "applied" : "missing");
        if (at > newest())
                cli_print("the database is at %03d: it was made by a newer program\n", at);
        return OK;
}

static enum err with_database(struct cli *cli, enum err (*run)(struct cli *cli, struct db *db))
{
        struct db *db = NULL;

        TRY(env_database(cli, &db));
        enum err e = run(cli, db);

        db_close(db);
        return e;
}

enum err command_migrate_up(struct cli *cli)
{
        return with_database(cli, up);
}

enum err command_migrate_down(struct cli *cli)
{
        return with_database(cli, down);
}

enum err command_migrate_status(struct cli *cli)
{
        return with_database(cli, status);
}
