"""Pairs in which schemas differ, and those in which a change of a component reaches further than it seems."""

from __future__ import annotations

from typing import Final

from tests.support.documents import read, sent
from tests.support.kind_documents import (
    ADD,
    BEH,
    BESIDE,
    BRK,
    COMPONENTS,
    DOC,
    FLAT,
    LEAF,
    LEAF_AND_B,
    MERGED,
    NAM,
    NULL,
    NUMBER,
    ONE_OF,
    REQUIRED,
    ROLE,
    SELF,
    TEXT,
    TO_LEAF,
    TO_ROLE,
    TO_SELF,
    TRUTH,
    B,
    Pair,
    anchored,
    apart,
    both,
    holds,
    numbered,
    places,
    positional,
    renamed,
    shared,
    types,
    wrapped,
)

SCHEMAS: Final[list[Pair]] = [
    # -- inline or by reference ----------------------------------------------------------------------------------------
    *both("a schema by reference", LEAF, TO_LEAF, NAM, "reference"),
    *both("an enum by reference", ROLE, TO_ROLE, NAM, "reference"),
    *both("an enum or null by reference", {"anyOf": [ROLE, NULL]}, {"anyOf": [TO_ROLE, NULL]}, NAM, "reference"),
    *both("a schema or null by reference", {"oneOf": [LEAF, NULL]}, {"oneOf": [TO_LEAF, NULL]}, NAM, "reference"),
    Pair("a component that refers to itself renamed", renamed("Tree"), renamed("Bush"), NAM, "schema-renamed"),
    # -- allOf ---------------------------------------------------------------------------------------------------------
    *both("allOf split", MERGED, LEAF_AND_B, NAM, "spelling"),
    *both("allOf flattened", {"allOf": [LEAF, B]}, MERGED, NAM, "spelling"),
    *both("allOf with a description only", LEAF, {**LEAF, "allOf": [{"description": "A"}]}, NAM, "spelling"),
    *both("allOf nested", {"allOf": [{"allOf": [TO_LEAF]}, B]}, LEAF_AND_B, BRK, "python-type"),
    *both("allOf of one object", {"allOf": [LEAF]}, LEAF, None),
    *both("allOf of one text", TEXT, {"allOf": [TEXT]}, BRK, "python-type"),
    *both("allOf of one list", {"type": "array", "items": TEXT}, {"allOf": [{"type": "array", "items": TEXT}]}, BRK),
    *both("allOf of a reference and nothing", TO_ROLE, {"allOf": [TO_ROLE]}, None),
    # -- null ----------------------------------------------------------------------------------------------------------
    *both("nullable or a list of types", {**TEXT, "nullable": True}, {"type": ["string", "null"]}, None),
    *both("nullable or a union", {**TEXT, "nullable": True}, {"anyOf": [TEXT, NULL]}, None),
    *both("nullable beside allOf", {"allOf": [TO_LEAF], "nullable": True}, {"anyOf": [TO_LEAF, NULL]}, NAM, "spelling"),
    *both("nullable beside oneOf", {**ONE_OF, "nullable": True}, {"oneOf": [*ONE_OF["oneOf"], NULL]}, None),
    *both("null first", {"anyOf": [NULL, TO_LEAF]}, {"anyOf": [TO_LEAF, NULL]}, NAM, "spelling"),
    *both("oneOf or anyOf with null", {"oneOf": [TO_LEAF, NULL]}, {"anyOf": [TO_LEAF, NULL]}, NAM, "spelling"),
    *apart("null in an enum", ROLE, {"type": ["string", "null"], "enum": ["x", "y", None]}, "null-allowed", ADD, BRK),
    *apart("null beside a reference", TO_LEAF, {"anyOf": [TO_LEAF, NULL]}, "null-allowed", ADD, BRK),
    *both("null in an enum without a type", {"anyOf": [ROLE, NULL]}, {"enum": ["x", "y", None]}, NAM, "spelling"),
    *both("null in an enum said twice", {**ROLE, "enum": ["x", None], "nullable": True}, {"enum": ["x", None]}, NAM),
    # -- spellings of values -------------------------------------------------------------------------------------------
    *both("exclusive bounds", {**NUMBER, "minimum": 5, "exclusiveMinimum": True}, {**NUMBER, "minimum": 6}, None),
    *both(
        "exclusive bounds of numbers", numbered(maximum=5, exclusiveMaximum=True), numbered(exclusiveMaximum=5), None
    ),
    *both("a bound inside another", numbered(minimum=5, exclusiveMinimum=1), numbered(minimum=5), None),
    *apart("an exclusive bound looser", numbered(minimum=1), numbered(exclusiveMinimum=0), "bound-looser", ADD, BEH),
    *apart("an exclusive bound tighter", numbered(minimum=1), numbered(exclusiveMinimum=1), "bound-tighter", BRK, ADD),
    *apart("fewer multiples", {**NUMBER, "multipleOf": 2}, {**NUMBER, "multipleOf": 4}, "pattern", BRK, BEH),
    *apart("more multiples", {**NUMBER, "multipleOf": 4}, {**NUMBER, "multipleOf": 2}, "pattern-removed", ADD, BEH),
    *both("numbers written otherwise", numbered(minimum=1.0, default=2), numbered(minimum=1, default=2.0), None),
    *both("const or enum of one", {**TEXT, "const": "a"}, {**TEXT, "enum": ["a"]}, NAM, "spelling"),
    *both("the type beside const", {"const": "a"}, {**TEXT, "const": "a"}, None),
    *both("the type beside an enum", {"enum": ["a", "b"]}, {**TEXT, "enum": ["a", "b"]}, None),
    *both("the type beside properties", {"properties": {"a": TEXT}}, LEAF, None),
    *both("a list of types or oneOf", {"type": ["integer", "string"]}, {"oneOf": [NUMBER, TEXT]}, NAM, "spelling"),
    *both(
        "a union in a union", {"anyOf": [NUMBER, TEXT]}, {"anyOf": [{"anyOf": [NUMBER, TEXT]}, TEXT]}, NAM, "spelling"
    ),
    *both("a pattern that all texts match", {**TEXT, "pattern": ".*"}, TEXT, None),
    *both("length zero said", {**TEXT, "minLength": 0}, TEXT, None),
    *both("true in place of a schema", {"type": "array", "items": True}, {"type": "array", "items": {}}, None),
    # -- discriminators ------------------------------------------------------------------------------------------------
    *both(
        "a short name in a mapping",
        {**ONE_OF, "discriminator": {"propertyName": "k", "mapping": {"a": "Leaf"}}},
        {**ONE_OF, "discriminator": {"propertyName": "k", "mapping": {"a": TO_LEAF["$ref"]}}},
        None,
    ),
    *both(
        "the default mapping said",
        {**ONE_OF, "discriminator": {"propertyName": "k"}},
        {**ONE_OF, "discriminator": {"propertyName": "k", "mapping": {"Leaf": TO_LEAF["$ref"]}}},
        None,
    ),
    *both("a discriminator", ONE_OF, {**ONE_OF, "discriminator": {"propertyName": "k"}}, BEH, "discriminator"),
    # -- constraints ---------------------------------------------------------------------------------------------------
    Pair(
        "what is only read narrowed",
        sent({**TEXT, "readOnly": True, "maxLength": 9}),
        sent({**TEXT, "readOnly": True, "maxLength": 5}),
        NAM,
        "bound-tighter",
    ),
    *both("items said", {"type": "array"}, {"type": "array", "items": {}}, NAM, "spelling"),
    *apart("an enum of a truth", TRUTH, {**TRUTH, "enum": [True]}, "values-listed", BRK, BEH),
    *both("null that an enum excludes", {**ROLE, "type": ["string", "null"]}, ROLE, NAM, "spelling"),
    *apart("arguments of a part, of which more are required", REQUIRED, FLAT, "properties-reordered", BEH, NAM),
    # -- the same by another way ---------------------------------------------------------------------------------------
    *apart("what a schema excludes, by reference", {**TEXT, "not": ROLE}, {**TEXT, "not": TO_ROLE}, "", DOC, DOC),
    *apart("what a list contains, by reference", holds(LEAF), holds(TO_LEAF), "document-place", DOC, DOC),
    *apart("what a list contains, otherwise", holds(MERGED), holds(TO_LEAF), "constraint", BRK, BEH),
    *both("a list of one type", {"type": ["string"]}, TEXT, NAM, "spelling"),
    *both("null as the only value", NULL, {"enum": [None]}, NAM, "spelling"),
    *both("null as a constant", NULL, {"const": None}, NAM, "spelling"),
    *both("null by reference", types("string", "null"), {"$ref": "#/components/schemas/Maybe"}, NAM, "reference"),
    *both(
        "null by reference in a union",
        {"anyOf": [LEAF, NULL]},
        {"$ref": "#/components/schemas/MaybeLeaf"},
        NAM,
        "reference",
    ),
    *apart("null no longer by reference", {"$ref": "#/components/schemas/Maybe"}, TEXT, "", BRK, NAM),
    *apart(
        "null that an enum in a union excludes",
        {"oneOf": [ROLE, LEAF]},
        {"oneOf": [{**ROLE, "type": ["string", "null"]}, LEAF]},
        "",
        NAM,
        NAM,
    ),
    *both("an enum with properties", {"enum": ["x", None]}, {"enum": ["x", None], "properties": {"a": TEXT}}, ADD, ""),
    *apart("what a list contains, in parts", holds(MERGED), holds(LEAF_AND_B), "document-place", DOC, DOC),
    *both("a union by reference", ONE_OF, {"$ref": "#/components/schemas/Union"}, NAM, "reference"),
    *both(
        "a union or null by reference",
        {"oneOf": [*ONE_OF["oneOf"], NULL]},
        {"oneOf": [{"$ref": "#/components/schemas/Union"}, NULL]},
        NAM,
        "reference",
    ),
    *apart(
        "a union by reference, and one alternative more",
        {"oneOf": [*ONE_OF["oneOf"], NUMBER]},
        {"$ref": "#/components/schemas/Union"},
        "",
        BRK,
        NAM,
    ),
    *apart("one alternative more than a reference", TO_LEAF, {"oneOf": [TO_LEAF, NUMBER]}, "", NAM, BRK),
    *both(
        "an alternative inside another by reference",
        {"anyOf": [ROLE, TEXT]},
        {"anyOf": [ROLE, {"$ref": "#/components/schemas/Text"}]},
        NAM,
        "reference",
    ),
    *both(
        "null in an enum of a union", {"anyOf": [{"enum": ["x", "y", None]}, LEAF]}, {"anyOf": [ROLE, LEAF, NULL]}, NAM
    ),
    *both("types in another order than objects", {"anyOf": [TEXT, LEAF]}, {**LEAF, **types("object", "string")}, NAM),
    *apart("multiples of zero", {**NUMBER, "multipleOf": 2}, {**NUMBER, "multipleOf": 0}, "pattern", BRK, BEH),
    *apart("what a list contains, in another order", holds({**ROLE, "enum": ["y", "x"]}), holds(TO_ROLE), "", DOC, DOC),
    *apart("what a list contains, one type", holds(TEXT), holds(types("string")), "document-place", DOC, DOC),
    Pair(
        "what a list contains, and itself",
        read(holds(TO_SELF), Self=SELF),
        read(holds(TEXT), Self=SELF),
        BEH,
        "constraint",
    ),
    *both(
        "one type in a union", {"anyOf": [ROLE, TEXT]}, {"anyOf": [{**ROLE, "type": ["string"]}, TEXT]}, NAM, "spelling"
    ),
    *both("null in an inner union", {"anyOf": [{"anyOf": [TO_LEAF, NULL]}]}, {"anyOf": [TO_LEAF, NULL]}, NAM),
    *both("null in an alternative", {"anyOf": [{**TEXT, "nullable": True}, LEAF]}, {"anyOf": [TEXT, LEAF, NULL]}, NAM),
    *both(
        "null in an alternative's types",
        {"oneOf": [types("string", "null"), LEAF]},
        {"oneOf": [TEXT, LEAF, NULL]},
        NAM,
    ),
    *both(
        "types in another order than a union", {"anyOf": [TEXT, NUMBER, NULL]}, types("integer", "null", "string"), NAM
    ),
    *both(
        "a list of types in a union",
        {"anyOf": [TEXT, types("integer", "boolean")]},
        {"anyOf": [TEXT, NUMBER, TRUTH]},
        NAM,
    ),
    *both("plain alternatives reordered", {"oneOf": [TEXT, NUMBER]}, {"oneOf": [NUMBER, TEXT]}, NAM, "spelling"),
    *both("an alternative inside another", {"anyOf": [ROLE, TEXT]}, TEXT, NAM, "spelling"),
    *apart("an alternative that excludes another", {"oneOf": [ROLE, TEXT]}, TEXT, "", BRK, NAM),
    *both("a fraction as the bound of an integer", {**NUMBER, "minimum": 0.5}, {**NUMBER, "exclusiveMinimum": 0}, None),
    *both("an exclusive one", {**NUMBER, "exclusiveMinimum": 0.5}, {**NUMBER, "minimum": 1}, None),
    *both("an upper one", {**NUMBER, "maximum": 2.5}, {**NUMBER, "exclusiveMaximum": 3}, None),
    *both(
        "the bound of an integer or null",
        {**types("integer", "null"), "exclusiveMinimum": 0},
        {**types("integer", "null"), "minimum": 1},
        None,
    ),
    *both("multiples of one", {**NUMBER, "multipleOf": 1}, NUMBER, None),
    *both(
        "a listed number written otherwise", {**NUMBER, "enum": [1.0, 2]}, {**NUMBER, "enum": [1, 2]}, NAM, "spelling"
    ),
    *apart("places of a list", places(TEXT), places(), "spelling", NAM, NAM),
    *apart("places of a list widened", places(ROLE), places(), "values-opened", ADD, BRK),
    *apart("fewer contained", {**holds(TEXT), "minContains": 2}, holds(TEXT), "bound-looser", ADD, BEH),
    *apart("more contained", holds(TEXT), {**holds(TEXT), "minContains": 2}, "bound-tighter", BRK, ADD),
    *apart("none contained", holds(TEXT), {**holds(TEXT), "minContains": 0}, "bound-looser", ADD, BEH),
    *both("a reference into a component", TEXT, {"$ref": "#/components/schemas/Leaf/properties/a"}, BRK, "python-type"),
    *apart("multiples in decimal arithmetic", numbered(multipleOf=0.3), numbered(multipleOf=0.1), "", ADD, BEH),
    *apart("a bound of many digits", {**NUMBER, "minimum": 10**400}, {**NUMBER, "minimum": 0.5}, "", ADD, BEH),
    *apart(
        "two bounds of many digits",
        numbered(minimum=10**400, exclusiveMinimum=0.5),
        numbered(minimum=1),
        "",
        ADD,
        BEH,
    ),
    Pair("an anchor with another name", anchored("#A", LEAF), anchored("#B", LEAF, "B"), NAM, "spelling"),
    Pair("an anchor no longer used", anchored("#A", LEAF), anchored("#/components/schemas/A", LEAF), NAM, "spelling"),
    Pair("an anchor used", anchored("#/components/schemas/A", LEAF), anchored("#A", LEAF), BRK, "python-type"),
    # -- invalid parts, beside which the others count -----------------------------------------------------------------
    *(
        Pair(f"a component beside an invalid {name}", made(MERGED), made(LEAF), BRK, "property-removed")
        for name, made in BESIDE.items()
    ),
    # -- what reaches further than it seems ----------------------------------------------------------------------------
    Pair("a property of a deep component", shared(LEAF), shared({"type": "object"}), BRK, "property-removed"),
    Pair("a required argument that moves", positional(["a", "b"]), positional(["b"]), BRK, "now-optional-and-moved"),
    Pair("answers out of data", wrapped(inside=True), wrapped(inside=False), BRK, "properties-moved-out"),
    Pair("answers into data", wrapped(inside=False), wrapped(inside=True), BRK, "properties-moved-in"),
    Pair(
        "a property moved into a part",
        read(LEAF_AND_B, Leaf={"type": "object"}),
        read({"allOf": [TO_LEAF, {"type": "object"}]}, Leaf=B),
        NAM,
        "spelling",
    ),
    Pair(
        "a reference to nothing",
        read(TO_LEAF, Leaf=LEAF),
        read(TO_LEAF, Role=ROLE),
        BRK,
        "reference-dangling",
    ),
    Pair("a reference to something", read(TO_LEAF, Role=ROLE), read(TO_LEAF, **COMPONENTS), ADD, "reference-found"),
    *both("a list without items", {"type": "array", "items": {}}, {"type": "array"}, BRK, "python-type"),
    *(
        Pair(
            f"a component behind {reference}",
            anchored(reference, MERGED),
            anchored(reference, LEAF),
            BRK,
            "property-removed",
        )
        for reference in ("#A", "dynamic#A", "other.yaml#/A")
    ),
    *both(
        "base64 as in OpenAPI 3.1",
        {"type": "string", "format": "byte"},
        {"type": "string", "contentEncoding": "base64"},
        None,
    ),
]
