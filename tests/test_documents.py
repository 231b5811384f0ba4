"""Links between the documents of a checkout."""

import re
from pathlib import Path

import pytest

import tsrnn

CHECKOUT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "datasets/*.md", "docs/*.md", "notebooks/*.md", "tsrnn/**/*.md")
    for path in CHECKOUT.glob(pattern)
)


def anchors(document):
    """Return the names by which a document's headings are linked, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(CHECKOUT).as_posix())
def test_links_lead_to_a_file_and_a_heading_that_are_there(document):
    broken = []
    for link in re.findall(r"\]\(\s*([^)\s]+)\)", document.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        place, _, heading = link.partition("#")
        target = (document.parent / place).resolve() if place else document
        if not target.exists() or (heading and heading not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_the_changelog_names_all_that_is_public():
    text = (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8")
    names = set(re.findall(r"\w+", text))
    assert [name for name in tsrnn.__all__ if name not in names and name != "__version__"] == []
