"""What must not be seeded: files that lose more than a few records on the way, and what was edited here."""

from typing import Final

from horde_model_reference.category_import_types import ImportedCategory
from horde_model_reference.documents import SourceUnreadable
from horde_model_reference.v2_format import parse_v2
from registry.bodies import Seeded
from registry.history_state import RevisionLine
from registry.journal import Journal
from registry.state import State

FEW_RECORDS: Final = 5
FEW_PERCENT: Final = 5
"""So many records, or so large a part of them, may be left out; beyond both the file is not understood."""


def require_few_losses(imported: ImportedCategory) -> None:
    """Refuse a category most or many of whose records cannot be converted. Raises `SourceUnreadable`."""
    lost = len(imported.rejected)
    if not lost:
        return
    kept = len(parse_v2(imported.documents.v2))
    is_much = lost > FEW_RECORDS and lost * 100 > (lost + kept) * FEW_PERCENT
    if is_much or not kept:
        first = imported.rejected[0]
        raise SourceUnreadable(
            f"{lost} of {lost + kept} records cannot be converted"
            f" (the first: {first.name}: {first.path}: {first.reason})"
        )


async def last_edit(journal: Journal, state: State) -> RevisionLine | None:
    """Return the last revision that is an edit, among those since all categories were made what files say.

    A seeding that left categories as they were ends no edits. Raises what reading the journal raises.
    """
    for revision in range(state.revision, 0, -1):
        line = state.history.revisions.get(revision)
        if line is None or line.kind != "seeded":
            return line
        entry, _ = await journal.read(line.sequence)
        if not isinstance(entry.body, Seeded) or not entry.body.left:
            return None
    return None
