"""Families of text models, judged as one (statistics.md section 4.5)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from itertools import chain
from statistics import fmean

from horde_model_reference.integrations.horde_figures import Usage
from stats.domain.risk_subjects import HostFlags, RiskSubject


def families_of(subjects: Iterable[RiskSubject], families: Mapping[str, str]) -> dict[str, list[RiskSubject]]:
    """Sort models into their families; both keep the order of the models."""
    members: dict[str, list[RiskSubject]] = {}
    for one in subjects:
        members.setdefault(families.get(one.name, one.name), []).append(one)
    return members


def joined(family: str, members: Sequence[RiskSubject]) -> RiskSubject:
    """Return a family of at least one model, those with the largest usage first.

    A worker that serves several members is one worker.
    """
    sizes = [one.size_bytes for one in members if one.size_bytes is not None]
    shares = [one.share for one in members if one.share is not None]
    workers = [one.workers for one in members if one.workers is not None]
    threads = [one.thread_count for one in members if one.thread_count is not None]
    return RiskSubject(
        name=family,
        usage=_sum_of([one.usage for one in members if one.usage is not None]),
        share=round(sum(shares), 4) if shares else None,
        thread_count=sum(threads) if threads else None,
        workers=frozenset(chain.from_iterable(workers)) if workers else None,
        size_bytes=fmean(sizes) if sizes else None,
        baseline=members[0].baseline,
        nsfw=any(one.nsfw for one in members),
        has_description=all(one.has_description for one in members),
        has_baseline=all(one.has_baseline for one in members),
        download_count=sum(one.download_count for one in members),
        download_hosts=tuple(dict.fromkeys(chain.from_iterable(one.download_hosts for one in members))),
        host_flags=_any_of([one.host_flags for one in members]),
        variations=None,
    )


def _sum_of(usages: Sequence[Usage]) -> Usage | None:
    if not usages:
        return None
    return Usage(
        day=sum(one.day for one in usages),
        month=sum(one.month for one in usages),
        total=sum(one.total for one in usages),
    )


def _any_of(flags: Sequence[HostFlags]) -> HostFlags:
    names = [field.name for field in fields(HostFlags)]
    return HostFlags(**{name: any(getattr(one, name) for one in flags) for name in names})
