"""Flat objects: the `requirements` of image models and the `settings` of text models."""

from typing import Annotated, Any

from pydantic import BeforeValidator

FlatScalar = bool | int | float | str
FlatValue = FlatScalar | list[FlatScalar]


def require_flat(value: Any) -> Any:  # noqa: ANN401 - whatever a JSON document held
    """Return the value if it is null or a flat object, unchanged: numbers keep their form.

    A flat object has scalars, lists of numbers and booleans, or lists of strings as values; null and nested
    values are errors (data-model.md section 3). Raises `ValueError` naming the key.
    """
    if isinstance(value, dict):
        for key, item in value.items():
            _require_flat_value(key, item)
    return value


def _require_flat_value(key: object, item: object) -> None:
    if not isinstance(key, str):
        raise ValueError(f"the key {key!r} is not a string")  # noqa: TRY004 - pydantic wants a ValueError
    if isinstance(item, FlatScalar):
        return
    if not isinstance(item, list):
        raise ValueError(f"{key!r} must be a number, a string, a boolean or a list of these")  # noqa: TRY004
    if not all(isinstance(part, FlatScalar) for part in item):
        raise ValueError(f"the list {key!r} may only hold numbers, strings or booleans")
    if len({isinstance(part, str) for part in item}) > 1:
        raise ValueError(f"the list {key!r} mixes strings with other values")


FlatObject = Annotated[dict[str, FlatValue], BeforeValidator(require_flat)]
