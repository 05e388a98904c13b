/*
 * Compiling a schema: every subschema is found first (refs.c), then each is turned into a node
 * (keywords.c), then chains of references that would never end are refused.
 */
#include "schema/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void compile_fault(struct compiler *c, struct str pointer, const char *rule, const char *fmt, ...)
{
        char text[512];
        va_list ap;

        if (c->faults++ >= SCHEMA_FAULTS_MAX)
                return;
        va_start(ap, fmt);
        vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        ctx_fault(c->ctx, str_dup(c->ctx->arena, str_slice(pointer, 0, 2048)), rule, "%s", text);
}

struct str pointer_add(struct arena *a, struct str pointer, struct str token)
{
        struct buf b;

        buf_init(&b, a, pointer.len + token.len * 2 + 2);
        buf_add(&b, pointer);
        buf_add_char(&b, '/');
        for (size_t i = 0; i < token.len; i++) {
                if (token.ptr[i] == '~')
                        buf_add(&b, STR("~0"));
                else if (token.ptr[i] == '/')
                        buf_add(&b, STR("~1"));
                else
                        buf_add_char(&b, token.ptr[i]);
        }
        return buf_str(&b);
}

struct str pointer_add_index(struct arena *a, struct str pointer, size_t index)
{
        return str_printf(a, "%.*s/%zu", FMT(pointer), index);
}

/* The schemas that are applied to the very same value: following only these must come to an end. */
static size_t in_place(const struct node *n, size_t i, const struct node **ret)
{
        static const struct combine_rules none;
        const struct combine_rules *k = n->combine ? n->combine : &none;
        const struct node_list *lists[] = {&k->all_of, &k->any_of, &k->one_of};
        const struct node *single[] = {k->ref, k->not, k->when, k->then, k->otherwise};

        for (size_t l = 0; l < ELEMENTS(lists); i -= lists[l]->len, l++)
                if (i < lists[l]->len) {
                        *ret = lists[l]->ptr[i];
                        return 1;
                }
        if (i < ELEMENTS(single)) {
                *ret = single[i];
                return 1;
        }
        i -= ELEMENTS(single);
        if (n->object && i < n->object->schemas_count) {
                *ret = n->object->schemas[i].schema;
                return 1;
        }
        return 0;
}

enum mark { UNSEEN, OPEN, DONE };

struct step {
        const struct node *node;
        size_t next;
};

/* Depth first from one node, without recursion. */
static void find_loop(struct compiler *c, const struct node *start, unsigned char *marks,
                      struct step *stack)
{
        size_t depth = 0;

        stack[depth++] = (struct step){start, 0};
        marks[start->index] = OPEN;
        while (depth) {
                struct step *top = &stack[depth - 1];
                const struct node *next = NULL;

                if (!in_place(top->node, top->next++, &next)) {
                        marks[top->node->index] = DONE;
                        depth--;
                } else if (!next || next->fixed || marks[next->index] == DONE) {
                        continue;
                } else if (marks[next->index] == OPEN) {
                        compile_fault(c, c->entries.ptr[top->node->index]->pointer, "$ref",
                                      "refers to itself without looking deeper into the value");
                } else {
                        marks[next->index] = OPEN;
                        stack[depth++] = (struct step){next, 0};
                }
        }
}

static void find_loops(struct compiler *c)
{
        unsigned char *marks = arena_alloc(&c->tmp, c->entries.len + 1);
        struct step *stack = arena_alloc_array(&c->tmp, c->entries.len + 1, sizeof *stack);

        for (size_t i = 0; i < c->entries.len; i++)
                if (marks[i] == UNSEEN)
                        find_loop(c, c->entries.ptr[i]->node, marks, stack);
}

static void compile_all(struct compiler *c, struct str text)
{
        struct schema *s = c->schema;
        const struct json *root;

        if (json_parse(&c->own, text, &root) != OK) {
                compile_fault(c, STR(""), "json", "%.*s", FMT(c->own.message));
                return;
        }
        s->source = root;
        if (json_is_bool(root)) {
                s->root = json_get_bool(root, false) ? &s->yes : &s->no;
                return;
        }
        if (!json_is_object(root)) {
                compile_fault(c, STR(""), "type", "a schema must be an object, or true or false");
                return;
        }
        refs_index(c, root, NULL, STR(""));
        s->root = refs_entry(c, root)->node;
        for (size_t i = 0; i < c->entries.len; i++) /* grows where references lead elsewhere */
                keywords_compile(c, c->entries.ptr[i]);
        find_loops(c);
}

enum err schema_compile_text(struct ctx *ctx, struct str text, struct schema **ret)
{
        struct schema *s = mem_alloc(sizeof *s);
        struct compiler c = {.ctx = ctx, .schema = s};
        size_t before = ctx->faults.len;

        arena_init(&s->arena, SIZE_MAX / 2);
        arena_init(&c.tmp, SIZE_MAX / 2);
        s->yes = (struct node){.fixed = true, .accepts = true};
        s->no = (struct node){.fixed = true};
        ctx_init(&c.own, &s->arena);
        compile_all(&c, text);
        arena_finish(&c.tmp);
        if (c.faults) {
                const struct fault *f = &ctx->faults.ptr[before];

                schema_close(s);
                return fail(ctx, ERR_VALIDATION, "the schema is wrong%s%.*s: %.*s%s",
                            f->path.len ? " at " : "", FMT(f->path), FMT(f->message),
                            c.faults > 1 ? " (and more)" : "");
        }
        *ret = s;
        return OK;
}

enum err schema_compile(struct ctx *ctx, const struct json *source, struct schema **ret)
{
        struct buf b;

        buf_init(&b, NULL, SIZE_MAX / 4);
        json_write(&b, source);
        enum err e = schema_compile_text(ctx, buf_str(&b), ret);

        buf_finish(&b);
        return e;
}

void schema_close(struct schema *s)
{
        if (!s)
                return;
        arena_finish(&s->arena);
        mem_free(s);
}
