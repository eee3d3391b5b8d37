"""The pages of the documentation: their programs, and what they point to."""

import re
from collections.abc import Iterator
from pathlib import Path

from support.reference_data import REPOSITORY

CLIENT = REPOSITORY / "docs" / "client"
EXAMPLES = sorted((CLIENT / "examples").glob("*.py"))
CLIENT_PAGES = [*sorted(CLIENT.glob("*.md")), REPOSITORY / "shared" / "README.md"]
ALL_PAGES = [*sorted((REPOSITORY / "docs").rglob("*.md")), *sorted(REPOSITORY.glob("*.md")), CLIENT_PAGES[-1]]

START_AFRESH = "__import__('horde_model_reference').ModelReferenceManager.reset()"
MAKES_A_MANAGER = "ModelReferenceManager("
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")
PREFIX = "HORDE_MODEL_REFERENCE_"
VARIABLE = re.compile(rf"(?:{PREFIX}|`)([A-Z][A-Z0-9]*_[A-Z0-9_]*[A-Z0-9])(?=[=`\s])")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def label(page: Path) -> str:
    return page.relative_to(REPOSITORY).as_posix()


def program_of(page: Path) -> str:
    """Return the Python blocks of a page as one program, whose line numbers are those of the page.

    A block that makes a manager begins without one.
    """
    lines: list[str] = []
    opened: int | None = None
    for line in page.read_text(encoding="utf-8").splitlines():
        if line == "```" and opened is not None:
            if any(MAKES_A_MANAGER in inner for inner in lines[opened:]):
                lines[opened - 1] = START_AFRESH
            opened = None
        is_code = opened is not None
        lines.append(line if is_code else "")
        if line == "```python":
            opened = len(lines)
    assert opened is None, f"{label(page)}: a block does not end"
    return "\n".join(lines) + "\n"


def variables_of(page: Path) -> set[str]:
    """Return the environment variables that a page names, without our prefix."""
    text = page.read_text(encoding="utf-8").replace(f"`{PREFIX}`", "")
    return {name.removeprefix(PREFIX) for name in VARIABLE.findall(text)}


def dead_links(page: Path) -> Iterator[str]:
    """Yield the links to files, or to headings of pages, that do not exist."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    for link in LINK.findall(text):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors_of(target)):
            yield link


def anchors_of(page: Path) -> set[str]:
    """Return what links to headings of a page may name."""
    headings = HEADING.findall(FENCED.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
