"""models.csv changes in few cells, and db.json is what the repository's converter makes of it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.documents import Record, SourceUnreadable
from horde_model_reference.text_rows import COLUMNS
from support.text_models import Row, a_row, models_csv
from support.text_repository_converter import converted_by_the_repository
from sync_worker.domain.text_files import NO_ENTRIES, NO_ROWS, TextFiles, TextResult, updated_text

MESSY = (
    b"name,parameters_bn,display_name,url,baseline,description,style,tags,instruct_format,settings\r\n"
    b'"acme/Foo-7B",7.0,Foo 7B,,,"needless",chat,"b , a, 7B",,"{""top_p"":1.0}"\r\n'
    b"dup/Bar-1B,1,,,,first,,,,\r\n"
    b"dup/Bar-1B,1,,,,second,,,,\n"
    b"gone-3B,3,,,,,,,,\r\n"
    b"\r\n"
    b"last-2.5B,2.5,,,,,generalist,,,"
)


def text_files(csv: bytes) -> TextFiles:
    return TextFiles(csv, converted_by_the_repository(csv))


def entries_of(files: TextFiles) -> dict[str, Any]:
    entries: dict[str, Any] = json.loads(files.db_json)
    return entries


def wanted_after(files: TextFiles, name: str, **changes: Any) -> dict[str, Any]:
    """The entries that a primary serves after a change of one model."""
    entries = entries_of(files)
    for key in keys_of(name):
        entries[key] = {**entries[key], **changes}
    return entries


def keys_of(name: str) -> tuple[str, ...]:
    return (name, f"aphrodite/{name}", f"koboldcpp/{name.rpartition('/')[2]}")


def an_entry(name: str = "acme/New-7B", **members: Any) -> Record:
    return {"name": name, "parameters": 7_000_000_000, **members}


def updated_csv(csv: bytes, wanted: dict[str, Any]) -> bytes:
    """The CSV after an update without problems; db.json has to be the repository's own."""
    result = updated_text(text_files(csv), wanted)
    assert result.problems == ()
    assert result.files.db_json == converted_by_the_repository(result.files.csv)
    return result.files.csv


def without_model(entries: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: entry for key, entry in entries.items() if key not in keys_of(name)}


def test_unchanged_data_give_identical_bytes() -> None:
    files = text_files(MESSY)
    result = updated_text(files, entries_of(files))
    assert result.files == files
    assert (result.drift.total, result.problems, result.lost_models) == (0, (), frozenset())
    assert result.present_models == {"acme/Foo-7B", "dup/Bar-1B", "gone-3B", "last-2.5B"}


def test_one_changed_field_is_one_line_and_three_entries() -> None:
    files = text_files(MESSY)
    result = updated_text(files, wanted_after(files, "acme/Foo-7B", description='x, "y"'))
    assert result.files.csv == MESSY.replace(b'"needless"', b'"x, ""y"""')
    assert result.files.db_json == converted_by_the_repository(result.files.csv)
    assert list(result.drift.modified) == list(keys_of("acme/Foo-7B"))
    assert (result.drift.added, result.drift.removed) == ({}, {})


