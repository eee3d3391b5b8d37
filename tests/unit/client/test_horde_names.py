import json

import pytest

from horde_model_reference.integrations.horde_names import ImageModelNames, TextModelNames
from support.reference_data import SHARED, requires_shared

NAMES = [
    "author/Model-8B",
    "Plain",
    "one/Twice",
    "two/Twice",
    "koboldcpp-lover/Odd",
    "author/Merge-v1.5-gguf",
]


def test_image_models_are_found_without_regard_to_letter_case() -> None:
    names = ImageModelNames(["Deliberate", "deliberate", "Other"])
    assert names.owner("DELIBERATE") == "Deliberate"
    assert names.owner("koboldcpp/Other") is None


@pytest.mark.parametrize(
    ("horde_name", "owner"),
    [
        ("author/Model-8B", "author/Model-8B"),
        ("AUTHOR/model-8b", "author/Model-8B"),
        ("Model-8B", "author/Model-8B"),
        ("aphrodite/author/Model-8B", "author/Model-8B"),
        ("koboldcpp/Model-8B", "author/Model-8B"),
        ("KoboldCpp/Model-8B", "author/Model-8B"),
        ("tabbyapi/Model-8B", "author/Model-8B"),
        ("someone-else/Model-8B", "author/Model-8B"),
        ("koboldcpp/Model-8B::owner", "author/Model-8B"),
        ("koboldcpp/Model-8B::a::b", None),
        ("koboldcpp/Model-8B-Q4_K_M", "author/Model-8B"),
        ("koboldcpp/Model-8B.i1-IQ4_XS", "author/Model-8B"),
        ("koboldcpp/Model-8B.Q4_K_M.gguf", "author/Model-8B"),
        ("Model-8B-gptq-4bit", "author/Model-8B"),
        ("Model-8B_4.65bpw-exl2", "author/Model-8B"),
        ("Model-8B-fp8-int4", "author/Model-8B"),
        ("Model-8B-Q4-Q5-Q6", "author/Model-8B"),
        ("Model-8B-Q4-Q5-Q6-Q8", None),
        ("Model-8B-instruct", None),
        ("Model", None),
        ("plain", "Plain"),
        ("Twice", None),
        ("two/Twice", "two/Twice"),
        ("three/Twice", None),
        ("Merge-v1.5-gguf", "author/Merge-v1.5-gguf"),
        ("Merge-v1.5", None),
        ("", None),
    ],
)
def test_a_name_of_the_horde_means_one_text_model_or_none(horde_name: str, owner: str | None) -> None:
    assert TextModelNames(NAMES).owner(horde_name) == owner


@requires_shared
def test_the_sample_of_real_names_is_attributed_as_it_should_be() -> None:
    folder = SHARED / "data" / "golden"
    sample = json.loads((folder / "statistics" / "corrected_text_attribution_sample.json").read_bytes())
    rows = (SHARED / "data" / "text" / "models.csv").read_text("utf-8").splitlines()[1:]
    names = TextModelNames(row.split(",", 1)[0].strip('"') for row in rows)
    assert {name: names.owner(name) for name in sample["names"]} == {
        name: owner for name, (owner, _) in sample["names"].items()
    }
