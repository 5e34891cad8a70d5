"""Converts an answer from the JSON that was received to the value that `output` asks for.

The API returns the answer itself, or the answer inside one or two objects with the single key `result`. Some agents
return JSON as text. So a typed answer is tried as received, then decoded from text, then unwrapped; the first candidate
that fits is taken. If none fits, one JSON object or array in a code fence or between words is taken if it alone fits.
An object that has none of a class's fields never fits: an agent that gives up returns `{}`, which would fit a class
whose fields all have defaults.

NaN and infinities are not JSON, so an answer with one of them never fits, whatever the type.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeGuard

from anchor_webtask import _importing
from anchor_webtask._errors import InvalidOutputError
from anchor_webtask._models import T
from anchor_webtask._output.embedded_json import STRICT, embedded_json, exact
from anchor_webtask._output.mismatch import Mismatch, Step
from anchor_webtask._output.schema_shape import WRAPPER, all_field_names, allowed_fields
from anchor_webtask._signals import reraise_from_handler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anchor_webtask._output.schema_shape import Schema
    from anchor_webtask._polling.outcomes import Source

MAX_API_WRAPPERS: Final = 2
"""The API puts at most this many objects with the single key `result` around an answer."""


class Output(NamedTuple, Generic[T]):
    """How to ask for an answer in the form of `output`, and how to decode the answer.

    Attributes:
        schema: The JSON Schema to send, with an object at its root; None if the user passed no `output`.
        wrapped: Whether the sent schema wraps the user's schema in an object, as its only field `result`.
        convert: Converts JSON to the value, or returns a `Mismatch`; None if the answer is not validated.
        keeps_digits: Whether `convert` takes Decimals for numbers, and keeps their digits.
    """

    schema: Schema | None = None
    wrapped: bool = False
    convert: Callable[[Any], Any] | None = None
    keeps_digits: bool = False

    def value(
        self,
        raw: Any,
        task_id: str | None = None,
        redact: Callable[[str], str] = str,
        source: Source | None = None,
    ) -> T:
        """Return the answer as the value that `output` asks for.

        Args:
            raw: The answer's JSON as received.
            task_id: The task's id, for the error.
            redact: Removes secrets from the error's text.
            source: What is known of the text that the JSON was read from.

        Raises:
            InvalidOutputError: The answer does not fit `output`.
        """
        closest = _infinity(raw) if source is None or not source.is_finite else None
        if closest is None and self.convert is None:
            unvalidated: T = self._unvalidated(raw)
            return unvalidated
        if closest is None:
            value = self._fitting(source.exact() if source is not None and self.keeps_digits else raw)
            if not isinstance(value, Mismatch):
                fitting: T = value
                return fitting
            closest = value
        # If the task's id is known, the error's advice already mentions `.raw`.
        hint = "; the error's .raw is the answer as received" if task_id is None else ""
        known = all_field_names(self.schema or {})
        raise InvalidOutputError(
            f"the task completed, but its answer does not fit output {closest.describe(redact, known)}{hint}",
            raw=raw,
            path=closest.path(redact, known),
            task_id=task_id,
        )

    def _fitting(self, raw: Any) -> Any:
        """Return the value of what fits of an answer; else the `Mismatch` that says the most."""
        value = self._first_fitting(raw)
        if not isinstance(value, Mismatch):
            return value
        mismatches = [value]
        for steps, text in self._texts(raw):
            found = [self._first_fitting(each) for each in embedded_json(text, self._load)]
            fitting = [each for each in found if not isinstance(each, Mismatch)]
            if len(fitting) == 1:
                return fitting[0]
            if fitting:
                problem = f"expected one answer, but the text has {len(fitting)} that fit"
                mismatches.append(Mismatch(steps, problem, text))
            elif len(found) == 1:
                mismatches.append(found[0].prefixed(*steps))
        return _most_useful(mismatches)

    def _first_fitting(self, raw: Any) -> Any:
        """Return the value of the first candidate that fits; else the `Mismatch` that says the most."""
        mismatches: list[Mismatch] = []
        text: tuple[tuple[Step, ...], Any] | None = None
        for steps, candidate in self._candidates(raw):
            value = self._converted(candidate)
            if not isinstance(value, Mismatch):
                return value
            if text is not None and text[0] == steps and not isinstance(candidate, str | dict | list):
                value = value._replace(found=text[1])  # the text was received, not the number that it stands for
            mismatches.append(value.prefixed(*steps))
            text = (steps, candidate) if isinstance(candidate, str) else None
        return _most_useful(mismatches)

    def _texts(self, raw: Any) -> Iterator[tuple[tuple[Step, ...], str]]:
        """Yield the texts in which an answer may be, and the steps that lead to each; a text within a text is none."""
        last: tuple[Step, ...] | None = None
        for steps, candidate in self._candidates(raw):
            if isinstance(candidate, str) and steps != last:
                yield steps, candidate
            last = steps

    def _load(self, text: str, start: int) -> tuple[Any, int]:
        """Return the JSON that begins at a place in a text, and the place after it."""
        return (exact() if self.keeps_digits else STRICT).raw_decode(text, start)

    def _decoded(self, raw: Any, *, scalars: bool = False) -> Any:
        return _decoded(raw, exact() if self.keeps_digits else STRICT, scalars=scalars)

    def _unvalidated(self, raw: Any) -> Any:
        """Return the answer without the API's `result` wrappers; text is decoded unless the schema asks for text."""
        if self.schema is None:
            return _unwrapped(raw, MAX_API_WRAPPERS + self.wrapped)
        fields = self.schema.get("properties")
        asked_for = fields[WRAPPER] if self.wrapped and isinstance(fields, dict) else self.schema
        decoded = raw if asked_for.get("type") == "string" else self._decoded(raw)
        if self.wrapped:
            return _unwrapped(decoded, MAX_API_WRAPPERS + 1)
        own = fields.keys() if isinstance(fields, dict) and WRAPPER in fields else None
        for _ in range(MAX_API_WRAPPERS):
            inner = decoded[WRAPPER] if _is_wrapper(decoded) else None
            # The schema asks for an object, so `{"result": …}` is a wrapper only if it contains an object. If the
            # schema itself has a field `result`, the inner object must also have one of the schema's fields.
            if not isinstance(inner, dict) or (own is not None and own.isdisjoint(inner)):
                break
            decoded = inner
        return decoded

    def _candidates(self, raw: Any) -> Iterator[tuple[tuple[Step, ...], Any]]:
        """Yield each part of the received JSON that may be the answer, and the steps that lead to the part."""
        steps: tuple[Step, ...] = ()
        value = raw
        decoded = self._decoded(raw)
        if self.wrapped and _is_wrapper(decoded):
            steps, value = (WRAPPER,), decoded[WRAPPER]
        for _ in range(MAX_API_WRAPPERS + 1):
            yield steps, value
            if isinstance(value, str) and (decoded := self._decoded(value, scalars=True)) is not value:
                value = decoded
                yield steps, value
            if not _is_wrapper(value):
                return
            steps, value = (*steps, WRAPPER), value[WRAPPER]

    def _converted(self, candidate: Any) -> Any:
        """Return the candidate's value, or the `Mismatch` if it does not fit or has none of the expected fields."""
        convert = self.convert
        assert convert is not None  # noqa: S101  else the answer is not validated
        try:
            try:
                value = convert(candidate)
            except UnicodeEncodeError:
                value = convert(_without_lone_surrogates(candidate))
        except Exception as error:  # noqa: BLE001  a type's own code may raise anything, and the answer has been paid for
            reraise_from_handler(error)
            return Mismatch((), f"the type's own code raised {type(error).__name__}: ", candidate, quoted=str(error))
        if not isinstance(candidate, dict) or (isinstance(value, Mismatch) and value.steps):
            return value
        fields = self._field_names() or []
        is_empty = set(fields).isdisjoint(candidate)
        if is_empty and hasattr(value, "model_fields_set"):
            from anchor_webtask._output import pydantic_types

            is_empty = pydantic_types.took_no_data(value, candidate)
        if fields and is_empty:
            return Mismatch((), f"expected an object with at least one of these fields: {', '.join(fields)}", candidate)
        return value

    def _field_names(self) -> list[str] | None:
        """Return the names of the fields that an answer may have; None if it may have fields of any name."""
        schema: Schema = self.schema or {}
        asked_for = schema["properties"][WRAPPER] if self.wrapped else schema
        return allowed_fields(asked_for, schema.get("$defs", {}))


