"""Persistent maps as fields of stored values.

A step of the fold makes a new state without touching the old one; with these maps it costs O(log n), not a
copy of everything that ever happened.
"""

from collections.abc import Hashable
from types import GenericAlias
from typing import Annotated, Any, TypeVar, get_args

from immutables import Map
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class _AsObject:
    """Reads and writes the map as a JSON object with sorted keys, so that equal states have equal bytes."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's hook
        as_dict = handler.generate_schema(GenericAlias(dict, get_args(source)))
        from_dict = core_schema.no_info_after_validator_function(Map, as_dict)
        return core_schema.json_or_python_schema(
            json_schema=from_dict,
            python_schema=core_schema.union_schema([core_schema.is_instance_schema(Map), from_dict]),
            serialization=core_schema.plain_serializer_function_ser_schema(
                sorted_dict, return_schema=as_dict
            ),
        )


def sorted_dict(values: Map[Any, Value]) -> dict[Any, Value]:
    """Return the map as a dictionary in the order of its keys."""
    return dict(sorted(values.items()))


PersistentMap = Annotated[Map[Key, Value], _AsObject]
"""A field of the type `immutables.Map[Key, Value]`."""
