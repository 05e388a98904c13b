/* The built web app from memory. See web.h. */
#include "app/web.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "crypto/crypto.h"

#define FILE_BYTES_MAX ((size_t)32 << 20)

struct web_file {
        struct str path; /* "/assets/x.js" */
        struct str data, gzip, etag;
        const char *type;
        bool hashed;
};

struct web_files {
        struct arena arena;
        LIST(struct web_file) files;
};

static const char *type_of(struct str path)
{
        static const char *const types[][2] = {
                {".html", "text/html; charset=utf-8"},
                {".js", "text/javascript; charset=utf-8"},
                {".css", "text/css; charset=utf-8"},
                {".json", "application/json"},
                {".svg", "image/svg+xml"},
                {".png", "image/png"},
                {".ico", "image/x-icon"},
                {".woff2", "font/woff2"},
                {".wasm", "application/wasm"},
                {".txt", "text/plain; charset=utf-8"},
                {".csv", "text/csv; charset=utf-8"},
                {".webmanifest", "application/manifest+json"},
        };

        for (size_t i = 0; i < ELEMENTS(types); i++)
                if (str_ends(path, str_from(types[i][0])))
                        return types[i][1];
        return "application/octet-stream";
}

static struct str compress_gzip(struct arena *a, struct str data)
{
        z_stream z = {0};
        size_t max = data.len + 1024;

        if (data.len < 1024 ||
            deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
                return STR_NULL;
        char *out = arena_alloc(a, max);

        z.next_in = (unsigned char *)(uintptr_t)data.ptr;
        z.avail_in = (unsigned)data.len;
        z.next_out = (unsigned char *)out;
        z.avail_out = (unsigned)max;
        bool done = deflate(&z, Z_FINISH) == Z_STREAM_END;

        deflateEnd(&z);
        if (!done || z.total_out * 10 > data.len * 9)
                return STR_NULL;
        return (struct str){out, z.total_out};
}

static bool read_file(struct arena *a, const char *path, size_t size, struct str *ret)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        char *p = arena_alloc(a, size + 1);
        size_t have = 0;

        if (fd < 0)
                return false;
        while (have < size) {
                ssize_t n = read(fd, p + have, size - have);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        break;
                have += (size_t)n;
        }
        close(fd);
        *ret = (struct str){p, have};
        return have == size;
}

static bool add_file(struct web_files *w, const char *path, size_t root_len, size_t size)
{
        struct web_file f = {0};

        if (size > FILE_BYTES_MAX || !read_file(&w->arena, path, size, &f.data))
                return false;
        f.path = str_from(arena_strdup(&w->arena, path + root_len));
        f.type = type_of(f.path);
        f.hashed = str_starts(f.path, STR("/assets/"));
        f.gzip = compress_gzip(&w->arena, f.data);
        f.etag = str_printf(&w->arena, "\"%.*s\"", 24, crypto_sha256_hex(&w->arena, f.data).ptr);
        LIST_PUSH(&w->arena, &w->files, f);
        return true;
}

enum err web_open(struct ctx *ctx, struct str dir, struct web_files **ret)
{
        struct web_files *w = mem_alloc(sizeof *w);
        char *root = str_to_c(ctx->arena, dir);
        char *const roots[] = {root, NULL};
        FTS *tree = dir.len ? fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL) : NULL;
        bool ok = true;

        arena_init(&w->arena, (size_t)1 << 30);
        for (FTSENT *e; tree && ok && (e = fts_read(tree));)
                if (e->fts_info == FTS_F)
                        ok = add_file(w, e->fts_path, dir.len, (size_t)e->fts_statp->st_size);
        if (tree)
                fts_close(tree);
        if (!ok) {
                web_close(w);
                return fail(ctx, ERR_INTERNAL, "cannot read the web app in %s", root);
        }
        *ret = w;
        return OK;
}

void web_close(struct web_files *w)
{
        if (!w)
                return;
        arena_finish(&w->arena);
        mem_free(w);
}

static const struct web_file *find(const struct web_files *w, struct str path)
{
        LIST_EACH (f, &w->files) {
                if (str_eq(f->path, path))
                        return f;
        }
        return NULL;
}

static void send_file(const struct web_file *f, const struct req *req, struct reply *out)
{
        struct str accepts = req_header(req, "Accept-Encoding");
        bool gzip = f->gzip.ptr && str_find(accepts, STR("gzip")) != SIZE_MAX;

        reply_header(out, "Cache-Control",
                     f->hashed ? STR("public, max-age=31536000, immutable") : STR("no-cache"));
        reply_header(out, "ETag", f->etag);
        reply_header(out, "Vary", STR("Accept-Encoding"));
        out->content_type = str_from(f->type);
        if (str_eq(req_header(req, "If-None-Match"), f->etag)) {
                out->status = 304;
                return;
        }
        out->status = 200;
        if (gzip)
                reply_header(out, "Content-Encoding", STR("gzip"));
        buf_add(&out->body, gzip ? f->gzip : f->data);
}

void web_serve(struct app *app, const struct req *req, struct reply *out)
{
        const struct web_file *f = find(app->web, req->path);

        if (req->method != HTTP_GET) {
                out->status = 405;
                reply_header(out, "Allow", STR("GET, HEAD"));
                return;
        }
        /* a path with a file name's dot is a missing file, anything else a page of the app */
        if (!f && str_find_char(req->path, '.') == SIZE_MAX)
                f = find(app->web, STR("/index.html"));
        if (f) {
                send_file(f, req, out);
                return;
        }
        out->status = 404;
        out->content_type = STR("text/plain; charset=utf-8");
        buf_add(&out->body, find(app->web, STR("/index.html"))
                                    ? STR("Not found\n")
                                    : STR("The web app is not built: see README.md.\n"));
}
