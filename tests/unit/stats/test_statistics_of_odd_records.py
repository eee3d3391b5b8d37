"""Records that another PRIMARY serves in odd shapes stop neither statistics nor deletion risk."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stats.domain.category_statistics import category_statistics
from stats.domain.deletion_risk import grouped_report, risk_report
from stats.domain.risk_presets import PRESETS, keeps, summary_of
from stats.domain.risk_rules import RiskRules
from support.judged_models import IMAGE, TEXT, model_figures, some_figures

FIELDS = [
    "baseline",
    "config",
    "description",
    "nsfw",
    "parameters",
    "requirements",
    "showcases",
    "size_on_disk_bytes",
    "style",
    "tags",
    "trigger",
]
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just(10**400)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["download", "file_url", "a"]), inner, max_size=3),
    ),
    max_leaves=8,
)
odd_urls = st.one_of(
    json_values,
    st.text(":/[]@?#.ahtp%", max_size=12),
    st.text(max_size=8).map(lambda text: f"https://{text}"),
)
odd_downloads = st.lists(st.one_of(json_values, st.fixed_dictionaries({"file_url": odd_urls})), max_size=3)
odd_records = st.one_of(
    json_values,
    st.dictionaries(st.sampled_from(FIELDS), json_values),
    odd_downloads.map(lambda entries: {"config": {"download": entries}}),
)


@given(
    st.dictionaries(st.text(max_size=4), odd_records, max_size=4),
    st.sampled_from([IMAGE, TEXT]),
    st.booleans(),
)
def test_odd_records_are_counted_and_judged(records: dict[str, Any], category: str, ignores: bool) -> None:
    rules = RiskRules(text_ignores_hosts=ignores)
    families = {name: name[:1] for name in records}
    counted = category_statistics(category, records, computed_at=0)
    grouped = category_statistics(category, records, computed_at=0, families=families)
    report = risk_report(category, records, some_figures({name: model_figures() for name in records}), rules)
    judged = grouped_report(report, families, rules)
    assert counted["total_models"] == len(report.models) == len(records)
    assert grouped["total_models"] == (len(judged.models) if category == TEXT else len(records))
    for models in (report.models, judged.models):
        assert summary_of(models)["total_models"] == len(models)
        assert all(keeps(preset, model) in (True, False) for preset in PRESETS for model in models)


@given(odd_downloads)
def test_odd_urls_never_show_a_password(entries: list[Any]) -> None:
    secret = {"file_url": "https://user:hunter2@a.org/1"}
    records = {"model": {"config": {"download": [*entries, secret]}}}
    found = category_statistics(IMAGE, records, computed_at=0)
    assert not any("hunter2" in host for host in found["download_stats"]["hosts"])
    assert found["download_stats"]["hosts"]["a.org"] >= 1
