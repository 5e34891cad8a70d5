"""The nox sessions, which `make` and `.ci/run` call: they install environments, and run tests and checks in them."""

import os
import pathlib
import shutil
import tempfile

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "uv"
nox.options.error_on_missing_interpreters = False  # skip missing Python versions with a message, even if CI is set
nox.options.download_python = "never"  # test only installed Python versions
nox.options.sessions = ["tests", "lint", "types", "build", "package"]

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
LOCKED = ("--constraint", "constraints.txt")
CHECK_INSTALLED = pathlib.Path(__file__).parent / "tools" / "check_installed.py"
UPSTREAM = pathlib.Path("..") / "shared" / "upstream"
WITNESSES = pathlib.Path("tests") / "witnesses"
# More workers than cores, since tests spend a third of their time waiting for timeouts, servers and processes.
# A worker gets neighbouring tests, which share fixtures; one that is ready takes half of what another one has left.
WORKERS = (f"--numprocesses={max(2, (os.cpu_count() or 1) * 3 // 2)}", "--dist=worksteal")
# The cases of long sessions are many in one test: only after half an hour does a test hang.
LONG = ("--override-ini", "faulthandler_timeout=1800")
# Tests start hundreds of programs. With a folder for byte code, these need not compile all modules again: nox makes new
# environments for each run, without byte code, and the caller's environment may forbid to write any beside the modules.
BYTE_CODE = pathlib.Path(__file__).parent.resolve() / ".nox" / "byte-code"
SITE = pathlib.Path(__file__).parent.resolve() / ".cache" / "site"
NPM_QUIETLY = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
# The files for GitHub, below `.github/`, by the names of their schemas.
GITHUB_FILES = {
    "github-workflows": "workflows/*.yml",
    "dependabot": "dependabot.yml",
    "github-issue-config": "ISSUE_TEMPLATE/config.yml",
    "github-issue-forms": "ISSUE_TEMPLATE/[!c]*.yml",
}
DIST = pathlib.Path(__file__).parent.resolve() / "dist"
EXTRAS = ("cli", "emulator", "jsonschema", "postgres", "pydantic")
# What users can see of the package. These tests need none of its source.
PUBLIC_API_TESTS = (
    *(
        "tests/kit",
        "tests/contract/test_exports.py",
        "tests/contract/test_imports.py",
        "tests/contract/test_options.py",
    ),
    *(
        f"tests/client/test_{name}.py"
        for name in (
            *("arrived_ids", "event_loops", "generated_api", "handles", "http2", "logging", "map", "other_transports"),
            *("run", "samples", "secrets", "shared_client", "typed_answers"),
        )
    ),
    "tests/client/sessions/test_sessions.py",
    *(f"tests/cli/test_{name}.py" for name in ("map", "one_task", "program")),
    *(
        f"tests/ledger/test_{name}.py"
        for name in ("batches", "keyed_run", "ledger_file", "map_with_ledger", "places", "workers")
    ),
)


def install_for_tests(session: nox.Session) -> None:
    """Install the checkout as an editable package, with the dependencies of its tests."""
    session.install(*LOCKED, "--group", "tests", "--editable", ".[cli,emulator]")
    share_byte_code(session)


def share_byte_code(session: nox.Session) -> None:
    """Let all programs of a session, and of later sessions, share one folder for byte code."""
    temporary = pathlib.Path(tempfile.gettempdir()).resolve()
    for left in BYTE_CODE.joinpath(*temporary.parts[1:]).glob("pytest-of-*"):  # of modules that tests have written
        shutil.rmtree(left, ignore_errors=True)
    session.env.update({"PYTHONPYCACHEPREFIX": str(BYTE_CODE), "PYTHONDONTWRITEBYTECODE": ""})


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests; arguments after `--` go to pytest."""
    install_for_tests(session)
    session.run("pytest", *WORKERS, *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Run the tests, and fail if their coverage of the package is too low; arguments after `--` go to pytest."""
    session.install(*LOCKED, "--group", "coverage", "--editable", ".[cli,emulator]")
    share_byte_code(session)
    # Coverage starts before pytest, since a plugin that pytest loads may import the package.
    environment = {"COVERAGE_FILE": str(pathlib.Path(session.create_tmp()).resolve() / "coverage")}
    session.run("coverage", "erase", env=environment)
    session.run("coverage", "run", "-m", "pytest", *WORKERS, *session.posargs, env=environment)
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
    profile = (*WORKERS, *LONG, "--hypothesis-profile=long")
    session.run("pytest", *profile, "tests/faults/test_fuzz.py", *session.posargs)


@nox.session
def interruptions(session: nox.Session) -> None:
    """Interrupt calls that start a task at every line and every await, and by thousands of signals; takes minutes."""
    install_for_tests(session)
    session.run("pytest", *WORKERS, *LONG, "--every-point", "tests/client/test_interrupted_starts.py", *session.posargs)


@nox.session
def kills(session: nox.Session) -> None:
    """Kill processes that share a ledger, and workers: many at random, and one at each commit and line of a start."""
    install_for_tests(session)
    tests = ("tests/ledger/test_kills.py", "tests/ledger/test_worker_processes.py")
    session.run("pytest", *WORKERS, *LONG, "--every-point", *tests, *session.posargs)


