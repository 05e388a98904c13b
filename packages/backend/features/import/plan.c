/* What a commit comes to: each column of the file, and where it goes. Also the stored forms. */
#include "features/import/internal.h"

#define TYPE_SCHEMA                                                                       \
        "\"enum\":[\"text\",\"number\",\"boolean\",\"date\",\"url\",\"email\",\"phone\"," \
        "\"select\",\"json\"]"

static const struct desc_field mapping_fields[] = {
        DESC_F(import_mapping, header, "header", DESC_STR, .schema = "\"maxLength\":1000"),
        DESC_F(import_mapping, column_id, "columnId", DESC_UUID, .flags = DESC_OPTIONAL),
        DESC_F(import_mapping, name, "name", DESC_STR, .flags = DESC_OPTIONAL,
               .schema = "\"minLength\":1,\"maxLength\":200"),
        DESC_F(import_mapping, type, "type", DESC_STR, .flags = DESC_OPTIONAL,
               .schema = TYPE_SCHEMA),
        DESC_F(import_mapping, skip, "skip", DESC_BOOL, .flags = DESC_OPTIONAL),
        {0},
};
static const struct desc mapping_desc = DESC("ImportMapping", import_mapping, mapping_fields);

static const struct desc_field commit_fields[] = {
        DESC_F(import_commit, table_name, "tableName", DESC_STR, .flags = DESC_OPTIONAL,
               .schema = "\"minLength\":1,\"maxLength\":200"),
        DESC_F(import_commit, mapping, "mapping", DESC_LIST_OF, .flags = DESC_OPTIONAL,
               .sub = &mapping_desc, .schema = "\"maxItems\":500"),
        DESC_F(import_commit, on_error, "onError", DESC_STR, .flags = DESC_OPTIONAL,
               .schema = "\"enum\":[\"reject\",\"keep_as_text\"]"),
        {0},
};
const struct desc import_commit_desc = DESC("ImportCommit", import_commit, commit_fields);

/* ---- stored forms ---- */

void import_dialect_write(struct json_out *o, const char *key, const struct csv_dialect *d)
{
        out_object(o, key);
        out_str(o, "delimiter", (struct str){&d->delimiter, 1});
        out_str(o, "quote", (struct str){&d->quote, 1});
        out_c(o, "newline", csv_newline_name(d->newline));
        out_c(o, "encoding", csv_encoding_name(d->encoding));
        out_bool(o, "hasHeader", d->header == CSV_HEADER_YES);
        out_end_object(o);
}

void import_dialect_parse(const struct json *v, struct csv_dialect *ret)
{
        struct str delimiter = json_member_text(v, "delimiter");
        struct str quote = json_member_text(v, "quote");

        *ret = (struct csv_dialect){
                .delimiter = delimiter.len ? delimiter.ptr[0] : 0,
                .quote = quote.len ? quote.ptr[0] : 0,
                .header = json_get_bool(json_member(v, "hasHeader"), false) ? CSV_HEADER_YES
                                                                            : CSV_HEADER_NO,
        };
        (void)csv_encoding_parse(json_member_text(v, "encoding"), &ret->encoding);
}

static void write_format(struct json_out *o, const struct csv_format *f)
{
        out_bool(o, "monthFirst", f->month_first);
        out_bool(o, "decimalComma", f->decimal_comma);
}

static struct csv_format parse_format(const struct json *v)
{
        return (struct csv_format){
                .month_first = json_get_bool(json_member(v, "monthFirst"), false),
                .decimal_comma = json_get_bool(json_member(v, "decimalComma"), false),
        };
}

static enum grid_type parse_type(const struct json *v)
{
        enum grid_type type = GRID_TEXT;

        (void)grid_type_parse(json_member_text(v, "type"), &type);
        return type;
}

void import_columns_write(struct json_out *o, const char *key, const import_columns *columns)
{
        out_array(o, key);
        LIST_EACH (c, columns) {
                out_object(o, NULL);
                out_str(o, "header", c->header);
                out_str(o, "name", c->name);
                out_c(o, "type", grid_type_name(c->type));
                if (c->key.ptr)
                        out_str(o, "suggestedKey", c->key);
                out_array(o, "samples");
                LIST_EACH (s, &c->samples)
                        out_str(o, NULL, *s);
                out_end_array(o);
                write_format(o, &c->format);
                out_bool(o, "empty", c->empty);
                out_end_object(o);
        }
        out_end_array(o);
}

