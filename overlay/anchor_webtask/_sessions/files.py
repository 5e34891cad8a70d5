"""Names and places of files: what a page suggests as a name is not trusted."""

from __future__ import annotations

import os
import re
import secrets
import unicodedata
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from anchor_webtask._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_NAME: Final = 150
"""In bytes; file systems allow 255, of which the number in a second name needs some."""

MAX_FILE_BYTES: Final = 2 * 1024**3

_FORBIDDEN: Final = re.compile(r'[<>:"|?*\x00-\x1f\x7f]')
_RESERVED: Final = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)")


def safe_name(suggested: str, default: str = "download") -> str:
    """Return a file name that stays in its folder, is visible, and is valid on every system.

    Args:
        suggested: Any text.
        default: The name if nothing is left of it.
    """
    name = re.split(r"[/\\]", unicodedata.normalize("NFC", suggested))[-1]
    # Characters that are not shown, or that change the direction of the text, would hide what the file is.
    name = "".join(each for each in name if unicodedata.category(each)[0] != "C")
    name = _FORBIDDEN.sub("_", name).strip().lstrip(".").rstrip(". ").strip()
    if not name:
        return default
    if _RESERVED.match(name):
        name = f"_{name}"
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending.encode()) > 20:
        stem, dot, ending = name, "", ""
    return _cut(stem, MAX_NAME - len((dot + ending).encode())) + dot + ending


def _cut(text: str, size: int) -> str:
    return text.encode("utf-8", "ignore")[:size].decode("utf-8", "ignore").rstrip(". ")


class Target:
    """A new file for a download: it has its name only once it is complete.

    Attributes:
        path: The file, once it is complete.
        received: How many bytes were written.
    """

    def __init__(self, path: Path, opened: BinaryIO) -> None:
        self.path = path
        self.received = 0
        self._opened = opened

    def write(self, chunk: bytes) -> None:
        """Write a part of the file."""
        self._opened.write(chunk)
        self.received += len(chunk)

    def restart(self) -> None:
        """Forget what was written."""
        self._opened.seek(0)
        self._opened.truncate()
        self.received = 0


@contextmanager
def new_file(folder: str | os.PathLike[str], name: str) -> Iterator[Target]:
    """Make a new file in a folder, which never replaces another; remove what was made if anything goes wrong.

    Args:
        folder: The folder, which must exist.
        name: Its name, which is made safe. If there is such a file, a number is added.

    Raises:
        ConfigurationError: The folder does not exist.
        OSError: The file cannot be written.
    """
    if not isinstance(folder, str | os.PathLike):
        raise ConfigurationError(f"folder must be a text or a path, not {type(folder).__name__}")
    place = Path(folder)
    if not place.is_dir():
        raise ConfigurationError(f"{os.fspath(folder)!r} is not a folder: files are saved in a folder that exists")
    made: list[Path] = []
    try:
        path = _reserved(place, safe_name(name), made)
        # The name is random, since a page may offer a file under any name that can be guessed.
        part = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")
        with _created(part, made) as written:
            yield Target(path, written)
        part.replace(path)
    except BaseException:
        for each in made:
            with suppress(OSError):
                each.unlink()
        raise


def _reserved(folder: Path, name: str, made: list[Path]) -> Path:
    """Create an empty file under a name that is free; other programs see that it is taken."""
    stem, dot, ending = name.rpartition(".")
    if not dot:
        stem, ending = name, ""
    for number in range(1, 10_000):
        path = folder / (name if number == 1 else f"{stem} ({number}){dot}{ending}")
        try:
            _created(path, made).close()
        except FileExistsError:
            continue
        return path
    raise FileExistsError(f"{name} and 9,999 others exist in {folder}")


def _created(path: Path, made: list[Path]) -> BinaryIO:
    """Create a file, and add it to those that were made; an interruption leaves no file that is not among them."""
    if os.path.lexists(path):
        raise FileExistsError(path)
    made.append(path)
    try:
        return path.open("xb")
    except OSError:  # it is somebody else's, or there is none
        made.remove(path)
        raise
