/* The registry: every provider by its slug, read once at start, never changed afterwards. */
#include "features/provider/definition.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dns/dns.h"
#include "features/provider/files.h"

struct provider_registry {
        struct arena arena; /* all definitions live here */
        provider_def_list defs;
        struct str sandbox_url;
        struct dns_resolver *dns;
};

/* ---- files ---- */

static void closep(int *fd)
{
        if (*fd >= 0)
                close(*fd);
}

enum err file_read(struct ctx *ctx, const char *path, struct str *ret)
{
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        struct stat st;
        size_t have = 0;
        char *text;

        if (fd < 0 || fstat(fd, &st) < 0)
                return fail(ctx, ERR_NOT_FOUND, "%s: %s", path, strerror(errno));
        if (!S_ISREG(st.st_mode) || st.st_size > (1 << 20))
                return fail(ctx, ERR_TOO_LARGE, "%s is no file of at most 1 MB", path);
        text = arena_alloc(ctx->arena, (size_t)st.st_size + 1);
        while (have < (size_t)st.st_size) {
                ssize_t n = read(fd, text + have, (size_t)st.st_size - have);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        break;
                have += (size_t)n;
        }
        *ret = (struct str){text, have};
        return OK;
}

static void closedirp(DIR **dir)
{
        if (*dir)
                closedir(*dir);
}

static int by_text(const void *a, const void *b)
{
        return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

enum err files_list(struct ctx *ctx, struct str dir, str_list *ret)
{
        _cleanup_(closedirp) DIR *d = opendir(str_to_c(ctx->arena, dir));
        str_list list = {0};

        if (!d)
                return fail(ctx, ERR_NOT_FOUND, "%.*s: %s", FMT(dir), strerror(errno));
        for (struct dirent *entry; (entry = readdir(d));) {
                struct str name = str_from(entry->d_name);

                if (name.ptr[0] != '.' && str_ends(name, STR(".json")) &&
                    !str_ends(name, STR(".schema.json")))
                        LIST_PUSH(ctx->arena, &list, str_dup(ctx->arena, name));
        }
        if (list.len)
                qsort(list.ptr, list.len, sizeof(*list.ptr), by_text);
        *ret = list;
        return OK;
}

bool file_is_definition(const char *name)
{
        struct str s = str_from(name);

        return str_find_char(s, '/') == SIZE_MAX && str_ends(s, STR(".json")) &&
               !str_ends(s, STR(".schema.json"));
}

/* ---- building ---- */

static const struct provider_def **place_of(provider_def_list *list, struct str slug)
{
        LIST_EACH (def, list)
                if (str_eq((*def)->slug, slug))
                        return def;
        return NULL;
}

/* A definition of the installation's, not of one workspace. */
static enum err compile_global(struct ctx *ctx, struct str text, struct provider_def **ret)
{
        const struct provider_def *def = NULL;

        TRY(provider_compile(ctx, text, &def));
        *ret = arena_dup(ctx->arena, def, sizeof(*def));
        (*ret)->own = false;
        return OK;
}

static enum err add_shipped(struct ctx *ctx, provider_def_list *list)
{
        for (const struct embedded_file *f = provider_files; f->name; f++) {
                struct provider_def *shipped = NULL;

                if (!file_is_definition(f->name))
                        continue;
                TRY(compile_global(ctx, f->text, &shipped));
                shipped->sandboxed = true;
                LIST_PUSH(ctx->arena, list, shipped);
        }
        return OK;
}

static enum err add_directory(struct ctx *ctx, struct str dir, provider_def_list *list)
{
        str_list names = {0};

        TRY(files_list(ctx, dir, &names));
        LIST_EACH (name, &names) {
                const char *path = arena_printf(ctx->arena, "%.*s/%.*s", FMT(dir), FMT(*name));
                const struct provider_def **place;
                struct provider_def *def = NULL;
                struct str text = STR_NULL;

                TRY(file_read(ctx, path, &text));
                if (compile_global(ctx, text, &def) != OK)
                        return fail(ctx, ERR_VALIDATION, "%s: %.*s", path, FMT(ctx->message));
                place = place_of(list, def->slug);
                if (place && (*place)->builtin)
                        return fail(ctx, ERR_VALIDATION, "%s: \"%.*s\" is a built-in", path,
                                    FMT(def->slug));
                if (place)
                        *place = def;
                else
                        LIST_PUSH(ctx->arena, list, def);
        }
        return OK;
}

static int by_slug(const void *a, const void *b)
{
        return str_cmp((*(const struct provider_def *const *)a)->slug,
                       (*(const struct provider_def *const *)b)->slug);
}

static enum err build(struct ctx *ctx, const struct provider_settings *settings,
                      struct provider_registry *reg)
{
        TRY(dns_open(ctx, settings->dns_servers, &reg->dns));
        TRY(builtin_add(ctx, reg->dns, &reg->defs));
        TRY(add_shipped(ctx, &reg->defs));
        if (settings->dir.len)
                TRY(add_directory(ctx, settings->dir, &reg->defs));
        qsort(reg->defs.ptr, reg->defs.len, sizeof(*reg->defs.ptr), by_slug);
        reg->sandbox_url = str_dup(ctx->arena, settings->sandbox_url);
        while (str_ends(reg->sandbox_url, STR("/")))
                reg->sandbox_url.len--;
        return OK;
}

enum err provider_registry_open(struct ctx *ctx, const struct provider_settings *settings,
                                struct provider_registry **ret)
{
        struct provider_registry *reg = mem_alloc(sizeof(*reg));
        struct ctx own; /* same errors, but the registry's arena */
        enum err e;

        *reg = (struct provider_registry){0};
        arena_init(&reg->arena, 64 << 20);
        ctx_init(&own, &reg->arena);
        e = build(&own, settings, reg);
        if (e != OK) {
                struct str message = str_dup(ctx->arena, own.message);

                LIST_EACH (f, &own.faults)
                        ctx_fault(ctx, str_dup(ctx->arena, f->path), str_to_c(ctx->arena, f->rule),
                                  "%.*s", FMT(f->message));
                provider_registry_close(reg);
                return fail(ctx, e, "%.*s", FMT(message));
        }
        *ret = reg;
        return OK;
}

void provider_registry_close(struct provider_registry *reg)
{
        if (!reg)
                return;
        dns_close(reg->dns);
        arena_finish(&reg->arena);
        mem_free(reg);
}

/* ---- reading ---- */

const struct provider_def *provider_find(const struct provider_registry *reg, struct str slug)
{
        size_t low = 0, high = reg->defs.len;

        while (low < high) {
                size_t mid = low + (high - low) / 2;
                int c = str_cmp(slug, reg->defs.ptr[mid]->slug);

                if (c == 0)
                        return reg->defs.ptr[mid];
                if (c < 0)
                        high = mid;
                else
                        low = mid + 1;
        }
        return NULL;
}

size_t provider_count(const struct provider_registry *reg)
{
        return reg->defs.len;
}

const struct provider_def *provider_at(const struct provider_registry *reg, size_t i)
{
        return i < reg->defs.len ? reg->defs.ptr[i] : NULL;
}

enum err provider_route(struct ctx *ctx, const struct provider_registry *reg,
                        const struct provider_def *def, bool has_credential,
                        struct provider_route *ret)
{
        return route_to(ctx, def, has_credential, reg->sandbox_url, ret);
}
