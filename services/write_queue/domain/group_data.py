"""What is stored beside the text models: aliases, families, name schemas (http-write-api.md section 5.2).

Effective at once, but through the journal like everything else.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from registry.bodies import GroupDataChanged
from registry.catalogue import NameSchema, SideData
from service_kit.errors import Conflict, NotFound
from write_queue.domain.commands import Command, Head, Settled, Step
from write_queue.domain.revision import with_side_data

Members = Mapping[str, tuple[str, ...]]
Store = Literal["aliases", "families", "name_schemas"]


@dataclass(frozen=True, slots=True)
class Change:
    """The next value under a name of a store, None to remove it; and the answer."""

    store: Store
    name: str
    value: tuple[str, ...] | NameSchema | None
    answer: Any
    status: int = 200


def put_aliases(canonical: str, aliases: Sequence[str]) -> Command:
    """Set the other names of a group."""

    def decide(side_data: SideData) -> Change:
        given = tuple(dict.fromkeys(aliases))
        for alias in given:
            _require_free_alias(side_data.aliases, canonical, alias)
        return _aliases(canonical, given)

    return _command(decide)


def add_alias(canonical: str, alias: str) -> Command:
    """Add another name of a group."""

    def decide(side_data: SideData) -> Change:
        _require_free_alias(side_data.aliases, canonical, alias)
        known = side_data.aliases.get(canonical, ())
        return _aliases(canonical, known if alias in known else (*known, alias))

    return _command(decide)


def remove_alias(canonical: str, alias: str) -> Command:
    """Remove another name of a group; the entry goes with the last one."""

    def decide(side_data: SideData) -> Change:
        known = side_data.aliases.get(canonical, ())
        if alias not in known:
            raise NotFound(f"'{alias}' is no alias of '{canonical}'")
        return _aliases(canonical, tuple(one for one in known if one != alias))

    return _command(decide)


def delete_aliases(canonical: str) -> Command:
    """Remove all other names of a group."""

    def decide(side_data: SideData) -> Change:
        if canonical not in side_data.aliases:
            raise NotFound(f"there are no aliases of '{canonical}'")
        return Change("aliases", canonical, None, None, status=204)

    return _command(decide)


def put_family(family: str, members: Sequence[str]) -> Command:
    """Set the groups of a family."""

    def decide(side_data: SideData) -> Change:
        if not members:
            raise Conflict(f"family '{family}' needs at least one member")
        for member in members:
            _require_free_member(side_data.families, family, member)
        return _family(family, members)

    return _command(decide)


def add_family_member(family: str, group: str) -> Command:
    """Add a group to a family."""

    def decide(side_data: SideData) -> Change:
        known = _family_members(side_data, family)
        _require_free_member(side_data.families, family, group)
        return _family(family, (*known, group))

    return _command(decide)


def remove_family_member(family: str, group: str) -> Command:
    """Remove a group from a family; an emptied family disappears."""

    def decide(side_data: SideData) -> Change:
        known = _family_members(side_data, family)
        if group not in known:
            raise NotFound(f"'{group}' is no member of family '{family}'")
        return _family(family, [one for one in known if one != group])

    return _command(decide)


def delete_family(family: str) -> Command:
    """Remove a family."""

    def decide(side_data: SideData) -> Change:
        _family_members(side_data, family)
        return Change("families", family, None, None, status=204)

    return _command(decide)


def put_name_schema(group: str, fields: Mapping[str, Any]) -> Command:
    """Set some properties of how the names of a group are composed; the group need not exist."""

    def decide(side_data: SideData) -> Change:
        known = side_data.name_schemas.get(group, NameSchema())
        schema = NameSchema.model_validate({**known.model_dump(), **fields})
        answer = {"group_name": group, "name_schema": schema.model_dump(mode="json"), "is_custom": True}
        return Change("name_schemas", group, schema, answer)

    return _command(decide)


def delete_name_schema(group: str) -> Command:
    """Remove what was set about the names of a group."""

    def decide(side_data: SideData) -> Change:
        if group not in side_data.name_schemas:
            raise NotFound(f"group '{group}' has no name schema of its own")
        return Change("name_schemas", group, None, None, status=204)

    return _command(decide)


def _command(decide: Callable[[SideData], Change]) -> Command:
    async def command(head: Head) -> Step | Settled:
        ref = head.revision()
        side_data = await head.catalogue.side_data(ref)
        change = decide(side_data)
        stored: dict[str, Any] = dict(getattr(side_data, change.store))
        before = stored.pop(change.name, None)
        if before == change.value:
            return Settled(change.answer, change.status)
        if change.value is not None:
            stored[change.name] = change.value
        body = GroupDataChanged(
            store=change.store, name=change.name, before=_plain(before), after=_plain(change.value)
        )
        after = side_data.model_copy(update={change.store: stored})
        return Step(
            "group_data_changed",
            body,
            lambda _: change.answer,
            status=change.status,
            catalogue=await with_side_data(head, ref, after),
        )

    return command


def _plain(value: object) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, NameSchema):
        return value.model_dump(mode="json")
    return list(value) if isinstance(value, tuple) else None


def _aliases(canonical: str, aliases: tuple[str, ...]) -> Change:
    answer = {"canonical": canonical, "aliases": list(aliases)}
    return Change("aliases", canonical, aliases or None, answer)


def _family(family: str, members: Sequence[str]) -> Change:
    unique = tuple(sorted(set(members)))
    return Change("families", family, unique or None, {"family_name": family, "members": list(unique)})


def _family_members(side_data: SideData, family: str) -> tuple[str, ...]:
    if family not in side_data.families:
        raise NotFound(f"there is no family '{family}'")
    return side_data.families[family]


def _require_free_alias(aliases: Members, canonical: str, alias: str) -> None:
    if alias == canonical:
        raise Conflict(f"'{alias}' cannot be an alias of itself")
    for owner, owned in aliases.items():
        if owner != canonical and alias in owned:
            raise Conflict(f"'{alias}' is an alias of '{owner}' already")


def _require_free_member(families: Members, family: str, group: str) -> None:
    for owner, members in families.items():
        if owner != family and group in members:
            raise Conflict(f"'{group}' belongs to family '{owner}' already")
