"""What a bundle declares about itself: measures, features, limits, head, bands and provenance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Label = Mapping[str, str]


class Declared(BaseModel):
    """A part of the manifest: unknown keys are refused, so that a misspelt limit is never silently no limit."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Source(Declared):
    """One kind of measure the bundle reads, by its codes.

    An attribute (sex, age in years) is a quantity that does not age: its latest value counts whatever the window.

    A quantity has a unit, units it accepts (unit -> factor to `unit`), a `hard` range (outside: abstain) and a `soft`
    range (outside: the limit is used, so that one odd value can't carry a mean). `censored` is the value of a
    reading that showed only Lo ('<') or Hi ('>'). An event has none of these: it counts unless its value is 0.
    """

    kind: Literal["quantity", "event", "attribute"]
    codes: tuple[str, ...] = Field(min_length=1)
    unit: str = ""
    accept: Mapping[str, float] = {}
    hard: tuple[float, float] | None = None
    soft: tuple[float, float] | None = None
    censored: Mapping[Literal["<", ">"], float] = {}

    @model_validator(mode="after")
    def _quantities_have_limits(self) -> Source:
        if self.kind != "event" and (not self.unit or self.hard is None or self.soft is None):
            raise ValueError("a quantity needs a unit, a hard and a soft range")
        return self


Aggregate = Literal["mean", "sd", "min", "max", "last", "slope_per_year", "count_per_day", "day_share"]


class Window(Declared):
    """The last `days` civil days in the patient's zone, today included and up to the moment of scoring.

    `last` is the latest value; `slope_per_year` the least-squares slope over time, per 365.25 days.
    """

    days: int = Field(ge=1, le=1100)
    aggregate: Aggregate
    below: float | None = None
    or_event: str | None = None
    min_points: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _shares_have_a_threshold(self) -> Window:
        if self.aggregate == "day_share" and self.below is None:
            raise ValueError("a share needs its threshold `below`")
        if self.aggregate == "slope_per_year" and self.min_points < 2:
            raise ValueError("a slope needs two points")
        return self


class Impute(Declared):
    """A missing feature from those that are known: intercept plus coefficient times value, by feature name."""

    intercept: float
    coefficients: Mapping[Name, float]


class Missing(Declared):
    """What is done without data.

    `abstain`; `typical`: the declared value (its contribution is then zero); `carry_forward`: the patient's last value
    if it is at most `max_age_days` old, else what `then` says; `model_native`: the graph gets NaN (only for a model
    that was trained with values taken out); `impute`: reckoned from what is known, else `then`.
    """

    policy: Literal["abstain", "typical", "carry_forward", "model_native", "impute"]
    value: float | None = None
    max_age_days: int | None = Field(default=None, ge=1, le=1100)
    impute: Impute | None = None
    then: Missing | None = None

    @model_validator(mode="after")
    def _says_what_it_needs(self) -> Missing:
        needs = {
            "typical": self.value is not None,
            "carry_forward": self.max_age_days is not None and self.then is not None,
            "impute": self.impute is not None and self.then is not None,
        }
        if not needs.get(self.policy, True):
            raise ValueError(f"the policy `{self.policy}` does not say what it needs")
        if self.then is not None and self.then.policy == "carry_forward":
            raise ValueError("nothing is carried forward twice")
        return self

    def ways(self) -> tuple[str, ...]:
        """The policies in the order in which they are tried."""
        return (self.policy, *(self.then.ways() if self.then else ()))


class Feature(Declared):
    """One column of the vector, in words a clinician reads (`label`) and in numbers the model reads.

    `transform` (natural logarithm, or that of one more) is applied to what the window or the missing policy gave.
    """

    name: Name
    source: str
    window: Window
    missing: Missing
    label: Label
    transform: Literal["none", "log", "log1p"] = "none"


class Requirement(Declared):
    """Below this many measures of a source in the last `days` civil days, the bundle abstains."""

    source: str
    days: int = Field(ge=1)
    at_least: int = Field(ge=1)


class Band(Declared):
    """Risks from `ge` up to the next band; `priority` is what that means for the worklist (None: nothing)."""

    id: str
    ge: float = Field(ge=0, le=1)
    priority: Literal["routine"] | None = None
    label: Label


