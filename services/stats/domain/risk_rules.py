"""What deletion risk is judged by (statistics.md section 6)."""

from dataclasses import dataclass

from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY


@dataclass(frozen=True, slots=True)
class RiskRules:
    """Limits that an operator may change; percentages are of the month's usage of the category."""

    preferred_hosts: tuple[str, ...] = ("huggingface.co",)
    low_usage_percentage: float = 0.0065
    text_low_usage_percentage: float = 0.02
    text_ignores_hosts: bool = True
    text_critical_usage: int = 10
    text_critical_workers: int = 1

    def low_usage_below(self, category: str) -> float:
        """Return the share, in percent, below which a model counts as little used."""
        return self.text_low_usage_percentage if is_text(category) else self.low_usage_percentage

    def judges_hosts(self, category: str) -> bool:
        """Return whether it matters where the files of the category's models are."""
        return not (self.text_ignores_hosts and is_text(category))


def is_text(category: str) -> bool:
    """Return whether the models of the category write text: they have families and back ends."""
    return category == MODEL_REFERENCE_CATEGORY.text_generation
