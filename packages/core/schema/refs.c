/* $id, $anchor and $ref: which schema a reference means (JSON Schema core, sections 8.2 and 9). */
#include "schema/internal.h"

#include <string.h>

struct uri {
        struct str scheme, authority, path, query; /* ptr NULL: absent; path is always there */
};

/* RFC 3986, appendix B, without the fragment. */
static struct uri uri_split(struct str s)
{
        struct uri u = {0};
        size_t colon = str_find_char(s, ':'), stop = 0;

        while (stop < s.len && !strchr("/?", s.ptr[stop]))
                stop++;
        if (colon != SIZE_MAX && colon > 0 && colon < stop) {
                u.scheme = str_slice(s, 0, colon);
                s = str_slice(s, colon + 1, s.len);
        }
        size_t query = str_find_char(s, '?');

        if (query != SIZE_MAX) {
                u.query = str_slice(s, query + 1, s.len);
                s = str_slice(s, 0, query);
        }
        if (str_starts(s, STR("//"))) {
                s = str_slice(s, 2, s.len);
                size_t slash = str_find_char(s, '/');

                slash = slash == SIZE_MAX ? s.len : slash;
                u.authority = str_slice(s, 0, slash);
                s = str_slice(s, slash, s.len);
        }
        u.path = s;
        return u;
}

/* RFC 3986, 5.2.4, on whole segments. */
static struct str remove_dots(struct arena *a, struct str path)
{
        struct buf b;
        struct str rest = path.ptr ? path : STR(""), segment;
        bool first = true;

        buf_init(&b, a, path.len + 2);
        while (str_split(&rest, '/', &segment)) {
                bool last = rest.ptr == NULL, up = str_eq_c(segment, "..");

                if (up || str_eq_c(segment, ".")) {
                        if (up) { /* drop the last segment written */
                                while (b.len && b.ptr[b.len - 1] != '/')
                                        b.len--;
                                b.len -= b.len > 0;
                        }
                        if (last)
                                buf_add_char(&b, '/');
                } else {
                        if (!first)
                                buf_add_char(&b, '/');
                        buf_add(&b, segment);
                }
                first = false;
        }
        return b.ptr ? buf_str(&b) : STR("");
}

static struct str merge(struct arena *a, const struct uri *base, struct str path)
{
        const char *slash = base->path.len ? memrchr(base->path.ptr, '/', base->path.len) : NULL;

        if (!slash)
                return base->authority.ptr ? str_printf(a, "/%.*s", FMT(path)) : path;
        return str_printf(a, "%.*s%.*s", (int)(slash - base->path.ptr + 1), base->path.ptr,
                          FMT(path));
}

struct str uri_resolve(struct arena *a, struct str base_text, struct str ref)
{
        struct uri base = uri_split(base_text), r = uri_split(ref), t = r;

        if (!r.scheme.ptr) {
                t.scheme = base.scheme;
                if (!r.authority.ptr) {
                        t.authority = base.authority;
                        if (r.path.len == 0) {
                                t.path = base.path;
                                t.query = r.query.ptr ? r.query : base.query;
                        } else if (r.path.ptr[0] != '/') {
                                t.path = merge(a, &base, r.path);
                        }
                }
        }
        if (r.path.len)
                t.path = remove_dots(a, t.path);
        struct buf b;

        buf_init(&b, a, base_text.len + ref.len + 16);
        if (t.scheme.ptr) {
                buf_add(&b, t.scheme);
                buf_add_char(&b, ':');
        }
        if (t.authority.ptr) {
                buf_add(&b, STR("//"));
                buf_add(&b, t.authority);
        }
        buf_add(&b, t.path);
        if (t.query.ptr) {
                buf_add_char(&b, '?');
                buf_add(&b, t.query);
        }
        return b.ptr ? buf_str(&b) : STR("");
}

static struct str source_key(const struct json *const *source)
{
        return (struct str){(const char *)source, sizeof *source};
}

struct entry *refs_entry(struct compiler *c, const struct json *source)
{
        return map_get(&c->by_source, source_key(&source));
}

static bool anchor_name(struct str s)
{
        for (size_t i = 0; i < s.len; i++) {
                char ch = s.ptr[i];
                bool letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_';
                bool other = (ch >= '0' && ch <= '9') || ch == '-' || ch == '.';

                if (!letter && !(i && other))
                        return false;
        }
        return s.len > 0;
}

static struct str anchor_key(struct arena *a, const struct resource *base, struct str name)
{
        return str_printf(a, "%.*s#%.*s", FMT(base->uri), FMT(name));
}

static void note_anchor(struct compiler *c, struct entry *e, const char *keyword)
{
        const struct json *v = json_member(e->source, keyword);

        if (!json_is_string(v))
                return; /* absent, or refused when the keyword is compiled */
        struct str at = pointer_add(&c->tmp, e->pointer, str_from(keyword));
        struct str key = anchor_key(&c->tmp, e->base, json_get_str(v));

        if (!anchor_name(json_get_str(v)))
                compile_fault(c, at, keyword, "must be a plain name such as \"address\"");
        else if (map_get(&c->anchors, key) && map_get(&c->anchors, key) != e)
                compile_fault(c, at, keyword, "the anchor \"%.*s\" is there twice",
                              FMT(json_get_str(v)));
        else
                map_put(&c->tmp, &c->anchors, key, e);
}

