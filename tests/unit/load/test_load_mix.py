"""What the load asks for, and in which shares."""

from collections import Counter
from typing import Any

from load.mix import SHARES, Mix
from load.targets import (
    CLIP,
    IMAGE,
    TEXT,
    by_path,
    document_targets,
    meets,
    record_targets,
    search_targets,
    statistics_targets,
)

DOCUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    IMAGE: {f"image {n}": {"name": f"image {n}", "baseline": "xl", "nsfw": n % 2 == 0} for n in range(20)},
    TEXT: {f"maker/Text-{n}": {"name": f"maker/Text-{n}"} for n in range(20)},
    CLIP: {"ViT-L/14": {"name": "ViT-L/14"}},
}
TARGETS = [
    *document_targets(),
    *record_targets(DOCUMENTS),
    *search_targets(DOCUMENTS, seed=1),
    *statistics_targets(),
]


def test_many_requests_have_the_shares_of_their_kinds() -> None:
    mix = Mix(TARGETS, readers=10, seed=3)
    found = Counter(mix.next().kind for _ in range(20_000))
    for kind, share in SHARES.items():
        assert abs(found[kind] / 20_000 - share) < 0.02, kind


def test_shares_are_all_there_is() -> None:
    assert abs(sum(SHARES.values()) - 1) < 1e-9


def test_same_seed_gives_the_same_requests() -> None:
    runs = [[(a.kind, a.target.path, a.reader.number) for a in _some(seed)] for seed in (5, 5, 6)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_first_record_is_asked_for_most() -> None:
    found = Counter(ask.target.name for ask in _some(1, 5000) if ask.kind == "record")
    images = [found[name] for name in DOCUMENTS[IMAGE]]
    assert images[0] == max(images)
    assert images[0] > 3 * images[-1]


def test_kind_without_targets_is_left_out() -> None:
    mix = Mix(document_targets(), readers=2, seed=1)
    assert {mix.next().kind for _ in range(200)} == {"document", "conditional document"}


def test_paths_are_one_target_each() -> None:
    assert len(by_path(TARGETS)) == len(TARGETS)


def test_names_are_encoded_in_paths() -> None:
    paths = [target.path for target in record_targets(DOCUMENTS)]
    assert "/api/model_references/v2/clip/model/ViT-L%2F14" in paths


def test_searches_find_something() -> None:
    for target in search_targets(DOCUMENTS, seed=1):
        records = DOCUMENTS[target.category]
        assert any(meets(record, name, target.condition) for name, record in records.items()), target


def test_every_condition_of_a_search_counts() -> None:
    record = {"nsfw": False, "baseline": "xl"}
    assert meets(record, "Some Name", {"name_contains": "me na", "nsfw": False})
    assert not meets(record, "Some Name", {"name_contains": "me na", "nsfw": True})
    assert not meets(record, "Some Name", {"name_contains": "x", "nsfw": False})


def _some(seed: int, count: int = 100) -> list[Any]:
    mix = Mix(TARGETS, readers=10, seed=seed)
    return [mix.next() for _ in range(count)]
