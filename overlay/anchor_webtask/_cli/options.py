"""The arguments and options of the commands, and how a command takes several of them as one object.

A command has a parameter whose type is one of the dataclasses below; `command` makes an option of each of its fields.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, TypeAlias, get_type_hints

import typer

from anchor_webtask._cli import exit_status
from anchor_webtask._cli.mistakes import Interruption, Signalled

Command: TypeAlias = Callable[..., int | None]

Prompt: TypeAlias = Annotated[
    str, typer.Argument(metavar="PROMPT", help="The task, in plain words; - reads it from standard input.")
]
TaskId: TypeAlias = Annotated[str, typer.Argument(metavar="ID", help="The task's id, as `start` has printed it.")]
LedgerFile: TypeAlias = Annotated[
    str, typer.Argument(metavar="LEDGER", help="The ledger's file, or the URL of its database without a password.")
]
Key: TypeAlias = Annotated[str, typer.Argument(metavar="KEY", help="The task's key in the ledger.")]
Keys: TypeAlias = Annotated[
    list[str], typer.Argument(metavar="KEY...", help="The tasks' keys in the ledger; - reads them from standard input.")
]
Output: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="SCHEMA.json|MODULE:TYPE",
        help="What the answer should be: a file with a JSON Schema, or a type in a module, such as shop:Price.",
    ),
]
SessionId: TypeAlias = Annotated[str, typer.Argument(metavar="ID", help="The session's id, as `open` has printed it.")]
AsJson: TypeAlias = Annotated[
    bool,
    typer.Option("--json", help="Write JSON lines, also to a terminal."),
]
Timeout: TypeAlias = Annotated[
    str,
    typer.Option(metavar="TIME", help="How long to wait: seconds, or such as 90s, 10m, 2h; none waits forever."),
]
CheckEvery: TypeAlias = Annotated[
    float,
    typer.Option(
        metavar="SECONDS", min=0.05, help="The shortest time between two checks; it grows with the age of the task."
    ),
]
BaseUrl: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="URL", help="The API's URL; by default from ANCHORBROWSER_BASE_URL, else the public API."),
]


@dataclasses.dataclass(frozen=True)
class TaskArguments:
    """The API's optional fields of a task, under the API's names."""

    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="The page to start from, with its scheme.")
    ] = None
    session_id: Annotated[str | None, typer.Option(metavar="ID", help="A running browser session to work in.")] = None
    agent: Annotated[str | None, typer.Option(metavar="NAME", help="The agent, such as browser-use.")] = None
    provider: Annotated[str | None, typer.Option(metavar="NAME", help="The provider of the agent's model.")] = None
    model: Annotated[str | None, typer.Option(metavar="NAME", help="The model, as its provider spells it.")] = None
    detect_elements: Annotated[
        bool | None,
        typer.Option("--detect-elements/--no-detect-elements", help="Whether the agent detects the page's elements."),
    ] = None
    human_intervention: Annotated[
        bool | None,
        typer.Option(
            "--human-intervention/--no-human-intervention", help="Whether the agent may ask a human for help."
        ),
    ] = None
    max_steps: Annotated[int | None, typer.Option(metavar="NUMBER", help="The most steps that the agent may make.")] = (
        None
    )
    secret: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[DOMAIN:]NAME[=@FILE]",
            help="A secret for the agent, perhaps for some domains only; may be repeated. Its value is read from the "
            "environment variable NAME, from the FILE, or asked for; it is never an argument.",
        ),
    ] = None
    highlight_elements: Annotated[
        bool | None,
        typer.Option(
            "--highlight-elements/--no-highlight-elements", help="Whether the page highlights the elements in use."
        ),
    ] = None
    extra_body: Annotated[
        str | None,
        typer.Option(metavar="JSON|@FILE", help="Other fields of the request, as a JSON object."),
    ] = None


@dataclasses.dataclass(frozen=True)
class AnswerArguments:
    """How the answer is asked for and written."""

    output: Output = None
    as_json: AsJson = False


@dataclasses.dataclass(frozen=True)
class WaitArguments:
    """How long, and how often, to check a task."""

    timeout: Timeout = "30m"
    check_every: CheckEvery = 2.0


@dataclasses.dataclass(frozen=True)
class ConnectionArguments:
    """How the API is reached."""

    base_url: BaseUrl = None


def command(function: Command) -> Callable[..., None]:
    """Return a function for typer that calls a command, and ends the process with the status that it returns.

    The dataclasses among the command's parameters become an option for each of their fields.
    """
    hints = get_type_hints(function, include_extras=True)
    groups: dict[str, Any] = {}
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(function).parameters.items():
        kind = hints[name]
        if not dataclasses.is_dataclass(kind):
            parameters.append(parameter.replace(annotation=kind, kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        groups[name] = kind
        fields = get_type_hints(kind, include_extras=True)
        parameters += [
            inspect.Parameter(
                field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=fields[field.name]
            )
            for field in dataclasses.fields(kind)
        ]

    @functools.wraps(function)
    def called(**given: Any) -> None:
        for name, kind in groups.items():
            given[name] = kind(**{field.name: given.pop(field.name) for field in dataclasses.fields(kind)})
        try:
            status = function(**given)
        except Signalled as signal:
            raise Interruption(128 + signal.number) from None
        except KeyboardInterrupt:
            raise Interruption from None
        raise typer.Exit(status or exit_status.DONE)

    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # inspect reads it
    called.__annotations__ = {}
    return called
