/* Descriptor-driven JSON, rows and schemas. See desc.h. */
#include "desc/desc.h"

#include <string.h>

/* The shape of every LIST(…). */
typedef LIST(char) any_list;

static void *at(const void *base, size_t offset)
{
        return (char *)(uintptr_t)base + offset;
}

static void decode_list(struct arena *a, const struct desc_field *f, const struct json *v,
                        void *out)
{
        any_list *list = out;

        list->len = list->cap = json_len(v);
        if (f->type == DESC_LIST_STR) {
                struct str *items = arena_alloc_array(a, list->len, sizeof *items);

                JSON_EACH_ITEM (i, item, v)
                        items[i] = json_get_str(item);
                list->ptr = (char *)items;
                return;
        }
        list->ptr = arena_alloc_array(a, list->len, f->sub->size);
        JSON_EACH_ITEM (i, item, v)
                desc_decode(a, f->sub, item, list->ptr + i * f->sub->size);
}

static void decode_field(struct arena *a, const struct desc_field *f, const struct json *v,
                         void *out)
{
        switch (f->type) {
        case DESC_STR:
        case DESC_UUID:
        case DESC_TIME: *(struct str *)out = json_get_str(v); break;
        case DESC_I64: *(int64_t *)out = json_get_i64(v, 0); break;
        case DESC_DOUBLE: *(double *)out = json_get_double(v, 0); break;
        case DESC_BOOL: *(bool *)out = json_get_bool(v, false); break;
        case DESC_JSON: *(const struct json **)out = v; break;
        case DESC_RAW: *(struct str *)out = json_text(a, v); break;
        case DESC_OBJECT: desc_decode(a, f->sub, v, out); break;
        case DESC_LIST_STR:
        case DESC_LIST_OF: decode_list(a, f, v, out); break;
        }
}

void desc_decode(struct arena *a, const struct desc *d, const struct json *object, void *ret)
{
        for (const struct desc_field *f = d->fields; f->name; f++) {
                const struct json *v = json_member(object, f->name);

                if (!v)
                        continue;
                if (f->has)
                        *(bool *)at(ret, f->has - 1) = true;
                if (f->type == DESC_JSON || !json_is_null(v))
                        decode_field(a, f, v, at(ret, f->offset));
        }
}

static bool is_empty(const struct desc_field *f, const void *base)
{
        const void *p = at(base, f->offset);

        if (f->has)
                return !*(const bool *)at(base, f->has - 1);
        switch (f->type) {
        case DESC_STR:
        case DESC_UUID:
        case DESC_TIME:
        case DESC_RAW: return ((const struct str *)p)->ptr == NULL;
        case DESC_JSON: return *(const struct json *const *)p == NULL;
        default: return false;
        }
}

static void write_list(struct json_out *o, const struct desc_field *f, const void *p)
{
        const any_list *list = p;

        out_array(o, f->name);
        for (size_t i = 0; i < list->len; i++) {
                if (f->type == DESC_LIST_STR)
                        out_str(o, NULL, ((const struct str *)(const void *)list->ptr)[i]);
                else
                        desc_write(o, NULL, f->sub, list->ptr + i * f->sub->size);
        }
        out_end_array(o);
}

static void write_field(struct json_out *o, const struct desc_field *f, const void *p)
{
        switch (f->type) {
        case DESC_STR:
        case DESC_UUID:
        case DESC_TIME: out_str(o, f->name, *(const struct str *)p); break;
        case DESC_I64: out_i64(o, f->name, *(const int64_t *)p); break;
        case DESC_DOUBLE: out_double(o, f->name, *(const double *)p); break;
        case DESC_BOOL: out_bool(o, f->name, *(const bool *)p); break;
        case DESC_JSON: out_json(o, f->name, *(const struct json *const *)p); break;
        case DESC_RAW: out_raw(o, f->name, *(const struct str *)p); break;
        case DESC_OBJECT: desc_write(o, f->name, f->sub, p); break;
        case DESC_LIST_STR:
        case DESC_LIST_OF: write_list(o, f, p); break;
        }
}

void desc_write(struct json_out *o, const char *key, const struct desc *d, const void *value)
{
        out_object(o, key);
        for (const struct desc_field *f = d->fields; f->name; f++) {
                if (!is_empty(f, value))
                        write_field(o, f, at(value, f->offset));
                else if (!(f->flags & DESC_OPTIONAL))
                        out_null(o, f->name);
        }
        out_end_object(o);
}

struct str desc_time(struct arena *a, struct str pg)
{
        /* "2026-01-02 03:04:05.678901+00": sessions run in UTC (db_open sets it) */
        if (pg.len < 19)
                return pg;
        struct str head = str_slice(pg, 0, 19), frac = STR("000");
        char ms[4] = "000";

        if (pg.len > 20 && pg.ptr[19] == '.') {
                for (size_t i = 0; i < 3 && 20 + i < pg.len; i++) {
                        if (pg.ptr[20 + i] < '0' || pg.ptr[20 + i] > '9')
                                break;
                        ms[i] = pg.ptr[20 + i];
                }
                frac = (struct str){ms, 3};
        }
        return str_printf(a, "%.10sT%.8s.%.*sZ", head.ptr, head.ptr + 11, FMT(frac));
}

