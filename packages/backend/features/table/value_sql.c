/*
 * The SQL twins of value.c, for changing a column's type inside the database: which texts fit a
 * type, and what they become. They decide as value.c does; tests/integration/test_tables.py holds
 * the two against each other.
 */
#include "features/table/internal.h"

#define TRIM  "btrim(%s, E' \\t\\n\\x0B\\f\\r')"
#define SPACE "E'[ \\t\\n\\x0B\\f\\r]'"
#define DAY                                                                                 \
        "[1-9][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12]" \
        "[0-9]|30)|02-(0[1-9]|[12][0-9]))"
#define CLOCK                                                                                 \
        "([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,6})?)?(Z|z|[+-](0[0-9]|1[" \
        "0-4])(:?[0-5][0-9])?)?)?"

void value_fits_sql(struct buf *sql, const struct grid_column *c, const char *text)
{
        struct buf trimmed;

        buf_init(&trimmed, sql->arena, 4096);
        buf_printf(&trimmed, TRIM, text);
        const char *t = buf_str(&trimmed).ptr;

        switch (c->type) {
        case GRID_NUMBER:
                buf_printf(sql,
                           "%s ~ '^[+-]?([0-9]{1,200}(\\.[0-9]{0,200})?|\\.[0-9]{1,200})([eE][+-]?"
                           "[0-9]{1,2})?$'",
                           t);
                break;
        case GRID_BOOLEAN:
                buf_printf(sql,
                           "lower(%s) IN ('true', 't', 'yes', 'y', 'on', '1', 'false', 'f', 'no', "
                           "'n', 'off', '0')",
                           t);
                break;
        case GRID_DATE:
                buf_printf(sql,
                           "CASE WHEN %s !~ '^" DAY CLOCK "$' THEN false WHEN substr(%s, 6, 5) <> "
                           "'02-29' THEN true ELSE extract(day FROM make_date(substr(%s, 1, "
                           "4)::integer, 3, 1) - 1) = 29 END",
                           t, t, t);
                break;
        case GRID_URL:
                buf_printf(
                        sql,
                        "octet_length(%s) <= 2048 AND %s !~ " SPACE " AND (%s ~ '^[^.]+[.].' OR "
                        "(position('://' IN %s) > 1 AND position('://' IN %s) + 2 < length(%s)))",
                        t, t, t, t, t, t);
                break;
        case GRID_EMAIL:
                buf_printf(sql,
                           "octet_length(%s) <= 320 AND %s !~ " SPACE
                           " AND %s ~ '^[^@]+@[^@]+[.][^@]+$'",
                           t, t, t);
                break;
        case GRID_PHONE:
                buf_printf(sql,
                           "octet_length(%s) <= 64 AND %s !~ E'[@<>{}\\n\\r]' AND %s ~ "
                           "'[0-9].*[0-9].*[0-9]'",
                           t, t, t);
                break;
        case GRID_SELECT:
                if (json_len(json_member(c->options, "choices")) == 0)
                        buf_add(sql, STR("true"));
                else
                        buf_printf(sql,
                                   "%s IN (SELECT jsonb_array_elements_text(options->'choices') "
                                   "FROM public.table_columns WHERE id = '%.*s')",
                                   t, FMT(c->id));
                break;
        case GRID_TEXT:
        case GRID_JSON:
        case GRID_TYPES: buf_add(sql, STR("true")); break;
        }
}

void value_parse_sql(struct buf *sql, enum grid_type type, const char *text)
{
        struct buf trimmed;

        buf_init(&trimmed, sql->arena, 4096);
        buf_printf(&trimmed, TRIM, text);
        const char *t = buf_str(&trimmed).ptr;

        switch (type) {
        case GRID_NUMBER: buf_printf(sql, "%s::double precision", t); break;
        case GRID_BOOLEAN:
                buf_printf(sql, "lower(%s) IN ('true', 't', 'yes', 'y', 'on', '1')", t);
                break;
        case GRID_DATE:
                buf_printf(sql,
                           "(CASE WHEN length(%s) = 10 THEN %s || 'T00:00:00Z' WHEN %s ~ "
                           "'([Zz]|[+-][0-9:]+)$' THEN %s ELSE %s || 'Z' END)::timestamptz",
                           t, t, t, t, t);
                break;
        case GRID_JSON: buf_printf(sql, "to_jsonb(%s)", text); break;
        case GRID_TEXT:
        case GRID_TYPES: buf_add_c(sql, text); break;
        case GRID_URL:
        case GRID_EMAIL:
        case GRID_PHONE:
        case GRID_SELECT: buf_add_c(sql, t); break;
        }
}

void value_text_sql(struct buf *sql, enum grid_type type, const char *column)
{
        switch (type) {
        case GRID_NUMBER: buf_printf(sql, "%s::text", column); break;
        case GRID_BOOLEAN:
                buf_printf(sql, "CASE WHEN %s THEN 'true' WHEN NOT %s THEN 'false' END", column,
                           column);
                break;
        case GRID_DATE:
                buf_printf(sql,
                           "CASE WHEN (%s AT TIME ZONE 'UTC')::time = '00:00' THEN to_char(%s AT "
                           "TIME ZONE 'UTC', 'YYYY-MM-DD') ELSE replace((%s AT TIME ZONE "
                           "'UTC')::text, ' ', 'T') || 'Z' END",
                           column, column, column);
                break;
        case GRID_JSON:
                buf_printf(sql,
                           "CASE WHEN jsonb_typeof(%s) = 'string' THEN %s #>> '{}' ELSE %s::text "
                           "END",
                           column, column, column);
                break;
        default: buf_add_c(sql, column); break;
        }
}
