/* Records as JSON, from typed rows straight into the answer. See repo.h. */
#include "features/record/repo.h"

#include <string.h>

/* The first of the record's cells; cells are sorted by record and column. */
static int first_cell(const struct db_result *cells, struct str record_id)
{
        int low = 0, high = cells->rows;

        while (low < high) {
                int mid = (low + high) / 2;

                if (str_cmp(db_text(cells, mid, CELL_RECORD), record_id) < 0)
                        low = mid + 1;
                else
                        high = mid;
        }
        return low;
}

static int find_cell(const struct db_result *cells, int first, struct str record_id,
                     struct str column_id)
{
        for (int i = first; i < cells->rows; i++) {
                if (!str_eq(db_text(cells, i, CELL_RECORD), record_id))
                        break;
                if (str_eq(db_text(cells, i, CELL_COLUMN), column_id))
                        return i;
        }
        return -1;
}

int record_cell(const struct record_rows *r, struct str record_id, struct str column_id)
{
        return find_cell(&r->cells, first_cell(&r->cells, record_id), record_id, column_id);
}

bool record_has_value(const struct grid_table *t, const struct record_rows *r, int row,
                      size_t column)
{
        struct str v = db_text(&r->rows, row, ROW_FIRST_COLUMN + (int)column);

        return v.ptr && (v.len || !grid_type_is_text(t->columns.ptr[column].type));
}

const char *record_status(const struct record_rows *r, int cell, bool has_value)
{
        bool raw = cell >= 0 && !db_is_null(&r->cells, cell, CELL_RAW);

        if (cell >= 0 && !str_eq_c(db_text(&r->cells, cell, CELL_STATUS), "manual"))
                return db_text(&r->cells, cell, CELL_STATUS).ptr;
        return has_value || raw ? "manual" : "empty";
}

static void write_cell(struct ctx *ctx, struct json_out *o, const struct record_rows *r, int cell,
                       bool has_value)
{
        const struct db_result *c = &r->cells;

        out_object(o, NULL);
        out_c(o, "status", record_status(r, cell, has_value));
        if (cell >= 0) {
                if (!db_is_null(c, cell, CELL_PROVIDER))
                        out_str(o, "provider", db_text(c, cell, CELL_PROVIDER));
                if (!db_is_null(c, cell, CELL_SOURCE))
                        out_str(o, "source", db_text(c, cell, CELL_SOURCE));
                if (!db_is_null(c, cell, CELL_CONFIDENCE))
                        out_raw(o, "confidence", db_text(c, cell, CELL_CONFIDENCE));
                if (!db_is_null(c, cell, CELL_COST))
                        out_i64(o, "costCredits", db_i64(c, cell, CELL_COST));
                if (!db_is_null(c, cell, CELL_JOB))
                        out_str(o, "jobId", db_text(c, cell, CELL_JOB));
                out_str(o, "updatedAt", desc_time(ctx->arena, db_text(c, cell, CELL_UPDATED)));
                if (!db_is_null(c, cell, CELL_ERROR))
                        out_str(o, "error", db_text(c, cell, CELL_ERROR));
                if (!db_is_null(c, cell, CELL_RAW))
                        out_bool(o, "raw", true);
        }
        out_end_object(o);
}

void record_write_members(struct ctx *ctx, struct json_out *o, const struct grid_table *t,
                          const struct record_rows *r, int row)
{
        struct str id = db_text(&r->rows, row, 0);
        int first = first_cell(&r->cells, id);

        out_str(o, "id", id);
        out_i64(o, "position", db_i64(&r->rows, row, 1));
        out_i64(o, "version", db_i64(&r->rows, row, 2));
        out_str(o, "createdAt", desc_time(ctx->arena, db_text(&r->rows, row, 3)));
        out_str(o, "updatedAt", desc_time(ctx->arena, db_text(&r->rows, row, 4)));
        out_object(o, "data");
        for (size_t i = 0; i < t->columns.len; i++) {
                const struct grid_column *c = &t->columns.ptr[i];
                struct str value = db_text(&r->rows, row, ROW_FIRST_COLUMN + (int)i);
                int cell = value.ptr ? -1 : find_cell(&r->cells, first, id, c->id);

                out_key_str(o, c->id);
                if (cell >= 0 && !db_is_null(&r->cells, cell, CELL_RAW))
                        out_str(o, NULL, db_text(&r->cells, cell, CELL_RAW));
                else
                        grid_to_json(o, NULL, c->type, value);
        }
        out_end_object(o);
        out_object(o, "cells");
        for (size_t i = 0; i < t->columns.len; i++) {
                const struct grid_column *c = &t->columns.ptr[i];

                out_key_str(o, c->id);
                write_cell(ctx, o, r, find_cell(&r->cells, first, id, c->id),
                           record_has_value(t, r, row, i));
        }
        out_end_object(o);
}

void record_write(struct ctx *ctx, struct json_out *o, const char *key, const struct grid_table *t,
                  const struct record_rows *r, int row)
{
        out_object(o, key);
        record_write_members(ctx, o, t, r, row);
        out_end_object(o);
}
