"""The generation settings of a text model: a flat JSON object."""

from collections.abc import Mapping
from typing import Any, Final

from horde_model_reference.documents import SourceUnreadable
from horde_model_reference.flat_values import require_flat
from horde_model_reference.strict_json import find_flaw, parse_json_object

GENERATION_SETTINGS: Final = (
    "n",
    "frmtadsnsp",
    "frmtrmblln",
    "frmtrmspch",
    "frmttriminc",
    "max_context_length",
    "max_length",
    "rep_pen",
    "rep_pen_range",
    "rep_pen_slope",
    "singleline",
    "temperature",
    "tfs",
    "top_a",
    "top_k",
    "top_p",
    "typical",
    "sampler_order",
    "use_default_badwordsids",
    "stop_sequence",
    "min_p",
    "smoothing_factor",
    "dynatemp_range",
    "dynatemp_exponent",
)
"""The names that may be written (data-model.md section 7). Files that are read may hold others."""


class SettingsInvalid(ValueError):
    """Settings that are not a flat object; `path` leads to the offending value, from the record down."""

    def __init__(self, reason: str, path: str = "settings") -> None:
        super().__init__(reason)
        self.path = path


def parse_settings(text: str) -> dict[str, Any] | None:
    """Read the text of a settings object; empty text and JSON null give None. Numbers keep their JSON type.

    Raises `SettingsInvalid`, also for what could not be written again: duplicate names, NaN, lone surrogates.
    """
    text = text.strip()
    if text in ("", "null"):
        return None
    try:
        settings = parse_json_object(text.encode(), "the text")
    except (SourceUnreadable, UnicodeEncodeError) as error:
        raise SettingsInvalid(str(error)) from error
    return flat_settings(settings)


def flat_settings(settings: object) -> dict[str, Any]:
    """Return the settings if they are a flat object that JSON can hold. Raises `SettingsInvalid`."""
    if not isinstance(settings, dict):
        raise SettingsInvalid("not an object")
    for key, value in settings.items():
        try:
            require_flat({key: value})
        except ValueError as error:
            raise SettingsInvalid(str(error), f"settings.{key}") from error
    flaw = find_flaw(settings, "settings")
    if flaw is not None:
        raise SettingsInvalid(flaw.reason, flaw.path)
    return settings


def require_known_settings(settings: Mapping[str, Any]) -> None:
    """Raise `SettingsInvalid` naming the settings that do not exist."""
    unknown = sorted(settings.keys() - set(GENERATION_SETTINGS))
    if unknown:
        allowed = ", ".join(GENERATION_SETTINGS)
        raise SettingsInvalid(f"unknown settings {', '.join(unknown)}; allowed are {allowed}")
