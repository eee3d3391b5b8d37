"""Made-up requests rarely hit what exists: here some of them are pointed at it."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from hypothesis import strategies as st

from fuzz.hostile_values import HOSTILE_TEXTS

CATEGORIES: Final = ("clip", "image_generation", "text_generation", "controlnet", "lora", "nope")
IDS: Final = st.integers(1, 40)
ALIKE: Final = {
    "change_id": IDS.map(str),
    "batch_id": st.integers(1, 8).map(str),
    "revision": st.integers(0, 12).map(str),
    "model_category_name": st.sampled_from(CATEGORIES),
}
SHARE_LEFT_ALONE: Final = 3
"""One of so many requests stays as it was made."""


def steered(case: Any, draw: Callable[[st.SearchStrategy[Any]], Any], names: Sequence[str]) -> None:
    """Point the parts of a case at things that exist, or are hostile, here and there."""
    parameters = case.path_parameters if isinstance(case.path_parameters, dict) else {}
    texts = st.sampled_from([*names, *HOSTILE_TEXTS])
    for name in parameters:
        if draw(st.integers(1, SHARE_LEFT_ALONE)) > 1:
            parameters[name] = draw(ALIKE.get(name, texts))
    if "X-Min-Revision" in (case.headers or {}) and draw(st.booleans()):
        case.headers["X-Min-Revision"] = "1"  # which is there: the next ones would be waited for
    if isinstance(case.body, dict) and draw(st.integers(1, SHARE_LEFT_ALONE)) > 1:
        _steer_body(case.body, draw, texts)
        _name_as_in_path(case.body, parameters, draw)


def _steer_body(
    body: dict[str, Any], draw: Callable[[st.SearchStrategy[Any]], Any], texts: st.SearchStrategy[str]
) -> None:
    for name, value in body.items():
        if name in {"approved_ids", "rejected_ids", "change_ids"}:
            body[name] = draw(st.lists(IDS, max_size=4, unique=True))
        elif name == "purge_all":
            body[name] = False  # an empty queue makes for dull requests
        elif isinstance(value, str):
            body[name] = draw(st.just(value) | texts)
        elif isinstance(value, list) and value and all(isinstance(one, str) for one in value):
            body[name] = draw(st.just(value) | st.lists(texts, max_size=3))


def _name_as_in_path(
    body: dict[str, Any], parameters: dict[str, Any], draw: Callable[[st.SearchStrategy[Any]], Any]
) -> None:
    if "name" in body and "model_name" in parameters and draw(st.booleans()):
        body["name"] = parameters["model_name"]
    if "baseline" in body:
        body["baseline"] = draw(st.sampled_from(["stable_diffusion_1", "SDXL", "nope"]))
