"""Conditions given as keywords: `nsfw=False`, `size_on_disk_bytes__gt=5`, `finetune_series__name="Pony"`."""

from functools import lru_cache

from pydantic import BaseModel

from horde_model_reference.queries.field_paths import SEPARATOR, FieldPath, parse_path, require_field
from horde_model_reference.queries.fields import FieldRef
from horde_model_reference.queries.relations import (
    SUFFIXES,
    Relation,
    Test,
    equal,
    is_known_and_one_of,
    is_membership,
    is_one_of,
    options_of,
    plain,
    relate,
)


def condition(record_type: type[BaseModel], keyword: str, wanted: object) -> Test:
    """Return the test that a keyword of `where` stands for.

    Raises `ValueError` at once when the class has no such field; what else is wrong comes out of the test.
    """
    path, relation = _lookup(record_type, keyword)
    if isinstance(wanted, FieldRef):
        require_field(record_type, wanted.path.field)
        return relate(path, relation, wanted.path)
    if relation in {equal, is_known_and_one_of} and is_membership(wanted):
        return relate(path, is_one_of if relation is equal else relation, options_of(wanted))
    return relate(path, relation, plain(wanted))


def checked_path(record_type: type[BaseModel], text: str) -> FieldPath:
    """Return a path. Raises `ValueError` when the class has no such field."""
    path = parse_path(text)
    require_field(record_type, path.field)
    return path


@lru_cache(maxsize=1024)
def _lookup(record_type: type[BaseModel], keyword: str) -> tuple[FieldPath, Relation]:
    before, separator, last = keyword.rpartition(SEPARATOR)
    has_suffix = bool(separator) and last in SUFFIXES
    path = checked_path(record_type, before if has_suffix else keyword)
    return path, SUFFIXES[last] if has_suffix else equal
