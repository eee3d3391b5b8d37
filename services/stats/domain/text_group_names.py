"""The families of text models (statistics.md section 4.5)."""

from collections.abc import Iterable, Mapping, Sequence

from horde_model_reference.text_names import established_group_of
from service_kit.slices import Steps, run_now


def family_names(records: Iterable[str], aliases: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the family of every model name. `aliases` maps a group to the groups that belong to it too."""
    return run_now(family_name_steps(records, aliases))


def family_name_steps(records: Iterable[str], aliases: Mapping[str, Sequence[str]]) -> Steps[dict[str, str]]:
    """Do as `family_names`, one name after the other. An alias is followed one step, there are no chains."""
    canonical = {alias: group for group, others in aliases.items() for alias in others}
    families: dict[str, str] = {}
    for name in records:
        group = established_group_of(name)
        families[name] = canonical.get(group, group)
        yield
    return families
