"""Aliases and families, set and set again (http-write-api.md section 5.2)."""

import pytest

from registry.catalogue import SideData
from service_kit.errors import Conflict
from support.queues import REQUESTOR, Queue, a_queue
from write_queue.domain import group_data
from write_queue.domain.commands import Command


async def side_data(queue: Queue) -> SideData:
    catalogue = (await queue.state()).catalogue
    assert catalogue is not None
    return await queue.service.catalogue.side_data(catalogue)


@pytest.mark.parametrize(
    "command",
    [
        group_data.put_aliases("A", ["x", "y"]),
        group_data.put_aliases("A", ["x", "y", "x"]),
        group_data.add_alias("A", "y"),
    ],
)
async def test_what_is_so_already_makes_no_revision(command: Command) -> None:
    queue = await a_queue()
    await queue.submit(REQUESTOR, group_data.put_aliases("A", ["x", "y"]))
    outcome = await queue.submit(REQUESTOR, command)
    assert outcome.body == {"canonical": "A", "aliases": ["x", "y"]}
    assert ((await queue.state()).revision, outcome.committed) == (2, False)


async def test_an_alias_may_stay_where_it_is() -> None:
    queue = await a_queue()
    await queue.submit(REQUESTOR, group_data.put_aliases("A", ["x"]))
    await queue.submit(REQUESTOR, group_data.put_aliases("A", ["z", "x"]))
    assert (await side_data(queue)).aliases == {"A": ("z", "x")}
    with pytest.raises(Conflict, match="'x' is an alias of 'A' already"):
        await queue.submit(REQUESTOR, group_data.add_alias("B", "x"))
    with pytest.raises(Conflict, match="of itself"):
        await queue.submit(REQUESTOR, group_data.add_alias("B", "B"))


async def test_a_family_names_each_group_once_in_order() -> None:
    queue = await a_queue()
    outcome = await queue.submit(REQUESTOR, group_data.put_family("F", ["b", "a", "b"]))
    assert outcome.body == {"family_name": "F", "members": ["a", "b"]}
    assert (await side_data(queue)).families == {"F": ("a", "b")}
    assert outcome.committed


async def test_a_group_belongs_to_one_family() -> None:
    queue = await a_queue()
    await queue.submit(REQUESTOR, group_data.put_family("F", ["a"]))
    with pytest.raises(Conflict, match="belongs to family 'F'"):
        await queue.submit(REQUESTOR, group_data.put_family("G", ["a"]))


async def test_a_family_without_members_is_none() -> None:
    queue = await a_queue()
    with pytest.raises(Conflict, match="needs at least one member"):
        await queue.submit(REQUESTOR, group_data.put_family("F", []))


async def test_what_is_not_given_of_a_name_schema_stays_as_it_was() -> None:
    queue = await a_queue()
    await queue.submit(REQUESTOR, group_data.put_name_schema("G", {"separator": "_"}))
    await queue.submit(REQUESTOR, group_data.put_name_schema("G", {"author_included": False}))
    schema = (await side_data(queue)).name_schemas["G"]
    assert (schema.separator, schema.author_included) == ("_", False)
