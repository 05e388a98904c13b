/* Arena allocator: bump allocation in chunks, deferred calls run at the end. See arena.h. */
#include "mem/arena.h"
#include "mem/list.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define POISON(p, n)   ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#define GAP            16
#else
#define POISON(p, n)   ((void)0)
#define UNPOISON(p, n) ((void)0)
#define GAP            0
#endif

#define ALIGN     16
#define CHUNK_MIN 4096
#define CHUNK_MAX (1024 * 1024)

struct arena_chunk {
        struct arena_chunk *next;
        size_t size, used;
        _Alignas(ALIGN) unsigned char data[];
};

struct arena_defer_node {
        struct arena_defer_node *next;
        void (*fn)(void *);
        void *p;
};

static _noreturn_ void die(const char *what, size_t size)
{
        fprintf(stderr, "{\"level\":\"error\",\"message\":\"%s (%zu bytes)\"}\n", what, size);
        abort();
}

void arena_init(struct arena *a, size_t cap)
{
        *a = (struct arena){.cap = cap};
}

void arena_finish(struct arena *a)
{
        for (struct arena_defer_node *d = a->defer; d; d = d->next)
                d->fn(d->p);
        for (struct arena_chunk *c = a->chunk, *next; c; c = next) {
                next = c->next;
                UNPOISON(c->data, c->size);
                free(c);
        }
        *a = (struct arena){0};
}

size_t arena_room(const struct arena *a)
{
        return a->cap > a->total ? a->cap - a->total : 0;
}

static struct arena_chunk *chunk_add(struct arena *a, size_t need)
{
        size_t size = a->chunk ? MIN_OF(a->chunk->size * 2, (size_t)CHUNK_MAX) : CHUNK_MIN;

        size = MAX_OF(size, need);
        if (size > arena_room(a)) {
                size = need;
                if (size > arena_room(a))
                        die("arena is over its limit", a->cap);
        }
        struct arena_chunk *c = malloc(sizeof *c + size);

        if (!c)
                die("out of memory", size);
        *c = (struct arena_chunk){.next = a->chunk, .size = size};
        POISON(c->data, size);
        a->chunk = c;
        a->total += size;
        return c;
}

void *arena_alloc(struct arena *a, size_t size)
{
        if (size > SIZE_MAX / 2)
                die("allocation is too large", size);
        size_t need = ((size + ALIGN - 1) & ~(size_t)(ALIGN - 1)) + GAP;
        struct arena_chunk *c = a->chunk;

        if (!c || c->size - c->used < need)
                c = chunk_add(a, need);
        void *p = c->data + c->used;

        c->used += need;
        UNPOISON(p, size);
        memset(p, 0, size);
        return p;
}

void *arena_alloc_array(struct arena *a, size_t count, size_t size)
{
        size_t total;

        if (__builtin_mul_overflow(count, size, &total))
                die("allocation is too large", count);
        return arena_alloc(a, total);
}

void *arena_dup(struct arena *a, const void *src, size_t size)
{
        void *p = arena_alloc(a, size);

        if (size)
                memcpy(p, src, size);
        return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
        return arena_dup(a, s, strlen(s) + 1);
}

char *arena_vprintf(struct arena *a, size_t *ret_len, const char *fmt, va_list ap)
{
        va_list again;

        va_copy(again, ap);
        int len = vsnprintf(NULL, 0, fmt, again);

        va_end(again);
        if (len < 0)
                die("bad format", 0);
        char *p = arena_alloc(a, (size_t)len + 1);

        vsnprintf(p, (size_t)len + 1, fmt, ap);
        if (ret_len)
                *ret_len = (size_t)len;
        return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        char *p = arena_vprintf(a, NULL, fmt, ap);

        va_end(ap);
        return p;
}

void arena_defer(struct arena *a, void (*fn)(void *), void *p)
{
        struct arena_defer_node *d = arena_new(a, struct arena_defer_node);

        *d = (struct arena_defer_node){.next = a->defer, .fn = fn, .p = p};
        a->defer = d;
}

void *list_grow(struct arena *a, void *ptr, size_t len, size_t *cap, size_t size)
{
        if (len < *cap)
                return ptr;
        size_t want = *cap ? *cap * 2 : 8;
        void *grown = arena_alloc_array(a, want, size);

        if (len)
                memcpy(grown, ptr, len * size);
        *cap = want;
        return grown;
}

void *mem_alloc(size_t size)
{
        void *p = calloc(1, size ? size : 1);

        if (!p)
                die("out of memory", size);
        return p;
}

void *mem_realloc(void *p, size_t size)
{
        p = realloc(p, size ? size : 1);
        if (!p)
                die("out of memory", size);
        return p;
}

char *mem_strdup(const char *s)
{
        size_t n = strlen(s) + 1;

        return memcpy(mem_alloc(n), s, n);
}

void mem_free(void *p)
{
        free(p);
}

void mem_freep(void *pp)
{
        free(*(void **)pp);
}

int64_t time_mono_ns(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int64_t time_wall_us(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_REALTIME, &ts);
        return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}
