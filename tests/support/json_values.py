"""Hypothesis strategies for JSON values, with few names so that records meet in their fields."""

from typing import Any

from hypothesis import strategies as st

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
_NAMES = st.sampled_from(["a", "b", "c", "metadata", "é", "with space"])
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.integers(-(2**63), 2**63 - 1)
    | st.sampled_from([0.0, -0.0, 1.0, 0.5, 1e300])
    | _TEXT
)

json_values: st.SearchStrategy[Any] = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=8,
)
json_records: st.SearchStrategy[dict[str, Any]] = st.dictionaries(_NAMES, json_values, max_size=5)
"""Any JSON object; two of them often share names and values."""
