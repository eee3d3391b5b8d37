"""The state of the system: what the journal folds into."""

from pydantic import AwareDatetime

from registry.catalogue import CatalogueRef, FrozenModel
from registry.entries import FIRST_PREVIOUS


class State(FrozenModel):
    """The journal up to `sequence`, folded. Every instance that folds the same entries has the same state."""

    sequence: int = 0
    head_hash: str = FIRST_PREVIOUS
    catalogue: CatalogueRef | None = None
    catalogue_sequence: int = 0
    committed_at: AwareDatetime | None = None
    seeded_from: str | None = None

    @property
    def revision(self) -> int:
        """The revision of the catalogue; 0 while there is none."""
        return self.catalogue.revision if self.catalogue else 0
