"""Made-up requests rarely hit what exists: here most of them are pointed at it, or made hostile."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, unquote

from hypothesis import strategies as st

from fuzz.hostile_values import HOSTILE_TEXTS

CATEGORIES: Final = ("clip", "image_generation", "text_generation", "controlnet", "lora", "nope")
BASELINES: Final = ("stable_diffusion_1", "SDXL", "nope")
STYLES: Final = ("anime", " generalist ", "nope")
DOTS: Final = (".", "..")  # clients take them for steps through the path
IDS_OF_STATUS: Final = {
    "approved_ids": "pending",
    "rejected_ids": "pending",
    "change_ids": "approved",
    "apply": "approved",
    "unapprove": "approved",
}
PICKS: Final = st.integers(0, 10_000)
"""Drawn in place of what it picks, since what exists changes from request to request."""

MOSTLY: Final = st.sampled_from([True, True, True, False])
SOME_PICKS: Final = st.lists(PICKS, max_size=4)
LEFT_ALONE: Final = 3
"""One of so many parts stays as it was made."""

Draw = Callable[[st.SearchStrategy[Any]], Any]


class Known:
    """What exists, as the answers told so far: names of models, and changes by their status."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = [*names]
        self._statuses: dict[int, str] = {}

    def learn(self, answer: object) -> None:
        """Take note of the changes in an answer."""
        if isinstance(answer, list):
            for one in answer:
                self.learn(one)
        elif isinstance(answer, dict):
            if isinstance(answer.get("change_id"), int) and isinstance(answer.get("status"), str):
                self._statuses[answer["change_id"]] = answer["status"]
            for one in answer.values():
                self.learn(one)

    def change_id(self, pick: int, status: str | None) -> int:
        """Return the id of a change, in this status if there is one."""
        fitting = [one for one, found in self._statuses.items() if status in {None, found}]
        return fitting[pick % len(fitting)] if fitting else pick % 10

    def text(self, pick: int) -> str:
        """Return the name of a model, or something hostile."""
        texts = (*self._names, *HOSTILE_TEXTS)
        return texts[pick % len(texts)]


def steer(case: Any, draw: Draw, known: Known) -> None:
    """Point the parts of a case at things that exist, or make them hostile, here and there."""
    parameters = case.path_parameters if isinstance(case.path_parameters, dict) else {}
    for name in parameters:
        if draw(st.integers(1, LEFT_ALONE)) > 1:
            segment = _segment(name, case.operation, draw(PICKS), known)
            parameters[name] = quote(segment, safe="")  # as those are that were made up
    if "X-Min-Revision" in (case.headers or {}) and draw(st.booleans()):
        case.headers["X-Min-Revision"] = "1"  # which is there: later ones would be waited for
    if isinstance(case.body, dict) and draw(st.integers(1, LEFT_ALONE)) > 1:
        _steer_body(case.body, parameters, draw, known)


def _segment(name: str, operation: Any, pick: int, known: Known) -> str:
    match name:
        case "change_id":
            return str(known.change_id(pick, IDS_OF_STATUS.get(operation.path.rsplit("/", 1)[1])))
        case "batch_id" | "revision":
            return str(pick % 12)
        case "model_category_name":
            return "nope" if _refuses_all(operation) else CATEGORIES[pick % len(CATEGORIES)]
        case _:
            text = known.text(pick)
            return "dots" if text in DOTS else text


def _refuses_all(operation: Any) -> bool:
    """Return whether the operation stands for the categories that do not exist."""
    return not any(str(status).startswith("2") for status in operation.responses.status_codes)


def _steer_body(body: dict[str, Any], parameters: Mapping[str, Any], draw: Draw, known: Known) -> None:
    for name in list(body):
        body[name] = _steered_value(name, body[name], draw, known)
    if "name" in body and "model_name" in parameters and draw(MOSTLY):
        body["name"] = unquote(str(parameters["model_name"]))
    if "purge_all" in body or "dry_run" in body:
        body.update(purge_all=False, dry_run=draw(MOSTLY))  # an empty queue makes for dull requests
    if "batch_title" in body:
        body["approved_ids"] = [known.change_id(pick, "pending") for pick in draw(SOME_PICKS)]
        body["rejected_ids"] = []


def _steered_value(name: str, value: Any, draw: Draw, known: Known) -> Any:
    match name, value:
        case (("approved_ids" | "rejected_ids" | "change_ids"), _):
            return [known.change_id(pick, IDS_OF_STATUS[name]) for pick in draw(SOME_PICKS)]
        case "baseline", _:
            return BASELINES[draw(PICKS) % len(BASELINES)]
        case "style", _:
            return STYLES[draw(PICKS) % len(STYLES)]
        case _, str() if draw(st.booleans()):
            return known.text(draw(PICKS))
        case _, [str(), *_]:
            return [known.text(pick) for pick in draw(SOME_PICKS)]
        case _:
            return value
