"""The scenarios of the model: which calls there are, and what may go wrong."""

from __future__ import annotations

from tests.ledger.model.calls import Spec
from tests.ledger.model.world import Scenario

SCENARIOS = {
    "killed": Scenario(
        (Spec(0, "ab"), Spec(1, "ba"), Spec(2, "ab", limit=2)),
        {"kill": 2, "lose_response": 1, "lose_request": 1, "retry": 1, "limit_rate": 1, "wait": 1},
    ),
    "left": Scenario(
        (Spec(0, "ab"), Spec(0, "b"), Spec(1, "c")),
        {"leave": 2, "pause": 1, "limit_rate": 1, "refuse": 1, "refuse_connection": 1, "lose_result": 1},
    ),
    "run beside map": Scenario(
        (Spec(0, "ab"), Spec(1, "a", kind="run"), Spec(1, "b", kind="run"), Spec(2, "a", kind="run")),
        {"kill": 1, "leave": 1, "limit_rate": 2, "lose_response": 1, "retry": 1, "pause": 1, "refuse": 1},
    ),
    "lost locks": Scenario(
        (Spec(0, "ab"), Spec(1, "ab", limit=2)),
        {"lose_lock": 1, "retry": 1, "pause": 2, "wait": 2, "limit_rate": 1, "suspend": 1, "free": 1},
    ),
    "lost connections": Scenario(
        (Spec(0, "ab"), Spec(1, "ab", limit=2), Spec(2, "a", kind="run")),
        {"lose_lock": 2, "reconnect": 3, "pause": 1, "wait": 1, "limit_rate": 1, "lose_response": 1, "kill": 1},
        settle_after=10.0,
    ),
    "attempts": Scenario(
        (Spec(0, "ab", limit=2, attempts=3), Spec(1, "ab", attempts=1), Spec(2, "a", attempts=2)),
        {"fail": 2, "be_invalid": 2, "refuse": 1, "kill": 1, "lose_response": 1, "retry": 1, "limit_rate": 1},
    ),
    "users decide": Scenario(
        (Spec(0, "ab", limit=2), Spec(0, "ba"), Spec(1, "ab", limit=2, attempts=2)),
        {"lose_lock": 2, "attach": 2, "retry": 3, "free": 1, "fail": 1, "lose_response": 1, "wait": 1, "pause": 1},
    ),
    "writer": Scenario(
        (Spec(0, "ab", limit=2), Spec(1, "ab")),
        {"lose_result": 2, "commit_twice": 3, "lock": 2, "limit_rate": 1, "refuse": 1, "retry": 1, "fail": 1},
    ),
    "capacity": Scenario(
        (Spec(0, "abc", limit=3), Spec(1, "cde", limit=2), Spec(2, "f", kind="run")),
        {"kill": 1, "limit_rate": 1, "lose_response": 1},
        plan=2,
    ),
    "little credit": Scenario((Spec(0, "abcd", limit=3), Spec(1, "ef", limit=2)), {"kill": 1}, plan=2, credit=3),
    "run without room": Scenario(
        (Spec(0, "abc", limit=3), Spec(1, "d", kind="run"), Spec(2, "e", kind="run")),
        {"kill": 1, "pause": 1, "wait": 1},
        plan=1,
        credit=4,
    ),
    "clocks": Scenario(
        (Spec(0, "ab"), Spec(1, "ba")),
        {"set_clock": 2, "suspend": 2, "pause": 1, "lose_response": 2, "kill": 1, "limit_rate": 1, "retry": 1},
    ),
    "holds": Scenario((Spec(0, "ab"), Spec(1, "ba")), {"lose_response": 2, "retry": 1, "wait": 1}),
    "late": Scenario(
        (Spec(0, "a"), Spec(1, "a"), Spec(2, "a")), {"lose_lock": 1, "retry": 1, "wait": 1, "limit_rate": 1}
    ),
    "attached": Scenario(
        (Spec(0, "ab", limit=2), Spec(1, "ab", limit=2)), {"lose_lock": 1, "lose_response": 1, "attach": 2}
    ),
    "pauses": Scenario((Spec(0, "ab"), Spec(1, "b")), {"leave": 1, "pause": 2, "wait": 2, "lock": 1}),
    "forgotten": Scenario(
        (Spec(0, "ab"), Spec(1, "bc", limit=2, max_starts=1)),
        {"forget": 2, "wait": 3, "leave": 1, "answer_at_once": 1, "lose_response": 1},
    ),
}
