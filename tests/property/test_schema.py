"""The JSON Schema validator of packages/core/schema, against the PyPI jsonschema library (Draft 2020-12).

Calls the C code through libmillrace-test.so (built by meson; see packages/core/schema/schema_testlib.c).
"""

import ctypes
import json
import re
from fractions import Fraction

import jsonschema
from hypothesis import assume, example, given
from hypothesis import strategies as st

from lib.stack import build_dir

lib = ctypes.CDLL(str(build_dir() / "packages" / "core" / "libmillrace-test.so"))
lib.test_schema_check.restype = ctypes.c_void_p
lib.test_schema_check.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
lib.test_schema_free.argtypes = [ctypes.c_void_p]


def ours(schema, value):
    a, b = json.dumps(schema).encode(), json.dumps(value).encode()
    text = lib.test_schema_check(a, len(a), b, len(b))
    answer = json.loads(ctypes.string_at(text))
    lib.test_schema_free(text)
    return answer


def ok(schema, value):
    answer = ours(schema, value)
    assert answer["stage"] == "value", answer
    assert answer["valid"] == (not answer["faults"])
    return answer["valid"]


# Values and schemas from a small vocabulary, so that they meet often.
names = st.sampled_from(["a", "b", "ab", "long name", "", "x/y", "x~"])
numbers = st.one_of(st.integers(-6, 6), st.integers(-12, 12).map(lambda n: n / 2))
scalars = st.one_of(st.none(), st.booleans(), numbers, st.sampled_from(["", "a", "b", "ab", "aab", "ä", "😀😀", "x y"]))
values = st.recursive(scalars, lambda inner: st.one_of(st.lists(inner, max_size=5),
                                                        st.dictionaries(names, inner, max_size=5)), max_leaves=12)
patterns = st.sampled_from(["^a", "b$", "^a*b$", "[a-c]", "^.{1,3}$", "^$", "ä|x"])
types = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])
counts = st.integers(0, 4)


def keyword_strategies(inner):
    some = st.lists(inner, min_size=1, max_size=3)
    return {
        "type": st.one_of(types, st.lists(types, min_size=1, max_size=3, unique=True)),
        "enum": st.lists(values, min_size=1, max_size=4), "const": values,
        "minimum": numbers, "maximum": numbers, "exclusiveMinimum": numbers, "exclusiveMaximum": numbers,
        "multipleOf": st.sampled_from([1, 2, 3, 0.5, 1.5]),
        "minLength": counts, "maxLength": counts, "pattern": patterns,
        "properties": st.dictionaries(names, inner, max_size=3),
        "patternProperties": st.dictionaries(patterns, inner, max_size=2),
        "additionalProperties": inner, "propertyNames": inner,
        "required": st.lists(names, max_size=3, unique=True), "minProperties": counts, "maxProperties": counts,
        "dependentRequired": st.dictionaries(names, st.lists(names, max_size=2, unique=True), max_size=2),
        "dependentSchemas": st.dictionaries(names, inner, max_size=2),
        "prefixItems": some, "items": inner, "contains": inner, "minContains": counts, "maxContains": counts,
        "minItems": counts, "maxItems": counts, "uniqueItems": st.booleans(),
        "allOf": some, "anyOf": some, "oneOf": some, "not": inner, "if": inner, "then": inner, "else": inner,
        "unevaluatedProperties": inner, "unevaluatedItems": inner,
    }


def schemas_of(keywords, leaves):
    def grow(inner):
        table = {k: v for k, v in keyword_strategies(inner).items() if keywords is None or k in keywords}
        return st.lists(st.sampled_from(sorted(table)), max_size=4, unique=True).flatmap(
            lambda chosen: st.fixed_dictionaries({k: table[k] for k in chosen}))

    return st.recursive(leaves, grow, max_leaves=10)


leaf = st.one_of(st.booleans(), st.just({}), types.map(lambda t: {"type": t}), numbers.map(lambda n: {"minimum": n}),
                 st.just({"$ref": "#/$defs/shared"}), st.just({"$ref": "#shared"}))
schemas = schemas_of(None, leaf)
shared = schemas_of({"type", "minimum", "pattern", "properties", "items", "required", "additionalProperties"},
                    st.one_of(st.booleans(), types.map(lambda t: {"type": t})))


def with_shared(schema, definition):
    """A document where both references in `leaf` lead to the definition."""
    if isinstance(definition, bool):
        definition = {"not": {}} if not definition else {}
    return {"allOf": [schema], "$defs": {"shared": {**definition, "$anchor": "shared"}}}


@given(schemas, shared, values)
@example({"oneOf": [True, {"properties": {"a": True}}]}, True, {"a": 1})
@example({"unevaluatedProperties": False, "anyOf": [{"properties": {"a": {}}}, {"required": ["b"]}]}, True, {"a": 1})
@example({"enum": [0, False]}, True, 0.0)
@example({"uniqueItems": True}, True, [0, False, [0], [False], {"a": 0}, {"a": False}])
@example({"contains": True, "minContains": 0, "unevaluatedItems": False}, True, [1])
def test_same_verdict(schema, definition, value):
    document = with_shared(schema, definition)
    assert ok(document, value) == jsonschema.Draft202012Validator(document).is_valid(value)


