"""The kinds of entries: for each a body and one step of the fold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from registry import bodies, queue_steps
from registry.entries import Entry, EntryBody
from registry.errors import EntryCorrupt
from registry.history_state import Touched
from registry.state import State

Body = TypeVar("Body", bound=EntryBody)
Carries = Literal["never", "maybe", "always"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of entry.

    `step` is what it does to the state beyond a new catalogue, `touched` which records it made, changed or
    removed there. `facts` are further members of the line in the history. Entries of a kind about the queue
    alone never carry a catalogue; those of the others do, only seeding may do without.
    """

    body: type[EntryBody]
    step: Callable[[State, Entry], State]
    touched: Callable[[Any], tuple[Touched, ...]]
    facts: Callable[[Any], dict[str, Any]]
    catalogue: Carries


def kind(
    body: type[Body],
    step: Callable[[State, Entry, Body], State],
    *,
    touched: Callable[[Body], tuple[Touched, ...]] = lambda _: (),
    facts: Callable[[Body], dict[str, Any]] = lambda _: {},
    catalogue: Carries = "never",
) -> Kind:
    """Return the kind with this body."""

    def checked(state: State, entry: Entry) -> State:
        if not isinstance(entry.body, body):
            raise EntryCorrupt(f"journal entry {entry.sequence} has not the body of its kind")
        return step(state, entry, entry.body)

    return Kind(body, checked, touched, facts, catalogue)


def fold_seeded(state: State, _: Entry, body: bodies.Seeded) -> State:
    """Remember where the data came from; the new catalogue itself is folded for every kind.

    An event is counted for each record, and one for each category that came from a repository.
    """
    seeded = state.model_copy(update={"seeded_from": body.source})
    return queue_steps.count_events(seeded, (*body.touched, *body.fetched))


def fold_rolled_back(state: State, _: Entry, body: bodies.RolledBack) -> State:
    """Count an event for each model; the new catalogue itself is folded for every kind."""
    return queue_steps.count_events(state, body.touched)


def fold_group_data_changed(state: State, _: Entry, body: bodies.GroupDataChanged) -> State:
    """Count the event; the side data belongs to the catalogue."""
    return queue_steps.count_events(state, (body,))


def _applied_touched(body: bodies.Applied) -> tuple[Touched, ...]:
    return tuple(change.touched for change in body.changes)


def _applied_facts(body: bodies.Applied) -> dict[str, Any]:
    return {"change_ids": tuple(change.change_id for change in body.changes)}


KINDS: Final[Mapping[str, Kind]] = {
    "seeded": kind(bodies.Seeded, fold_seeded, touched=lambda body: body.touched, catalogue="maybe"),
    "proposed": kind(bodies.Proposed, queue_steps.fold_proposed),
    "edited": kind(bodies.Edited, queue_steps.fold_edited),
    "commented": kind(bodies.Commented, queue_steps.fold_commented),
    "withdrawn": kind(bodies.Withdrawn, queue_steps.fold_withdrawn),
    "decided": kind(bodies.Decided, queue_steps.fold_decided),
    "unapproved": kind(bodies.Unapproved, queue_steps.fold_unapproved),
    "applied": kind(
        bodies.Applied,
        queue_steps.fold_applied,
        touched=_applied_touched,
        facts=_applied_facts,
        catalogue="always",
    ),
    "rolled_back": kind(
        bodies.RolledBack,
        fold_rolled_back,
        touched=lambda body: body.touched,
        facts=lambda body: {"rolled_back_to": body.to_revision},
        catalogue="always",
    ),
    "group_data_changed": kind(bodies.GroupDataChanged, fold_group_data_changed, catalogue="always"),
    "hidden": kind(bodies.Hidden, queue_steps.fold_hidden),
}
BODY_TYPES: Final = {name: one.body for name, one in KINDS.items()}
