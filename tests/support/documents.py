"""Small OpenAPI documents that the tests of `make drift` compare."""

from __future__ import annotations

from typing import Any, Final

JSON: Final = "application/json"


def of(schema: Any, **components: Any) -> Any:
    """Return a document whose only operation, `POST /a`, sends and returns a schema.

    Args:
        schema: The schema.
        **components: The schemas that the schema may refer to.
    """
    content = {JSON: {"schema": schema}}
    operation = {
        "operationId": "doIt",
        "tags": ["things"],
        "requestBody": {"required": True, "content": content},
        "responses": {"200": {"description": "ok", "content": content}},
    }
    return document({"/a": {"post": operation}}, schemas=components)


def sent(schema: Any, **components: Any) -> Any:
    """Return a document whose only operation, `POST /a`, sends a schema as the property `x` of its body."""
    made = of({"type": "object", "properties": {"x": schema}}, **components)
    made["paths"]["/a"]["post"]["responses"] = {"200": {"description": "ok"}}
    return made


def read(schema: Any, **components: Any) -> Any:
    """Return a document whose only operation, `GET /a`, returns a schema as the property `x` of its response."""
    made = of({"type": "object", "properties": {"x": schema}}, **components)
    operation = made["paths"]["/a"].pop("post")
    del operation["requestBody"]
    made["paths"]["/a"]["get"] = operation
    return made


def document(paths: Any, **components: Any) -> Any:
    """Return a document with these paths and components."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": paths,
        **({"components": components} if any(components.values()) else {}),
    }


def _reference(kind: str, name: str) -> Any:
    return {"$ref": f"#/components/{kind}/{name}"}


EVERYTHING: Final[Any] = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "servers": [{"url": "https://a.example"}],
    "security": [{"key": []}, {"oauth": ["read"]}],
    "tags": [{"name": "things"}],
    "paths": {
        "x-gateway": {"a": 1},
        "/a/{id}/{more}": {
            "summary": "A",
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "post": {
                "operationId": "doIt",
                "tags": ["things"],
                "security": [{"key": []}],
                "parameters": [
                    {"name": "more", "in": "path", "required": True, "schema": {"type": "string"}},
                    _reference("parameters", "Limit"),
                    {"name": "X-Case", "in": "header", "schema": {"type": "string", "default": "a"}},
                ],
                "requestBody": {
                    "required": True,
                    "content": {
                        JSON: {"schema": _reference("schemas", "Tree"), "example": {"value": "a"}},
                        "multipart/form-data": {
                            "schema": {"type": "object", "properties": {"file": {"type": "string"}}},
                            "encoding": {"file": {"contentType": "image/png", "headers": {"X-A": {"schema": {}}}}},
                        },
                    },
                },
                "responses": {
                    "x-note": True,
                    "200": {
                        "description": "ok",
                        "headers": {"X-Left": {"schema": {"type": "integer"}}},
                        "content": {JSON: {"schema": _reference("schemas", "Answer")}, "text/plain": {}},
                        "links": {"next": {"operationId": "doIt"}},
                    },
                    "default": _reference("responses", "Failure"),
                },
                "callbacks": {
                    "other": _reference("callbacks", "Other"),
                    "done": {"{$request.body#/url}": {"post": {"responses": {"200": {"description": "k"}}}}},
                },
            },
        },
    },
    "webhooks": {
        "news": {"post": {"requestBody": {"content": {JSON: {"schema": _reference("schemas", "Tree")}}}}},
        "more": _reference("pathItems", "Called"),
    },
    "components": {
        "callbacks": {"Other": {"{$url}": _reference("pathItems", "Called")}},
        "pathItems": {
            "Called": {
                "parameters": [_reference("parameters", "Limit")],
                "post": {"responses": {"200": {"description": "k"}}},
            }
        },
        "schemas": {
            "Tree": {
                "type": "object",
                "properties": {
                    "value": {"type": "string", "enum": ["a", "b"]},
                    "children": {"type": "array", "items": _reference("schemas", "Tree")},
                    "date": {"type": "string", "format": "date-time", "nullable": True},
                },
                "required": ["value"],
            },
            "Answer": {
                "oneOf": [_reference("schemas", "Tree"), _reference("schemas", "More"), {"type": "null"}],
                "discriminator": {"propertyName": "value", "mapping": {"a": "Tree"}},
            },
            "More": {
                "allOf": [
                    _reference("schemas", "Tree"),
                    {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1, "exclusiveMinimum": 0}}},
                ],
                "dependentRequired": {"n": ["value"]},
                "additionalProperties": False,
            },
            "Anchored": {"$anchor": "here", "type": ["string", "integer"], "pattern": "^a"},
            "Pair": {"type": "array", "prefixItems": [{"$ref": "#here"}, {"const": 5}], "items": False},
        },
        "parameters": {"Limit": {"name": "limit", "in": "query", "schema": {"type": "integer", "format": "int32"}}},
        "responses": {"Failure": {"description": "no", "content": {JSON: {"schema": {"type": "object"}}}}},
        "securitySchemes": {
            "key": {"type": "apiKey", "in": "header", "name": "anchor-api-key"},
            "oauth": {
                "type": "oauth2",
                "flows": {"implicit": {"authorizationUrl": "https://a", "scopes": {"read": "r"}}},
            },
        },
    },
}
"""A document with a little of all that OpenAPI has."""
