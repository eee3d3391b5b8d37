"""Reads the journal and compares it with what clients were told."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from chaos.client_log import ClientLog, Operation
from registry.bodies import Applied, Decided, Proposed
from registry.entries import Entry
from registry.errors import JournalError
from registry.fold import fold
from registry.journal import Journal
from registry.state import State
from registry.verify import verify
from service_kit.errors import ObjectMissing
from service_kit.object_store import ObjectStore


@dataclass(slots=True)
class Facts:
    """What the journal says, by the markers of the clients."""

    state: State
    proposed: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))  # ids of changes
    decided: dict[str, list[tuple[int, ...]]] = field(default_factory=lambda: defaultdict(list))
    applied: dict[str, list[tuple[int, ...]]] = field(default_factory=lambda: defaultdict(list))
    times_decided: Counter[int] = field(default_factory=Counter)
    times_applied: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the checker found; `problems` is empty when every promise was kept."""

    sequence: int
    revision: int
    problems: tuple[str, ...]


async def judge(store: ObjectStore, log: ClientLog) -> Judgement:
    """Read and verify the whole journal, and compare it with the log."""
    problems = [f"verify: {problem}" for problem in (await verify(store)).problems]
    try:
        facts = await read_facts(Journal(store))
    except JournalError as error:
        return Judgement(0, 0, (*problems, str(error)))
    problems += [problem for operation in log.operations for problem in check(operation, facts)]
    problems += decided_twice(facts)
    problems += unheard_of(log, facts)
    return Judgement(facts.state.sequence, facts.state.revision, tuple(problems))


async def read_facts(journal: Journal) -> Facts:
    """Fold the journal from its first entry, and note what each entry did."""
    facts = Facts(State())
    while True:
        try:
            entry, digest = await journal.read(facts.state.sequence + 1)
        except ObjectMissing:
            return facts
        _note(facts, entry)
        facts.state = fold(facts.state, entry, digest)


def _note(facts: Facts, entry: Entry) -> None:
    match entry.body:
        case Proposed() as body:
            for number, change in enumerate(body.changes):
                change_id = facts.state.queue.next_change_id + number
                marker = str(change.payload.get("description", "")).rpartition("#")[2]
                facts.proposed[marker].append(change_id)
        case Decided() as body:
            ids = (*body.approved_ids, *body.rejected_ids)
            facts.decided[body.batch_title].append(ids)
            facts.times_decided.update(ids)
        case Applied() as body:
            ids = tuple(change.change_id for change in body.changes)
            for job_id in {change.job_id for change in body.changes}:
                facts.applied[job_id].append(ids)
            facts.times_applied.update(ids)
        case _:
            pass


def check(operation: Operation, facts: Facts) -> list[str]:
    """Return what is wrong about one operation: accepted once, refused never, unknown once at most."""
    done = found(operation, facts)
    name = f"{operation.marker} ({operation.verdict}, answers {operation.statuses})"
    problems = []
    if operation.verdict == "accepted" and len(done) != 1:
        problems.append(f"{name}: is {len(done)} times in the journal")
    if operation.verdict == "refused" and done:
        problems.append(f"{name}: is in the journal although it was refused")
    if operation.verdict == "unknown" and len(done) > 1:
        problems.append(f"{name}: is {len(done)} times in the journal")
    if operation.verdict == "accepted" or operation.action != "propose":
        problems += [
            f"{name}: was told {operation.change_ids}, the journal has {ids}"
            for ids in done
            if sorted(ids) != sorted(operation.change_ids)
        ]
    return problems


def found(operation: Operation, facts: Facts) -> list[tuple[int, ...]]:
    """Return the ids of the changes in each entry that carries the operation's marker."""
    match operation.action:
        case "propose":
            return [(change_id,) for change_id in facts.proposed.get(operation.marker, ())]
        case "decide":
            return facts.decided.get(operation.marker, [])
        case "apply":
            return facts.applied.get(operation.marker, [])


def decided_twice(facts: Facts) -> list[str]:
    """Return changes that were decided or applied more than once, whoever did it."""
    both = ((facts.times_decided, "decided"), (facts.times_applied, "applied"))
    return [
        f"change {change_id} was {what} {times} times"
        for counter, what in both
        for change_id, times in counter.items()
        if times > 1
    ]


def unheard_of(log: ClientLog, facts: Facts) -> list[str]:
    """Return what stands in the journal and no client ever sent."""
    markers = {operation.marker for operation in log.operations}
    known = {**facts.proposed, **facts.decided, **facts.applied}
    return [f"nobody sent {marker!r}, which is in the journal" for marker in known if marker not in markers]
