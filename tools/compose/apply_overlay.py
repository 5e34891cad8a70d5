"""Applies all actions of the overlay in order, and reports each action that changes nothing as a problem.

In the Overlay specification, an action that matches nothing succeeds. That is wrong for corrections that are kept for
years: when upstream moves a target, or makes the same correction, a maintainer must notice. So each action must change
the spec, unless the action says otherwise; the comment at the top of the overlay explains the kinds of actions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from tools.compose import apply_action, nearest_target
from tools.compose.read_overlay import Action, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@attrs.frozen
class Outcome:
    """The outcome of one action.

    Attributes:
        action: The action.
        results: The result at each target, in the order of the document.
    """

    action: Action
    results: tuple[apply_action.Result, ...]

    def __str__(self) -> str:
        if not self.results:
            return f"{self.action.id}: matches nothing (optional: {self.action.optional})"
        changed = sum(result.changed for result in self.results)
        head = f"{self.action.id}: {changed} of {len(self.results)} changed"
        if not changed:
            head += f" ({apply_action.UPSTREAM_HAS_IT})"
        elif self.action.add_if_missing:
            head += "".join(f"\n    {result.path}: {result.done}" for result in self.results)
        elif changed < len(self.results):
            kept = (result for result in self.results if not result.changed)
            head += "".join(f"\n    {result.path}: {result.done}" for result in kept)
        return head


def apply(actions: Iterable[Action], document: dict[str, Any]) -> tuple[list[Outcome], list[Problem]]:
    """Apply the actions of an overlay to a document, in place.

    Args:
        actions: The actions, in order.
        document: The spec.

    Returns:
        The outcome of each action that was applied, and a problem for each that failed or changed nothing.
    """
    outcomes: list[Outcome] = []
    problems: list[Problem] = []
    for action in actions:
        try:
            outcome = Outcome(action, tuple(apply_action.apply(action, document)))
        except apply_action.RefusedError as error:
            problems.append(Problem(action.id, str(error)))
            continue
        outcomes.append(outcome)
        problems += _lost(outcome, document)
    return outcomes, problems


def _lost(outcome: Outcome, document: dict[str, Any]) -> Iterator[Problem]:
    action = outcome.action
    if action.optional is not None:
        return
    if not outcome.results:
        reason = f"the target {action.target} matches nothing"
        near = nearest_target.hint(action.target, document)
        if action.remove:
            yield Problem(action.id, reason, f"Delete the action if upstream has removed it as well; {near}.")
        else:
            yield Problem(action.id, reason, f"{near[0].upper()}{near[1:]}.")
    elif not action.add_if_missing and not any(result.changed for result in outcome.results):
        yield Problem(action.id, f"changes nothing: {apply_action.UPSTREAM_HAS_IT}", "Delete the action.")
