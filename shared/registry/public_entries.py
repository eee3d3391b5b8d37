"""Which entries everybody may read (docs/api.md, "Checking what you got").

An entry that makes a revision says what is in the history anyway: who, when, which records, which blobs. What
people wrote about a change, and what they proposed, is in other entries; only users with a key are shown it,
until the change is hidden. So the answer that is kept with an apply names its changes by number.
"""

from typing import Final

from pydantic import TypeAdapter, ValidationError

from registry.entries import Entry

_NUMBERS: Final = TypeAdapter(dict[str, bool | int | list[int] | None])


def is_public(entry: Entry) -> bool:
    """Say whether everybody may read the entry. One that was written before this rule may hold more."""
    if entry.catalogue is None:
        return False
    if entry.kind != "applied" or entry.answer is None:
        return True
    try:
        _NUMBERS.validate_python(entry.answer.body, strict=True)
    except ValidationError:
        return False
    return True
