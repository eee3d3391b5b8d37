"""What changes do to the catalogue: every one, in order, or none (http-write-api.md section 9)."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby

from horde_model_reference.change_renderer import apply_changes
from horde_model_reference.documents import CategoryDocuments, Change, ChangeRefused, Create, Delete, Record
from horde_model_reference.legacy.key_order import without_nulls
from horde_model_reference.legacy_changes import LegacyPut, apply_legacy_changes
from horde_model_reference.proposals.replacement import replacement
from horde_model_reference.record_diff import diff_records
from horde_model_reference.record_merge import SERVER_FIELDS, MergeConflict, merge_three_way
from registry.catalogue import CatalogueRef
from registry.change_record import Form, Operation
from registry.history_state import Touched
from write_queue.domain.catalogue import parsed_records
from write_queue.domain.commands import Head


class EffectRefused(Exception):
    """A change does not fit the catalogue as it is. `fields` are those that were changed meanwhile."""

    def __init__(self, index: int, text: str, *, fields: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.index = index
        self.fields = fields


class EffectInvalid(EffectRefused):
    """The record cannot be in the catalogue at all."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A change as it is to be made: against the record of `base_revision`, by `author`."""

    category: str
    model_name: str
    operation: Operation
    form: Form
    payload: Record
    base_revision: int
    author: str

    @property
    def touched(self) -> Touched:
        """What it does to the record."""
        return Touched(category=self.category, model_name=self.model_name, operation=self.operation)


async def changed_documents(
    head: Head, ref: CatalogueRef, intents: Sequence[Intent]
) -> dict[str, CategoryDocuments]:
    """Return the documents of the categories that the changes touch, as they are afterwards.

    Raises `EffectRefused` with the index of the first change that cannot be made.
    """
    question = ref, tuple(intents)
    return await head.worked.once("documents", question, lambda: _changed_documents(head, ref, intents))


async def _changed_documents(
    head: Head, ref: CatalogueRef, intents: Sequence[Intent]
) -> dict[str, CategoryDocuments]:
    documents: dict[str, CategoryDocuments] = {}
    for category in dict.fromkeys(intent.category for intent in intents):
        chosen = [(index, one) for index, one in enumerate(intents) if one.category == category]
        documents[category] = await _CategoryWork(head, ref, category).carry_out(chosen)
    return documents


Stage = Sequence[tuple[int, Intent]]
"""Changes, each with its place in the request."""


@dataclass(frozen=True, slots=True)
class _Resolved:
    """A change with the record that it leaves, merged with what happened since its base."""

    index: int
    intent: Intent
    before: Record | None
    after: Record | None