void import_columns_parse(struct arena *a, const struct json *v, import_columns *ret)
{
        JSON_EACH_ITEM (i, item, v)
                LIST_PUSH(a, ret,
                          ((struct import_column){
                                  .header = json_member_text(item, "header"),
                                  .name = json_member_text(item, "name"),
                                  .type = parse_type(item),
                                  .key = json_member_text(item, "suggestedKey"),
                                  .format = parse_format(item),
                                  .empty = json_get_bool(json_member(item, "empty"), false),
                          }));
}

struct str import_plan_json(struct arena *a, const struct import_plan *p)
{
        struct buf b;
        struct json_out o = {.buf = &b};

        buf_init(&b, a, 4 << 20);
        out_object(&o, NULL);
        out_str(&o, "tableName", p->table_name);
        out_bool(&o, "reject", p->reject);
        out_array(&o, "columns");
        LIST_EACH (t, &p->targets) {
                out_object(&o, NULL);
                out_i64(&o, "source", (int64_t)t->source);
                out_str(&o, "columnId", t->column_id);
                out_str(&o, "name", t->name);
                out_c(&o, "type", grid_type_name(t->type));
                write_format(&o, &t->format);
                out_end_object(&o);
        }
        out_end_array(&o);
        out_end_object(&o);
        return buf_str(&b);
}

void import_plan_parse(struct arena *a, const struct json *v, struct import_plan *ret)
{
        *ret = (struct import_plan){
                .table_name = json_member_text(v, "tableName"),
                .reject = json_get_bool(json_member(v, "reject"), false),
        };
        JSON_EACH_ITEM (i, item, json_member(v, "columns"))
                LIST_PUSH(a, &ret->targets,
                          ((struct import_target){
                                  .source = (size_t)json_get_i64(json_member(item, "source"), 0),
                                  .column_id = json_member_text(item, "columnId"),
                                  .name = json_member_text(item, "name"),
                                  .type = parse_type(item),
                                  .format = parse_format(item),
                          }));
}

/* ---- from a mapping to a plan ---- */

struct planner {
        struct ctx *ctx;
        const import_columns *columns;
        const struct grid_table *table;
        const struct import_commit *commit;
        size_t *entry; /* for each column its mapping entry + 1, 0: none */
        bool *claimed; /* for each column of the table */
        struct import_plan *plan;
        int64_t added; /* new columns */
};

static void fault_at(struct planner *p, size_t entry, const char *member, const char *rule,
                     const char *message)
{
        ctx_fault(p->ctx, str_printf(p->ctx->arena, "/mapping/%zu/%s", entry, member), rule, "%s",
                  message);
}

/* Which column of the file each entry means: headers may come twice, so each takes the next. */
static void match_entries(struct planner *p)
{
        for (size_t e = 0; e < p->commit->mapping.len; e++) {
                const struct import_mapping *m = &p->commit->mapping.ptr[e];
                size_t found = SIZE_MAX;

                for (size_t i = 0; i < p->columns->len && found == SIZE_MAX; i++)
                        if (!p->entry[i] && str_eq(p->columns->ptr[i].header, m->header))
                                found = i;
                for (size_t i = 0; i < p->columns->len && found == SIZE_MAX; i++)
                        if (!p->entry[i] && str_eq(p->columns->ptr[i].name, m->header))
                                found = i;
                if (found == SIZE_MAX)
                        fault_at(p, e, "header", "header",
                                 "the file has no such column, or it is mapped already");
                else
                        p->entry[found] = e + 1;
        }
}

/* A column of the table by name, else by the field it stands for. */
static const struct grid_column *find_like(struct planner *p, struct str name, struct str key)
{
        if (!p->table)
                return NULL;
        LIST_EACH (c, &p->table->columns)
                if (str_eq_nocase(c->name, name) && !p->claimed[c - p->table->columns.ptr])
                        return c;
        const struct grid_column *c = key.ptr ? grid_column_by_key(p->table, key) : NULL;

        return c && !p->claimed[c - p->table->columns.ptr] ? c : NULL;
}

static const struct grid_column *find_named(struct planner *p, size_t e,
                                            const struct import_mapping *m)
{
        const struct grid_column *c = p->table ? grid_column_find(p->table, m->column_id) : NULL;

        if (!c)
                fault_at(p, e, "columnId", "columnId", "the table has no such column");
        else if (p->claimed[c - p->table->columns.ptr])
                fault_at(p, e, "columnId", "unique", "another column goes there already");
        else if (m->type.ptr && !str_eq_c(m->type, grid_type_name(c->type)))
                fault_at(p, e, "type", "type", "the column has another type");
        return c;
}