@nox.session
def witnesses(session: nox.Session) -> None:
    """Check our results with other programs: requests with Prism, drift with Redocly; the emulator with two clients.

    The clients are schemathesis and the official one. Celery delivers a job twice. Prism and Redocly need Node.js.
    """
    session.install(*LOCKED, "--group", "witnesses", "--editable", ".[cli,emulator]")
    session.install("celery == 5.7.0")  # it is not locked, since it would hold python-dateutil at 2.9 for all others
    share_byte_code(session)
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
def judge(session: nox.Session) -> None:
    """Compare the drift reports of many pairs of specs with the code that is generated for them; takes minutes."""
    install_for_tests(session)
    slow = ("-o", "faulthandler_timeout=1200")  # one test generates the code of hundreds of documents
    session.run("pytest", *slow, "tests/judge", *session.posargs, env={"JUDGE": os.environ.get("JUDGE", "300")})


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
    session.install(*LOCKED, "--group", "types", "--editable", ".[cli,emulator]")
    session.run("python", "-m", "tools.vendor", "--replace", str(document))
    session.run("python", "-m", "tools.generate", "generate")
    session.run("python", "-m", "tools.surface", "accept")
    session.run("python", "-m", "tools.generate", "check")
    session.run("mypy", "--strict", "--package", "anchor_webtask_api")
    share_byte_code(session)
    session.run("pytest", *WORKERS, *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Compare this package with bare httpx and the official client; arguments after `--` go to `benchmarks`."""
    # Editable, since otherwise uv installs a cached wheel instead of the current code. Imports and sizes can be
    # measured only in a real installation, so the program also installs a copy of this package in the session's folder.
    session.install(*LOCKED, "--group", "bench", "--editable", ".[postgres,pydantic]")
    session.create_tmp()
    session.run("python", "-m", "benchmarks", *session.posargs, stderr=None)  # keeps progress out of the JSON output


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation site, and check its pages in Chromium, if there is one.

    Arguments after `--` go to pytest.
    """
    session.install(*LOCKED, "--group", "docs", "--editable", ".[cli,emulator,postgres,pydantic]")
    share_byte_code(session)
    shutil.rmtree(SITE, ignore_errors=True)
    session.run("sphinx-build", "--builder=html", "--fail-on-warning", "--keep-going", "--quiet", "docs", str(SITE))
    session.run("pytest", *WORKERS, "tests/site", *session.posargs, env={"SITE": str(SITE)})
    session.log(f"the site is built; its first page is {SITE / 'index.html'}")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format and spelling, and the GitHub workflows."""
    session.install(*LOCKED, "--group", "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("codespell")
    for schema, pattern in GITHUB_FILES.items():
        files = sorted(map(str, pathlib.Path(".github").glob(pattern)))
        session.run("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *files)
    session.run("zizmor", "--offline", "--no-progress", "--persona=pedantic", ".github")


@nox.session
def types(session: nox.Session) -> None:
    """Check types with mypy and pyright, also those of the documents' examples."""
    session.install(*LOCKED, "--group", "types", "--editable", ".[cli,emulator]")
    session.run("mypy")
    session.run("pyright", env={"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"})
    session.run("pytest", "tests/documents/test_types.py", env={"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"})


@nox.session
def build(session: nox.Session) -> None:
    """Build wheel and sdist of the last commit into dist/, twice with the same bytes, and check them."""
    session.install(*LOCKED, "--group", "release", "--editable", ".")
    session.run("python", "-m", "tools.release", "build", str(DIST))


@nox.session
@nox.parametrize("what", ["sdist", "wheel", *EXTRAS])
def package(session: nox.Session, what: str) -> None:
    """Install what `build` has made, alone or with one extra, and use it in an empty environment and another folder."""
    extra = f"[{what}]" if what in EXTRAS else ""
    session.install(*LOCKED, f"{built(session, 'sdist' if what == 'sdist' else 'wheel')}{extra}")
    session.chdir(session.create_tmp())
    session.run("python", str(CHECK_INSTALLED), *([what] if extra else []))


@nox.session(python=PYTHONS)
def lowest(session: nox.Session) -> None:
    """Run the tests of the public API with the built wheel, and the lowest versions that pyproject.toml allows."""
    lowest_versions = str(pathlib.Path(session.create_tmp()).resolve() / "lowest.txt")
    command = ("uv", "pip", "compile", "--quiet", "--all-extras", "--resolution", "lowest-direct", "pyproject.toml")
    session.run(*command, f"--python={session.python}", f"--output-file={lowest_versions}", external=True)
    # A later pytest warns of what the plugin of such an old anyio imports.
    test_public_api(session, "--constraint", lowest_versions, "pytest < 9.2")


@nox.session(python=PYTHONS)
def newest(session: nox.Session) -> None:
    """Run the tests of the public API with the built wheel, and the versions that users get today."""
    test_public_api(session, "--upgrade")


def built(session: nox.Session, kind: str) -> str:
    """Return the path of the wheel or the sdist that the session `build` has made."""
    found = sorted(DIST.glob("anchor_webtask-*" + {"wheel": ".whl", "sdist": ".tar.gz"}[kind]))
    if len(found) != 1:
        session.error(f"there must be one {kind} in dist/, but there are {len(found)}: run `make build`")
    return str(found[0])


def test_public_api(session: nox.Session, *versions: str) -> None:
    """Run tests with the built wheel, in a clone without the packages' source."""
    session.install(*versions, "--group", "public-tests", f"{built(session, 'wheel')}[{','.join(EXTRAS)}]")
    clone = pathlib.Path(session.create_tmp()).resolve() / "clone"
    shutil.rmtree(clone, ignore_errors=True)
    session.run("git", "clone", "--quiet", "--no-hardlinks", ".", str(clone), external=True)
    session.chdir(clone)
    for source in ("overlay/anchor_webtask", "generated"):
        shutil.rmtree(source)
    share_byte_code(session)
    session.run("pytest", *WORKERS, *(session.posargs or PUBLIC_API_TESTS))
