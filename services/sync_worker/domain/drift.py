"""The difference between what the primary has and what a legacy repository has (sync.md section 4)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from horde_model_reference.text_backend_names import has_legacy_text_backend_prefix

TEXT_CATEGORY: Final = "text_generation"


@dataclass(frozen=True, slots=True)
class Drift:
    """Records by name: added and modified ones as the primary has them, removed ones as GitHub has them.

    A text model counts up to three times: plain, with `aphrodite/` and with `koboldcpp/`.
    """

    category: str
    added: Mapping[str, object]
    removed: Mapping[str, object]
    modified: Mapping[str, object]

    @property
    def total(self) -> int:
        """The number of records that differ."""
        return len(self.added) + len(self.removed) + len(self.modified)


def drift_of(category: str, wanted: Mapping[str, object], present: Mapping[str, object]) -> Drift:
    """Compare records structurally; neither the order of the models nor that of members counts."""
    return Drift(
        category,
        added={name: record for name, record in wanted.items() if name not in present},
        removed={name: record for name, record in present.items() if name not in wanted},
        modified={
            name: record
            for name, record in wanted.items()
            if name in present and not same_value(record, present[name])
        },
    )


def same_value(one: object, other: object) -> bool:
    """Say whether two JSON values are equal: 1 and 1.0 are, 1 and true are not, arrays have an order."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_value(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_value, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def model_names(category: str, names: Iterable[str]) -> list[str]:
    """Return the names of models among names of records: a text model has three records."""
    if category != TEXT_CATEGORY:
        return list(names)
    return [name for name in names if not has_legacy_text_backend_prefix(name)]
