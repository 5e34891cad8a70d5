"""Says what users must do about a breaking change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tools.drift import classification
from tools.drift.rows import Severity

if TYPE_CHECKING:
    from tools.drift.rows import Row

_VALID: Final = "send only values that are still valid"
_CREDENTIALS: Final = "check your credentials"
_NEW_TYPE: Final = "check for the new type where your code passes or reads it"
_SAME_NAME: Final = "update the package; the name in Python stays"

_OF_BOTH: Final = {
    "operation-removed": "no longer call it",
    "path-changed": "update the package, which calls the new path",
    "method-changed": "update the package, which uses the new method",
    "python-name-taken": "call each operation by its new name",
    "path-parameters-swapped": "pass the parameters by name",
    "parameter-removed": "no longer pass it",
    "parameter-renamed": "pass it by its new name",
    "parameter-moved": "update the package",
    "parameter-serialization": "update the package",
    "property-renamed": "use the new name",
    "type-changed": _NEW_TYPE,
    "format-and-type": _NEW_TYPE,
    "python-type": _NEW_TYPE,
    "reference-dangling": "correct the spec: no code is generated for it",
    "webhook-removed": "no longer expect it",
    "content-type-read": "expect another type of answer",
    "success-removed": "expect the other responses",
    "part-removed": "pass and read what remains",
    "content-encoding": "encode and decode the text in the other way",
    "server-removed": "check your base URL",
    "security-asked": "pass credentials",
    "security-more-asked": "pass the other credentials as well",
    "security-alternative-removed": "use credentials that remain",
    "security-scheme": _CREDENTIALS,
    "security-scheme-removed": _CREDENTIALS,
    "security-flow-removed": _CREDENTIALS,
    "scopes-removed": _CREDENTIALS,
    "call-credentials": "accept the other credentials",
    "not-understood": "read what has changed, and judge it",
}
_OF_REQUESTS: Final = {
    "required-parameter-added": "pass it",
    "required-body-added": "pass a body",
    "required-header-added": "send it",
    "part-content-type": "send the part with the other content type",
    "content-encoding-said": "encode the text as it is declared now",
    "text-content": "send only contents that are still valid",
    "body-removed": "no longer pass a body",
    "content-type-removed": "send another content type",
    "required-property-added": "pass it",
    "needed-default-dropped": "pass it",
    "now-required": "pass it",
    "property-removed": "no longer pass it",
    "read-only": "no longer pass it",
    "properties-moved-out": "pass the properties outside of it",
    "properties-moved-in": "pass the properties inside of it",
    "additional-properties-refused": "pass no other properties",
    "null-refused": "no longer pass None",
    "type-narrower": _VALID,
    "bound-tighter": _VALID,
    "constraint": _VALID,
    "constraint-added": _VALID,
    "format": _VALID,
    "pattern": _VALID,
    "part-added": _VALID,
    "values-listed": "pass only the listed values",
    "values-removed": "pass only values that remain",
    "alternative-removed": "pass one of the alternatives that remain",
}
_OF_RESPONSES: Final = {
    "content-type-removed": "expect another content type",
    "body-removed": "no longer read a body",
    "header-removed": "no longer read it",
    "property-removed": "no longer read it",
    "write-only": "no longer read it",
    "properties-moved-out": "read the properties outside of it",
    "properties-moved-in": "read the properties inside of it",
    "additional-properties-refused": "read no other properties",
    "now-optional": "expect that it is missing",
    "now-optional-and-moved": "expect that it is missing",
    "null-allowed": "expect None",
    "type-wider": "expect other types too",
    "values-added": "expect the new values",
    "values-opened": "expect any value",
    "alternative-added": "expect the new alternative",
}
_OF_MILDER: Final = {
    "properties-reordered": "pass them by name",
    "schema-removed": "no longer import it",
    "schema-renamed": "import it by its new name",
}
"""Of changes that break no program by the wire, but perhaps one in Python."""


def to_do(row: Row) -> str:
    """Return what users must do about a row, as a text such as `pass it`; an empty text if they need do nothing."""
    if row.kind in _OF_MILDER and row.severity is not Severity.DOCUMENTATION:
        return _OF_MILDER[row.kind]
    if row.severity is not Severity.BREAKING:
        return ""
    if row.python.endswith(": unchanged"):
        return _SAME_NAME
    if row.kind in _OF_BOTH:
        return _OF_BOTH[row.kind]
    kind = classification.KINDS[row.kind]
    found = [
        texts[row.kind]
        for direction, texts in (("request", _OF_REQUESTS), ("response", _OF_RESPONSES))
        if direction in row.hits and getattr(kind, direction) is Severity.BREAKING and row.kind in texts
    ]
    return ", and ".join(found)
