"""The revisions of the catalogue, as the journal folds into them."""

from typing import Final, Literal

from immutables import Map
from pydantic import AwareDatetime

from registry.catalogue import FrozenModel
from registry.change_record import Operation
from registry.persistent_map import PersistentMap

RevisionKind = Literal["seeded", "applied", "rolled_back", "group_data_changed"]


class Touched(FrozenModel):
    """A record that a revision made, changed or removed."""

    category: str
    model_name: str
    operation: Operation


class RevisionLine(FrozenModel):
    """What one revision did. The entry at `sequence` names its blobs.

    `actor` is a user id, or the name of the program that did it.
    """

    revision: int
    sequence: int
    occurred_at: AwareDatetime
    actor: str
    username: str | None = None
    kind: RevisionKind
    change_ids: tuple[int, ...] = ()
    touched: tuple[Touched, ...] = ()
    rolled_back_to: int | None = None


class HistoryState(FrozenModel):
    """Every revision, and for each model (`change_record.model_key`) those that touched it, ascending."""

    revisions: PersistentMap[int, RevisionLine] = Map()
    by_model: PersistentMap[str, tuple[int, ...]] = Map()


EMPTY_HISTORY: Final = HistoryState()