class Calibration(Declared):
    """Platt scaling of the raw logit, inside the graph: calibrated logit = slope * raw logit + intercept."""

    method: Literal["platt"]
    in_graph: Literal[True]
    slope: float
    intercept: float


class Head(Declared):
    """The outcome that is predicted, the graph's outputs, and the bands.

    A band is left only when the risk falls below `clear_factor` times its edge: a value that wavers at an edge is one
    alert. `base` and the contributions add up to the logit.
    """

    name: Name
    risk: str = "risk"
    contributions: str = "contributions"
    logit: str = "logit"
    clear_factor: float = Field(default=1.0, gt=0, le=1)
    outcome: str
    horizon: str
    base: float
    calibration: Calibration
    bands: tuple[Band, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _bands_cover_everything(self) -> Head:
        edges = [band.ge for band in self.bands]
        if edges[0] != 0 or edges != sorted(set(edges)):
            raise ValueError("bands start at 0 and rise")
        return self


class Graph(Declared):
    """The ONNX file: its hash, the name of its input, and the operators it may hold."""

    file: Literal["model.onnx"]
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    input: str
    ir: int
    opset: Mapping[str, int]
    ops: tuple[str, ...]


class Tensor(Declared):
    """One input of the graph: float32 (rows, features), in this order."""

    name: str
    features: tuple[Name, ...] = Field(min_length=1)


class Abstain(Declared):
    """When the bundle says nothing: more than `max_missing` features without data, or no measure newer than
    `max_age_days`."""

    max_missing: int | None = Field(default=None, ge=0)
    max_age_days: int | None = Field(default=None, ge=1)


class Golden(Declared):
    """How many golden rows there are, and how far a result may be from them."""

    n: int = Field(ge=50)
    atol: float = Field(gt=0, le=1e-4)


class Provenance(Declared):
    """Where the numbers come from."""

    recipe: str
    recipe_version: str
    data: str
    data_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    data_licence: str
    n_rows: int
    n_groups: int
    split: str
    seed: int
    software: Mapping[str, str]
    mask_augmented: bool = False


class Manifest(Declared):
    """manifest.json of a bundle. One head may be written as `head`, several as `heads`; the first is the main one.

    Without `tensors` the graph has one input, `graph.input`, of all features.
    """

    schema_: Literal["care.risk.bundle/1"] = Field(alias="schema")
    id: str = Field(pattern=r"^[a-z][a-z0-9-]{1,63}$")
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    status: Literal["research"]
    intended_use: str
    sources: Mapping[str, Source]
    features: tuple[Feature, ...] = Field(min_length=1)
    requires: tuple[Requirement, ...] = Field(min_length=1)
    heads: tuple[Head, ...] = Field(min_length=1)
    tensors: tuple[Tensor, ...] = ()
    abstain: Abstain = Abstain()
    graph: Graph
    golden: Golden
    provenance: Provenance

    @property
    def head(self) -> Head:
        """The main head."""
        return self.heads[0]

    @model_validator(mode="before")
    @classmethod
    def _one_head(cls, told: Any) -> Any:
        if isinstance(told, dict) and "head" in told and "heads" not in told:
            return {**{name: value for name, value in told.items() if name != "head"}, "heads": [told["head"]]}
        return told

    @model_validator(mode="after")
    def _inputs_are_all_features(self) -> Manifest:
        names = [name for tensor in self.tensors for name in tensor.features]
        if names and sorted(names) != sorted(feature.name for feature in self.features):
            raise ValueError("the tensors hold each feature once")
        native = any("model_native" in feature.missing.ways() for feature in self.features)
        if native and not self.provenance.mask_augmented:
            raise ValueError("model_native needs a model that was trained with values taken out")
        return self

    @model_validator(mode="after")
    def _names_meet(self) -> Manifest:
        named = [f.source for f in self.features] + [r.source for r in self.requires]
        named += [f.window.or_event for f in self.features if f.window.or_event]
        if unknown := set(named) - set(self.sources):
            raise ValueError(f"no such source: {', '.join(sorted(unknown))}")
        names = [f.name for f in self.features]
        codes = [code for source in self.sources.values() for code in source.codes]
        if len(set(names)) != len(names) or len(set(codes)) != len(codes):
            raise ValueError("a feature's name and a source's code are used once")
        return self
