"""The nox sessions, which `make` and `.ci/run` call: they install environments, and run tests and checks in them."""

import os
import pathlib
import shutil
import tarfile

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "uv"
nox.options.error_on_missing_interpreters = False  # skip missing Python versions with a message, even if CI is set
nox.options.download_python = "never"  # test only installed Python versions
nox.options.sessions = ["tests", "lint", "types", "package"]

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
LOCKED = ("--constraint", "constraints.txt")
CHECK_INSTALLED = pathlib.Path(__file__).parent / "tools" / "check_installed.py"
UPSTREAM = pathlib.Path("..") / "shared" / "upstream"
WITNESSES = pathlib.Path("tests") / "witnesses"
# More workers than cores, since tests spend a third of their time waiting for timeouts, servers and processes.
WORKERS = f"--numprocesses={max(2, (os.cpu_count() or 1) * 3 // 2)}"
NPM_QUIETLY = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
SDIST_CONTENTS = {
    ".gitignore",
    "CHANGELOG.md",
    "LICENSE",
    "PKG-INFO",
    "README.md",
    "generated",
    "overlay",
    "pyproject.toml",
}


def install_for_tests(session: nox.Session) -> None:
    """Install the checkout as an editable package, with the dependencies of its tests."""
    session.install(*LOCKED, "--group", "tests", "--editable", ".[emulator]")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests; arguments after `--` go to pytest."""
    install_for_tests(session)
    session.run("pytest", WORKERS, *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Run the tests, and fail if their coverage of the package is too low; arguments after `--` go to pytest."""
    session.install(*LOCKED, "--group", "coverage", "--editable", ".[emulator]")
    # Coverage starts before pytest, since a plugin that pytest loads may import the package.
    environment = {"COVERAGE_FILE": str(pathlib.Path(session.create_tmp()).resolve() / "coverage")}
    session.run("coverage", "erase", env=environment)
    session.run("coverage", "run", "-m", "pytest", WORKERS, *session.posargs, env=environment)
    session.run("coverage", "combine", "--quiet", env=environment)
    session.run("coverage", "report", env=environment)


@nox.session
def contract(session: nox.Session) -> None:
    """Run the contract tests (generated code, requests and public API); run `make generate` first."""
    install_for_tests(session)
    session.run("pytest", "tests/contract", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Send random responses to the client for some minutes; each run uses new responses."""
    install_for_tests(session)
    profile = (WORKERS, "--hypothesis-profile=long")
    session.run("pytest", *profile, "tests/faults/test_fuzz.py", *session.posargs)


@nox.session
def interruptions(session: nox.Session) -> None:
    """Interrupt calls that start a task at every line and every await, and by thousands of signals; takes minutes."""
    install_for_tests(session)
    session.run("pytest", WORKERS, "--every-point", "tests/client/test_interrupted_starts.py", *session.posargs)


@nox.session
def kills(session: nox.Session) -> None:
    """Kill processes that share a ledger: hundreds at random, and one at each commit and line of a start."""
    install_for_tests(session)
    session.run("pytest", WORKERS, "--every-point", "tests/ledger/test_kills.py", *session.posargs)


@nox.session
def witnesses(session: nox.Session) -> None:
    """Check our results with other programs: requests with Prism, drift with Redocly; the emulator with two clients.

    The clients are schemathesis and the official one. Prism and Redocly need Node.js.
    """
    session.install(*LOCKED, "--group", "witnesses", "--editable", ".[emulator]")
    environment = {}
    if shutil.which("node") and shutil.which("npm"):
        folder = pathlib.Path(session.create_tmp())
        for name in ("package.json", "package-lock.json"):
            shutil.copy(WITNESSES / name, folder)
        session.run("npm", "ci", "--prefix", str(folder), *NPM_QUIETLY, external=True)
        modules = folder / "node_modules"
        environment["PRISM"] = str(modules / "@stoplight" / "prism-cli" / "dist" / "index.js")
        environment["REDOCLY"] = str(modules / "@redocly" / "cli" / "bin" / "cli.js")
    else:
        session.warn("node or npm is not installed: the tests with Prism and Redocly are skipped")
    session.run("pytest", str(WITNESSES), *session.posargs, env=environment)


@nox.session
@nox.parametrize("version", ["2026-01-08b", "2026-01-09", "2026-02-15"])
def upstream(session: nox.Session, version: str) -> None:
    """Vendor one of upstream's complete documents in a copy of the repository, and run the tests in that copy."""
    document = (UPSTREAM / f"{version}.yaml").resolve()
    if not document.exists():
        session.skip(f"{document.relative_to(UPSTREAM.resolve().parents[1])} does not exist")
    copy = pathlib.Path(session.create_tmp()) / "checkout"
    shutil.rmtree(copy, ignore_errors=True)
    session.run("git", "clone", "--quiet", "--no-hardlinks", ".", str(copy), external=True)
    session.chdir(copy)
    session.install(*LOCKED, "--group", "types", "--editable", ".[emulator]")
    session.run("python", "-m", "tools.vendor", "--replace", str(document))
    session.run("python", "-m", "tools.generate", "generate")
    session.run("python", "-m", "tools.surface", "accept")
    session.run("python", "-m", "tools.generate", "check")
    session.run("mypy", "--strict", "--package", "anchor_webtask_api")
    session.run("pytest", WORKERS, *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Compare this package with bare httpx and the official client; arguments after `--` go to `benchmarks`."""
    # Editable, since otherwise uv installs a cached wheel instead of the current code. Imports and sizes can be
    # measured only in a real installation, so the program also installs a copy of this package in the session's folder.
    session.install(*LOCKED, "--group", "bench", "--editable", ".[pydantic]")
    session.create_tmp()
    session.run("python", "-m", "benchmarks", *session.posargs, stderr=None)  # keeps progress out of the JSON output


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format and spelling, and the GitHub workflows."""
    session.install(*LOCKED, "--group", "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("codespell")
    workflows = sorted(map(str, pathlib.Path(".github", "workflows").glob("*.yml")))
    session.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows)
    session.run("zizmor", "--offline", "--no-progress", "--persona=pedantic", *workflows)


@nox.session
def types(session: nox.Session) -> None:
    """Check types with mypy and pyright, also those of the documents' examples."""
    session.install(*LOCKED, "--group", "types", "--editable", ".[emulator]")
    session.run("mypy")
    session.run("pyright", env={"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"})
    session.run("pytest", "tests/documents/test_types.py", env={"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"})


@nox.session
@nox.parametrize("kind", ["wheel", "sdist"])
def package(session: nox.Session, kind: str) -> None:
    """Build a distribution, install it in an empty environment, and import both packages from another folder."""
    folder = session.create_tmp()
    session.run("uv", "build", "--quiet", f"--{kind}", "--clear", "--out-dir", folder, external=True)
    (built,) = (path for path in pathlib.Path(folder).iterdir() if path.suffix in {".whl", ".gz"})
    if kind == "sdist":
        with tarfile.open(built) as archive:
            inside = {name.split("/")[1] for name in archive.getnames()}
        if extra := inside - SDIST_CONTENTS:
            session.error(f"the sdist has unexpected contents: {sorted(extra)}")
    session.install(*LOCKED, str(built))
    session.chdir(folder)
    session.run("python", str(CHECK_INSTALLED))
