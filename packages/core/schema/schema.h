/*
 * JSON Schema 2020-12: the one validator behind request bodies, provider answers, scraper results
 * and `millrace schema validate`.
 *
 * A schema is compiled once. `struct schema` lives on the heap, is immutable from then on, and may
 * be used by any number of threads at once; its owner closes it when nobody uses it any more. It
 * keeps nothing of the JSON it was compiled from.
 *
 * Keywords: type enum const; minimum maximum exclusiveMinimum exclusiveMaximum multipleOf (exact in
 * decimal: 19.99 is a multiple of 0.01); minLength maxLength (code points) pattern format;
 * properties patternProperties additionalProperties propertyNames required minProperties
 * maxProperties dependentRequired dependentSchemas unevaluatedProperties; prefixItems items
 * contains minContains maxContains minItems maxItems uniqueItems unevaluatedItems; allOf anyOf
 * oneOf not if/then/else; $ref $defs $id $anchor. `format` is asserted for date-time date time
 * duration email hostname ipv4 ipv6 uri uri-reference uuid json-pointer regex; other formats, and
 * keywords the standard does not know, are ignored as it demands. $dynamicRef is refused, not
 * ignored.
 *
 * `pattern` is ECMA-262 syntax with Unicode on, as far as PCRE2 reads it.
 *
 * Hostile input and hostile schemas are bounded: a schema that refers to itself without looking
 * deeper into the value is refused when compiled; nesting, the steps of one validation, the work of
 * one pattern and of all patterns together have limits, and reaching one is a fault of rule
 * "limit". The ctx deadline is kept (ERR_TIMEOUT). Stack use stays under 512 KiB.
 */
#ifndef MILLRACE_CORE_SCHEMA_SCHEMA_H
#define MILLRACE_CORE_SCHEMA_SCHEMA_H

#include "err/ctx.h"
#include "json/json.h"

struct schema;

#define SCHEMA_FAULTS_MAX 100 /* one call adds no more than this to ctx->faults */

/*
 * ERR_VALIDATION when the schema itself is wrong: ctx->faults has every mistake with its pointer
 * into the schema (keywords of the wrong type, references that lead nowhere, patterns that do not
 * compile, endless references).
 */
_must_check_ enum err schema_compile(struct ctx *ctx, const struct json *source,
                                     struct schema **ret);
_must_check_ enum err schema_compile_text(struct ctx *ctx, struct str text, struct schema **ret);
void schema_close(struct schema *s); /* accepts NULL */

/*
 * ERR_VALIDATION when the value does not match: every fault is added to ctx->faults (up to
 * SCHEMA_FAULTS_MAX), its path being `base` and the JSON pointer from there, its rule the keyword.
 * A missing or unknown property's path names that property, so that a form can show it in place.
 */
_must_check_ enum err schema_validate(struct ctx *ctx, const struct schema *schema,
                                      const struct json *value, struct str base);

#endif
