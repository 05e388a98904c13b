/* Settings from the environment, .env and the state directory. See env.h. */
#include "env.h"

#include "crypto/crypto.h"
#include "db/db.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOCKET_PATH_MAX 107 /* of a unix socket's address */

struct str env_get(const char *name)
{
        const char *v = getenv(name);

        return v && *v ? str_from(v) : STR_NULL;
}

static bool exists(struct cli *cli, struct str path)
{
        return access(str_to_c(&cli->arena, path), F_OK) == 0;
}

static void put(struct cli *cli, const char *name, struct str value)
{
        setenv(name, str_to_c(&cli->arena, value), 0);
}

/* The folder above this program that has `run` and packages/core; STR_NULL when installed. */
static struct str find_root(struct cli *cli)
{
        char path[PATH_MAX];
        ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
        struct str at = {path, n > 0 ? (size_t)n : 0};

        while (at.len > 1) {
                const char *slash = memrchr(at.ptr, '/', at.len);

                if (!slash)
                        break;
                at.len = (size_t)(slash - at.ptr);
                if (exists(cli, str_printf(&cli->arena, "%.*s/run", FMT(at))) &&
                    exists(cli, str_printf(&cli->arena, "%.*s/packages/core", FMT(at))))
                        return str_dup(&cli->arena, at);
        }
        return STR_NULL;
}

static bool is_name(struct str s)
{
        for (size_t i = 0; i < s.len; i++)
                if (!isalnum((unsigned char)s.ptr[i]) && s.ptr[i] != '_')
                        return false;
        return s.len > 0;
}

/* KEY=VALUE lines as ./run reads them: comments, "export ", quotes around the value. */
static void load_line(struct cli *cli, struct str line)
{
        line = str_trim(line);
        if (str_starts(line, STR("export ")))
                line = str_trim(str_slice(line, 7, line.len));
        size_t eq = str_find_char(line, '=');

        if (line.len == 0 || line.ptr[0] == '#' || eq == SIZE_MAX)
                return;
        struct str key = str_trim(str_slice(line, 0, eq));
        struct str value = str_trim(str_slice(line, eq + 1, line.len));
        char quote = value.len > 1 ? value.ptr[0] : '\0';

        if ((quote == '"' || quote == '\'') && value.ptr[value.len - 1] == quote)
                value = str_slice(value, 1, value.len - 2);
        if (is_name(key))
                put(cli, str_to_c(&cli->arena, key), value);
}

/* A small file's text; STR_NULL when it cannot be read. */
static struct str read_small(struct cli *cli, struct str path)
{
        char text[65536];
        FILE *f = fopen(str_to_c(&cli->arena, path), "re");

        if (!f)
                return STR_NULL;
        size_t n = fread(text, 1, sizeof text, f);

        fclose(f);
        return str_dup(&cli->arena, (struct str){text, n});
}

static void load_file(struct cli *cli, struct str path)
{
        struct str rest = read_small(cli, path), line;

        while (rest.ptr && str_split(&rest, '\n', &line))
                load_line(cli, line);
}

/* Where the sockets lie: below the state directory unless that path is too long for a socket. */
static struct str run_dir(struct cli *cli, struct str state)
{
        struct str dir = str_printf(&cli->arena, "%.*s/run", FMT(state));

        if (dir.len + strlen("/.s.PGSQL.5432.lock") <= SOCKET_PATH_MAX)
                return dir;
        return str_printf(&cli->arena, "/tmp/millrace-%u-%.8s", (unsigned)getuid(),
                          crypto_sha256_hex(&cli->arena, state).ptr);
}

static void put_key(struct cli *cli, const char *name, struct str state, const char *file)
{
        struct str key = str_trim(
                read_small(cli, str_printf(&cli->arena, "%.*s/secrets/%s", FMT(state), file)));

        if (key.len)
                put(cli, name, key);
}

static void put_defaults(struct cli *cli, struct str state)
{
        struct arena *a = &cli->arena;
        struct str run = run_dir(cli, state);
        struct str url = str_trim(read_small(cli, str_printf(a, "%.*s/url", FMT(run))));

        put(cli, "MILLRACE_PORT", STR("3000"));
        put(cli, "MILLRACE_SANDBOX_PORT", STR("3900"));
        put(cli, "MILLRACE_DATABASE_URL",
            str_printf(a, "postgresql:///millrace?host=%.*s&user=millrace", FMT(run)));
        put(cli, "MILLRACE_REDIS_URL", str_printf(a, "unix://%.*s/redis.sock", FMT(run)));
        put(cli, "MILLRACE_URL",
            url.len ? url : str_printf(a, "http://localhost:%s", getenv("MILLRACE_PORT")));
        if (strcmp(getenv("MILLRACE_SANDBOX_PORT"), "0") != 0)
                put(cli, "MILLRACE_SANDBOX_URL",
                    str_printf(a, "http://127.0.0.1:%s", getenv("MILLRACE_SANDBOX_PORT")));
        if (cli->root.ptr)
                put(cli, "MILLRACE_WEB_DIR",
                    str_printf(a, "%.*s/packages/web/dist", FMT(cli->root)));
        put_key(cli, "MILLRACE_MASTER_KEY", state, "master.key");
        put_key(cli, "MILLRACE_SERVICE_KEY", state, "service.key");
}

/* The environment as it was given to this program, for the programs it starts. */
static char **copy_environment(struct arena *a)
{
        size_t n = 0;

        while (environ[n])
                n++;
        return arena_dup(a, environ, (n + 1) * sizeof *environ);
}

void env_load(struct cli *cli)
{
        if (!cli->environment)
                cli->environment = copy_environment(&cli->arena);
        cli->root = find_root(cli);
        if (cli->root.ptr)
                load_file(cli, str_printf(&cli->arena, "%.*s/.env", FMT(cli->root)));
        struct str state = env_get("MILLRACE_STATE_DIR");

        if (!state.ptr)
                state = STR("var");
        if (state.ptr[0] != '/') {
                char cwd[PATH_MAX];
                struct str base = cli->root.ptr ? cli->root : str_from(getcwd(cwd, sizeof cwd));

                state = str_printf(&cli->arena, "%.*s/%.*s", FMT(base), FMT(state));
        }
        setenv("MILLRACE_STATE_DIR", str_to_c(&cli->arena, state), 1);
        put_defaults(cli, state);
}

struct str env_path(struct cli *cli, const char *name, const char *below)
{
        return str_printf(&cli->arena, "%.*s/%s", FMT(env_get(name)), below);
}

struct str env_url(void)
{
        struct str url = env_get("MILLRACE_URL");

        while (url.len && url.ptr[url.len - 1] == '/')
                url.len--;
        return url;
}

enum err env_database(struct cli *cli, struct db **ret)
{
        const struct db_config config = {
                .url = env_get("MILLRACE_DATABASE_URL"),
                .connections = 2,
                .queue_timeout_ms = 5000,
                .statement_timeout_ms = 60000,
                .application_name = "millrace",
        };

        if (!config.url.ptr)
                return fail(&cli->ctx, ERR_VALIDATION, "MILLRACE_DATABASE_URL is not set");
        *ret = db_open(&config);
        return OK;
}
