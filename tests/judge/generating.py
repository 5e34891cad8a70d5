"""Generates the code for many small documents quickly: by the pinned generator, in processes of their own."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
import subprocess
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
from openapi_python_client import Project
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData

from tests.support.building import NO_ACTIONS
from tools.compose.composition import compose_document
from tools.compose.read_overlay import CompositionError
from tools.generate import ignored_parts, pins, run_generator, safe_names
from tools.repository import CONFIG, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

_FILE: Final = ConfigFile.load_from_path(ROOT / CONFIG)


@attrs.frozen
class Code:
    """The generated code of a document.

    Attributes:
        files: The text of each file; empty if the document is refused.
        refusal: Why the document is refused.
    """

    files: dict[str, str]
    refusal: str = ""


def generate(documents: Iterable[Any]) -> dict[str, Code]:
    """Generate the code of documents.

    Returns:
        The code for the JSON text of each document.
    """
    texts = list(dict.fromkeys(map(json.dumps, documents)))
    with ProcessPoolExecutor(initializer=run_generator.install) as pool:
        return dict(zip(texts, pool.map(_generate, texts, chunksize=4), strict=True))


def _generate(text: str) -> Code:
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        try:
            return _built(json.loads(text), Path(folder))
        except CompositionError as error:
            return Code({}, str(error))
        except Exception as error:  # noqa: BLE001  the generator may fail anywhere in what is no valid OpenAPI
            return Code({}, f"{type(error).__name__}: {error}")


def _built(document: Any, folder: Path) -> Code:
    overlay = folder / "overlay.yaml"
    overlay.write_text(NO_ACTIONS, encoding="utf-8")
    composed = compose_document("the document", document, overlay).document
    if problems := list(ignored_parts.find(composed)):
        return Code({}, "\n".join(problems))
    package = folder / "package"
    config = Config.from_sources(_FILE, MetaType.NONE, folder, "utf-8", False, package)
    data = GeneratorData.from_dict(composed, config=config)
    if not isinstance(data, GeneratorData):
        return Code({}, str(data.detail))
    warnings = [*data.errors, *(each for one in data.endpoint_collections_by_tag.values() for each in one.parse_errors)]
    if warnings:
        return Code({}, "\n".join(str(each.detail) for each in warnings))
    project = Project(openapi=data, config=config)
    safe_names.hide_nothing(project)
    package.mkdir()
    for step in (project._create_package, project._build_models, project._build_api):
        step()
    for hook in map(shlex.split, _FILE.post_hooks or ()):
        subprocess.run([pins.program(hook[0]), *hook[1:]], cwd=package, check=True, capture_output=True)
    files = {str(path.relative_to(package)): path.read_text(encoding="utf-8") for path in package.rglob("*.py")}
    return Code(files)
