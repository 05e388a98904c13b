/*
 * Descriptors: one table per struct drives JSON in, JSON out, SQL row to struct, and the struct's
 * JSON Schema (for validation and openapi.json).
 *
 *   static const struct desc_field note_fields[] = {
 *           DESC_F(note, id, "id", DESC_UUID),
 *           DESC_F(note, title, "title", DESC_STR, .schema = "\"minLength\":1,\"maxLength\":200"),
 *           DESC_F(note, count, "count", DESC_I64, .flags = DESC_OPTIONAL, DESC_HAS(note,
 * has_count)), {0},
 *   };
 *   const struct desc note_desc = DESC("Note", note, note_fields);
 *
 * Strings are slices into the arena, the row or the parsed body. Descriptors are constants; the
 * functions have no state.
 */
#ifndef MILLRACE_CORE_DESC_DESC_H
#define MILLRACE_CORE_DESC_DESC_H

#include "db/db.h"
#include "json/json.h"

enum desc_type {
        DESC_STR,      /* struct str */
        DESC_UUID,     /* struct str, format uuid */
        DESC_TIME,     /* struct str, RFC 3339; from a timestamptz column */
        DESC_I64,      /* int64_t */
        DESC_DOUBLE,   /* double */
        DESC_BOOL,     /* bool */
        DESC_JSON,     /* const struct json *; any value unless .schema says more */
        DESC_RAW,      /* struct str holding JSON text; only for output and rows */
        DESC_OBJECT,   /* an embedded struct with descriptor .sub */
        DESC_LIST_STR, /* str_list; .schema describes the array */
        DESC_LIST_OF,  /* LIST(struct …) with descriptor .sub; .schema describes the array */
};

enum desc_flags {
        DESC_OPTIONAL = 1, /* may be absent; on output a STR_NULL, NULL or !has is left out */
        DESC_NULLABLE = 2, /* null is allowed; on output STR_NULL, NULL or !has is null */
};

struct desc;

struct desc_field {
        const char *name; /* in JSON, camelCase; the SQL column is the same in snake_case */
        enum desc_type type;
        size_t offset;
        unsigned flags;
        size_t has;         /* offset of a bool + 1, set when the field is present; see DESC_HAS */
        const char *schema; /* further members of the field's JSON Schema, without braces */
        const struct desc *sub;
};

struct desc {
        const char *name; /* of the schema in openapi.json */
        size_t size;
        const struct desc_field *fields;
        const char *schema; /* further members of the object's JSON Schema, without braces */
};

#define DESC_F(type_, member_, name_, kind_, ...)                                            \
        {                                                                                    \
                .name = (name_), .type = (kind_), .offset = offsetof(struct type_, member_), \
                __VA_ARGS__                                                                  \
        }
#define DESC_HAS(type_, member_) .has = offsetof(struct type_, member_) + 1
#define DESC(name_, type_, fields_, ...)                                                        \
        {                                                                                       \
                .name = (name_), .size = sizeof(struct type_), .fields = (fields_), __VA_ARGS__ \
        }

/* Fills a zeroed struct from a JSON object that was validated against desc_schema(). */
void desc_decode(struct arena *a, const struct desc *d, const struct json *object, void *ret);

/* Writes the struct as an object. */
void desc_write(struct json_out *o, const char *key, const struct desc *d, const void *value);

/*
 * Fills a zeroed struct from a row, by column name; columns that the descriptor does not know and
 * fields that the row does not have are left alone. A NULL leaves the field empty (has: false).
 */
void desc_from_row(struct ctx *ctx, const struct desc *d, const struct db_result *r, int row,
                   void *ret);
/* All rows, into a LIST(struct …) in the ctx's arena. */
void desc_from_rows(struct ctx *ctx, const struct desc *d, const struct db_result *r, void *list);

/* The JSON Schema of the object; `closed` refuses unknown members (requests). */
void desc_schema(struct buf *b, const struct desc *d, bool closed);

/* A timestamptz in PostgreSQL's text form to RFC 3339 in UTC ("2026-01-02T03:04:05.678Z"). */
struct str desc_time(struct arena *a, struct str pg);

#endif
