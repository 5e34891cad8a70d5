"""The vendored spec matches the hash and the version in its `.source.json` file."""

from __future__ import annotations

import hashlib
import json

from tools.openapi import yaml
from tools.repository import ROOT, SPEC


def test_hash_and_version_in_the_source_file_match_the_vendored_spec() -> None:
    source = json.loads((ROOT / SPEC.with_suffix(".source.json")).read_text(encoding="utf-8"))
    content = (ROOT / SPEC).read_bytes()
    assert source.keys() - {"pages"} == {"source", "sha256", "upstream_version"}
    assert hashlib.sha256(content).hexdigest() == source["sha256"]
    assert yaml.load(ROOT / SPEC)["info"]["version"] == source["upstream_version"]
    sources = source["source"] if isinstance(source["source"], list) else [source["source"]]
    assert sources
    assert all(isinstance(each, str) and each for each in sources)


def test_vendored_spec_has_unix_line_ends_and_one_final_newline() -> None:
    content = (ROOT / SPEC).read_bytes()
    assert content.endswith(b"\n")
    assert not content.endswith(b"\n\n")
    assert b"\r" not in content
