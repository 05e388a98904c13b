/*
 * The compiled form of a schema, shared by compile.c, keywords.c, refs.c and validate.c; nobody
 * else includes this. Everything lives in the schema's own arena and is read-only once compiled.
 */
#ifndef MILLRACE_CORE_SCHEMA_INTERNAL_H
#define MILLRACE_CORE_SCHEMA_INTERNAL_H

#include "schema/format.h"
#include "schema/pattern.h"
#include "schema/schema.h"

struct node;

/* A string-keyed hash map in an arena; the newest value of a key wins. */
struct map_slot {
        struct str key;
        uint64_t hash;
        void *value; /* NULL: free slot */
};
struct map {
        struct map_slot *slots;
        size_t size, len; /* size is 0 or a power of two */
};
void map_put(struct arena *a, struct map *m, struct str key, void *value);
void *map_get(const struct map *m, struct str key);

/* Seeded per process, so that nobody can prepare colliding keys or values. */
uint64_t hash_str(struct str s);
uint64_t hash_json(const struct json *v); /* equal values (json_same) hash equally */

/* Values by hash, for enum and uniqueItems. */
struct hashed {
        uint64_t hash;
        size_t index;
};
int hashed_cmp(const void *a, const void *b);

/* Is v a multiple of step, both read as decimals? step is above 0. */
bool decimal_multiple(const struct json *v, const struct json *step);

enum type_bit {
        TYPE_NULL = 1,
        TYPE_BOOLEAN = 2,
        TYPE_INTEGER = 4,
        TYPE_NUMBER = 8, /* includes integers */
        TYPE_STRING = 16,
        TYPE_ARRAY = 32,
        TYPE_OBJECT = 64,
};

#define COUNT_NONE SIZE_MAX /* no upper limit was given */

struct node_list {
        const struct node **ptr;
        size_t len;
};

struct name_list {
        struct str *ptr;
        size_t len;
};

struct combine_rules {
        const struct node *ref;
        struct node_list all_of, any_of, one_of;
        const struct node * not, *when, *then, *otherwise;
};

struct number_rules {
        const struct json *min, *max, *above, *below, *step;
};

struct text_rules {
        size_t min, max; /* code points */
        const struct pattern *pattern;
        const struct format *format;
};

struct array_rules {
        size_t min, max;
        bool unique;
        struct node_list prefix;
        const struct node *items, *contains, *unevaluated;
        size_t min_contains, max_contains;
};

struct named_pattern {
        const struct pattern *pattern;
        const struct node *node;
};

struct dependency {
        struct str name;
        struct name_list required;
        const struct node *schema; /* or NULL */
};

struct object_rules {
        size_t min, max;
        struct name_list required;
        struct map properties; /* name -> struct node */
        struct named_pattern *patterns;
        size_t pattern_count;
        const struct node *additional, *names, *unevaluated;
        struct dependency *needs; /* dependentRequired */
        size_t needs_count;
        struct dependency *schemas; /* dependentSchemas */
        size_t schemas_count;
};

struct node {
        size_t index;    /* among the compiler's entries */
        bool fixed;      /* the schema `true` or `false` … */
        bool accepts;    /* … and which of them */
        bool alias;      /* nothing but $ref: combine->ref stands for it */
        unsigned types;  /* enum type_bit; 0: any */
        struct str said; /* the types as the schema says them */
        const struct json *constant, *choices;
        const struct hashed *choice_index; /* sorted by hash; one for each of choices */
        struct combine_rules *combine;
        struct number_rules *number;
        struct text_rules *text;
        struct array_rules *array;
        struct object_rules *object;
};

struct schema {
        struct arena arena;
        const struct json *source;
        const struct node *root;
        struct node yes, no;
};

/* The compiler. */

struct resource {
        struct str uri;
        const struct json *root;
};

struct entry {
        struct node *node;
        const struct json *source;
        struct resource *base;
        struct str pointer; /* from the document's root */
};

struct compiler {
        struct ctx *ctx;  /* the caller's: faults go there */
        struct ctx own;   /* over the schema's arena */
        struct arena tmp; /* for the time of compiling */
        struct schema *schema;
        size_t faults;                /* found so far, recorded or not */
        LIST(struct entry *) entries; /* all schema objects found, in order; compiled in order */
        struct map by_source;         /* address of the JSON object -> struct entry */
        struct map resources;         /* absolute URI without fragment -> struct resource */
        struct map anchors;           /* "URI#anchor" -> struct entry */
};

/* Records a mistake in the schema at `pointer`, unless there are too many already. */
void compile_fault(struct compiler *c, struct str pointer, const char *rule, const char *fmt, ...)
        _printf_(4, 5);
struct str pointer_add(struct arena *a, struct str pointer, struct str token);
struct str pointer_add_index(struct arena *a, struct str pointer, size_t index);

/* Finds every subschema below, with its base URI; notes $id and $anchor. */
void refs_index(struct compiler *c, const struct json *v, struct resource *base,
                struct str pointer);
/* Where a $ref leads; NULL when nowhere. */
const struct node *refs_resolve(struct compiler *c, const struct entry *from, struct str ref);
struct entry *refs_entry(struct compiler *c, const struct json *source);
/* RFC 3986 section 5.2: the URI that `ref` means where the base is `base`. */
struct str uri_resolve(struct arena *a, struct str base, struct str ref);

/* Fills the node from the entry's keywords. */
void keywords_compile(struct compiler *c, struct entry *e);

#endif