@pytest.mark.parametrize(
    ("changes", "before", "after"),
    [
        ({"parameters": 6_600_000_000}, ",7.0,", ",6.6,"),
        ({"url": "https://x"}, "Foo 7B,,", "Foo 7B,https://x,"),
        ({"display_name": "New"}, ",Foo 7B,", ",New,"),
        ({"style": "story", "tags": ["7B", "a", "b", "story"]}, ",chat,", ",story,"),
        ({"style": "generalist", "tags": ["7B", "a", "b"]}, ",chat,", ",,"),
        ({"tags": ["7B", "b", "chat"]}, '"b , a, 7B"', '"b, 7B"'),
        ({"tags": ["0", "7B", "a", "b", "chat"]}, '"b , a, 7B"', '"b, a, 7B, 0"'),
        ({"instruct_format": " ChatML"}, ',,"{', ', ChatML,"{'),
        ({"settings": {"top_p": True}}, '"{""top_p"":1.0}"', '"{""top_p"": true}"'),
        ({"settings": {}}, '"{""top_p"":1.0}"', ""),
        ({"settings": '{"n": 1}'}, '"{""top_p"":1.0}"', '"{""n"": 1}"'),
        ({"baseline": "b\n"}, 'Foo 7B,,,"needless"', 'Foo 7B,,"b\n","needless"'),
        ({"baseline": "é"}, 'Foo 7B,,,"needless"', 'Foo 7B,,é,"needless"'),
        ({"parameters": "8000000000.9", "tags": "8B,a,b,chat"}, '7.0,Foo 7B,,,"needless",chat,"b , a, 7B"',
         '8,Foo 7B,,,"needless",chat,"b, a"'),
    ],
)  # fmt: skip
def test_only_the_cells_change_whose_meaning_does(changes: dict[str, Any], before: str, after: str) -> None:
    wanted = wanted_after(text_files(MESSY), "acme/Foo-7B", **changes)
    assert updated_csv(MESSY, wanted).decode() == MESSY.decode().replace(before, after)


def test_a_new_size_leaves_tags_alone_that_do_not_name_it() -> None:
    wanted = wanted_after(text_files(MESSY), "gone-3B", parameters=4_000_000_000, tags=["4B"])
    assert updated_csv(MESSY, wanted) == MESSY.replace(b"gone-3B,3,", b"gone-3B,4,")


@pytest.mark.parametrize(
    "changes",
    [
        {"settings": {"top_p": 1}},
        {"settings": '{"top_p": 1.0}'},
        {"tags": ["chat", "b", "a"]},
        {"tags": "a,b"},
        {"display_name": None},
        {"parameters": 7e9},
        {"parameters": "7000000000.5"},
        {"url": None},
    ],
)
def test_what_means_the_same_changes_nothing(changes: dict[str, Any]) -> None:
    assert updated_csv(MESSY, wanted_after(text_files(MESSY), "acme/Foo-7B", **changes)) == MESSY


def test_removing_the_instruct_format_empties_its_cell() -> None:
    csv = models_csv(a_row("a", instruct_format="ChatML"))
    wanted = wanted_after(text_files(csv), "a", instruct_format="")
    assert updated_csv(csv, wanted) == models_csv(a_row("a"))


def test_new_models_stand_at_the_end_in_the_line_end_of_the_file() -> None:
    wanted = {
        "acme/New-7B": an_entry(display_name="New 7B"),
        **entries_of(text_files(MESSY)),
        "z": an_entry("z"),
    }
    assert updated_csv(MESSY, wanted) == MESSY + b"\r\nacme/New-7B,7,,,,,,,,\r\nz,7,,,,,,,,\r\n"


def test_a_file_of_unix_lines_stays_one() -> None:
    csv = models_csv(a_row("a"), line_end="\n")
    wanted = {**entries_of(text_files(csv)), "b": an_entry("b")}
    assert updated_csv(csv, wanted) == csv + b"b,7,,,,,,,,\n"


def test_a_removed_model_takes_all_its_rows_along_and_no_other() -> None:
    files = text_files(MESSY)
    result = updated_text(files, without_model(entries_of(files), "dup/Bar-1B"))
    assert result.files.csv == b"".join(
        line for line in MESSY.splitlines(keepends=True) if not line.startswith(b"dup/")
    )
    assert result.files.db_json == converted_by_the_repository(result.files.csv)
    assert result.lost_models == {"dup/Bar-1B"}
    assert set(result.drift.removed) == set(keys_of("dup/Bar-1B"))


def test_of_rows_with_one_name_the_last_one_changes() -> None:
    wanted = wanted_after(text_files(MESSY), "dup/Bar-1B", description="third")
    assert updated_csv(MESSY, wanted) == MESSY.replace(b"second", b"third")


