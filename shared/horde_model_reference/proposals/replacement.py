"""A proposed update replaces the whole record (http-write-api.md section 4.2)."""

from typing import Final

from horde_model_reference.documents import Record, Update
from horde_model_reference.record_stamps import creation_stamps
from horde_model_reference.strict_json import same_json

ADDED_FIELDS: Final = ("features_not_supported",)
"""Fields that older clients do not know, and so do not send back (data-model.md section 12)."""

OWNED_BY_THE_SERVER: Final = frozenset({"name", "metadata"})


def with_carried_over(before: Record, payload: Record) -> Record:
    """Return the payload of an update with what replacing a stored v2 record does not take from it.

    These are the stamps of its creation, and fields that the client may not know of. Giving such a field an
    empty value still removes it.
    """
    stamps = {**payload.get("metadata", {}), **creation_stamps(before)}
    carried = {field: before[field] for field in ADDED_FIELDS if before.get(field) and field not in payload}
    return {**payload, **carried, "metadata": stamps}


def replacement(before: Record, payload: Record) -> Update:
    """Return the update that makes the stored v2 record what the payload says: no field more, none less.

    The name and the metadata of the record stay out of it: the key is the identity, the rest is the server's.
    """
    return Update(
        payload["name"],
        set={
            field: value
            for field, value in payload.items()
            if field not in OWNED_BY_THE_SERVER and not (field in before and same_json(before[field], value))
        },
        unset=tuple(
            field
            for field, value in before.items()
            if field not in payload and field not in OWNED_BY_THE_SERVER and value is not None
        ),
    )
