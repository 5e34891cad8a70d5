from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tools.compose.__main__ import main
from tools.compose.composition import Composition, compose
from tools.compose.read_overlay import CompositionError
from tools.openapi import yaml
from tools.repository import OVERLAY, ROOT, SPEC

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from _pytest.capture import CaptureFixture

    Compose = Callable[..., Composition]


API = """\
openapi: 3.1.0
info: {title: Things, version: 1.0.0}
tags:
  - name: things
    description: Upstream's words
paths:
  /things/{id}:
    get:
      operationId: get_things_item
      tags: [things]
      parameters:
        - {in: path, name: id, required: true}
        - {$ref: '#/components/parameters/Page'}
      responses:
        '200': {description: Fine}
      security:
        - key: []
    delete:
      operationId: delete_things_item
      tags: [things]
      responses:
        '204': {description: Gone}
components:
  parameters:
    Page: {in: query, name: page}
  schemas:
    Thing:
      type: object
      properties:
        size: {type: integer, default: 3}
"""
THING = "$.components.schemas.Thing"
GET = "$.paths['/things/{id}'].get"


@pytest.fixture(params=[False, True], ids=["quickly", "with comments"])
def composed(tmp_path: Path, request: pytest.FixtureRequest) -> Compose:
    comments: bool = request.param

    def composed(*actions: dict[str, Any] | str, spec: str = API, head: str = "overlay: 1.0.0\n") -> Composition:
        (tmp_path / "spec.yaml").write_text(spec, encoding="utf-8")
        lines = [head, "info: {title: Ours, version: 1.0.0}\n", "actions: []\n" if not actions else "actions:\n"]
        for number, action in enumerate(actions, start=1):
            complete = (
                {"x-id": f"a{number}", "description": "Because.", **action} if isinstance(action, dict) else action
            )
            lines.append(f"  - {json.dumps(complete)}\n")
        (tmp_path / "overlay.yaml").write_text("".join(lines), encoding="utf-8")
        return compose(tmp_path / "spec.yaml", tmp_path / "overlay.yaml", comments=comments)

    return composed


def problem(composed: Compose, *actions: dict[str, Any] | str, **options: str) -> str:
    with pytest.raises(CompositionError) as caught:
        composed(*actions, **options)
    return str(caught.value)


def at(composition: Composition, *keys: str | int) -> Any:
    found: Any = yaml.plain(composition.document)
    for key in keys:
        found = found[key]
    return found


# -- Actions -----------------------------------------------------------------------------------------------------------


def test_overlay_without_actions_changes_nothing(composed: Compose) -> None:
    composition = composed()
    assert yaml.to_json(yaml.plain(composition.document)) == composition.to_json()
    assert composition.report() == ""


@pytest.mark.parametrize("composed", [True], indirect=True)
def test_comments_and_quotes_of_the_spec_are_kept_if_they_are_asked_for(composed: Compose) -> None:
    spec = f"# Theirs\n{API}"
    assert composed(spec=spec).to_yaml() == spec


def test_update_merges_into_its_target_and_is_reported(composed: Compose) -> None:
    composition = composed({"target": THING, "update": {"properties": {"size": {"default": 4}, "name": {}}}})
    assert at(composition, "components", "schemas", "Thing") == {
        "type": "object",
        "properties": {"size": {"type": "integer", "default": 4}, "name": {}},
    }
    assert composition.report() == "a1: 1 of 1 changed\n"


def test_update_appends_to_an_array(composed: Compose) -> None:
    composition = composed(
        {"target": f"{GET}.parameters", "update": {"in": "query", "name": "id"}},
        {"target": GET, "update": {"tags": ["more"]}},
    )
    get = at(composition, "paths", "/things/{id}", "get")
    assert get["parameters"][2] == {"in": "query", "name": "id"}
    assert get["x-upstream-tags"] == [
        "things",
        "more",
    ]  # composing replaces all tags by one tag, and keeps the old tags under this key


