"""The environments: what is tested, with what installed. `make` and `.ci/run` call these sessions."""

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "uv"
nox.options.error_on_missing_interpreters = False  # a missing Python is skipped with a message, also where CI is set
nox.options.sessions = ["tests", "lint", "types", "package"]

PYTHONS = ["3.11", "3.12", "3.13"]
LOCKED = ("--constraint", "constraints.txt")


def install_for_tests(session: nox.Session) -> None:
    """Install the package as it is in the checkout, and what its tests need."""
    session.install(*LOCKED, "--group", "tests", "--editable", ".[emulator]")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the whole suite; arguments after `--` go to pytest."""
    install_for_tests(session)
    session.run("pytest", "--numprocesses=auto", *session.posargs)


@nox.session
def contract(session: nox.Session) -> None:
    """Run what pins the generated code, the wire and the surface: the tests to run after `make generate`."""
    install_for_tests(session)
    session.run("pytest", "tests/contract", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install(*LOCKED, "--group", "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types with both checkers."""
    session.install(*LOCKED, "--group", "types", "--editable", ".[emulator]")
    session.run("mypy")
    session.run("pyright", env={"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"})


@nox.session
def package(session: nox.Session) -> None:
    """Build both distributions, install each into an environment of its own and import it from elsewhere."""
    session.install(*LOCKED, "--group", "dev")
    session.run("python", "-m", "tools.package", *session.posargs)