/* A schema with $id is a resource of its own: what is below resolves against it. */
static struct resource *note_id(struct compiler *c, const struct json *v, struct resource *base,
                                struct str pointer)
{
        const struct json *id = json_member(v, "$id");
        struct str text = json_get_str(id), at = pointer_add(&c->tmp, pointer, STR("$id"));
        size_t hash = str_find_char(text, '#');

        if (base && !json_is_string(id))
                return base;
        if (hash != SIZE_MAX && hash + 1 < text.len) {
                compile_fault(c, at, "$id", "must not have a fragment; use $anchor for that");
                text = str_slice(text, 0, hash);
        } else if (hash != SIZE_MAX) {
                text = str_slice(text, 0, hash);
        }
        struct resource *r = arena_new(&c->tmp, struct resource);

        r->root = v;
        r->uri = uri_resolve(&c->tmp, base ? base->uri : STR(""), text);
        if (map_get(&c->resources, r->uri))
                compile_fault(c, at, "$id", "the identifier \"%.*s\" is there twice", FMT(r->uri));
        else
                map_put(&c->tmp, &c->resources, r->uri, r);
        return r;
}

static const char *const one_schema[] = {
        "additionalProperties",
        "propertyNames",
        "items",
        "contains",
        "not",
        "if",
        "then",
        "else",
        "unevaluatedItems",
        "unevaluatedProperties",
};
static const char *const many_schemas[] = {
        /* arrays and objects of schemas */
        "allOf",
        "anyOf",
        "oneOf",
        "prefixItems",
        "properties",
        "patternProperties",
        "dependentSchemas",
        "$defs",
        "definitions",
};

static void index_many(struct compiler *c, const struct json *v, struct resource *base,
                       struct str pointer)
{
        for (size_t i = 0; json_is_array(v) && i < json_len(v); i++)
                refs_index(c, json_at(v, i), base, pointer_add_index(&c->tmp, pointer, i));
        JSON_EACH_MEMBER (it, v)
                refs_index(c, it.value, base, pointer_add(&c->tmp, pointer, it.key));
}

void refs_index(struct compiler *c, const struct json *v, struct resource *base, struct str pointer)
{
        if (!json_is_object(v) || refs_entry(c, v))
                return;
        struct entry *e = arena_new(&c->tmp, struct entry);

        *e = (struct entry){.node = arena_new(&c->schema->arena, struct node),
                            .source = v,
                            .base = note_id(c, v, base, pointer),
                            .pointer = pointer};
        e->node->index = c->entries.len;
        LIST_PUSH(&c->tmp, &c->entries, e);
        map_put(&c->tmp, &c->by_source, source_key(&e->source), e);
        note_anchor(c, e, "$anchor");
        note_anchor(c, e, "$dynamicAnchor");
        for (size_t i = 0; i < ELEMENTS(one_schema); i++)
                refs_index(c, json_member(v, one_schema[i]), e->base,
                           pointer_add(&c->tmp, pointer, str_from(one_schema[i])));
        for (size_t i = 0; i < ELEMENTS(many_schemas); i++)
                index_many(c, json_member(v, many_schemas[i]), e->base,
                           pointer_add(&c->tmp, pointer, str_from(many_schemas[i])));
}

static int hex(char c)
{
        return c >= '0' && c <= '9'   ? c - '0'
               : c >= 'a' && c <= 'f' ? c - 'a' + 10
               : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                      : -1;
}

static struct str percent_decode(struct arena *a, struct str s)
{
        char *p = arena_alloc(a, s.len + 1);
        size_t n = 0;

        for (size_t i = 0; i < s.len; i++) {
                if (s.ptr[i] == '%' && i + 2 < s.len && hex(s.ptr[i + 1]) >= 0 &&
                    hex(s.ptr[i + 2]) >= 0) {
                        p[n++] = (char)(hex(s.ptr[i + 1]) * 16 + hex(s.ptr[i + 2]));
                        i += 2;
                } else {
                        p[n++] = s.ptr[i];
                }
        }
        return (struct str){p, n};
}

static const struct node *by_pointer(struct compiler *c, struct resource *r, struct str pointer)
{
        const struct json *v = json_pointer(r->root, pointer);

        if (v && json_is_bool(v))
                return json_get_bool(v, false) ? &c->schema->yes : &c->schema->no;
        if (!json_is_object(v))
                return NULL;
        /* A place that no keyword makes a schema becomes one by being referred to. */
        struct entry *root = refs_entry(c, r->root);

        refs_index(c, v, r,
                   str_printf(&c->tmp, "%.*s%.*s", FMT(root ? root->pointer : STR_NULL),
                              FMT(pointer)));
        return refs_entry(c, v)->node;
}

const struct node *refs_resolve(struct compiler *c, const struct entry *from, struct str ref)
{
        size_t hash = str_find_char(ref, '#');
        struct str uri = ref, fragment = STR("");

        if (hash != SIZE_MAX) {
                uri = str_slice(ref, 0, hash);
                fragment = percent_decode(&c->tmp, str_slice(ref, hash + 1, ref.len));
        }
        struct resource *r = map_get(&c->resources, uri_resolve(&c->tmp, from->base->uri, uri));

        if (!r)
                return NULL;
        if (fragment.len == 0 || fragment.ptr[0] == '/')
                return by_pointer(c, r, fragment);
        struct entry *e = map_get(&c->anchors, anchor_key(&c->tmp, r, fragment));

        return e ? e->node : NULL;
}