def test_the_first_model_of_an_empty_repository_gets_a_row() -> None:
    result = updated_text(TextFiles(), {"a": an_entry("a")})
    assert result.files.csv == models_csv(a_row("a"))
    assert result.files.db_json == converted_by_the_repository(result.files.csv)
    assert TextFiles() == TextFiles(NO_ROWS, NO_ENTRIES)


def test_a_repository_may_lose_its_last_model() -> None:
    result = updated_text(text_files(models_csv(a_row("a"))), {})
    assert result.files == TextFiles()


@pytest.mark.parametrize("parameters", [64_927_633_292, 1, 2_500_000_000, 3_500_000_001, 2**53 - 1])
def test_any_count_survives_as_text(parameters: int) -> None:
    csv = updated_csv(MESSY, {**entries_of(text_files(MESSY)), "new": an_entry("new", parameters=parameters)})
    assert json.loads(converted_by_the_repository(csv))["new"]["parameters"] == parameters


@given(st.integers(1, 10**12))
def test_every_count_is_read_back_by_the_repository(parameters: int) -> None:
    result = updated_text(TextFiles(), {"a": an_entry("a", parameters=parameters)})
    assert result.problems == ()
    assert json.loads(converted_by_the_repository(result.files.csv))["a"]["parameters"] == parameters


@pytest.mark.parametrize(
    ("broken", "path"),
    [
        ({"parameters": None}, "parameters"),
        ({"parameters": 0}, "parameters"),
        ({"parameters": 0.9}, "parameters"),
        ({"parameters": True}, "parameters"),
        ({"parameters": "seven"}, "parameters"),
        ({"settings": {"unknown": 1}}, "settings"),
        ({"settings": []}, "settings"),
        ({"settings": {"n": {}}}, "settings.n"),
        ({"tags": 7}, "tags"),
        ({"tags": [7]}, "tags"),
        ({"tags": ["a,b"]}, "tags"),
        ({"url": 7}, "url"),
        ({"nsfw": "no"}, "nsfw"),
    ],
)
def test_a_bad_record_is_reported_and_its_row_left_alone(broken: dict[str, Any], path: str) -> None:
    files = text_files(MESSY)
    wanted = wanted_after(files, "acme/Foo-7B", **{"description": "lost", **broken})
    wanted["dup/Bar-1B"]["description"] = "changed"
    result = updated_text(files, wanted)
    assert [(problem.name, problem.path) for problem in result.problems] == [("acme/Foo-7B", path)]
    assert not result.problems[0].is_partial
    assert result.files.csv == MESSY.replace(b"second", b"changed")
    assert result.files.db_json == converted_by_the_repository(result.files.csv)


@pytest.mark.parametrize("entry", [None, [], "text", an_entry("x", parameters=0)])
def test_a_bad_record_without_a_row_gets_none(entry: object) -> None:
    result = updated_text(text_files(MESSY), {**entries_of(text_files(MESSY)), "x": entry})
    assert [problem.name for problem in result.problems] == ["x"]
    assert result.files.csv == MESSY


@pytest.mark.parametrize("name", ["https://host/model", " x", "", "  "])
def test_a_name_that_no_row_can_have_is_reported(name: str) -> None:
    result = updated_text(text_files(MESSY), {**entries_of(text_files(MESSY)), name: an_entry(name)})
    assert [(problem.name, problem.path) for problem in result.problems] == [(name, "name")]
    assert result.files.csv == MESSY


def test_a_record_without_parameters_as_the_primary_shows_it_spares_its_old_row() -> None:
    files = text_files(MESSY)
    wanted = wanted_after(files, "last-2.5B", parameters=None)
    result = updated_text(files, wanted)
    assert result.files == files
    assert [problem.name for problem in result.problems] == ["last-2.5B"]