/* camelCase against snake_case, without building either. */
static bool same_name(const char *field, const char *column)
{
        for (; *field && *column; field++, column++) {
                if (*column == '_' && *field != '_')
                        column++;
                if ((*field | 0x20) != (*column | 0x20))
                        return false;
        }
        return *field == *column;
}

static void row_value(struct ctx *ctx, const struct desc_field *f, const struct db_result *r,
                      int row, int col, void *out)
{
        struct str text = db_text(r, row, col);

        switch (f->type) {
        case DESC_STR:
        case DESC_UUID:
        case DESC_RAW: *(struct str *)out = text; break;
        case DESC_TIME: *(struct str *)out = desc_time(ctx->arena, text); break;
        case DESC_I64: *(int64_t *)out = db_i64(r, row, col); break;
        case DESC_DOUBLE: *(double *)out = db_double(r, row, col); break;
        case DESC_BOOL: *(bool *)out = db_bool(r, row, col); break;
        case DESC_JSON:
                /* jsonb text from the server is JSON */
                if (json_parse(ctx, text, (const struct json **)out) != OK)
                        ctx_clear(ctx);
                break;
        case DESC_OBJECT:
        case DESC_LIST_STR:
        case DESC_LIST_OF: break; /* not in one column */
        }
}

void desc_from_row(struct ctx *ctx, const struct desc *d, const struct db_result *r, int row,
                   void *ret)
{
        for (int col = 0; col < db_columns(r); col++) {
                const char *name = db_column_name(r, col);

                for (const struct desc_field *f = d->fields; f->name; f++) {
                        if (!same_name(f->name, name))
                                continue;
                        if (!db_is_null(r, row, col)) {
                                row_value(ctx, f, r, row, col, at(ret, f->offset));
                                if (f->has)
                                        *(bool *)at(ret, f->has - 1) = true;
                        }
                        break;
                }
        }
}

void desc_from_rows(struct ctx *ctx, const struct desc *d, const struct db_result *r, void *list)
{
        any_list *l = list;

        l->len = l->cap = (size_t)r->rows;
        l->ptr = arena_alloc_array(ctx->arena, l->len, d->size);
        for (int i = 0; i < r->rows; i++)
                desc_from_row(ctx, d, r, i, l->ptr + (size_t)i * d->size);
}

static const char *json_type(enum desc_type t)
{
        switch (t) {
        case DESC_STR:
        case DESC_UUID:
        case DESC_TIME: return "string";
        case DESC_I64: return "integer";
        case DESC_DOUBLE: return "number";
        case DESC_BOOL: return "boolean";
        case DESC_OBJECT: return "object";
        case DESC_LIST_STR:
        case DESC_LIST_OF: return "array";
        default: return NULL;
        }
}

static void field_schema(struct buf *b, const struct desc_field *f, bool closed)
{
        const char *type = json_type(f->type);
        const char *sep = "";

        if (f->type == DESC_OBJECT && !(f->flags & DESC_NULLABLE)) {
                desc_schema(b, f->sub, closed);
                return;
        }
        buf_add_char(b, '{');
        if (type && (f->flags & DESC_NULLABLE))
                buf_printf(b, "\"type\":[\"%s\",\"null\"]", type);
        else if (type)
                buf_printf(b, "\"type\":\"%s\"", type);
        if (type)
                sep = ",";
        if (f->type == DESC_UUID || f->type == DESC_TIME) {
                buf_printf(b, "%s\"format\":\"%s\"", sep,
                           f->type == DESC_UUID ? "uuid" : "date-time");
        } else if (f->type == DESC_I64 && !(f->schema && strstr(f->schema, "imum\""))) {
                buf_printf(b, "%s\"format\":\"int64\"", sep);
        } else if (f->type == DESC_LIST_OF) {
                buf_printf(b, "%s\"items\":", sep);
                desc_schema(b, f->sub, closed);
        } else if (f->type == DESC_LIST_STR && !(f->schema && strstr(f->schema, "\"items\""))) {
                buf_printf(b, "%s\"items\":{\"type\":\"string\"}", sep);
        }
        if (f->schema && f->schema[0])
                buf_printf(b, "%s%s", b->ptr[b->len - 1] == '{' ? "" : ",", f->schema);
        buf_add_char(b, '}');
}

void desc_schema(struct buf *b, const struct desc *d, bool closed)
{
        bool comma = false;

        buf_add(b, STR("{\"type\":\"object\",\"properties\":{"));
        for (const struct desc_field *f = d->fields; f->name; f++) {
                buf_printf(b, "%s\"%s\":", f == d->fields ? "" : ",", f->name);
                field_schema(b, f, closed);
        }
        buf_add(b, STR("},\"required\":["));
        for (const struct desc_field *f = d->fields; f->name; f++) {
                if (f->flags & DESC_OPTIONAL)
                        continue;
                buf_printf(b, "%s\"%s\"", comma ? "," : "", f->name);
                comma = true;
        }
        buf_add_char(b, ']');
        if (closed)
                buf_add(b, STR(",\"additionalProperties\":false"));
        if (d->schema && d->schema[0])
                buf_printf(b, ",%s", d->schema);
        buf_add_char(b, '}');
}
