import json

from horde_model_reference.annotator_catalog import (
    ANNOTATOR_FILES,
    ANNOTATOR_HF_REPO,
    annotators_for_control_types,
)
from horde_model_reference.annotator_records import annotator_records
from horde_model_reference.model_reference_records import ControlNetAnnotatorModelRecord
from support.reference_data import SHARED, requires_shared


@requires_shared
def test_the_records_are_those_of_the_reference() -> None:
    path = SHARED / "data" / "golden" / "v2" / "controlnet_annotator.json"
    expected = {
        name: ControlNetAnnotatorModelRecord.model_validate(record)
        for name, record in json.loads(path.read_text()).items()
    }
    assert annotator_records() == expected
    assert list(annotator_records()) == list(expected)


def test_there_are_sixteen_files_each_with_a_hash_and_a_place_of_its_own() -> None:
    assert len(ANNOTATOR_FILES) == 16
    assert len({item.relative_path for item in ANNOTATOR_FILES}) == 16
    assert {len(item.sha256) for item in ANNOTATOR_FILES} == {64}


def test_a_file_in_a_subfolder_has_it_in_its_place_and_address() -> None:
    (teed,) = annotators_for_control_types(["teed"])
    assert teed.relative_path == "bdsqlsz/qinglong_controlnet-lllite/Annotators/7_model.pth"
    assert teed.origin_url == (
        "https://huggingface.co/bdsqlsz/qinglong_controlnet-lllite/resolve/main/Annotators/7_model.pth"
    )


def test_control_types_need_their_files_once() -> None:
    files = annotators_for_control_types(["fakescribbles", "hed", "depth", "no such"])
    assert [item.filename for item in files] == ["ControlNetHED.pth", "res101.pth", "latest_net_G.pth"]
    assert {item.repo for item in files} == {ANNOTATOR_HF_REPO}
    assert annotators_for_control_types([]) == ()


def test_every_call_makes_records_of_its_own() -> None:
    annotator_records()["annotator_hed"].config.download.clear()
    assert annotator_records()["annotator_hed"].download_count == 1
