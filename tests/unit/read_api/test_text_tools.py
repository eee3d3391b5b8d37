import json
from typing import Any

from read_api.domain.group_answers import group_value, saved_schema
from read_api.domain.legacy_groups import legacy_with_groups_steps
from read_api.domain.text_tools import TextTools
from read_api.pages import build_pages
from registry.catalogue import NameSchema, SideData
from service_kit.slices import Workshop, run_now
from support.contents import a_content, a_record

SIDE_DATA = SideData(
    aliases={"Marx": ("Engels", "Karl")},
    families={"Thinkers": ("Marx", "Hegel")},
    name_schemas={"Marx": NameSchema(separator="_")},
)


def a_text(name: str, group: str | None, **fields: Any) -> dict[str, Any]:
    return a_record("text_generation", name, text_model_group=group, **fields)


def tools_over(*records: dict[str, Any], side_data: SideData = SIDE_DATA) -> TextTools:
    content = a_content({"text_generation": {one["name"]: one for one in records}}, side_data=side_data)
    tools = build_pages(content).text
    assert tools is not None
    return tools


MARX_3B = a_text("acrastt/Marx-3B-V3", "Marx", baseline="StableLM", tags=["x"])
MARX_7B = a_text("acrastt/Marx-7B", "Marx", baseline="StableLM", description="larger", tags=["x"])
HEGEL = a_text("Hegel-1B", "Hegel", baseline=" padded ")
LONER = a_text("no-group", None)


def test_a_group_has_its_members_in_source_order_and_what_they_share() -> None:
    tools = tools_over(MARX_7B, HEGEL, MARX_3B, LONER)
    view = tools.models.view("Marx")
    assert view is not None

    value = group_value(view, tools.side_data, tools.canonical_groups)

    assert [member["name"] for member in value["members"]] == ["acrastt/Marx-7B", "acrastt/Marx-3B-V3"]
    assert value["common_fields"] == {"baseline": "StableLM", "nsfw": False, "tags": ["x"]}
    assert value["available_sizes"] == ("3B", "7B")
    assert value["available_versions"] == (None, "V3")
    assert value["name_schema_is_custom"] is True
    assert value["name_format"]["separator"] == "_"
    assert value["related_family"] == {"family_name": "Thinkers", "members": ["Hegel", "Marx"]}
    assert value["members"][0]["parsed"]["size"] == "7B"


def test_a_group_without_members_is_none() -> None:
    tools = tools_over(MARX_3B)

    assert tools.models.view("Engels") is None
    assert tools.models.view("") is None


def test_the_schema_of_an_alias_is_that_of_its_canonical_group() -> None:
    tools = tools_over(MARX_3B)

    assert saved_schema("Karl", tools.side_data, tools.canonical_groups) == NameSchema(separator="_")
    assert saved_schema("Hegel", tools.side_data, tools.canonical_groups) is None


def test_baselines_are_trimmed_and_distinct() -> None:
    assert tools_over(MARX_3B, MARX_7B, HEGEL, LONER).models.baselines == {"StableLM", "padded"}


async def test_the_overview_counts_groups_models_and_issues() -> None:
    tools = tools_over(MARX_3B, HEGEL, MARX_7B, LONER)
    overview = await tools.overview.get(Workshop())

    summary, health = json.loads(overview.summary.identity), json.loads(overview.health.identity)

    assert [group["group_name"] for group in summary["groups"]] == ["Hegel", "Marx"]
    assert (summary["total_groups"], summary["total_models"]) == (2, 3)
    assert (summary["groups_with_families"], summary["groups_with_aliases"]) == (2, 1)
    hegel, marx = summary["groups"]
    assert marx["aliases"] == ["Engels", "Karl"]
    assert marx["family_name"] == "Thinkers"
    assert hegel["has_custom_schema"] is False
    assert [issue["issue_type"] for issue in hegel["health_issues"]] == [
        "singleton_group",
        "missing_description",
    ]
    assert health["issue_counts_by_type"] == {"singleton_group": 1, "missing_description": 2}
    assert health["groups_with_issues"] == summary["groups_with_issues"] == 2


async def test_an_alias_that_is_a_group_itself_names_its_canonical_group() -> None:
    tools = tools_over(a_text("Engels-2B", "Engels"))

    summary = json.loads((await tools.overview.get(Workshop())).summary.identity)

    assert summary["groups"][0]["alias_canonical"] == "Marx"
    assert summary["groups"][0]["aliases"] == []


async def test_groups_for_families_come_from_the_names_with_aliases_applied() -> None:
    tools = tools_over(a_text("x/Karl-2B", "whatever"), HEGEL)

    assert await tools.named_groups.get(Workshop()) == ("Hegel", "Marx")


def test_the_legacy_document_gets_the_group_and_its_summary_in_every_entry() -> None:
    legacy = json.dumps(
        {
            "a/Foo-7B": {"name": "a/Foo-7B", "baseline": "x", "tags": ["t"], "nsfw": True},
            "aphrodite/a/Foo-7B": {"name": "aphrodite/a/Foo-7B", "baseline": "", "description": "ü"},
            "Bar": {"name": "Bar"},
        },
        indent=4,
    ).encode()

    document = run_now(legacy_with_groups_steps(legacy))

    entries = json.loads(document.identity)
    assert list(entries) == ["a/Foo-7B", "aphrodite/a/Foo-7B", "Bar"]
    assert {name: entry["text_model_group"] for name, entry in entries.items()} == {
        "a/Foo-7B": "Foo",
        "aphrodite/a/Foo-7B": "Foo",
        "Bar": "Bar",
    }
    summary = entries["a/Foo-7B"]["text_model_group_summary"]
    assert summary == entries["aphrodite/a/Foo-7B"]["text_model_group_summary"]
    assert summary["member_count"] == 2
    assert summary["common_baseline"] == "x"
    assert (summary["any_nsfw"], summary["any_has_description"]) == (True, True)
    assert "extra_parts" not in summary["name_format"]
    assert document.identity.isascii()
    assert b'": {"name": "a/Foo-7B", ' in document.identity
    assert b"\n" not in document.identity
