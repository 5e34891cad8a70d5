"""The settings of the documentation site, which `make docs` builds with Sphinx."""

import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.search.en import SearchEnglish

from anchor_webtask import __version__, _errors

project = "anchor-webtask"
author = "The anchor-webtask maintainers"
copyright = author  # noqa: A001  the name that Sphinx reads
release = version = __version__
language = "en"
default_role = "code"  # docstrings put code in single backticks, as Markdown does

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
myst_heading_anchors = 4  # links to headings have GitHub's form, and are checked

# The reference: docstrings in Google's form, with the types of the signatures.
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = True
add_module_names = False
maximum_signature_line_length = 90
python_display_short_literal_types = True

html_theme = "furo"
html_title = f"{project} {version}"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_search_scorer = str(Path(__file__).parent / "search_scorer.js")
html_theme_options = {"navigation_with_keys": True, "footer_icons": []}

copybutton_exclude = ".linenos, .gp, .go"

# What axe-core finds missing in the pages that Sphinx and the theme write, and what is written in its place.
ACCESSIBLE = {
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="All pages">',
    '<aside class="toc-drawer': '<aside aria-label="This page" class="toc-drawer',
    'role="heading"><span class="caption-text">': 'role="heading" aria-level="2"><span class="caption-text">',
    # what scrolls must be reached by keys
    "<pre>": '<pre tabindex="0">',
    '<div class="table-wrapper': '<div tabindex="0" role="group" aria-label="Table" class="table-wrapper',
    # the parameters of a signature, one a line
    "<dl>\n<dd>": '<dl role="presentation">\n<dd>',
}

# What the search does not do on its own: find numbers such as 429, and a heading that has all words among others.
SEARCH = {
    "stopwords.has(queryTermLower) || queryTerm.match(/^\\d+$/)": "stopwords.has(queryTermLower)",
    """title.toLowerCase().trim().includes(queryLower)
        && queryLower.length >= title.length / 2""": """searchTerms.size
        && [...searchTerms].every((term) => splitQuery(title).some((word) => stem(word) === term))""",
    "for (const [title,": """const stemmer = new Stemmer();
    const stem = (word) => stemmer.stemWord(word.toLowerCase());
    for (const [title,""",
}


class SearchWithNumbers(SearchEnglish):
    """The words of the search's index, with the numbers, which Sphinx leaves out."""

    def word_filter(self, word: str) -> bool:
        """Return whether a word is in the index."""
        return word not in self.stopwords


def setup(app: Sphinx) -> None:
    """Connect the functions below to Sphinx's events."""
    app.add_search_language(SearchWithNumbers)
    app.connect("autodoc-process-signature", _signature)
    app.connect("viewcode-follow-imported", _module)
    app.connect("build-finished", _make_accessible)
    app.connect("build-finished", _extend_search)


def _signature(
    _app: Sphinx,
    what: str,
    _name: str,
    documented: object,
    _options: object,
    signature: str | None,
    returned: str | None,
) -> tuple[str, str | None] | None:
    """Return a signature without what users do not pass; None keeps the signature."""
    if signature is None:
        return None
    if what in {"class", "exception"} and "Args:" not in (documented.__doc__ or ""):
        return "", None  # users make no objects of this class
    signature = re.sub(r"\*_?positional: \w+", "*", signature)  # these two only exist to explain mistakes
    return re.sub(r",? ?\*\*_?unknown: \w+", "", signature), returned


def _module(_app: Sphinx, _module: str, name: str) -> str | None:
    """Return the module that has the source of a name; None if the name knows its module, as errors do not."""
    return _errors.__name__ if hasattr(_errors, name.partition(".")[0]) else None


def _make_accessible(app: Sphinx, failure: Exception | None) -> None:
    """Correct all pages that were written."""
    for page in app.outdir.rglob("*.html") if failure is None else ():
        text = page.read_text(encoding="utf-8")
        for written, better in ACCESSIBLE.items():
            text = text.replace(written, better)
        page.write_text(text, encoding="utf-8")


def _extend_search(app: Sphinx, failure: Exception | None) -> None:
    """Change the program of the search."""
    if failure is not None:
        return
    program = app.outdir / "_static" / "searchtools.js"
    text = program.read_text(encoding="utf-8")
    for written, better in SEARCH.items():
        if written not in text:
            raise ExtensionError(f"searchtools.js of this Sphinx has no {written!r}: correct SEARCH in docs/conf.py")
        text = text.replace(written, better)
    program.write_text(text, encoding="utf-8")
