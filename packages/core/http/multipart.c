/* multipart/form-data by libmicrohttpd's parser. See multipart.h. */
#include "http/multipart.h"

#include "crypto/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIELDS_MAX      32
#define FIELD_BYTES_MAX 65536

struct multipart {
        struct http_exchange *x;
        struct MHD_PostProcessor *parser;
        int fd; /* of the file being written, -1 */
        EVP_MD_CTX *hash;
        struct buf field;
        struct str field_name;
        uint64_t received; /* bytes of this part */
        bool open;         /* a part has begun */
        bool bad;
};

static void hash_file(struct multipart *m)
{
        struct http_file *f = &m->x->req.files.ptr[m->x->req.files.len - 1];
        unsigned char sum[EVP_MAX_MD_SIZE];
        unsigned len = 0;

        if (EVP_DigestFinal_ex(m->hash, sum, &len) != 1) {
                m->bad = true;
                return;
        }
        f->sha256 = crypto_hex(&m->x->arena, (struct str){(const char *)sum, len});
}

static void close_file(struct multipart *m)
{
        if (m->fd >= 0)
                hash_file(m);
        if (m->fd >= 0 && close(m->fd) != 0)
                m->bad = true;
        m->fd = -1;
}

static void close_field(struct multipart *m)
{
        if (m->field_name.ptr)
                LIST_PUSH(&m->x->arena, &m->x->req.form,
                          ((struct http_pair){m->field_name, buf_str(&m->field)}));
        m->field_name = STR_NULL;
}

static bool open_file(struct multipart *m, const char *key, const char *name)
{
        struct arena *a = &m->x->arena;
        char *path = arena_printf(a, "%s/upload-XXXXXX", m->x->spool_dir);
        struct http_file *f;

        m->fd = mkostemp(path, O_CLOEXEC);
        if (m->fd < 0) {
                (void)fail(&m->x->ctx, ERR_UNAVAILABLE, "cannot store the upload: %s",
                           strerror(errno));
                return false;
        }
        if (!m->hash)
                m->hash = EVP_MD_CTX_new();
        if (!m->hash || EVP_DigestInit_ex(m->hash, EVP_sha256(), NULL) != 1)
                m->bad = true;
        f = LIST_ADD(a, &m->x->req.files);
        f->field = str_from(arena_strdup(a, key));
        f->name = str_from(arena_strdup(a, name));
        f->path = str_from(path);
        return true;
}

static bool write_file(struct multipart *m, const char *data, size_t size)
{
        struct http_file *f = &m->x->req.files.ptr[m->x->req.files.len - 1];

        if (EVP_DigestUpdate(m->hash, data, size) != 1)
                return false;
        while (size) {
                ssize_t n = write(m->fd, data, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0) {
                        (void)fail(&m->x->ctx, ERR_UNAVAILABLE, "cannot store the upload: %s",
                                   strerror(errno));
                        return false;
                }
                data += n;
                size -= (size_t)n;
                f->size += n;
        }
        return true;
}

static bool start_part(struct multipart *m, const char *key, const char *filename)
{
        close_file(m);
        close_field(m);
        m->open = true;
        m->received = 0;
        if (m->x->req.form.len + m->x->req.files.len >= FIELDS_MAX)
                return false;
        if (filename)
                return open_file(m, key, filename);
        m->field_name = str_from(arena_strdup(&m->x->arena, key));
        buf_init(&m->field, &m->x->arena, FIELD_BYTES_MAX);
        return true;
}

/* The parser also calls with no bytes when a part's headers end a packet: that is the same part. */
static bool is_new(const struct multipart *m, const char *key, const char *filename, uint64_t off)
{
        const struct req *req = &m->x->req;
        struct str name = m->fd >= 0 ? req->files.ptr[req->files.len - 1].field : m->field_name;

        if (off > 0)
                return false;
        return !m->open || m->received > 0 || (m->fd >= 0) != (filename != NULL) ||
               !str_eq_c(name, key);
}

static enum MHD_Result on_part(void *cls, enum MHD_ValueKind kind, const char *key,
                               const char *filename, const char *type, const char *encoding,
                               const char *data, uint64_t off, size_t size)
{
        struct multipart *m = cls;

        if (!key)
                key = "";
        if (m->bad || (is_new(m, key, filename, off) && !start_part(m, key, filename)))
                m->bad = true;
        else if (m->fd >= 0 && !write_file(m, data, size))
                m->bad = true;
        else if (m->fd < 0) {
                buf_add_mem(&m->field, data, size);
                m->bad = buf_full(&m->field);
        }
        m->received += size;
        return m->bad ? MHD_NO : MHD_YES;
}

struct multipart *multipart_open(struct http_exchange *x, struct MHD_Connection *c)
{
        struct multipart *m = mem_alloc(sizeof *m);

        m->x = x;
        m->fd = -1;
        m->parser = MHD_create_post_processor(c, 65536, on_part, m);
        m->bad = !m->parser;
        return m;
}

bool multipart_feed(struct multipart *m, const char *data, size_t size)
{
        if (!m->bad && MHD_post_process(m->parser, data, size) != MHD_YES)
                m->bad = true;
        return !m->bad;
}

bool multipart_finish(struct multipart *m)
{
        if (m->parser && MHD_destroy_post_processor(m->parser) != MHD_YES)
                m->bad = true;
        m->parser = NULL;
        close_file(m);
        close_field(m);
        return !m->bad;
}

void multipart_close(struct multipart *m)
{
        if (!m)
                return;
        if (m->parser)
                MHD_destroy_post_processor(m->parser);
        close_file(m);
        EVP_MD_CTX_free(m->hash);
        mem_free(m);
}