def _most_useful(mismatches: list[Mismatch]) -> Mismatch:
    """Return the deepest mismatch.

    If two are equally deep, the later one is more useful: JSON that is decoded from a text is tried after the text.
    """
    deepest: Mismatch = max(reversed(mismatches), key=lambda mismatch: len(mismatch.steps))
    return deepest


def _unwrapped(value: Any, times: int) -> Any:
    """Return the value inside at most `times` nested objects with the single key `result`."""
    for _ in range(times):
        if not _is_wrapper(value):
            break
        value = value[WRAPPER]
    return value


def _is_wrapper(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether a value is an object with the single key `result`."""
    return isinstance(value, dict) and value.keys() == {WRAPPER}


def _decoded(raw: Any, decoder: json.JSONDecoder, *, scalars: bool) -> Any:
    """Decode a text that contains a JSON object or list; return any other value unchanged.

    With `scalars`, also decode a text that contains any other JSON.
    """
    if not isinstance(raw, str):
        return raw
    try:
        value = decoder.decode(raw)
    except (ValueError, RecursionError):
        return raw
    return value if scalars or isinstance(value, dict | list) else raw


def _without_lone_surrogates(value: Any) -> Any:
    """Return a copy of JSON in which U+FFFD replaces each lone surrogate, which msgspec and pydantic cannot encode."""
    text = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass")
    return json.loads(text.decode("utf-16", "replace"))


def _infinity(raw: Any) -> Mismatch | None:
    """Return the `Mismatch` for NaN or an infinity in an answer; None if there is none."""
    with _importing.lock:
        from anchor_webtask._output.numbers import infinite_place

    found = infinite_place(raw)
    return found and Mismatch(found[0], "expected JSON, which has no NaN and no infinities", found[1])