static void plan_column(struct planner *p, size_t i)
{
        const struct import_column *c = &p->columns->ptr[i];
        size_t e = p->entry[i];
        const struct import_mapping *m = e ? &p->commit->mapping.ptr[e - 1] : NULL;
        const struct grid_column *to;
        struct import_target t = {
                .source = i, .name = c->name, .type = c->type, .format = c->format};

        if (m ? m->skip : c->empty)
                return;
        if (m && m->name.ptr)
                t.name = m->name;
        if (m && m->type.ptr)
                (void)grid_type_parse(m->type, &t.type);
        if (m && m->column_id.ptr)
                to = find_named(p, e - 1, m);
        else
                to = find_like(p, t.name, m && m->name.ptr ? STR_NULL : c->key);
        if (to) {
                p->claimed[to - p->table->columns.ptr] = true;
                t.column_id = to->id;
                t.name = to->name;
                t.type = to->type;
        }
        p->added += !to;
        LIST_PUSH(p->ctx->arena, &p->plan->targets, t);
}

/* "Kunden 2024.csv" -> "Kunden 2024" */
static struct str table_name_of(struct arena *a, struct str file)
{
        size_t n = file.len;

        while (n && file.ptr[n - 1] != '.' && file.ptr[n - 1] != '/' && file.ptr[n - 1] != '\\')
                n--;
        if (n > 1 && file.ptr[n - 1] == '.')
                file.len = n - 1;
        for (size_t i = file.len; i > 0; i--)
                if (file.ptr[i - 1] == '/' || file.ptr[i - 1] == '\\')
                        file = str_slice(file, i, file.len);
        file = str_trim(import_shorten(str_trim(file), IMPORT_NAME_MAX));
        return file.len ? str_dup(a, file) : STR("Imported table");
}

/* Explicitly mapped columns first, so that no other takes their place. */
static void plan_all(struct planner *p)
{
        for (int explicit = 1; explicit >= 0; explicit --) {
                for (size_t i = 0; i < p->columns->len; i++) {
                        size_t e = p->entry[i];
                        bool is = e && p->commit->mapping.ptr[e - 1].column_id.ptr;

                        if (is == (bool)explicit)
                                plan_column(p, i);
                }
        }
        LIST_EACH (a, &p->plan->targets) /* back into the file's order */
                for (struct import_target *b = a;
                     b > p->plan->targets.ptr && b[-1].source > b->source; b--) {
                        struct import_target swap = *b;

                        *b = b[-1];
                        b[-1] = swap;
                }
}

enum err import_plan_make(struct ctx *ctx, const import_columns *columns,
                          const struct grid_table *table, const struct import_commit *commit,
                          struct str file_name, struct import_plan *ret)
{
        size_t faults = ctx->faults.len, have = table ? table->columns.len : 0;
        struct planner p = {
                .ctx = ctx,
                .columns = columns,
                .table = table,
                .commit = commit,
                .plan = ret,
                .entry = arena_alloc_array(ctx->arena, columns->len + 1, sizeof *p.entry),
                .claimed = arena_alloc_array(ctx->arena, have + 1, sizeof *p.claimed),
        };

        *ret = (struct import_plan){
                .table_name = commit->table_name.ptr ? commit->table_name
                                                     : table_name_of(ctx->arena, file_name),
                .reject = str_eq(commit->on_error, STR("reject")),
        };
        match_entries(&p);
        plan_all(&p);
        if (table && commit->table_name.ptr)
                ctx_fault(ctx, STR("/tableName"), "tableName", "the table has its name already");
        if (ret->targets.len == 0)
                ctx_fault(ctx, STR("/mapping"), "minItems", "no column is left to import");
        if ((int64_t)have + p.added > GRID_COLUMNS_MAX)
                ctx_fault(ctx, STR("/mapping"), "maxItems", "a table has at most %d columns",
                          GRID_COLUMNS_MAX);
        if (ctx->faults.len > faults)
                return fail(ctx, ERR_VALIDATION, "the mapping is not valid: %zu fault%s",
                            ctx->faults.len - faults, ctx->faults.len - faults > 1 ? "s" : "");
        return OK;
}
