"""Classifies rows: the kinds of changes, and the severity of each in a request and in a response.

A change of a request breaks programs if the request now requires more than the programs send. A change of a response
breaks programs if the response no longer has a value that the programs read, or has another kind of value in its
place.
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
        request: The severity of the change in a request.
        response: The severity of the change in a response.
        text: The change, as a short text.
    """

    request: Severity
    response: Severity
    text: str

    def severity(self, hits: frozenset[Hit]) -> Severity:
        """Return the severity of the change in requests or in responses; the higher one if the change affects both.

        If the change affects neither, only names in Python can change, so the severity is at most NAMING.
        """
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
    "deprecated": Kind(_BEH, _BEH, "now deprecated"),
    "no-longer-deprecated": Kind(_ADD, _ADD, "no longer deprecated"),
    "python-name-taken": Kind(_BRK, _BRK, "the Python name now belongs to another operation"),
    "path-parameters-swapped": Kind(_BRK, _BRK, "path parameters swapped, and positional arguments with them"),
    "webhook-added": Kind(_ADD, _ADD, "call by the API added"),
    "webhook-removed": Kind(_BRK, _BRK, "call by the API removed"),
    # -- parameters ----------------------------------------------------------------------------------------------------
    "parameter-added": Kind(_ADD, _ADD, "optional parameter added"),
    "required-parameter-added": Kind(_BRK, _ADD, "required parameter added"),
    "parameter-removed": Kind(_BRK, _BRK, "parameter removed"),
    "parameter-renamed": Kind(_BRK, _BRK, "parameter renamed"),
    "path-parameter-renamed": Kind(_NAM, _NAM, "path parameter renamed"),
    "parameter-moved": Kind(_BRK, _BRK, "parameter moved"),
    "parameter-serialization": Kind(_BRK, _BRK, "parameter serialized differently"),
    "parameters-reordered": Kind(_DOC, _DOC, "parameters listed in another order"),
    "header-respelled": Kind(_DOC, _DOC, "header name in upper or lower case letters"),
    "header-renamed": Kind(_NAM, _NAM, "header name in upper or lower case letters"),
    "header-added": Kind(_ADD, _ADD, "header added"),
    "required-header-added": Kind(_BRK, _ADD, "required header added"),
    "header-removed": Kind(_ADD, _BRK, "header removed"),
    # -- bodies and responses ------------------------------------------------------------------------------------------
    "body-added": Kind(_ADD, _ADD, "optional body added"),
    "required-body-added": Kind(_BRK, _ADD, "required body added"),
    "body-removed": Kind(_BRK, _BRK, "body removed"),
    "content-type-added": Kind(_ADD, _BEH, "content type added"),
    "content-type-removed": Kind(_BRK, _BRK, "content type removed"),
    "content-type-parameter": Kind(_BEH, _BEH, "content type with another parameter"),
    "content-type-read": Kind(_BRK, _BRK, "the code reads another content type, or none"),
    "content-types-reordered": Kind(_BEH, _DOC, "content types reordered"),
    "part-content-type": Kind(_BRK, _BEH, "content type of a part of the form changed"),
    "part-content-type-added": Kind(_ADD, _BEH, "content type of a part of the form added"),
    "encoding-unused": Kind(_DOC, _DOC, "encoding changed, which has no effect with this content type"),
    "link-added": Kind(_DOC, _DOC, "link added"),
    "link-removed": Kind(_DOC, _DOC, "link removed"),
    "link": Kind(_DOC, _DOC, "link changed"),
    "rate-limit-added": Kind(_BEH, _BEH, "error response added: programs may now be asked to wait"),
    "success-added": Kind(_BEH, _BEH, "success response added"),
    "success-removed": Kind(_BRK, _BRK, "success response removed"),
    "failure-added": Kind(_ADD, _ADD, "error response added"),
    "failure-removed": Kind(_BEH, _BEH, "error response removed"),
    # -- properties ----------------------------------------------------------------------------------------------------
    "property-added": Kind(_ADD, _ADD, "optional property added"),
    "required-property-added": Kind(_BRK, _ADD, "required property added"),
    "property-removed": Kind(_BRK, _BRK, "property removed"),
    "property-renamed": Kind(_BRK, _BRK, "property renamed"),
    "properties-moved-out": Kind(_BRK, _BRK, "properties moved out of an object"),
    "properties-moved-in": Kind(_BRK, _BRK, "properties moved into an object"),
    "needed-default-dropped": Kind(_BRK, _NAM, "default dropped, so the argument must be passed"),
    "now-required": Kind(_BRK, _ADD, "now required"),
    "now-optional": Kind(_ADD, _BRK, "now optional"),
    "now-optional-and-moved": Kind(_BEH, _BRK, "now optional, and positional arguments move with it"),
    "properties-reordered": Kind(_BEH, _NAM, "properties reordered, and positional arguments with them"),
    "read-only": Kind(_BRK, _BEH, "now read-only"),
    "no-longer-read-only": Kind(_ADD, _BEH, "no longer read-only"),
    "write-only": Kind(_BEH, _BRK, "now write-only"),
    "no-longer-write-only": Kind(_BEH, _ADD, "no longer write-only"),
    "additional-properties-refused": Kind(_BRK, _BRK, "additional properties now refused"),
    "additional-properties-allowed": Kind(_ADD, _BEH, "additional properties now allowed"),
    # -- types ---------------------------------------------------------------------------------------------------------
    "type-wider": Kind(_ADD, _BRK, "type widened"),
    "type-narrower": Kind(_BRK, _ADD, "type narrowed"),
    "type-changed": Kind(_BRK, _BRK, "type changed"),
    "null-allowed": Kind(_ADD, _BRK, "null now allowed"),
    "null-refused": Kind(_BRK, _ADD, "null now refused"),
    "format": Kind(_BRK, _BEH, "format changed"),
    "format-wider": Kind(_ADD, _BEH, "format widened"),
    "format-removed": Kind(_ADD, _BEH, "format removed"),
    "format-and-type": Kind(_BRK, _BRK, "format changed, and the Python type with it"),
    "content-encoding": Kind(_BRK, _BRK, "text encoded differently"),
    "content-encoding-said": Kind(_BRK, _BEH, "encoding of the text declared, or no longer declared"),
    "text-content": Kind(_BRK, _BEH, "kind of content of the text changed"),
    "text-content-removed": Kind(_ADD, _BEH, "kind of content of the text no longer declared"),
    "bound-tighter": Kind(_BRK, _ADD, "bound tightened"),
    "bound-looser": Kind(_ADD, _BEH, "bound loosened"),
    "pattern": Kind(_BRK, _BEH, "pattern changed"),
    "pattern-removed": Kind(_ADD, _BEH, "pattern removed"),
    "constraint-added": Kind(_BRK, _ADD, "constraint added"),
    "constraint-removed": Kind(_ADD, _BEH, "constraint removed"),
    "constraint": Kind(_BRK, _BEH, "constraint changed"),
    "default": Kind(_BEH, _BEH, "default changed"),
    "values-added": Kind(_ADD, _BRK, "values added"),
    "values-removed": Kind(_BRK, _ADD, "values removed"),
    "values-opened": Kind(_ADD, _BRK, "any value now allowed, not only the listed ones"),
    "values-listed": Kind(_BRK, _BEH, "only the listed values now allowed"),
    "alternative-added": Kind(_ADD, _BRK, "alternative added"),
    "alternative-removed": Kind(_BRK, _ADD, "alternative removed"),
    "alternatives-reordered": Kind(_BEH, _BEH, "alternatives reordered; a response is matched in this order"),
    "part-added": Kind(_BRK, _ADD, "must match an additional schema"),
    "part-removed": Kind(_BRK, _BRK, "no longer has to match a schema"),
    "alternatives-kind": Kind(_BEH, _BEH, "alternatives combined differently"),
    "discriminator": Kind(_BEH, _BEH, "discriminator changed"),
    "reference": Kind(_NAM, _NAM, "refers to another schema"),
    "reference-dangling": Kind(_BRK, _BRK, "refers to a schema that does not exist"),
    "reference-found": Kind(_ADD, _ADD, "refers to a schema that did not exist"),
    "spelling": Kind(_NAM, _NAM, "written in another form"),
    "python-type": Kind(_BRK, _BRK, "Python type changed"),
    "schema-added": Kind(_ADD, _ADD, "component added"),
    "schema-removed": Kind(_NAM, _NAM, "component removed"),
    "schema-renamed": Kind(_NAM, _NAM, "component renamed"),
    "component-added": Kind(_DOC, _DOC, "component added"),
    "component-removed": Kind(_DOC, _DOC, "component removed"),
    "component-renamed": Kind(_DOC, _DOC, "component renamed"),
    # -- the document --------------------------------------------------------------------------------------------------
    "server-added": Kind(_ADD, _ADD, "server added"),
    "server-removed": Kind(_BRK, _BRK, "server removed"),
    "servers-reordered": Kind(_BEH, _BEH, "servers reordered: the first is the default"),
    "security-scheme-added": Kind(_ADD, _ADD, "security scheme added"),
    "security-scheme-removed": Kind(_BRK, _BRK, "security scheme removed"),
    "security-scheme": Kind(_BRK, _BRK, "security scheme changed"),
    "security-asked": Kind(_BRK, _BRK, "credentials now required"),
    "security-not-asked": Kind(_ADD, _ADD, "credentials no longer required"),
    "security-less-asked": Kind(_ADD, _ADD, "fewer credentials or scopes required"),
    "security-more-asked": Kind(_BRK, _BRK, "more credentials or scopes required"),
    "security-flow-added": Kind(_ADD, _ADD, "way to get a token added"),
    "security-flow-removed": Kind(_BRK, _BRK, "way to get a token removed"),
    "scopes-added": Kind(_ADD, _ADD, "scopes added"),
    "scopes-removed": Kind(_BRK, _BRK, "scopes removed"),
    "security-place": Kind(_DOC, _DOC, "credentials declared in another place"),
    "security-alternative-added": Kind(_ADD, _ADD, "alternative credentials added"),
    "security-alternative-removed": Kind(_BRK, _BRK, "alternative credentials removed"),
    "call-credentials": Kind(_BRK, _BRK, "the API calls with other credentials, or with none"),
    "call-credentials-stronger": Kind(_ADD, _ADD, "the API calls with more credentials, or in fewer ways"),
    "document-place": Kind(_DOC, _DOC, "described in another place or order of the document"),
    "text": Kind(_DOC, _DOC, "text changed"),
    "example": Kind(_DOC, _DOC, "example changed"),
    "example-shape": Kind(_BEH, _BEH, "example has another structure"),
    "tags": Kind(_DOC, _DOC, "tags changed"),
    "extension": Kind(_DOC, _DOC, "extension changed"),
    "not-understood": Kind(_BRK, _BRK, "changed, not understood by this tool"),
    # -- Python --------------------------------------------------------------------------------------------------------
    "surface": Kind(_BRK, _BRK, "lines removed or changed"),
    "python-api": Kind(_BRK, _BRK, "breaking change of the package's own API"),
}


def severity(kind: str, hits: frozenset[Hit] = BOTH) -> Severity:
    """Return the severity of a kind of change; `hits` says whether it affects requests, responses, both or neither."""
    return KINDS[kind].severity(hits)
