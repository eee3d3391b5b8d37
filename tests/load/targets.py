"""What is asked for: addresses that everybody asks for, and what the answer to each has to be."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode

What = Literal["v1", "v2", "record", "search", "statistics"]
Documents = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""The records of each category by name."""

REFERENCES: Final = "/api/model_references"
V2: Final = f"{REFERENCES}/v2"
IMAGE, TEXT, CLIP = "image_generation", "text_generation", "clip"
CATEGORIES: Final = (IMAGE, TEXT, CLIP)
RECORD_SHARES: Final = {IMAGE: 0.6, TEXT: 0.35, CLIP: 0.05}
ZIPF_EXPONENT: Final = 1.0
SEARCH_TERMS: Final = 12
TERM_LENGTH: Final = 4
SEARCH_LIMIT: Final = 20


@dataclass(frozen=True, slots=True)
class Target:
    """One address. `name` is that of a record; `condition` what the records of a search have to meet."""

    what: What
    path: str
    weight: float
    category: str
    name: str = ""
    condition: Mapping[str, str | bool] = field(default_factory=dict)


def document_targets() -> list[Target]:
    """Return the popular documents: workers read v1, programs that use the library v2."""
    return [
        Target("v1", f"{REFERENCES}/v1/stable_diffusion.json", 0.30, IMAGE),
        Target("v1", f"{REFERENCES}/v1/db.json", 0.20, TEXT),
        Target("v2", f"{V2}/{IMAGE}", 0.25, IMAGE),
        Target("v2", f"{V2}/{TEXT}", 0.15, TEXT),
        Target("v2", f"{V2}/{CLIP}", 0.10, CLIP),
    ]


def record_targets(documents: Documents) -> list[Target]:
    """Return every record of the popular categories; the first of each is the most popular (Zipf)."""
    targets = []
    for category, share in RECORD_SHARES.items():
        names = list(documents.get(category, ()))
        weights = [1 / rank**ZIPF_EXPONENT for rank in range(1, len(names) + 1)]
        total = sum(weights)
        targets += [
            Target("record", record_path(category, name), share * weight / total, category, name)
            for name, weight in zip(names, weights, strict=True)
        ]
    return targets


def record_path(category: str, name: str) -> str:
    """Return the address of one record."""
    return f"{V2}/{category}/model/{quote(name, safe='')}"


def search_targets(documents: Documents, seed: int) -> list[Target]:
    """Return searches that find something: parts of names, and the fields that interfaces filter by."""
    chance = random.Random(seed)
    conditions: list[tuple[str, dict[str, str | bool]]] = [(IMAGE, {"nsfw": False}), (IMAGE, {"nsfw": True})]
    baselines = sorted({str(record.get("baseline")) for record in documents.get(IMAGE, {}).values()})
    conditions += [(IMAGE, {"baseline": baseline}) for baseline in baselines]
    for category in (IMAGE, TEXT):
        names = sorted(documents.get(category, ()))
        for name in chance.sample(names, min(SEARCH_TERMS, len(names))):
            start = chance.randrange(max(1, len(name) - TERM_LENGTH))
            conditions.append((category, {"name_contains": name[start : start + TERM_LENGTH].strip()}))
    targets = [_search(category, condition) for category, condition in conditions if all_said(condition)]
    return list(by_path(targets).values())  # names may have the same parts


def all_said(condition: Mapping[str, str | bool]) -> bool:
    """Say whether no condition is empty: that would be none at all."""
    return all(value != "" for value in condition.values())


def statistics_targets() -> list[Target]:
    """Return what interfaces show about the live figures; the answers change with these."""
    paths = (
        f"{V2}/{IMAGE}/popular?limit=10",
        f"{V2}/{TEXT}/popular?limit=10",
        f"{REFERENCES}/statistics/{IMAGE}",
        f"{REFERENCES}/statistics/{TEXT}/with-stats?limit=20",
    )
    return [Target("statistics", path, 1 / len(paths), "") for path in paths]


def meets(record: Mapping[str, Any], name: str, condition: Mapping[str, str | bool]) -> bool:
    """Say whether a search with this condition has to find a record."""
    for key, wanted in condition.items():
        if key == "name_contains":
            if str(wanted).lower() not in name.lower():
                return False
        elif record.get(key) != wanted:
            return False
    return True


def by_path(targets: Sequence[Target]) -> dict[str, Target]:
    """Return the targets by their addresses."""
    return {target.path: target for target in targets}


def _search(category: str, condition: Mapping[str, str | bool]) -> Target:
    words = {
        key: str(value).lower() if isinstance(value, bool) else value for key, value in condition.items()
    }
    query = urlencode({**words, "limit": SEARCH_LIMIT}, quote_via=quote)
    return Target("search", f"{V2}/{category}/search?{query}", 1.0, category, condition=dict(condition))
