"""Which family a text model belongs to."""

from stats.domain.text_group_names import family_names
from support.recorded_statistics import real_records
from support.reference_data import requires_shared


def test_sizes_variants_and_publishers_make_no_family() -> None:
    names = ["Qwen/Qwen2.5-7B-Instruct", "other/Qwen2.5-72B", "Qwen/Qwen3-8B"]
    assert list(family_names(names, {}).items()) == [
        ("Qwen/Qwen2.5-7B-Instruct", "Qwen2.5"),
        ("other/Qwen2.5-72B", "Qwen2.5"),
        ("Qwen/Qwen3-8B", "Qwen3"),
    ]


def test_an_alias_belongs_to_the_group_it_stands_for() -> None:
    names = ["a/Old-7B", "a/New-7B", "a/Third-7B"]
    assert family_names(names, {"New": ("Old", "Older")}) == {
        "a/Old-7B": "New",
        "a/New-7B": "New",
        "a/Third-7B": "Third",
    }


def test_an_alias_of_an_alias_is_followed_one_step() -> None:
    assert family_names(["a/A-7B"], {"B": ("A",), "C": ("B",)}) == {"a/A-7B": "B"}


@requires_shared
def test_the_real_models_are_419_families() -> None:
    families = family_names(real_records("text_generation"), {})
    assert (len(families), len(set(families.values()))) == (719, 419)