@pytest.mark.parametrize("kind", [{}, {"x-add-if-missing": True}])
def test_each_target_gets_its_own_copy_of_the_update(composed: Compose, kind: dict[str, Any]) -> None:
    composition = composed(
        {"target": "$.paths.*.*.responses", "update": {"429": {"description": "Slow down"}}, **kind},
        {"target": f"{GET}.responses['429']", "update": {"description": "Slower"}},
    )
    assert at(composition, "paths", "/things/{id}", "delete", "responses", "429") == {"description": "Slow down"}


def test_removal_removes_all_its_targets(composed: Compose) -> None:
    composition = composed({"target": f"{GET}.parameters[0, 1]", "remove": True}, {"target": "$.tags", "remove": True})
    assert at(composition, "paths", "/things/{id}", "get", "parameters") == []
    assert "tags" not in composition.document
    assert composition.report() == "a1: 2 of 2 changed\na2: 1 of 1 changed\n"


def test_removal_may_match_a_target_and_another_target_inside_it(composed: Compose) -> None:
    spec = API + "    Tree: {properties: {properties: {}, leaf: {}}}\n"
    composition = composed({"target": "$.components.schemas.Tree..properties", "remove": True}, spec=spec)
    assert at(composition, "components", "schemas", "Tree") == {}


def test_report_shows_the_targets_that_did_not_change(composed: Compose) -> None:
    composition = composed(
        {"target": "$.paths.*[*]", "update": {"tags": ["things"]}}, spec=API.replace("[things]", "[]")
    )
    assert composition.report() == "a1: 2 of 2 changed\n"
    composition = composed({"target": "$.paths.*.*.responses.*", "update": {"description": "Gone"}})
    assert composition.report() == (
        "a1: 1 of 2 changed\n    $['paths']['/things/{id}']['delete']['responses']['204']: upstream has it\n"
    )


def test_action_with_the_option_add_if_missing_adds_keys_but_never_merges_values(composed: Compose) -> None:
    update = {"200": {"description": "Ours", "content": {}}, "429": {"description": "Slow down"}}
    composition = composed({"target": f"{GET}.responses", "x-add-if-missing": True, "update": update})
    assert at(composition, "paths", "/things/{id}", "get", "responses") == {
        "200": {"description": "Fine"},
        "429": {"description": "Slow down"},
    }
    assert composition.report() == (
        "a1: 1 of 1 changed\n    $['paths']['/things/{id}']['get']['responses']: added 429; upstream has it: 200\n"
    )


def test_action_with_the_option_add_if_missing_is_accepted_if_upstream_has_all_keys(composed: Compose) -> None:
    action = {"target": f"{GET}.responses", "x-add-if-missing": True, "update": {"200": {"description": "Ours"}}}
    assert composed(action).report() == "a1: 0 of 1 changed (upstream has it)\n"


def test_optional_action_is_accepted_if_it_matches_nothing_or_changes_nothing(composed: Compose) -> None:
    composition = composed(
        {"target": "$.paths.nowhere", "remove": True, "x-optional": "Some versions have it."},
        {"target": THING, "update": {"type": "object"}, "x-optional": "Some versions lack it."},
    )
    assert composition.report() == (
        "a1: matches nothing (optional: Some versions have it.)\na2: 0 of 1 changed (upstream has it)\n"
    )


def test_later_actions_see_the_changes_of_earlier_actions(composed: Compose) -> None:
    composition = composed(
        {"target": THING, "update": {"title": "T"}}, {"target": f"{THING}[?@ == 'T']", "remove": True}
    )
    assert "title" not in at(composition, "components", "schemas", "Thing")


# -- Problems ----------------------------------------------------------------------------------------------------------