@pytest.mark.parametrize(("tags", "kept"), [([""], ["7B"]), ([" "], ["7B"]), ([" x "], ["7B", "x"])])
def test_tags_lose_what_a_cell_does_not_keep(tags: list[str], kept: list[str]) -> None:
    csv = updated_csv(NO_ROWS, {"a": an_entry("a", tags=tags)})
    assert json.loads(converted_by_the_repository(csv))["a"]["tags"] == kept


@pytest.mark.parametrize("members", [{"description": "x" * 131_073}, {"parameters": 2**62 + 1}])
def test_a_record_that_no_row_can_hold_is_reported(members: dict[str, Any]) -> None:
    files = text_files(models_csv(a_row("a")))
    result = updated_text(files, {"a": an_entry("a", **members), "new": an_entry("new", **members)})
    assert [problem.name for problem in result.problems] == ["a", "new"]
    assert result.files == files


@pytest.mark.parametrize(
    ("members", "paths"),
    [
        ({"nsfw": True, "version": "2"}, ["nsfw", "version"]),
        ({"nsfw": None, "version": ""}, []),
        ({"nsfw": False, "version": "1"}, []),
        ({"note": "x"}, ["note"]),
    ],
)
def test_what_has_no_column_is_reported_once_and_the_rest_carried_over(
    members: dict[str, Any], paths: list[str]
) -> None:
    files = text_files(MESSY)
    wanted = entries_of(files)
    wanted["gone-3B"] |= {"url": "u", **members}
    result = updated_text(files, wanted)
    assert sorted(problem.path for problem in result.problems) == paths
    assert all(problem.is_partial and problem.name == "gone-3B" for problem in result.problems)
    assert result.files.csv == MESSY.replace(b"gone-3B,3,,", b"gone-3B,3,,u")
    again = updated_text(result.files, wanted)
    assert (again.drift.total, again.files) == (0, result.files)


BAD_ROWS = (
    a_row("bad-7B", "seven"),
    a_row("none-7B", ""),
    a_row("set-7B", settings='{"unknown": 1}'),
    a_row("null-7B", settings="null"),
    a_row("list-7B", settings="[]"),
    a_row("", description="nameless"),
)


@pytest.mark.parametrize("bad", BAD_ROWS, ids=lambda row: row["name"] or "nameless")
def test_a_row_that_the_converter_stops_at_is_reported_and_stays_with_its_entries(bad: Row) -> None:
    good = a_row("good-7B")
    csv = models_csv(a_row("first"), bad, good)
    entries = json.loads(
        converted_by_the_repository(models_csv(a_row("first"), a_row(bad["name"], "9"), good))
    )
    wanted = json.loads(converted_by_the_repository(models_csv(a_row("first"), a_row("good-7B", url="u"))))
    db_json = (json.dumps(entries, indent=4) + "\n").encode()
    result = updated_text(TextFiles(csv, db_json), wanted)
    assert result.files.csv == models_csv(a_row("first"), bad, a_row("good-7B", url="u"))
    assert [problem.name for problem in result.problems] == [bad["name"]]
    assert "line 3 of models.csv" in result.problems[0].reason
    after = entries_of(result.files)
    assert list(after) == list(entries)
    assert after[bad["name"]] == entries[bad["name"]]
    assert result.lost_models == frozenset()


def test_entries_that_can_neither_be_made_nor_kept_are_an_error() -> None:
    big = a_row(settings='{"n": 123456789012345678901234567890}')  # the repository keeps it, we cannot
    files = text_files(models_csv(a_row("good/A-1B"), big))
    wanted = {key: entries_of(files)[key] for key in keys_of("good/A-1B")}
    with pytest.raises(SourceUnreadable, match=r"db\.json: .*acme"):
        updated_text(files, wanted)


def test_a_bad_row_without_entries_gets_none() -> None:
    csv = models_csv(a_row("bad", "seven"), a_row("good"))
    result = updated_text(TextFiles(csv, b'{"bad": 7}'), {"good": an_entry("good")})
    assert (result.files.csv, result.files.db_json) == (
        csv,
        converted_by_the_repository(models_csv(a_row("good"))),
    )


