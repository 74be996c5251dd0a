"""What a bundle declares about itself: measures, features, limits, head, bands and provenance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Label = Mapping[str, str]


class Declared(BaseModel):
    """A part of the manifest: unknown keys are refused, so that a misspelt limit is never silently no limit."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Source(Declared):
    """One kind of measure the bundle reads, by its codes.

    A quantity has a unit, units it accepts (unit -> factor to `unit`), a `hard` range (outside: abstain) and a `soft`
    range (outside: the limit is used, so that one odd value can't carry a mean). `censored` is the value of a
    reading that showed only Lo ('<') or Hi ('>'). An event has none of these: it counts unless its value is 0.
    """

    kind: Literal["quantity", "event"]
    codes: tuple[str, ...] = Field(min_length=1)
    unit: str = ""
    accept: Mapping[str, float] = {}
    hard: tuple[float, float] | None = None
    soft: tuple[float, float] | None = None
    censored: Mapping[Literal["<", ">"], float] = {}

    @model_validator(mode="after")
    def _quantities_have_limits(self) -> Source:
        if self.kind == "quantity" and (not self.unit or self.hard is None or self.soft is None):
            raise ValueError("a quantity needs a unit, a hard and a soft range")
        return self


class Window(Declared):
    """The last `days` civil days in the patient's zone, today included and up to the moment of scoring."""

    days: int = Field(ge=1, le=366)
    aggregate: Literal["mean", "sd", "min", "count_per_day", "day_share"]
    below: float | None = None
    or_event: str | None = None
    min_points: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _shares_have_a_threshold(self) -> Window:
        if self.aggregate == "day_share" and self.below is None:
            raise ValueError("a share needs its threshold `below`")
        return self


class Missing(Declared):
    """What is done without data: `abstain`, or use the declared typical value (its contribution is then zero)."""

    policy: Literal["abstain", "typical"]
    value: float | None = None

    @model_validator(mode="after")
    def _typical_has_a_value(self) -> Missing:
        if self.policy == "typical" and self.value is None:
            raise ValueError("the policy `typical` needs its value")
        return self


class Feature(Declared):
    """One column of the vector, in words a clinician reads (`label`) and in numbers the model reads."""

    name: Name
    source: str
    window: Window
    missing: Missing
    label: Label


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
    """The outcome that is predicted, the graph's outputs, and the bands."""

    name: Name
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


class Manifest(Declared):
    """manifest.json of a bundle."""

    schema_: Literal["care.risk.bundle/1"] = Field(alias="schema")
    id: str = Field(pattern=r"^[a-z][a-z0-9-]{1,63}$")
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    status: Literal["research"]
    intended_use: str
    sources: Mapping[str, Source]
    features: tuple[Feature, ...] = Field(min_length=1)
    requires: tuple[Requirement, ...] = Field(min_length=1)
    head: Head
    graph: Graph
    golden: Golden
    provenance: Provenance

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