def test_missing_target_is_reported_with_the_nearest_existing_target(composed: Compose) -> None:
    text = problem(composed, {"target": "$.components.schemas.Thin.properties.size", "update": {}})
    assert text == (
        "a1: the target $['components']['schemas']['Thin']['properties']['size'] matches nothing\n"
        "    The nearest existing target is $['components']['schemas'], which has Thing."
    )


def test_error_for_the_missing_target_of_a_removal_says_that_upstream_may_have_removed_the_target(
    composed: Compose,
) -> None:
    text = problem(composed, {"target": f"{THING}.properties.size.enum", "remove": True})
    assert "Delete the action if upstream has removed it as well" in text
    assert "the nearest existing target is $['components']['schemas']['Thing']['properties']['size']" in text


def test_action_with_the_option_add_if_missing_is_refused_if_its_target_does_not_exist(composed: Compose) -> None:
    text = problem(composed, {"target": "$.components.schema", "x-add-if-missing": True, "update": {"a": {}}})
    assert "matches nothing" in text
    assert "which has schemas" in text


@pytest.mark.parametrize("update", [{"type": "object"}, {"properties": {"size": {"default": 3}}}, {}])
def test_action_is_refused_if_upstream_already_has_its_change(composed: Compose, update: dict[str, Any]) -> None:
    text = problem(composed, {"target": THING, "update": update})
    assert text == "a1: changes nothing: upstream has it\n    Delete the action."


def test_integer_and_float_are_different_values(composed: Compose) -> None:
    composition = composed({"target": f"{THING}.properties.size", "update": {"default": 3.0}})
    assert '"default": 3.0' in composition.to_json()


def test_all_problems_are_reported_at_once(composed: Compose) -> None:
    with pytest.raises(CompositionError) as caught:
        composed(
            {"target": "$.nowhere", "remove": True},
            {"target": THING, "update": {"title": "T"}},
            {"target": THING, "update": {"type": "object"}},
            {"target": "$", "remove": True},
        )
    assert [problem.action for problem in caught.value.problems] == ["a1", "a3", "a4"]


@pytest.mark.parametrize(
    ("target", "entry"),
    [
        (f"{GET}.tags", "things"),
        (f"{GET}.security", {"key": []}),
        (f"{GET}.parameters", {"name": "id", "in": "path", "description": "Ours"}),
        (f"{GET}.parameters", {"name": "page", "in": "query"}),
        (f"{GET}.parameters", {"$ref": "#/components/parameters/Page"}),
        ("$.tags", {"name": "things"}),
    ],
)
def test_entry_that_the_array_already_has_is_refused(composed: Compose, target: str, entry: Any) -> None:
    assert "would add this entry again" in problem(composed, {"target": target, "update": entry})
    parent, _, key = target.rpartition(".")
    assert "would add this entry again" in problem(composed, {"target": parent, "update": {key: [entry]}})


def test_update_with_the_same_entry_twice_is_refused(composed: Compose) -> None:
    assert "would add this entry again" in problem(composed, {"target": GET, "update": {"tags": ["new", "new"]}})


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ({"target": f"{THING}.type", "update": {"a": 1}}, "is a scalar: the target of an update must be the mapping"),
        (
            {"target": f"{THING}.type", "x-add-if-missing": True, "update": {"a": 1}},
            "is a scalar, but keys can only be added to mappings",
        ),
        ({"target": THING, "update": "text"}, "is a mapping, but the update is a scalar"),
        ({"target": f"{GET}.tags", "update": ["a"]}, "an update appends only one entry"),
        ({"target": THING, "update": {"type": ["object", "null"]}}, "remove the old value first"),
        ({"target": THING, "update": {"properties": "none"}}, "remove the old value first"),
        ({"target": "$", "remove": True}, "the complete document"),
    ],
)
def test_action_that_does_not_fit_its_target_is_refused(composed: Compose, action: dict[str, Any], reason: str) -> None:
    assert reason in problem(composed, action)


