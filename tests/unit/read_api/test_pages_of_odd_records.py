"""What a replica gets may be odd; one odd record must not keep a revision from being served."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from read_api.domain.group_answers import overview_steps
from read_api.domain.search import SearchQuery, check, search
from read_api.domain.search_table import rank_steps
from read_api.pages import build_pages
from registry.content import CatalogueContent
from service_kit.slices import run_now
from support.contents import SEED_TIME, category_content
from support.json_values import json_values

FIELDS = st.sampled_from(
    [
        "name",
        "tags",
        "nsfw",
        "inpainting",
        "baseline",
        "parameters",
        "text_model_group",
        "description",
        "settings",
        "config",
        "size_on_disk_bytes",
        "url",
        "style",
    ]
)
odd_records = st.dictionaries(
    st.sampled_from(["a", "koboldcpp/b-7B", "Author/c-13B-Q4", ""]),
    st.dictionaries(FIELDS, json_values, max_size=6),
    max_size=3,
)


@pytest.mark.parametrize("category", ["text_generation", "image_generation"])
@settings(max_examples=40, deadline=None)
@given(records=odd_records)
def test_odd_records_are_served_as_they_are(category: str, records: dict[str, Any]) -> None:
    v2 = json.dumps(records, ensure_ascii=False).encode()
    content = CatalogueContent(1, 1, SEED_TIME, {category: category_content(category, v2, v2)})

    pages = build_pages(content)

    assert pages.v2[category].identity == v2
    table = pages.categories[category].search.table
    ranks = run_now(rank_steps(table))
    query = SearchQuery(sort_by="name", tags_any=("a",))
    check(query, table)
    search(table, query, ranks)
    if pages.text is not None:
        run_now(overview_steps(pages.text.models.views(), pages.side_data))
