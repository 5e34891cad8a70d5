"""The kinds of changes, and how bad each is: the same one means different things in a request and in an answer.

A request's change breaks programs when it asks for more than they send. An answer's breaks them when it holds less, or
something else, than they read.
"""

from __future__ import annotations

from typing import Final

import attrs

from tools.drift.rows import BOTH, Hit, Severity

_DOC, _ADD, _NAM, _BEH, _BRK = Severity


@attrs.frozen
class Kind:
    """A kind of change.

    Attributes:
        request: How bad it is in what is sent.
        answer: How bad it is in what comes back.
        text: What happened, in words.
    """

    request: Severity
    answer: Severity
    text: str

    def severity(self, hits: frozenset[Hit]) -> Severity:
        """Return how bad it is for whom it hits; where no operation uses it, only Python's names are left."""
        hit = [getattr(self, each) for each in hits]
        return max(hit) if hit else min(_NAM, self.request)


KINDS: Final = {
    # -- operations ----------------------------------------------------------------------------------------------------
    "operation-added": Kind(_ADD, _ADD, "operation added"),
    "operation-removed": Kind(_BRK, _BRK, "operation removed"),
    "path-changed": Kind(_BRK, _BRK, "path changed"),
    "method-changed": Kind(_BRK, _BRK, "method changed"),
    "operation-id": Kind(_NAM, _NAM, "operation id changed"),
    "python-module": Kind(_NAM, _NAM, "module renamed"),
    "deprecated": Kind(_BEH, _BEH, "deprecated now"),
    "no-longer-deprecated": Kind(_ADD, _ADD, "no longer deprecated"),
    # -- parameters ----------------------------------------------------------------------------------------------------
    "parameter-added": Kind(_ADD, _ADD, "optional parameter added"),
    "required-parameter-added": Kind(_BRK, _BRK, "required parameter added"),
    "parameter-removed": Kind(_BRK, _BRK, "parameter removed"),
    "parameter-renamed": Kind(_BRK, _BRK, "parameter renamed"),
    "path-parameter-renamed": Kind(_NAM, _NAM, "path parameter renamed"),
    "parameter-moved": Kind(_BRK, _BRK, "parameter moved"),
    "parameter-serialization": Kind(_BRK, _BRK, "parameter written otherwise"),
    "header-added": Kind(_ADD, _ADD, "header added"),
    "header-removed": Kind(_BRK, _BRK, "header removed"),
    # -- bodies and answers --------------------------------------------------------------------------------------------
    "body-added": Kind(_ADD, _ADD, "optional body added"),
    "required-body-added": Kind(_BRK, _BRK, "required body added"),
    "body-removed": Kind(_BRK, _BRK, "body removed"),
    "content-type-added": Kind(_ADD, _BEH, "content type added"),
    "content-type-removed": Kind(_BRK, _BRK, "content type removed"),
    "success-added": Kind(_BEH, _BEH, "a success more"),
    "success-removed": Kind(_BRK, _BRK, "a success less"),
    "failure-added": Kind(_ADD, _ADD, "a failure more"),
    "failure-removed": Kind(_BEH, _BEH, "a failure less"),
    # -- properties ----------------------------------------------------------------------------------------------------
    "property-added": Kind(_ADD, _ADD, "optional property added"),
    "required-property-added": Kind(_BRK, _ADD, "required property added"),
    "property-removed": Kind(_BRK, _BRK, "property removed"),
    "property-renamed": Kind(_BRK, _BRK, "property renamed"),
    "now-required": Kind(_BRK, _ADD, "required now"),
    "now-optional": Kind(_ADD, _BRK, "optional now"),
    "properties-reordered": Kind(_NAM, _NAM, "properties reordered, which positional arguments follow"),
    "read-only": Kind(_BRK, _BEH, "read-only now"),
    "no-longer-read-only": Kind(_ADD, _BEH, "no longer read-only"),
    "write-only": Kind(_BEH, _BRK, "write-only now"),
    "no-longer-write-only": Kind(_BEH, _ADD, "no longer write-only"),
    "additional-properties-refused": Kind(_BRK, _BRK, "other properties are refused now"),
    "additional-properties-allowed": Kind(_ADD, _BEH, "other properties are allowed now"),
    # -- types ---------------------------------------------------------------------------------------------------------
    "type-wider": Kind(_ADD, _BRK, "type widened"),
    "type-narrower": Kind(_BRK, _ADD, "type narrowed"),
    "type-changed": Kind(_BRK, _BRK, "type changed"),
    "null-allowed": Kind(_ADD, _BRK, "null is allowed now"),
    "null-refused": Kind(_BRK, _ADD, "null is refused now"),
    "format": Kind(_BRK, _BEH, "format changed"),
    "format-removed": Kind(_ADD, _BEH, "format removed"),
    "format-and-type": Kind(_BRK, _BRK, "format changed, and with it Python's type"),
    "bound-tighter": Kind(_BRK, _ADD, "bound tightened"),
    "bound-looser": Kind(_ADD, _BEH, "bound loosened"),
    "pattern": Kind(_BRK, _BEH, "pattern changed"),
    "pattern-removed": Kind(_ADD, _BEH, "pattern removed"),
    "default": Kind(_BEH, _BEH, "default changed"),
    "values-added": Kind(_ADD, _BRK, "values added"),
    "values-removed": Kind(_BRK, _ADD, "values removed"),
    "values-opened": Kind(_ADD, _BRK, "any value now, not only those listed"),
    "values-listed": Kind(_BRK, _BEH, "only the values listed now"),
    "alternative-added": Kind(_ADD, _BRK, "alternative added"),
    "alternative-removed": Kind(_BRK, _ADD, "alternative removed"),
    "alternatives-reordered": Kind(_BEH, _BEH, "alternatives reordered, in which order answers are tried"),
    "part-added": Kind(_BRK, _ADD, "has to fit another schema as well"),
    "part-removed": Kind(_BRK, _BRK, "no longer has to fit a schema"),
    "alternatives-kind": Kind(_BEH, _BEH, "alternatives count otherwise"),
    "discriminator": Kind(_BRK, _BRK, "discriminator changed"),
    "reference": Kind(_NAM, _NAM, "refers to another schema"),
    "schema-added": Kind(_ADD, _ADD, "component added"),
    "schema-removed": Kind(_NAM, _NAM, "component removed"),
    "schema-renamed": Kind(_NAM, _NAM, "component renamed"),
    # -- the whole -----------------------------------------------------------------------------------------------------
    "server-added": Kind(_ADD, _ADD, "server added"),
    "server-removed": Kind(_BRK, _BRK, "server removed"),
    "servers-reordered": Kind(_BEH, _BEH, "servers reordered: the first is the default"),
    "security-scheme-added": Kind(_ADD, _ADD, "security scheme added"),
    "security-scheme-removed": Kind(_BRK, _BRK, "security scheme removed"),
    "security-scheme": Kind(_BRK, _BRK, "security scheme changed"),
    "security-asked": Kind(_BRK, _BRK, "asks for credentials now"),
    "security-not-asked": Kind(_ADD, _ADD, "asks for no credentials now"),
    "security-said": Kind(_DOC, _DOC, "credentials are said elsewhere"),
    "security-alternative-added": Kind(_ADD, _ADD, "another way in"),
    "security-alternative-removed": Kind(_BRK, _BRK, "a way in less"),
    "text": Kind(_DOC, _DOC, "words changed"),
    "example": Kind(_DOC, _DOC, "example changed"),
    "example-shape": Kind(_BEH, _BEH, "example has another shape"),
    "tags": Kind(_DOC, _DOC, "tags changed"),
    "extension": Kind(_DOC, _DOC, "extension changed"),
    "not-understood": Kind(_BRK, _BRK, "changed, not understood"),
    # -- Python --------------------------------------------------------------------------------------------------------
    "surface": Kind(_BRK, _BRK, "lines gone or changed"),
    "python-api": Kind(_BRK, _BRK, "the package's own API"),
}


def severity(kind: str, hits: frozenset[Hit] = BOTH) -> Severity:
    """Return how bad a kind is for whom it hits."""
    return KINDS[kind].severity(hits)