def pointer(parts):
    return "".join("/" + str(p).replace("~", "~0").replace("/", "~1") for p in parts)


def parent(path):
    return path.rsplit("/", 1)[0]


def our_faults(answer):
    """As jsonschema counts them: what we say of a missing or unknown property, it says of the object."""
    out = set()
    for fault in answer["faults"]:
        rule, path = fault["rule"], fault["path"]
        if rule in ("required", "dependentRequired", "additionalProperties", "propertyNames"):
            path = parent(path)
        out.add((path, "contains" if rule in ("minContains", "maxContains") else rule))
    return out


def their_faults(validator, value):
    out = set()
    for fault in validator.iter_errors(value):
        rule = fault.validator or "false"
        if "propertyNames" in [str(p) for p in fault.absolute_schema_path]:
            rule = "propertyNames"
        if rule in ("minContains", "maxContains"):
            rule = "contains"
        out.add((pointer(fault.absolute_path), rule))
    return out


plain = schemas_of({"type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
                    "minLength", "maxLength", "pattern", "properties", "patternProperties", "additionalProperties",
                    "required", "minProperties", "maxProperties", "dependentRequired", "dependentSchemas",
                    "prefixItems", "items", "contains", "minContains", "maxContains", "minItems", "maxItems",
                    "uniqueItems", "allOf", "anyOf", "oneOf", "not", "if", "then", "else"},
                   st.one_of(st.booleans(), types.map(lambda t: {"type": t})))


@given(plain, values)
@example({"properties": {"x/y": {"type": "null"}}, "required": ["a", "b"], "additionalProperties": False},
         {"x/y": 1, "x~": 2})
@example({"items": {"minimum": 3}, "maxItems": 1, "uniqueItems": True}, [1, 1, 2])
def test_same_faults(schema, value):
    answer = ours(schema, value)
    assert answer["stage"] == "value", answer
    assert our_faults(answer) == their_faults(jsonschema.Draft202012Validator(schema), value)


@given(st.one_of(st.booleans(), st.dictionaries(
    st.sampled_from(sorted(keyword_strategies(st.nothing()))), st.one_of(values, st.just({"type": "null"})), max_size=3)))
def test_refuses_what_the_metaschema_refuses(schema):
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
        right = True
    except jsonschema.SchemaError:
        right = False
    answer = ours(schema, 1)
    assert (answer["stage"] == "value") == right, answer
    if not right:
        assert answer["faults"] and all(f["path"].startswith("/") and f["message"] for f in answer["faults"])


@given(st.integers(-10**9, 10**9), st.integers(0, 6), st.integers(1, 10**6), st.integers(0, 6))
@example(1999, 2, 1, 2)
@example(-75, 4, 25, 4)
def test_multiples_are_decimal(number, places, step, step_places):
    value, unit = float(f"{number}e-{places}"), float(f"{step}e-{step_places}")
    exact = Fraction(number, 10**places) / Fraction(step, 10**step_places)
    assert ok({"multipleOf": unit}, value) == (exact.denominator == 1)


@given(st.text(max_size=12), st.integers(0, 12))
def test_length_counts_code_points(text, length):
    assert ok({"maxLength": length}, text) == (len(text) <= length)
    assert ok({"minLength": length}, text) == (len(text) >= length)


ascii_checks = {
    "date": st.one_of(st.dates().map(str), st.from_regex(r"\A[0-9]{4}-[01][0-9]-[0-3][0-9]\Z")),
    "ipv4": st.one_of(st.ip_addresses(v=4).map(str), st.from_regex(r"\A[0-9]{1,3}(\.[0-9]{1,3}){2,4}\Z")),
    "ipv6": st.one_of(st.ip_addresses(v=6).map(str), st.from_regex(r"\A([0-9a-f]{0,4}:){2,8}[0-9a-f]{0,4}\Z")),
    "uuid": st.one_of(st.uuids().map(str), st.from_regex(r"\A[0-9a-f]{8}-?[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{16}\Z")),
}


@given(st.sampled_from(sorted(ascii_checks)).flatmap(lambda f: st.tuples(st.just(f), ascii_checks[f])))
def test_formats_agree(case):
    name, text = case
    assume(not text.startswith("0000"))  # Python's calendar begins with the year 1
    checker = jsonschema.FormatChecker([name])
    assert ok({"format": name}, text) == checker.conforms(text, name)


@given(st.from_regex(r"\A[ab.*+?()|\[\]^$\\dw]{0,8}\Z"), st.text("ab.d ", max_size=8))
def test_patterns_agree_with_python(pattern, text):
    assume(not re.search(r"\\[^dw.*+?()|\[\]^$\\]|\\$|\[\]|\[\^\]|[*+?]\+|\(\?|\[[^\]]*\[", pattern))
    try:
        compiled = re.compile(pattern, re.ASCII)
    except re.error:
        assume(False)
    assert ok({"pattern": pattern}, text) == bool(compiled.search(text)), pattern


@given(values, st.integers(2, 30))
def test_recursion_is_followed(value, depth):
    for _ in range(depth):
        value = {"child": value}
    tree = {"type": "object", "properties": {"child": {"$ref": "#"}}}
    assert ok(tree, value) == jsonschema.Draft202012Validator(tree).is_valid(value)
