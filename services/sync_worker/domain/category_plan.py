"""What the files of one category should be, made of what they are and of what the primary answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from horde_model_reference.documents import SourceUnreadable
from horde_model_reference.meta_consts import get_all_registered_categories
from horde_model_reference.strict_json import (
    Flaw,
    JsonMember,
    JsonObject,
    on_one_line,
    parse_json_object,
    read_json_object,
)
from horde_model_reference.text_documents import CSV_FILE, JSON_FILE
from horde_model_reference.text_expansion import DEFAULTS
from horde_model_reference.text_settings import GENERATION_SETTINGS
from sync_worker.domain.drift import TEXT_CATEGORY, Drift, drift_of, model_names, same_value
from sync_worker.domain.json_file import updated_json, values_of
from sync_worker.domain.limits import CategoryRefused, Loss, require_harmless
from sync_worker.domain.text_files import NO_ENTRIES, NO_ROWS, TextFiles, updated_text
from sync_worker.domain.text_models import RecordProblem

DEFAULTS_FILE: Final = "defaults.json"
SETTINGS_FILE: Final = "generation_params.json"
ANSWER: Final = "the answer of the primary"
NOTHING: Final = b"{}\n"
STALE_CSV: Final = RecordProblem(
    "", CSV_FILE, f"says something else than {JSON_FILE}, which is in step; left as it is", is_partial=True
)


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """The limits of one run."""

    max_removed_percent: float = 20
    force: bool = False


@dataclass(frozen=True, slots=True)
class CategoryOutcome:
    """What became of one category.

    `files` are the changed ones only, by their path; without drift there are none. A category that failed has
    none either; its drift is there if it could be told. `problems` are records that are left as they are on
    GitHub, or lose a part.
    """

    category: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    drift: Drift | None = None
    failure: str | None = None
    problems: tuple[RecordProblem, ...] = ()


def synced_categories() -> tuple[str, ...]:
    """Return the categories that have a GitHub file, in the order in which they are compared."""
    known = get_all_registered_categories()
    return tuple(name for name, item in known.items() if item.github_source is not None)


def repository_files(category: str) -> tuple[str, ...]:
    """Return the paths that `plan_category` wants to see; some may not exist. Raises `KeyError`."""
    if category == TEXT_CATEGORY:
        return (CSV_FILE, JSON_FILE, DEFAULTS_FILE, SETTINGS_FILE)
    return (get_all_registered_categories()[category].legacy_filename,)


def plan_category(
    category: str,
    wanted_body: bytes,
    present_files: Mapping[str, bytes | None],
    options: PlanOptions,
) -> CategoryOutcome:
    """Plan the files of one category; bad data are a failure of that category and never raise.

    `wanted_body` is the primary's answer (v1). `present_files` holds the `repository_files` at the base
    commit, None for one that is not there: it is created.
    """
    try:
        if category == TEXT_CATEGORY:
            outcome = _text_outcome(wanted_body, present_files, options)
        else:
            outcome = _json_outcome(category, wanted_body, present_files, options)
    except SourceUnreadable as error:
        outcome = CategoryOutcome(category, failure=on_one_line(str(error)))
    return outcome


def _json_outcome(
    category: str, wanted_body: bytes, present_files: Mapping[str, bytes | None], options: PlanOptions
) -> CategoryOutcome:
    [path] = repository_files(category)
    body = present_files.get(path)
    source = read_json_object(NOTHING if body is None else body, path)
    present, wanted = values_of(source), _wanted_records(wanted_body, source)
    drift = drift_of(category, wanted, present)
    outcome = CategoryOutcome(category, drift=drift)
    if not drift.total:
        return outcome
    loss = Loss(len(drift.removed), of=len(present), wanted=len(wanted))
    if refusal := _refusal(loss, options):
        return replace(outcome, failure=refusal)
    return replace(outcome, files={path: wanted_body if body is None else updated_json(path, body, wanted)})


def _wanted_records(body: bytes, present: JsonObject) -> dict[str, Any]:
    """Return the records of the primary's answer.

    A record that has a flaw, or is none, is served as the file had it that was seeded: where GitHub still has
    that text there is nothing to be done about it. Raises `SourceUnreadable` where it is another.
    """
    answer = read_json_object(body, ANSWER)
    for name, member in answer.members.items():
        if isinstance(member.value, dict):
            continue
        known = present.members.get(name)
        if known is None or _text_of(present, known) != _text_of(answer, member):
            flaw = member.flaw or Flaw("", "is not an object")
            where = f"{name!r}, {flaw.path}" if flaw.path else repr(name)
            raise SourceUnreadable(f"{ANSWER}: {where}: {flaw.reason}")
    return values_of(answer)


def _text_of(source: JsonObject, member: JsonMember) -> str:
    return source.text[member.value_start : member.value_end].replace("\r\n", "\n")


def _text_outcome(
    wanted_body: bytes, present_files: Mapping[str, bytes | None], options: PlanOptions
) -> CategoryOutcome:
    wanted = parse_json_object(wanted_body, ANSWER)
    _require_known_defaults(present_files.get(DEFAULTS_FILE))
    csv, db_json = present_files.get(CSV_FILE), present_files.get(JSON_FILE)
    present = TextFiles(NO_ROWS if csv is None else csv, NO_ENTRIES if db_json is None else db_json)
    result = updated_text(present, wanted, _allowed_settings(present_files.get(SETTINGS_FILE)))
    outcome = CategoryOutcome(TEXT_CATEGORY, drift=result.drift, problems=result.problems)
    if not result.drift.total:
        if csv is not None and result.files.csv != csv:
            outcome = replace(outcome, problems=(*result.problems, STALE_CSV))
        return outcome
    loss = Loss(
        len(result.lost_models), of=len(result.present_models), wanted=len(model_names(TEXT_CATEGORY, wanted))
    )
    if refusal := _refusal(loss, options):
        return replace(outcome, failure=refusal)
    files = {CSV_FILE: result.files.csv, JSON_FILE: result.files.db_json}
    return replace(
        outcome, files={path: body for path, body in files.items() if body != present_files.get(path)}
    )


def _refusal(loss: Loss, options: PlanOptions) -> str | None:
    try:
        require_harmless(loss, max_removed_percent=options.max_removed_percent, force=options.force)
    except CategoryRefused as error:
        return str(error)
    return None


def _require_known_defaults(body: bytes | None) -> None:
    """Refuse a repository whose converter fills in other values, or in another order, than is known here."""
    if body is None:
        return
    found = parse_json_object(body, DEFAULTS_FILE)
    if list(found) != list(DEFAULTS) or not same_value(found, dict(DEFAULTS)):
        raise SourceUnreadable(f"{DEFAULTS_FILE} holds other defaults than those known here")


def _allowed_settings(body: bytes | None) -> frozenset[str]:
    return frozenset(GENERATION_SETTINGS if body is None else parse_json_object(body, SETTINGS_FILE))
