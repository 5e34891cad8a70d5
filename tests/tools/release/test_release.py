"""`make build` and `release.yml`: what a distribution contains, and that tag, version and changelog agree."""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
import tomllib
import zipfile
from typing import TYPE_CHECKING

import pytest

from anchor_webtask import __version__
from tools.release import changelog, contents, documents
from tools.release.__main__ import main
from tools.release.building import ReleaseError, build
from tools.repository import CHANGELOG, ROOT

if TYPE_CHECKING:
    from pathlib import Path

TRACKED = ["overlay/anchor_webtask/a.py", "generated/anchor_webtask_api/b.py", "overlay/other.yaml", "tests/test_a.py"]
METADATA = b"Metadata-Version: 2.4\nName: anchor-webtask\nVersion: 1.2.3\n\nSee [the page](https://a.example/).\n"


def wheel(folder: Path) -> Path:
    path = folder / "anchor_webtask-1.2.3-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("anchor_webtask/a.py", "anchor_webtask_api/b.py"):
            archive.writestr(name, "")
        for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"):
            archive.writestr(f"anchor_webtask-1.2.3.dist-info/{name}", METADATA if name == "METADATA" else b"")
    return path


def sdist(folder: Path) -> Path:
    path = folder / "anchor_webtask-1.2.3.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        names = ("CHANGELOG.md", "LICENSE", "README.md", ".gitignore", "pyproject.toml", "PKG-INFO", *TRACKED[:2])
        for name in names:
            info, content = tarfile.TarInfo(f"anchor_webtask-1.2.3/{name}"), METADATA if name == "PKG-INFO" else b""
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture(params=[wheel, sdist])
def distribution(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return request.param(tmp_path)  # type: ignore[no-any-return]  # a parameter has no type


def problems(distribution: Path, **changes: bytes | None) -> list[str]:
    """Return what is wrong with a distribution after changes: a path and its content, or None to remove it."""
    files = {
        path: content for path, content in {**contents.read(distribution), **changes}.items() if content is not None
    }
    wanted = contents.expected(distribution, TRACKED, "1.2.3")
    return contents.problems("it", files, wanted, "1.2.3", ["/home/me"])


def test_distribution_has_the_packages_and_their_metadata_only(distribution: Path) -> None:
    assert problems(distribution) == []
    module = next(path for path in contents.read(distribution) if path.endswith("a.py"))
    assert problems(distribution, **{"tests/test_a.py": b""}) == ["it: tests/test_a.py does not belong into it"]
    assert problems(distribution, **{module: None}) == [f"it: {module} is missing"]
    assert problems(distribution, **{module: b"# /home/me/a.py"}) == [f"it: {module} contains /home/me"]


def test_metadata_has_the_version_and_no_link_that_an_index_cannot_follow(distribution: Path) -> None:
    path = next(path for path in contents.read(distribution) if path.endswith(("METADATA", "PKG-INFO")))
    assert problems(distribution, **{path: METADATA.replace(b"1.2.3", b"1.2.4")}) == [
        "it: its version is 1.2.4, not 1.2.3"
    ]
    found = problems(distribution, **{path: METADATA + b"[a](docs/a.md) [b](#b) [c](http://c.example)"})
    assert [line.split()[6] for line in found] == ["](docs/a.md),", "](#b),", "](http://c.example),"]


def test_two_builds_differ_in_the_files_that_only_one_has_or_that_have_other_bytes() -> None:
    assert contents.differences({"a": b"1", "b": b"", "c": b""}, {"a": b"2", "b": b"", "d": b""}) == ["a", "c", "d"]


def test_files_that_are_not_committed_are_in_no_release(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    (tmp_path / "new.py").touch()
    with pytest.raises(ReleaseError, match=r"(?s)commit, ignore or remove these files.*new\.py"):
        build(tmp_path, tmp_path / "dist", "1.2.3")


def test_description_has_paths_in_place_of_links_and_no_pictures() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```.*?^```$", text, flags=re.MULTILINE | re.DOTALL)
    assert re.search(r"\]\(docs/", text)
    for change in project["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]:
        text = re.sub(change["pattern"], change["replacement"], text)
    assert re.findall(r"!\[|\]\((?!https://)", text) == []
    assert re.findall(r"^```.*?^```$", text, flags=re.MULTILINE | re.DOTALL) == blocks


GOOD = """\
# Changelog

## [Unreleased]

## [1.2.3] - 2026-12-01

### Added

- A thing.

## [1.2.2] - 2026-11-01

- Another thing.

[1.2.3]: https://a.example/
"""
BAD = {
    "entries are left under [Unreleased]": GOOD.replace("## [Unreleased]\n", "## [Unreleased]\n\n- A thing.\n"),
    "[1.2.3] has no date, such as 2026-12-01": GOOD.replace(" - 2026-12-01", ""),
    "[1.2.3] has no entries": GOOD.replace("### Added\n\n- A thing.\n", ""),
    "the first two sections must be [Unreleased] and [1.2.3]": GOOD.replace("1.2.3", "1.2.4"),
}


def test_changelog_has_the_notes_of_each_version() -> None:
    assert changelog.problems(GOOD, "1.2.3") == []
    assert [(section.version, section.date, section.notes) for section in changelog.sections(GOOD)] == [
        ("Unreleased", None, ""),
        ("1.2.3", "2026-12-01", "### Added\n\n- A thing."),
        ("1.2.2", "2026-11-01", "- Another thing."),
    ]


@pytest.mark.parametrize("problem", BAD)
def test_changelog_that_is_not_ready_for_the_version_is_refused(problem: str) -> None:
    assert changelog.problems(BAD[problem], "1.2.3") == [problem]


def test_version_of_the_package_is_the_newest_in_the_changelog() -> None:
    sections = changelog.sections((ROOT / CHANGELOG).read_text(encoding="utf-8"))
    assert [section.version for section in sections[:2]] == ["Unreleased", __version__]


def test_tag_of_another_version_has_no_notes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notes", "v0.0.1"]) == 1
    assert f"the tag v0.0.1 does not fit the version {__version__} of the package" in capsys.readouterr().err


def test_documents_that_say_that_the_package_is_on_no_index_are_not_released(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / CHANGELOG).write_text(GOOD.replace("1.2.3", __version__), encoding="utf-8")
    (tmp_path / "README.md").write_text("pip install 'anchor-webtask[cli]'\n", encoding="utf-8")
    (tmp_path / "docs" / "index.md").write_text("The package is on no index yet.\n", encoding="utf-8")
    monkeypatch.setattr("tools.release.__main__.ROOT", tmp_path)
    assert main(["notes", f"v{__version__}"]) == 1
    assert capsys.readouterr().err == ("docs/index.md: it still says 'on no index', which ends with the release\n")
    (tmp_path / "docs" / "index.md").write_text("pip install anchor-webtask\n", encoding="utf-8")
    assert main(["notes", f"v{__version__}"]) == 0
    (tmp_path / "README.md").write_text("pip install '.[cli]'\n", encoding="utf-8")
    assert [line.split()[0] for line in documents.problems(tmp_path)] == ["README.md:"]
