/*
 * Arena: memory that lives exactly as long as one request, job batch or command.
 *
 * Allocation bumps a pointer; nothing is freed by hand; arena_finish() frees all and runs the
 * deferred functions, last one first. An arena belongs to one thread at a time. Growing past `cap`
 * bytes, or running out of memory, aborts the process with a message: code that takes sizes from
 * input bounds them first (the body, batch and page limits do) and may ask arena_room(). Fresh
 * memory is zeroed. Under AddressSanitizer each block has a poisoned gap behind it.
 *
 * Pattern: PostgreSQL memory contexts (src/backend/utils/mmgr/README), h2o_mem_pool_t.
 */
#ifndef MILLRACE_CORE_MEM_ARENA_H
#define MILLRACE_CORE_MEM_ARENA_H

#include <stdarg.h>

#include "core.h"

struct arena_chunk;
struct arena_defer_node;

struct arena {
        struct arena_chunk *chunk;      /* newest chunk; allocation happens here */
        struct arena_defer_node *defer; /* newest deferred call */
        size_t total;                   /* bytes taken from the system */
        size_t cap;                     /* never more than this many bytes */
};

void arena_init(struct arena *a, size_t cap);
void arena_finish(struct arena *a); /* accepts a zeroed arena; leaves it zeroed */

void *arena_alloc(struct arena *a, size_t size) __attribute__((malloc, returns_nonnull));
void *arena_alloc_array(struct arena *a, size_t count, size_t size)
        __attribute__((returns_nonnull));
void *arena_dup(struct arena *a, const void *src, size_t size) __attribute__((returns_nonnull));
char *arena_strdup(struct arena *a, const char *s) __attribute__((returns_nonnull));
/* *ret_len (may be NULL) is the text's length without its NUL. */
char *arena_vprintf(struct arena *a, size_t *ret_len, const char *fmt, va_list ap) _printf_(3, 0)
        __attribute__((returns_nonnull));
char *arena_printf(struct arena *a, const char *fmt, ...) _printf_(2, 3)
        __attribute__((returns_nonnull));

/* Bytes that may still be taken before the cap. */
size_t arena_room(const struct arena *a);

/* Calls fn(p) when the arena is finished. */
void arena_defer(struct arena *a, void (*fn)(void *), void *p);

#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))

/*
 * Long-lived memory, for objects built at start or owned by a lock-holding object. They abort with
 * a message when the system has none left. mem_free() accepts NULL.
 */
void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull));
void *mem_realloc(void *p, size_t size) __attribute__((returns_nonnull));
char *mem_strdup(const char *s) __attribute__((malloc, returns_nonnull));
void mem_free(void *p);
void mem_freep(void *pp); /* for _cleanup_ on any pointer variable */

#endif
