"""Creates a virtual environment for each measured client, and copies of the checkout.

Each environment contains only one client and the dependencies of this client, because other packages would distort the
results: for example, `import httpx` also imports click, rich and pygments if they are installed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT: Final = Path(__file__).resolve().parents[1]

SPEC: Final = "openapi-mintlify.yaml"


class Environments:
    """Virtual environments and copies of the checkout, each created at its first use.

    Args:
        folder: The folder in which the environments and copies are created.
        full: The path of a complete upstream spec, or None.
        variables: The environment variables with which the installer runs.
    """

    def __init__(self, folder: Path, full: Path | None, variables: Mapping[str, str]) -> None:
        self.has_full: Final = full is not None
        self._folder = folder
        self._full = full
        self._variables = variables

    @cached_property
    def ours(self) -> Path:
        """The path of Python in an environment with this package, without its extras."""
        return self._environment("ours", str(self.checkout))

    @cached_property
    def ours_cli(self) -> Path:
        """The path of Python in an environment with this package and its extra `cli`."""
        return self._environment("ours-cli", f"{self.checkout}[cli]")

    @cached_property
    def ours_full(self) -> Path:
        """The path of Python in an environment with this package built from the complete spec, without its extras."""
        return self._environment("ours-full", str(self.checkout_full))

    @cached_property
    def bare(self) -> Path:
        """The path of Python in an environment with httpx, without this package."""
        return self._environment("bare", "httpx")

    @cached_property
    def official(self) -> Path:
        """The path of Python in an environment with the official client."""
        return self._environment("official", "anchorbrowser")

    @cached_property
    def checkout(self) -> Path:
        """A copy of the checkout with its uncommitted changes, without the files that git ignores."""
        copy = self._folder / "checkout"
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, encoding="utf-8")
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, copy / name)
        return copy

    @cached_property
    def checkout_full(self) -> Path:
        """A copy of the checkout with the complete spec and the code generated from it."""
        if self._full is None:
            raise LookupError("checkout_full needs a complete spec: pass its path as `full`")
        copy = self._folder / "checkout-full"
        shutil.copytree(self.checkout, copy)
        for arguments in (("tools.vendor", "--replace", str(self._full)), ("tools.generate", "generate")):
            _run([sys.executable, "-m", *arguments], copy, None)
        return copy

    def _environment(self, name: str, requirement: str) -> Path:
        folder = self._folder / name
        python = folder / "bin" / "python"
        _run([*_UV, "venv", "--quiet", "--python", sys.executable, str(folder)], ROOT, self._variables)
        installing = ["--python", str(python), "--constraint", str(ROOT / "constraints.txt"), "--compile-bytecode"]
        _run([*_UV, "pip", "install", "--quiet", *installing, requirement], ROOT, self._variables)
        return python


_UV: Final = (sys.executable, "-m", "uv")


def site_packages(python: Path) -> Path:
    """Return the folder in which the packages of an environment are installed."""
    command = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    return Path(subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.strip())


def _run(command: list[str], folder: Path, variables: Mapping[str, str] | None) -> None:
    process = subprocess.run(
        command, cwd=folder, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True
    )
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed with exit status {process.returncode}:\n{process.stdout}")