@pytest.mark.parametrize("bad", BAD_ROWS[:5], ids=lambda row: row["name"])
def test_a_bad_row_of_a_model_that_the_primary_has_is_mended(bad: Row) -> None:
    csv = models_csv(bad, a_row("good"))
    name = bad["name"]
    result = updated_text(TextFiles(csv), {name: an_entry(name), "good": an_entry("good")})
    assert result.files.csv == models_csv(a_row(name), a_row("good"))
    assert result.problems == ()


def test_a_bad_duplicate_is_reported_and_the_good_row_changes() -> None:
    csv = models_csv(a_row("a"), a_row("a", "bad"))
    result = updated_text(TextFiles(csv), {"a": an_entry("a", url="u")})
    assert result.files.csv == models_csv(a_row("a", url="u"), a_row("a", "bad"))
    assert [problem.name for problem in result.problems] == ["a"]


def test_a_bad_duplicate_goes_with_its_model() -> None:
    csv = models_csv(a_row("a"), a_row("a", "bad"), a_row("b"))
    assert updated_text(TextFiles(csv), {"b": an_entry("b")}).files.csv == models_csv(a_row("b"))


@pytest.mark.parametrize("name", ["koboldcpp/x", "aphrodite/a/x", "https://host/x"])
def test_rows_that_no_primary_can_hold_are_never_removed(name: str) -> None:
    csv = models_csv(a_row(name), a_row("gone"), a_row("a"))
    files = text_files(csv)
    result = updated_text(files, {"a": an_entry("a")})
    assert result.files.csv == models_csv(a_row(name), a_row("a"))
    assert result.files.db_json == converted_by_the_repository(result.files.csv)
    assert [(problem.name, problem.path) for problem in result.problems] == [(name, "name")]


def test_a_row_with_too_few_or_too_many_cells_is_left_alone() -> None:
    csv = models_csv(a_row("a")) + b"short,7\r\nlong,7,,,,,,,,,\r\n"
    result = updated_text(TextFiles(csv), {"a": an_entry("a", url="u")})
    assert result.files.csv == csv.replace(b"a,7,,,", b"a,7,,u,", 1)
    assert [problem.name for problem in result.problems] == ["short", "long"]


def test_a_padded_name_loses_its_padding() -> None:
    csv = models_csv(a_row(" a "), a_row("b"))
    assert updated_csv(csv, {"a": an_entry("a"), "b": an_entry("b")}) == models_csv(a_row("a"), a_row("b"))


def test_a_blank_tag_is_written_out_of_its_cell() -> None:
    csv = models_csv(a_row("a", tags="x,,y"))
    assert updated_csv(csv, {"a": an_entry("a", tags=["7B", "x", "y"])}) == models_csv(a_row("a", tags="x,y"))


def test_a_size_rounded_in_another_way_by_the_repository_is_written_anew() -> None:
    csv = models_csv(a_row("a", "2.5000000001"))
    wanted = {"a": an_entry("a", parameters=2_500_000_000, tags=["2B"])}
    assert json.loads(converted_by_the_repository(csv))["a"]["tags"] == ["3B"]
    assert updated_csv(csv, wanted) == models_csv(a_row("a", "2.5"))


def test_settings_that_the_repository_allows_in_addition_are_carried_over() -> None:
    wanted = {"a": an_entry("a", settings={"new_one": 1})}
    result = updated_text(TextFiles(), wanted, frozenset({"new_one"}))
    assert result.files.csv == models_csv(a_row("a", settings='{"new_one": 1}'))
    assert [problem.path for problem in updated_text(TextFiles(), wanted).problems] == ["settings"]