def test_two_paths_that_differ_only_in_a_parameter_name_are_refused(composed: Compose) -> None:
    action = {"target": "$.paths", "x-add-if-missing": True, "update": {"/things/{thing_id}": {}}}
    assert "/things/{id} and /things/{thing_id} are the same path in OpenAPI" in problem(composed, action)


# -- Invalid files -----------------------------------------------------------------------------------------------------

REMOVE = {"target": "$.tags", "remove": True}
UPDATE = {"target": THING, "update": {"title": "T"}}


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        (REMOVE | {"x-add-if-mising": True}, "unknown key `x-add-if-mising`; did you mean `x-add-if-missing`?"),
        (REMOVE | {"x-id": ""}, "needs `x-id`"),
        (REMOVE | {"x-id": 3}, "needs `x-id`"),
        (REMOVE | {"description": None}, "needs `description`"),
        (REMOVE | {"target": ""}, "needs `target`"),
        (REMOVE | {"target": "tags"}, "is not an RFC 9535 path"),
        (REMOVE | {"target": "$.tags["}, "is not an RFC 9535 path"),
        (REMOVE | {"target": "$.tags | $.paths"}, "is not an RFC 9535 path"),
        (REMOVE | {"update": {}}, "needs either `update` or `remove`"),
        ({"target": "$.tags"}, "needs either `update` or `remove`"),
        (REMOVE | {"remove": False}, "`remove` must be `true`"),
        (REMOVE | {"remove": "yes"}, "`remove` must be `true`"),
        (REMOVE | {"x-add-if-missing": True}, "`x-add-if-missing` requires `update`"),
        (UPDATE | {"x-add-if-missing": False}, "`x-add-if-missing` must be `true`"),
        (UPDATE | {"x-add-if-missing": True, "update": ["a"]}, "`update` must be a mapping"),
        (UPDATE | {"x-add-if-missing": True, "x-optional": "Why."}, "`x-optional` has no effect beside"),
        (REMOVE | {"x-optional": " "}, "`x-optional` must be a text"),
        (REMOVE | {"x-optional": True}, "`x-optional` must be a text"),
        ("just text", "action 1: must be a mapping"),
    ],
)
def test_invalid_action_is_refused(composed: Compose, action: dict[str, Any] | str, reason: str) -> None:
    assert reason in problem(composed, action)


def test_two_actions_with_the_same_id_are_refused(composed: Compose) -> None:
    text = problem(composed, REMOVE | {"x-id": "same"}, UPDATE | {"x-id": "same"})
    assert text == "same: another action has the same `x-id`"


def test_error_names_all_invalid_actions(composed: Compose) -> None:
    text = problem(composed, REMOVE | {"update": {}}, UPDATE, UPDATE | {"target": "?", "x": 1})
    assert [line.split(":")[0] for line in text.splitlines()] == ["a1", "a3", "a3"]


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ("overlay: 1.1.0\n", "version is '1.1.0'"),
        ("overlay: 1.0\n", "version is 1.0"),
        ("", "version is None"),
        ("overlay: 1.0.0\nextends: x.yaml\n", "unknown key `extends`"),
        ("overlay: 1.0.0\nactoins: []\n", "unknown key `actoins`; did you mean `actions`?"),
    ],
)
def test_overlay_with_invalid_top_level_keys_is_refused(composed: Compose, head: str, reason: str) -> None:
    assert reason in problem(composed, head=head)


