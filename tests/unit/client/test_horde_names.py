import json

import pytest

from horde_model_reference.integrations.horde_names import (
    MAX_LENGTH,
    Attribution,
    Backend,
    ImageModelNames,
    TextModelNames,
)
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
    assert names.attribute("DELIBERATE") == Attribution("Deliberate", Backend.CANONICAL)
    assert names.attribute("koboldcpp/Other") is None


@pytest.mark.parametrize(
    ("horde_name", "model", "backend"),
    [
        ("author/Model-8B", "author/Model-8B", "canonical"),
        ("AUTHOR/model-8b", "author/Model-8B", "canonical"),
        ("Model-8B", "author/Model-8B", "canonical"),
        ("aphrodite/author/Model-8B", "author/Model-8B", "aphrodite"),
        ("koboldcpp/Model-8B", "author/Model-8B", "koboldcpp"),
        ("KoboldCpp/Model-8B", "author/Model-8B", "koboldcpp"),
        ("koboldcpp/someone-else/Model-8B", "author/Model-8B", "koboldcpp"),
        ("tabbyapi/Model-8B", "author/Model-8B", "other"),
        ("tabbyapi/Model-8B-GPTQ", "author/Model-8B", "other"),
        ("someone-else/Model-8B", "author/Model-8B", "other"),
        ("koboldcpp/Model-8B::owner", "author/Model-8B", "koboldcpp"),
        ("koboldcpp/Model-8B-Q4_K_M", "author/Model-8B", "koboldcpp"),
        ("koboldcpp/Model-8B.i1-IQ4_XS", "author/Model-8B", "koboldcpp"),
        ("koboldcpp/Model-8B.Q4_K_M.gguf", "author/Model-8B", "koboldcpp"),
        ("Model-8B-gptq-4bit", "author/Model-8B", "canonical"),
        ("Model-8B_4.65bpw-exl2", "author/Model-8B", "canonical"),
        ("Model-8B-fp8-int4", "author/Model-8B", "canonical"),
        ("Model-8B-Q4-Q5-Q6", "author/Model-8B", "canonical"),
        ("plain", "Plain", "canonical"),
        ("two/Twice", "two/Twice", "canonical"),
        ("Merge-v1.5-gguf", "author/Merge-v1.5-gguf", "canonical"),
    ],
)
def test_a_name_of_the_horde_means_a_text_model_and_a_backend(
    horde_name: str, model: str, backend: str
) -> None:
    assert TextModelNames(NAMES).attribute(horde_name) == Attribution(model, Backend(backend))


@pytest.mark.parametrize(
    "horde_name",
    [
        "koboldcpp/Model-8B::a::b",
        "Model-8B-Q4-Q5-Q6-Q8",
        "Model-8B-instruct",
        "Model",
        "Twice",
        "three/Twice",
        "Merge-v1.5",
        "Model-8B-Q4\n",
        "koboldcpp/",
        "/",
        "",
    ],
)
def test_a_name_that_means_none_of_the_text_models_is_left_alone(horde_name: str) -> None:
    assert TextModelNames(NAMES).attribute(horde_name) is None


def test_a_model_without_a_name_behind_its_author_does_not_collect_the_unknown() -> None:
    assert TextModelNames(["author/"]).attribute("stranger") is None


def test_the_tail_of_an_endless_name_is_not_looked_for() -> None:
    endless = "Model-8B" + "_q4" * 100_000
    assert TextModelNames(["Model-8B"]).attribute(endless) is None
    long = "M" * (MAX_LENGTH - 3)
    names = TextModelNames([long, f"{long}M"])
    assert names.attribute(f"{long}-q4") == Attribution(long, Backend.CANONICAL)
    assert names.attribute(f"{long}M-q4") is None


@requires_shared
def test_the_sample_of_real_names_is_attributed_as_it_should_be() -> None:
    folder = SHARED / "data" / "golden"
    sample = json.loads((folder / "statistics" / "corrected_text_attribution_sample.json").read_bytes())
    rows = (SHARED / "data" / "text" / "models.csv").read_text("utf-8").splitlines()[1:]
    names = TextModelNames(row.split(",", 1)[0].strip('"') for row in rows)
    found = {name: names.attribute(name) for name in sample["names"]}
    assert found == {
        name: None if model is None else Attribution(model, Backend(backend))
        for name, (model, backend) in sample["names"].items()
    }
