"""What the description of the API repeats, said once: responses and parameters as components."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

MIN_USES: Final = 2  # fewer make the document longer
NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Use:
    """A place of the document, what it holds, and how that should be called."""

    holder: Any
    key: str | int
    name: str

    @property
    def value(self) -> Any:  # noqa: ANN401 - JSON
        """What is there."""
        return self.holder[self.key]


def share(operations: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Replace what several operations repeat by references; return the components, by section and name.

    Deterministic: names come from what a component says, numbered in order of appearance where that is not
    enough to tell it from another.
    """
    every = list(operations)
    return {
        "responses": _shared("responses", [use for one in every for use in _responses(one)]),
        "parameters": _shared("parameters", [use for one in every for use in _parameters(one)]),
    }


def _shared(section: str, uses: list[Use]) -> dict[str, Any]:
    texts = [json.dumps(use.value, sort_keys=True) for use in uses]
    counts = Counter(texts)
    names: dict[str, str] = {}
    components: dict[str, Any] = {}
    for use, text in zip(uses, texts, strict=True):
        if counts[text] < MIN_USES:
            continue
        if text not in names:
            names[text] = _free_name(use.name, components)
            components[names[text]] = use.value
        use.holder[use.key] = {"$ref": f"#/components/{section}/{names[text]}"}
    return dict(sorted(components.items()))


def _free_name(name: str, taken: Mapping[str, Any]) -> str:
    name = NOT_IN_NAMES.sub("", name)
    candidates = (name if number == 1 else f"{name}_{number}" for number in range(1, len(taken) + 2))
    return next(one for one in candidates if one not in taken)


def _responses(operation: Mapping[str, Any]) -> Iterator[Use]:
    responses = operation["responses"]
    for status, response in responses.items():
        yield Use(responses, status, f"{_content_title(response)}{status}")


def _parameters(operation: Mapping[str, Any]) -> Iterator[Use]:
    parameters = operation["parameters"]
    for place, parameter in enumerate(parameters):
        words = re.split(r"[^A-Za-z0-9]+", f"{parameter['name']}-{parameter['in']}")
        yield Use(parameters, place, "".join(word[:1].upper() + word[1:] for word in words))


def _content_title(response: Mapping[str, Any]) -> str:
    content: Mapping[str, Any] = response.get("content", {})
    return "Or".join(_title(one["schema"]) for one in content.values()) or "Empty"


def _title(schema: Mapping[str, Any]) -> str:
    match schema:
        case {"$ref": str(ref)}:
            return ref.rsplit("/", 1)[1]
        case {"anyOf": [*options]}:
            return "Or".join(map(_title, options))
        case {"type": "array", "items": items}:
            return f"{_title(items)}List"
        case {"type": "object", "additionalProperties": values} if isinstance(values, dict):
            return f"{_title(values)}Map"
        case _:
            return str(schema.get("type", "any")).capitalize()