@pytest.mark.parametrize(
    ("overlay", "reason"),
    [
        ("- a\n", "the overlay must be a mapping"),
        ("overlay: 1.0.0\ninfo: {title: T, version: '1'}\n", "`actions` must be a list"),
        ("overlay: 1.0.0\ninfo: {title: T}\nactions: []\n", "`info` needs a `title` and a `version`"),
        ("overlay: 1.0.0\ninfo: {title: T, version: '1', x: 1}\nactions: []\n", "`info` has an unknown key `x`"),
        ("overlay: 1.0.0\noverlay: 1.0.0\n", "overlay.yaml:2:1: found duplicate key"),
        ("overlay: [1\n", "overlay.yaml:2:1: "),
        ("overlay: \x01\n", "overlay.yaml:1:10: "),
    ],
)
def test_invalid_overlay_file_is_refused(tmp_path: Path, overlay: str, reason: str) -> None:
    spec, path = tmp_path / "spec.yaml", tmp_path / "overlay.yaml"
    spec.write_text(API, encoding="utf-8")
    path.write_text(overlay, encoding="utf-8")
    with pytest.raises(CompositionError, match=re.escape(reason)):
        compose(spec, path)


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("[]", "not an OpenAPI 3.x document"),
        ("text", "not an OpenAPI 3.x document"),
        ("", "not an OpenAPI 3.x document"),
        ("swagger: '2.0'", "not an OpenAPI 3.x document"),
        ("openapi: 3.1", "not an OpenAPI 3.x document"),
        ("openapi: 3.1.0\npaths:\n  /a: {}\n  /a: {}\n", 'spec.yaml:4:3: found duplicate key "/a"'),
        ("openapi: 3.1.0\n paths: {}\n", "spec.yaml:2:7: "),
    ],
)
def test_invalid_spec_file_is_refused(composed: Compose, spec: str, reason: str) -> None:
    assert reason in problem(composed, spec=spec)


@pytest.mark.parametrize("composed", [False], indirect=True)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("        '204': {description: Gone}", "        x-note: true"),
        ("        '204': {description: Gone}", "        '204': null"),
        ("        - {$ref: '#/components/parameters/Page'}", "        - 5"),
        ("        - {$ref: '#/components/parameters/Page'}", "        - {$ref: '#/info/title'}"),
    ],
)
def test_part_of_another_kind_than_expected_is_left_as_it_is(composed: Compose, old: str, new: str) -> None:
    assert old in API
    assert composed(spec=API.replace(old, new)).document["paths"]["/things/{id}"]["delete"]["tags"]


def test_action_that_would_add_more_than_the_limit_for_a_spec_is_refused(composed: Compose) -> None:
    schemas: dict[str, Any] = {f"S{number}": {} for number in range(2_000)}
    document = {"openapi": "3.1.0", "paths": {}, "components": {"schemas": schemas}}
    extra: list[dict[str, Any]] = [{}, {"x-add-if-missing": True}]
    for more in extra:
        action = {"target": "$.components.schemas.*", "update": {"x-text": "x" * 20_000}, **more}
        assert "at 2,000 targets; 33,554,432 is the limit for a spec" in problem(
            composed, action, spec=json.dumps(document)
        )


# -- The command line and the real files -------------------------------------------------------------------------------


def test_command_line_writes_the_spec_and_a_report(tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    assert main(["--output", str(tmp_path / "out.yaml")]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "operation-id-perform: 1 of 1 changed" in captured.err
    assert yaml.plain(yaml.load(tmp_path / "out.yaml")) == yaml.plain(compose(ROOT / SPEC, ROOT / OVERLAY).document)


def test_command_line_writes_utf_8_in_any_locale(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(API.replace("Fine", "Schön"), encoding="utf-8")
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("overlay: 1.0.0\ninfo: {title: T, version: '1'}\nactions: []\n", encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "tools.compose", spec, "--overlay", overlay],
        cwd=ROOT,
        env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        capture_output=True,
    )
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert "Schön".encode() in ran.stdout


def test_error_of_the_command_line_names_the_file_that_cannot_be_read_or_written(
    tmp_path: Path, capsys: CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "none.yaml")]) == 1
    assert "none.yaml: No such file or directory" in capsys.readouterr().err
    assert main(["--output", str(tmp_path / "none" / "out.yaml")]) == 1
    assert "out.yaml: No such file or directory" in capsys.readouterr().err
