"""What a panel asks and how it is drawn, in the few forms that the dashboards need."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

from grafana_foundation_sdk.builders import bargauge, common, stat, timeseries
from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DatasourceVariable,
    QueryVariable,
    Row,
    TextBoxVariable,
    ThresholdsConfig,
)
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models.common import (
    BigValueTextMode,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import (
    Dashboard as Built,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    VariableOption,
    VariableRefresh,
)

__all__ = ["Bars", "Board", "Choice", "Lines", "Number", "Panel", "Q", "Typed", "quantiles", "rate"]

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
REF_IDS = "ABCDEFGH"
GREEN, ORANGE, RED = "green", "orange", "red"
WIDTH = 24
"""Of Grafana's grid."""


@dataclass(frozen=True, slots=True)
class Q:
    """One query and the legend of its series."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """What all forms have in common."""

    title: str
    says: str
    """Which question it answers, and what is good."""
    queries: Sequence[Q]
    unit: str = "short"
    width: int = 8
    bad: tuple[float, ...] = ()
    """Values from which on it is orange and red, or red alone."""

    def build(self) -> Any:
        """The SDK's builder."""
        raise NotImplementedError

    def _common(self, made: Any, height: int, *, now: bool = False) -> Any:
        """`now`: asks for this moment alone. The last value of a time would also be there when nothing is any more."""
        made = made.title(self.title).description(self.says).datasource(SOURCE).unit(self.unit)
        made = made.span(self.width).height(height)
        if self.bad:
            colours = (RED,) if len(self.bad) == 1 else (ORANGE, RED)
            steps = [Threshold(value=None, color=GREEN)]
            steps += [Threshold(value=value, color=colour) for value, colour in zip(self.bad, colours, strict=True)]
            made = made.thresholds(ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
        for ref, query in zip(REF_IDS, self.queries, strict=False):
            asked = Dataquery().expr(query.expr).legend_format(query.legend or "__auto").ref_id(ref)
            made = made.with_target(asked.instant() if now else asked)
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines(Panel):
    """Over time."""

    stacked: bool = False
    least: float | None = 0.0
    most: float | None = None

    def build(self) -> Any:
        """See `Panel`."""
        legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
        made = self._common(timeseries.Panel(), 8).legend(legend.show_legend(True))
        made = made.tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI)).fill_opacity(10)
        if self.stacked:
            made = made.stacking(common.StackingConfig().mode(StackingMode.NORMAL)).fill_opacity(40)
        if self.least is not None:
            made = made.min(self.least)
        return made if self.most is None else made.max(self.most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Panel):
    """As it stands now."""

    width: int = 4
    text: Literal["value", "name"] = "value"
    decimals: int | None = None

    def build(self) -> Any:
        """See `Panel`."""
        mode = BigValueTextMode.NAME if self.text == "name" else BigValueTextMode.VALUE
        made = self._common(stat.Panel(), 4, now=True).text_mode(mode).reduce_options(_last())
        return made if self.decimals is None else made.decimals(self.decimals)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars(Panel):
    """As it stands now, one bar a series, in the order of their labels."""

    most: float | None = None

    def build(self) -> Any:
        """See `Panel`."""
        made = self._common(bargauge.Panel(), 8, now=True).reduce_options(_last()).min(0)
        return made if self.most is None else made.max(self.most)


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(False)


@dataclass(frozen=True, slots=True)
class Choice:
    """A variable whose values Prometheus knows."""

    name: str
    label: str
    query: str


@dataclass(frozen=True, slots=True)
class Typed:
    """A variable that people type."""

    name: str
    label: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A dashboard: rows of panels."""

    title: str
    says: str
    variables: Sequence[Choice | Typed] = ()
    rows: dict[str, Sequence[Panel]] = field(default_factory=dict)

    def build(self, uid: str) -> Built:
        """As Grafana's model."""
        made = Dashboard(self.title).uid(uid).description(self.says).tags(["dart"]).editable()
        made = made.time("now-3h", "now").refresh("1m").tooltip(DashboardCursorSync.CROSSHAIR)
        made = made.with_variable(DatasourceVariable("datasource").label("Data source").type("prometheus"))
        for variable in self.variables:
            made = made.with_variable(_variable(variable))
        numbers = count(1)
        for title, panels in self.rows.items():
            made = made.with_row(Row(title).id(next(numbers)))
            for panel in panels:
                made = made.with_panel(panel.build().id(next(numbers)))
        return made.build()


def _variable(variable: Choice | Typed) -> Any:
    if isinstance(variable, Typed):
        return TextBoxVariable(variable.name).label(variable.label).default_value(variable.value)
    made = QueryVariable(variable.name).label(variable.label).query(variable.query).datasource(SOURCE)
    made = made.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    return made.multi(True).include_all(True).all_value(".*").current(VariableOption(text="All", value="$__all"))


def rate(counter: str, by: str, where: str) -> str:
    """How fast a counter grows, per second, summed by labels."""
    return f"sum by ({by}) (rate({counter}{{{where}}}[$__rate_interval]))"


def quantiles(histogram: str, where: str, *of: float, by: str = "") -> list[Q]:
    """Quantiles of a histogram over time."""
    labels, more = (f"le, {by}", f"{{{{{by}}}}} ") if by else ("le", "")
    inner = f"sum by ({labels}) (rate({histogram}_bucket{{{where}}}[$__rate_interval]))"
    return [Q(f"histogram_quantile({one}, {inner})", f"{more}p{one * 100:g}") for one in of]
