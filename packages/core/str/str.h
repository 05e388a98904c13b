/*
 * Text: `struct str` is a slice (pointer and length, not NUL-terminated, does not own), passed by
 * value. `struct buf` is text that grows up to a maximum. Everything here is thread-safe as long
 * as one object is used by one thread.
 */
#ifndef MILLRACE_CORE_STR_STR_H
#define MILLRACE_CORE_STR_STR_H

#include "core.h"
#include "mem/arena.h"
#include "mem/list.h"

struct str {
        const char *ptr;
        size_t len;
};

typedef LIST(struct str) str_list;

#define STR(literal) ((struct str){"" literal "", sizeof(literal) - 1})
#define STR_NULL     ((struct str){NULL, 0})
#define FMT(s)       (int)(s).len, (s).ptr ? (s).ptr : "" /* for "%.*s" */

struct str str_from(const char *cstr); /* NULL gives STR_NULL */
bool str_eq(struct str a, struct str b);
bool str_eq_c(struct str a, const char *b);
bool str_eq_nocase(struct str a, struct str b); /* ASCII */
int str_cmp(struct str a, struct str b);        /* byte order */
/* Bytes of the valid UTF-8 sequence at p (1 to 4), of which `room` may be read; 0 when it is none.
 * Unicode 15, table 3-7: no overlong forms, no surrogates, nothing over U+10FFFF. */
size_t str_utf8_len(const unsigned char *p, size_t room);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
struct str str_trim(struct str s);                           /* ASCII white space at both ends */
struct str str_slice(struct str s, size_t from, size_t len); /* clamps */
/* Offset of the first occurrence, or SIZE_MAX. */
size_t str_find(struct str s, struct str needle);
size_t str_find_char(struct str s, char c);
/* Takes the part before `sep` off the front of *rest; false when *rest is used up (ptr NULL). */
bool str_split(struct str *rest, char sep, struct str *ret);

/* Whole-string numbers, no white space; false when it is not one or does not fit. */
bool str_to_i64(struct str s, int64_t *ret);
bool str_to_double(struct str s, double *ret);
bool str_is_uuid(struct str s); /* 8-4-4-4-12 hex digits, either case */

struct str str_dup(struct arena *a, struct str s);
struct str str_lower(struct arena *a, struct str s); /* ASCII */
char *str_to_c(struct arena *a, struct str s);       /* NUL-terminated copy */
struct str str_vprintf(struct arena *a, const char *fmt, va_list ap) _printf_(2, 0);
struct str str_printf(struct arena *a, const char *fmt, ...) _printf_(2, 3);

/*
 * A builder. With an arena its bytes are arena memory (buf_finish is then a no-op); without, they
 * come from the heap and buf_finish frees them. Going over `max` sets `full` and drops what does
 * not fit: check buf_full() once at the end. The text is always NUL-terminated behind its length.
 */
struct buf {
        char *ptr;
        size_t len, cap, max;
        struct arena *arena;
        bool full;
};

void buf_init(struct buf *b, struct arena *arena, size_t max);
void buf_finish(struct buf *b);
void buf_reset(struct buf *b);                /* empties, keeps the memory */
bool buf_reserve(struct buf *b, size_t more); /* room for `more` bytes; false when over max */
void buf_add(struct buf *b, struct str s);
void buf_add_mem(struct buf *b, const void *p, size_t n);
void buf_add_c(struct buf *b, const char *cstr);
void buf_add_char(struct buf *b, char c);
void buf_add_i64(struct buf *b, int64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) _printf_(2, 3);
bool buf_full(const struct buf *b);
struct str buf_str(const struct buf *b); /* valid until the next change */

#endif
