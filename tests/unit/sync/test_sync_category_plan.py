"""What is planned for one category, of good data and of bad."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.documents import Record
from support.json_values import json_values
from support.model_records import a_small_legacy_record, canonical_file
from support.reference_data import SHARED, requires_shared
from support.text_models import a_row, models_csv
from support.text_repository_converter import DEFAULTS, SETTINGS, converted_by_the_repository
from sync_worker.domain.category_plan import (
    CategoryOutcome,
    PlanOptions,
    plan_category,
    repository_files,
    synced_categories,
)
from sync_worker.domain.drift import Drift
from sync_worker.domain.line_changes import line_changes

LIMITS = PlanOptions(max_removed_percent=20, force=False)
FORCED = PlanOptions(max_removed_percent=20, force=True)
DATA = SHARED / "data"


def records(count: int, **fields: object) -> dict[str, Record]:
    return {f"m{number}": a_small_legacy_record(f"m{number}", **fields) for number in range(count)}


def planned(wanted: object, present: bytes | None, options: PlanOptions = LIMITS) -> CategoryOutcome:
    body = wanted if isinstance(wanted, bytes) else json.dumps(wanted).encode()
    return plan_category("esrgan", body, {"esrgan.json": present}, options)


def text_repository(csv: bytes, **files: bytes | None) -> dict[str, bytes | None]:
    present: dict[str, bytes | None] = {
        "models.csv": csv,
        "db.json": converted_by_the_repository(csv),
        "defaults.json": json.dumps(DEFAULTS).encode(),
        "generation_params.json": json.dumps(dict.fromkeys(SETTINGS, 1)).encode(),
    }
    return present | {
        path.replace("_json", ".json").replace("_csv", ".csv"): body for path, body in files.items()
    }


def text_planned(
    csv: bytes, present: dict[str, bytes | None], options: PlanOptions = LIMITS
) -> CategoryOutcome:
    """The plan for a primary that holds what this CSV says."""
    return plan_category("text_generation", converted_by_the_repository(csv), present, options)


def rows(count: int, **cells: str) -> list[Any]:
    return [a_row(f"acme/m{number}", **cells) for number in range(count)]


def test_the_categories_with_a_file_are_known_in_the_order_of_comparison() -> None:
    assert synced_categories() == (
        "blip",
        "clip",
        "codeformer",
        "controlnet",
        "esrgan",
        "gfpgan",
        "safety_checker",
        "image_generation",
        "text_generation",
        "miscellaneous",
    )
    assert repository_files("image_generation") == ("stable_diffusion.json",)
    assert repository_files("text_generation")[:2] == ("models.csv", "db.json")


def test_no_drift_changes_no_file_whatever_the_form() -> None:
    present = b'{"b": {"x": 1.0}, "a": {}}'
    outcome = planned({"a": {}, "b": {"x": 1}}, present)
    assert outcome.drift is not None
    assert (outcome.drift.total, outcome.files, outcome.failure) == (0, {}, None)


def test_a_changed_record_changes_the_file_of_its_category() -> None:
    wanted = records(2)
    wanted["m0"]["version"] = "2"
    outcome = planned(wanted, canonical_file(records(2)))
    assert outcome.files == {"esrgan.json": canonical_file(wanted)}
    assert outcome.drift is not None
    assert list(outcome.drift.modified) == ["m0"]
    assert outcome.failure is None


def test_a_file_that_is_missing_is_created_as_the_primary_has_it() -> None:
    body = canonical_file(records(2)).replace(b"\n", b"\r\n")
    outcome = planned(body, None)
    assert outcome.files == {"esrgan.json": body}
    assert outcome.drift is not None
    assert list(outcome.drift.added) == ["m0", "m1"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"a": ', b'{"a": 1}', b'{"a": {"x": NaN}}', b'{"a": null}', b"\xff"]
)
def test_an_answer_that_cannot_be_used_is_a_failure_of_the_category(body: bytes) -> None:
    outcome = planned(body, canonical_file(records(1)))
    assert outcome.failure is not None
    assert "the answer of the primary" in outcome.failure
    assert (outcome.files, outcome.drift) == ({}, None)


FLAWED = [b'{"a": 1, "a": 2}', b'{"a": "\\ud800"}', b'{"a": 1e999}', b"[1]", b"null"]


def with_odd_record(odd: bytes) -> bytes:
    """Return a file with a good record, and one that a seeding from it can only take over as text."""
    return canonical_file(records(1)).rstrip(b"}\n") + b'},\n    "odd": ' + odd + b"\n}\n"


@pytest.mark.parametrize("odd", FLAWED)
def test_a_flawed_record_that_both_have_does_not_block_its_category(odd: bytes) -> None:
    present = with_odd_record(odd)
    assert planned(present, present) == CategoryOutcome("esrgan", drift=Drift("esrgan", {}, {}, {}))
    changed = present.replace(b'"name": "m0"', b'"name": "other"')
    assert changed != present
    served = changed.replace(b"\n", b"\r\n")
    outcome = planned(served, present)
    assert (outcome.failure, outcome.files) == (None, {"esrgan.json": changed})
    loss = planned(b'{"odd": ' + odd + b"}", present)
    assert (loss.failure, loss.drift and list(loss.drift.removed)) == (None, ["m0"])


@pytest.mark.parametrize("odd", FLAWED)
def test_a_flawed_record_that_github_has_otherwise_is_a_failure_that_names_it(odd: bytes) -> None:
    same = with_odd_record(b'{"a": 1, "a": 3}')
    for present in (same, canonical_file(records(1)), None):
        outcome = planned(with_odd_record(odd), present)
        assert outcome.failure is not None
        assert outcome.failure.startswith("the answer of the primary: 'odd'")
        assert (outcome.files, outcome.drift) == ({}, None)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"a": ', b"\xff"])
def test_a_file_that_cannot_be_read_is_a_failure_of_the_category(body: bytes) -> None:
    outcome = planned(records(1), body)
    assert outcome.failure is not None
    assert "esrgan.json" in outcome.failure
    assert (outcome.files, outcome.drift) == ({}, None)


def test_an_empty_answer_is_refused_and_its_drift_told() -> None:
    outcome = planned({}, canonical_file(records(1)))
    assert outcome.failure == "the primary shows no model at all, and GitHub has 1"
    assert outcome.files == {}
    assert outcome.drift is not None
    assert outcome.drift.total == 1
    assert planned({}, canonical_file(records(1)), FORCED).files == {"esrgan.json": b"{}\n"}


@pytest.mark.parametrize("body", [b"{}", None])
def test_nothing_on_either_side_is_no_failure(body: bytes | None) -> None:
    outcome = planned({}, body)
    assert (outcome.failure, outcome.files) == (None, {})


def test_a_large_loss_is_refused_unless_forced() -> None:
    present = canonical_file(records(20))
    assert planned(records(15), present).files != {}
    outcome = planned(records(14), present)
    assert outcome.failure is not None
    assert "6 of 20 models" in outcome.failure
    assert outcome.files == {}
    assert planned(records(14), present, FORCED).files == {"esrgan.json": canonical_file(records(14))}


def test_new_models_do_not_make_up_for_lost_ones() -> None:
    others = {f"other {name}": record for name, record in records(20).items()}
    assert planned(others, canonical_file(records(20))).failure is not None


def test_text_without_drift_changes_neither_file() -> None:
    csv = models_csv(*rows(3))
    outcome = text_planned(csv, text_repository(csv))
    assert outcome.drift is not None
    assert (outcome.drift.total, outcome.files, outcome.failure, outcome.problems) == (0, {}, None, ())


def test_a_text_change_changes_both_files_and_counts_three_times() -> None:
    csv, wanted = models_csv(*rows(3)), models_csv(*rows(2), a_row("acme/m2", url="u"))
    outcome = text_planned(wanted, text_repository(csv))
    assert outcome.files == {"models.csv": wanted, "db.json": converted_by_the_repository(wanted)}
    assert outcome.drift is not None
    assert outcome.drift.total == 3


def test_only_db_json_changes_where_only_that_is_wrong() -> None:
    csv = models_csv(*rows(3))
    present = text_repository(csv, db_json=converted_by_the_repository(models_csv(*rows(2))))
    assert text_planned(csv, present).files == {"db.json": converted_by_the_repository(csv)}


def test_without_drift_of_db_json_models_csv_is_left_alone() -> None:
    csv, wanted = models_csv(*rows(3)), models_csv(*rows(2))
    present = text_repository(csv, db_json=converted_by_the_repository(wanted))
    outcome = text_planned(wanted, present)
    assert (outcome.files, outcome.failure) == ({}, None)
    assert [(problem.path, problem.is_partial) for problem in outcome.problems] == [("models.csv", True)]


@pytest.mark.parametrize(
    "missing", [{"db_json": None}, {"db_json": None, "models_csv": None}, {"models_csv": None}]
)
def test_text_files_that_are_missing_are_created(missing: dict[str, None]) -> None:
    csv = models_csv(*rows(2))
    before = models_csv(*rows(1)) if "db_json" not in missing else csv
    outcome = text_planned(csv, text_repository(before, **missing))
    for path, body in (("models.csv", csv), ("db.json", converted_by_the_repository(csv))):
        assert outcome.files.get(path, before if path == "models.csv" else None) == body


def test_text_files_without_their_rules_are_read_by_the_known_ones() -> None:
    csv, wanted = models_csv(a_row()), models_csv(a_row(settings='{"top_p": 1}'))
    present = text_repository(csv, defaults_json=None, generation_params_json=None)
    assert text_planned(wanted, present).files["models.csv"] != csv


def test_other_defaults_in_the_repository_are_a_failure() -> None:
    csv = models_csv(a_row())
    changed = json.dumps({**DEFAULTS, "version": 1}).encode()
    outcome = text_planned(models_csv(a_row(url="u")), text_repository(csv, defaults_json=changed))
    assert outcome.failure == "defaults.json holds other defaults than those known here"
    assert outcome.files == {}


def test_defaults_in_another_order_would_give_another_db_json() -> None:
    csv = models_csv(a_row())
    turned = json.dumps(dict(reversed(DEFAULTS.items()))).encode()
    outcome = text_planned(models_csv(a_row(url="u")), text_repository(csv, defaults_json=turned))
    assert outcome.failure == "defaults.json holds other defaults than those known here"
    assert outcome.files == {}


def test_settings_are_those_that_the_repository_allows() -> None:
    csv, wanted = models_csv(a_row()), models_csv(a_row(settings='{"top_p": 1}'))
    outcome = text_planned(wanted, text_repository(csv, generation_params_json=b'{"n": 1}'))
    assert [problem.path for problem in outcome.problems] == ["settings"]
    assert outcome.files == {}


@pytest.mark.parametrize("path", ["models_csv", "db_json", "defaults_json", "generation_params_json"])
def test_a_text_file_that_cannot_be_read_is_a_failure(path: str) -> None:
    csv = models_csv(a_row())
    outcome = text_planned(models_csv(a_row(url="u")), text_repository(csv, **{path: b"\xff"}))
    assert outcome.failure is not None
    assert path.replace("_", ".").replace("generation.params", "generation_params") in outcome.failure


@pytest.mark.parametrize("answer", [b"{}", b'{"aphrodite/a": {}, "koboldcpp/a": {}}'])
def test_an_answer_without_any_text_model_is_refused(answer: bytes) -> None:
    outcome = plan_category("text_generation", answer, text_repository(models_csv(a_row())), LIMITS)
    assert outcome.failure == "the primary shows no model at all, and GitHub has 1"
    assert outcome.files == {}


def test_lost_text_models_are_counted_once_and_not_three_times() -> None:
    present = text_repository(models_csv(*rows(20)))
    assert text_planned(models_csv(*rows(15)), present).files != {}
    outcome = text_planned(models_csv(*rows(14)), present)
    assert outcome.failure is not None
    assert "6 of 20 models" in outcome.failure


def test_rows_that_db_json_does_not_show_count_as_lost() -> None:
    present = text_repository(models_csv(*rows(20)), db_json=None)
    outcome = text_planned(models_csv(*rows(10)), present)
    assert outcome.failure is not None
    assert "10 of 20 models" in outcome.failure


@given(st.binary(max_size=20) | json_values.map(lambda value: json.dumps(value).encode()), st.data())
def test_bad_data_never_raise(body: bytes, data: st.DataObject) -> None:
    present = data.draw(st.none() | st.binary(max_size=20) | st.just(b'{"a": {}}'))
    assert planned(body, present).category == "esrgan"
    files = dict.fromkeys(repository_files("text_generation"), present)
    assert plan_category("text_generation", body, files, LIMITS).category == "text_generation"


@given(st.dictionaries(st.sampled_from("abc"), json_values))
def test_odd_text_records_never_raise_and_never_touch_a_good_row(answer: dict[str, Any]) -> None:
    csv = models_csv(a_row("good"))
    wanted = {**answer, **json.loads(converted_by_the_repository(csv))}
    outcome = plan_category("text_generation", json.dumps(wanted).encode(), text_repository(csv), LIMITS)
    assert outcome.files.get("models.csv", csv).startswith(csv)


def real_files(category: str) -> dict[str, bytes | None]:
    folder = "text" if category == "text_generation" else "image"
    return {path: (DATA / folder / path).read_bytes() for path in repository_files(category)}


def answer_of(category: str) -> bytes:
    """What a primary serves that was seeded with the real files."""
    files = real_files(category)
    return files["db.json" if category == "text_generation" else repository_files(category)[0]] or b""


@requires_shared
@pytest.mark.parametrize("category", synced_categories())
def test_the_real_files_do_not_differ_from_themselves(category: str) -> None:
    outcome = plan_category(category, answer_of(category), real_files(category), LIMITS)
    assert outcome.drift is not None
    assert (outcome.drift.total, outcome.files, outcome.failure, outcome.problems) == (0, {}, None, ())


@requires_shared
@pytest.mark.parametrize(
    "changes",
    [
        {"description": "changed"},
        {"parameters": 64_927_633_292},
        {"settings": {"top_p": 0.5}},
        {"url": ""},
        {"display_name": "Changed"},
        {"baseline": 'a, "b"'},
    ],
)  # fmt: skip
def test_one_change_of_the_real_text_data_is_one_line_and_three_entries(changes: dict[str, Any]) -> None:
    present = real_files("text_generation")
    entries = json.loads(answer_of("text_generation"))
    for name in list(entries)[::900]:  # plain entries of a few models
        wanted = {key: dict(entry) for key, entry in entries.items()}
        for key in (name, f"aphrodite/{name}", f"koboldcpp/{name.split('/')[-1]}"):
            wanted[key] |= changes
            if "parameters" in changes:
                old_size = f"{round(entries[name]['parameters'] / 10**9)}B"
                wanted[key]["tags"] = sorted({*wanted[key]["tags"], "65B"} - {old_size})
        outcome = plan_category("text_generation", json.dumps(wanted).encode(), present, LIMITS)
        assert (outcome.failure, outcome.problems) == (None, ())
        csv = outcome.files["models.csv"]
        assert outcome.files["db.json"] == converted_by_the_repository(csv)
        old, new = (present["models.csv"] or b"").split(b"\r\n"), csv.split(b"\r\n")
        [change] = line_changes(old, new)
        assert (change.old_end - change.old_start, change.new_end - change.new_start) == (1, 1)
        after = json.loads(outcome.files["db.json"])
        assert list(after) == list(entries)
        assert len([key for key in entries if entries[key] != after[key]]) == 3


@requires_shared
def test_a_removed_real_text_model_takes_its_duplicate_rows_along() -> None:
    present = real_files("text_generation")
    name = "lightblue/Karasu-Mixtral-8x22B-v0.1"
    entries = json.loads(answer_of("text_generation"))
    for key in (name, f"aphrodite/{name}", "koboldcpp/Karasu-Mixtral-8x22B-v0.1"):
        del entries[key]
    outcome = plan_category("text_generation", json.dumps(entries).encode(), present, LIMITS)
    lines = (present["models.csv"] or b"").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(name.encode())]
    assert len(lines) - len(kept) == 2
    assert outcome.files["models.csv"] == b"".join(kept)
    assert outcome.files["db.json"] == converted_by_the_repository(b"".join(kept))


@requires_shared
def test_the_converter_of_these_tests_makes_the_real_db_json() -> None:
    """What the other tests compare with agrees with what the repository itself has made."""
    cases = DATA / "golden" / "cases"
    for csv, db_json in ((DATA / "text" / "models.csv", DATA / "text" / "db.json"),
                         (cases / "expand.csv", cases / "expand.db.json")):  # fmt: skip
        assert converted_by_the_repository(csv.read_bytes()) == db_json.read_bytes()