@pytest.mark.parametrize(
    "files",
    [
        TextFiles(csv=b""),
        TextFiles(csv=b"\xff"),
        TextFiles(csv=NO_ROWS + b'"open'),
        TextFiles(csv=NO_ROWS.replace(b"settings", b"settings,nsfw")),
        TextFiles(csv=NO_ROWS.replace(b"name,parameters_bn", b"parameters_bn,name")),
        TextFiles(csv=b"\xef\xbb\xbf" + NO_ROWS),
        TextFiles(db_json=b"[]"),
        TextFiles(db_json=b"{"),
    ],
)
def test_files_that_cannot_be_read_are_an_error(files: TextFiles) -> None:
    with pytest.raises(SourceUnreadable, match=r"models\.csv|db\.json"):
        updated_text(files, {"a": an_entry("a")})


words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6)
tag_words = st.text(st.sampled_from("ab7B é"), max_size=3).map(str.strip).filter(bool)
model_names = st.sampled_from(["acme/Foo-7B", "acme/Bar_x", "plain", "other/Foo-8B", "ö", 'q,"x"'])
settings_values = st.dictionaries(
    st.sampled_from(["n", "top_p", "temperature", "stop_sequence"]),
    st.integers(-5, 5) | st.floats(0, 2) | st.booleans() | words | st.lists(words, max_size=2),
    max_size=2,
)


@st.composite
def entries(draw: st.DrawFn) -> Record:
    """A plain entry as a primary expands it."""
    style = draw(st.sampled_from(["", "chat", "generalist", "a"]))
    parameters = draw(st.integers(1, 10**12) | st.integers(1, 40).map(lambda half: half * 500_000_000))
    tags = {*draw(st.lists(tag_words, max_size=3)), f"{round(parameters / 10**9)}B", *filter(None, [style])}
    return {
        "baseline": draw(words),
        "parameters": parameters,
        "description": draw(words),
        "version": "1",
        "style": style or "generalist",
        "nsfw": False,
        "display_name": draw(words),
        "url": draw(words),
        "tags": sorted(tags),
        "instruct_format": draw(words),
        "settings": draw(settings_values),
    }


catalogues = st.dictionaries(model_names, entries(), max_size=5).map(
    lambda found: {name: {"name": name, **entry} for name, entry in found.items()}
)


def shown(entry: Record) -> Record:
    """What of an entry is there in db.json, without names and automatic ones."""
    ignored = {"name", "model_name", "display_name" if not entry.get("display_name") else ""}
    return {key: value for key, value in entry.items() if key not in ignored and value not in ("", {}, [])}


@given(catalogues, catalogues)
def test_from_any_state_to_any_other_the_repository_agrees(
    before: dict[str, Record], after: dict[str, Record]
) -> None:
    first = updated_text(TextFiles(), before)
    assert_carried_over(first, before)
    second = updated_text(first.files, after)
    assert_carried_over(second, after)
    for name, rows in lines_by_name(first.files.csv).items():
        if name in after and json.dumps(after[name]) == json.dumps(before[name]):
            assert lines_by_name(second.files.csv)[name] == rows
    again = updated_text(second.files, after)
    assert (again.drift.total, again.files) == (0, second.files)


def assert_carried_over(result: TextResult, wanted: dict[str, Record]) -> None:
    assert result.problems == ()
    assert result.files.db_json == converted_by_the_repository(result.files.csv)
    found = entries_of(result.files)
    assert {name for name in found if not name.startswith(("aphrodite/", "koboldcpp/"))} == set(wanted)
    for name, entry in wanted.items():
        assert {key: found[name][key] for key in shown(entry)} == shown(entry)


def lines_by_name(csv: bytes) -> dict[str, bytes]:
    """The text of each row; of files whose names are known."""
    names = ["acme/Foo-7B", "acme/Bar_x", "plain", "other/Foo-8B", "ö", '"q,""x"""']
    rows = csv.decode().split("\r\n")[1:]
    return {
        name.strip('"').replace('""', '"'): row.encode()
        for name in names
        for row in rows
        if row.startswith(f"{name},")
    }


def test_the_columns_are_those_of_the_specification() -> None:
    assert ",".join(COLUMNS).encode() + b"\r\n" == NO_ROWS