class _CategoryWork:
    """The changes of one category."""

    def __init__(self, head: Head, ref: CatalogueRef, category: str) -> None:
        self._head = head
        self._ref = ref
        self._category = category

    async def carry_out(self, intents: Stage) -> CategoryDocuments:
        """Return the documents after the changes. Raises `EffectRefused`."""
        documents = await self._head.catalogue.documents(self._ref, self._category)
        for number, stage in enumerate(_stages(intents)):
            resolved = await self._resolve(stage, await _parsed(documents, stage) if number else None)
            try:
                documents = await asyncio.to_thread(self._render, documents, resolved)
            except ChangeRefused:
                await asyncio.to_thread(self._find_refused, documents, resolved)
                raise
        return documents

    async def _resolve(
        self, intents: Stage, known: Mapping[Form, Mapping[str, Record]] | None
    ) -> list[_Resolved]:
        """Merge every change with what is there: among the known records, or in the head without them."""
        resolved = []
        now: dict[str, Record | None] = {}
        for index, intent in intents:
            name = intent.model_name
            if name in now:
                before = now[name]
            elif known is None:
                before = await self._record(self._ref, intent)
            else:
                before = known[intent.form].get(name)
            now[name] = after = await self._after(index, intent, before)
            resolved.append(_Resolved(index, intent, before, after))
        return resolved

    async def _after(self, index: int, intent: Intent, current: Record | None) -> Record | None:
        name = intent.model_name
        if intent.operation == "create":
            if current is not None:
                raise EffectRefused(index, f"model '{name}' exists in {self._category} by now")
            return intent.payload
        if current is None:
            raise EffectRefused(index, f"model '{name}' does not exist in {self._category} any more")
        base = await self._base(intent)
        if intent.operation == "delete":
            self._require_unchanged(index, name, base, current)
            return None
        # a null says nothing: proposals have none, stored records may
        sides = [without_nulls(one) for one in (base or {}, intent.payload, current)]
        try:
            return merge_three_way(*sides)
        except MergeConflict as conflict:
            raise _overtaken(index, name, conflict.fields) from conflict

    def _require_unchanged(self, index: int, name: str, base: Record | None, current: Record) -> None:
        """Refuse to delete what was changed since somebody asked for it."""
        diff = diff_records(self._category, base, current, operation="update")
        fields = tuple(one.field_path for one in diff.field_diffs)
        changed = tuple(path for path in fields if path.split(".")[0] not in SERVER_FIELDS)
        if changed:
            raise _overtaken(index, name, changed)

    async def _base(self, intent: Intent) -> Record | None:
        ref = await self._head.catalogue.at(self._head.state, intent.base_revision)
        return await self._record(ref, intent)

    async def _record(self, ref: CatalogueRef, intent: Intent) -> Record | None:
        catalogue = self._head.catalogue
        if intent.form == "legacy":
            return (await catalogue.legacy_records(ref, self._category)).get(intent.model_name)
        return (await catalogue.records(ref, self._category)).get(intent.model_name)

    def _render(self, documents: CategoryDocuments, resolved: Iterable[_Resolved]) -> CategoryDocuments:
        now, opener = int(self._head.now.timestamp()), self._head.catalogue.opener
        apply_v2 = partial(apply_changes, self._category, now=now, author=None, opener=opener)
        apply_legacy = partial(apply_legacy_changes, self._category, now=now, author=None, opener=opener)
        for form, run in groupby(resolved, lambda one: one.intent.form):
            if form == "legacy":
                documents = apply_legacy(documents, [_legacy_change(one) for one in run])
            else:
                documents = apply_v2(documents, [_v2_change(one) for one in run])
        return documents

    def _find_refused(self, documents: CategoryDocuments, resolved: Iterable[_Resolved]) -> None:
        """Make the changes one by one, to say which of them is refused. Raises `EffectInvalid`."""
        for one in resolved:
            try:
                documents = self._render(documents, [one])
            except ChangeRefused as error:
                raise EffectInvalid(one.index, str(error)) from error


def _stages(intents: Stage) -> list[list[tuple[int, Intent]]]:
    """Divide the changes, in order, so that within a stage every model is changed in one form only.

    A change in the other form has to see the record as the first one left it, which only rendering tells.
    """
    stages: list[list[tuple[int, Intent]]] = [[]]
    forms: dict[str, Form] = {}
    for index, intent in intents:
        if forms.get(intent.model_name, intent.form) != intent.form:
            stages.append([])
            forms = {}
        forms[intent.model_name] = intent.form
        stages[-1].append((index, intent))
    return stages


async def _parsed(documents: CategoryDocuments, stage: Stage) -> dict[Form, Mapping[str, Record]]:
    forms = {intent.form for _, intent in stage}
    return {form: await asyncio.to_thread(parsed_records, documents, form) for form in forms}


def _v2_change(one: _Resolved) -> Change:
    name = one.intent.model_name
    if one.after is None:
        return Delete(name)
    if one.before is None:
        return Create(name, one.after, one.intent.author)
    return replace(replacement(one.before, one.after), author=one.intent.author)


def _legacy_change(one: _Resolved) -> LegacyPut | Delete:
    name = one.intent.model_name
    return Delete(name) if one.after is None else LegacyPut(name, one.after, one.intent.author)


def _overtaken(index: int, name: str, fields: tuple[str, ...]) -> EffectRefused:
    listed = ", ".join(fields)
    text = f"model '{name}' was changed since this was proposed, in the same fields: {listed}"
    return EffectRefused(index, text, fields=fields)
