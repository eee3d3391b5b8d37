"""The shapes of the answers, for the description of the API. Answers are not made with these classes."""

from typing import Any

from pydantic import BaseModel, Field


class BaselineCount(BaseModel):
    """How many models have a baseline; percentages are of all models of the category, 2 decimals."""

    baseline: str
    count: int
    percentage: float


class DownloadStatistics(BaseModel):
    """Files of the models: how many, how large, and where."""

    total_models_with_downloads: int
    total_download_entries: int
    total_size_bytes: int | float
    models_with_size_info: int
    average_size_bytes: float
    hosts: dict[str, int] = Field(description="host to number of entries, the most frequent first")


class TagCount(BaseModel):
    """How many models have a tag or style."""

    tag: str
    count: int
    percentage: float


class ParameterBucket(BaseModel):
    """How many text models are of a size."""

    bucket_label: str
    min_params: int
    max_params: int | None = Field(description="the first number that is too large")
    count: int
    percentage: float


class CategoryStatistics(BaseModel):
    """Figures about the records of a category."""

    category: str
    total_models: int
    returned_models: int
    offset: int
    limit: int | None
    nsfw_count: int
    baseline_distribution: dict[str, BaselineCount]
    download_stats: DownloadStatistics
    top_tags: list[TagCount]
    top_styles: list[TagCount]
    parameter_buckets: list[ParameterBucket]
    models_without_param_info: int
    models_with_trigger_words: int
    models_with_inpainting: int
    models_with_requirements: int
    models_with_showcases: int
    computed_at: int = Field(description="Unix seconds")


class UsageStats(BaseModel):
    """How often a model was used in the last day, in the last month, and ever."""

    day: int
    month: int
    total: int


class WorkerSummary(BaseModel):
    """A worker that serves a model."""

    id: str
    name: str
    performance: str
    online: bool
    trusted: bool
    uptime: float


class BackendVariation(BaseModel):
    """The share of one back end in the figures of a text model."""

    backend: str
    variant_name: str
    worker_count: int | None = Field(description="threads")
    performance: float | None
    queued: float | None
    queued_jobs: float | None
    eta: float | None
    usage_day: int | None
    usage_month: int | None
    usage_total: int | None
    names: list[str] = Field(description="the names of the AI-Horde that were added up")


class ModelStats(BaseModel):
    """The live figures of a model; null where the AI-Horde did not tell."""

    queued_jobs: float | None
    performance: float | None
    eta: float | None
    queued: float | None
    usage_stats: UsageStats | None
    worker_summaries: dict[str, WorkerSummary] | None
    backend_variations: dict[str, BackendVariation] | None
    worker_count: int | None
    thread_count: int | None
    active_worker_count: int | None


class PopularStats(BaseModel):
    """The same; what is not known is absent."""

    queued_jobs: float | None = None
    performance: float | None = None
    eta: float | None = None
    queued: float | None = None
    usage_stats: UsageStats | None = None
    worker_summaries: dict[str, WorkerSummary] | None = None
    worker_count: int | None = None
    thread_count: int | None = None
    active_worker_count: int | None = None


class PopularModel(BaseModel):
    """A model, its record without members that are null, and its figures."""

    name: str
    record: dict[str, Any]
    stats: PopularStats


class RiskPreset(BaseModel):
    """Something to look for among the models."""

    name: str
    description: str


class RiskFlags(BaseModel):
    """What speaks for deleting a model."""

    zero_usage_day: bool
    zero_usage_month: bool
    zero_usage_total: bool
    no_active_workers: bool
    has_multiple_hosts: bool
    has_non_preferred_host: bool
    has_unknown_host: bool
    no_download_urls: bool
    missing_description: bool
    missing_baseline: bool
    low_usage: bool


class UsageTrend(BaseModel):
    """How usage of late compares with usage before; null where there was none before."""

    day_to_month_ratio: float | None
    month_to_total_ratio: float | None


class RiskVariation(BaseModel):
    """The share of one back end in the figures of a text model."""

    backend: str
    variant_name: str
    worker_count: int | None = Field(description="threads")
    performance: float | None
    usage_day: int | None
    usage_month: int | None
    usage_total: int | None
    names: list[str] = Field(description="the names of the AI-Horde that were added up")


class RiskModel(BaseModel):
    """A model, or a family of text models; figures are null where the AI-Horde did not tell."""

    name: str
    category: str
    deletion_risk_flags: RiskFlags
    at_risk: bool
    risk_score: int
    worker_count: int | None = Field(description="threads")
    usage_day: int | None
    usage_month: int | None
    usage_total: int | None
    usage_hour: None
    usage_minute: None
    usage_percentage_of_category: float | None
    usage_trend: UsageTrend
    cost_benefit_score: float | None
    size_gb: float | None
    baseline: str | None
    nsfw: bool
    has_description: bool
    download_count: int
    download_hosts: list[str]
    backend_variations: list[RiskVariation] | None
    is_critical: bool
    has_warning: bool
    thread_count: int | None
    active_worker_count: int | None


class RiskSummary(BaseModel):
    """The models of a report, or those that a preset keeps, counted."""

    total_models: int
    models_at_risk: int
    models_critical: int
    models_with_warnings: int
    models_with_zero_day_usage: int
    models_with_zero_month_usage: int
    models_with_zero_total_usage: int
    models_with_no_active_workers: int
    models_with_no_downloads: int
    models_with_non_preferred_hosts: int
    models_with_multiple_hosts: int
    models_with_low_usage: int
    average_risk_score: float
    category_total_month_usage: int


class Unattributed(BaseModel):
    """What the AI-Horde tells under names that mean no model of the reference."""

    name_count: int
    names: list[str] = Field(description="at most 100, those with the most threads first")
    thread_count: int
    usage_day: int
    usage_month: int
    usage_total: int


class SourceState(BaseModel):
    """From when the answer of a source is."""

    fetched_at: int | None = Field(description="Unix seconds; null: never received")
    stale: bool
    skipped: int = Field(description="entries that could not be read")


class RuntimeSources(BaseModel):
    """The sources of live figures."""

    status: SourceState
    usage: SourceState
    workers: SourceState


class DeletionRisk(BaseModel):
    """The models of a category with what speaks for deleting them, the most used first."""

    category: str
    category_total_month_usage: int
    total_count: int = Field(description="models before grouping, filter and paging")
    returned_count: int
    offset: int
    limit: int | None
    models: list[RiskModel]
    summary: RiskSummary
    filtered_count: int = Field(description="models, or families, after the filter")
    preset_counts: dict[str, int] = Field(description="how many each preset keeps")
    unattributed: Unattributed
    reference_revision: int
    runtime: RuntimeSources
    computed_at: int = Field(description="Unix seconds")
