"""One CloudWatch dashboard over all constructs of an app, a stage, a stack or a construct."""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

import jsii
from aws_cdk import (
    Annotations,
    Aspects,
    CfnOutput,
    DefaultTokenResolver,
    Duration,
    Fn,
    IAspect,
    IPostProcessor,
    IResolvable,
    IResolveContext,
    NestedStack,
    Reference,
    Stack,
    Stage,
    StringConcat,
    Tokenization,
)
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from constructs import Construct, IConstruct

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import alarms, location
from constructs_lib.foundation.invoked import Invoked
from constructs_lib.foundation.resource import node_of, path_of
from constructs_lib.practice.plugin import app_of, check_app_of


class AppDashboard(Construct):
    """A CloudWatch dashboard over all constructs of an app, a stage, a stack or a construct.

    The top shows the state of all alarms. Below is a row for each construct that has alarms: its traffic, and each
    metric that is watched with the threshold of its alarm. Each function has its invocations, errors, throttles,
    duration and concurrency; all but the concurrency are those of its alias if it has one. The content is collected
    when the app is synthesized, so that it includes constructs that are created later, and alarms of plain CDK. Alarms
    that `AlarmSettings` leaves out still have graphs.

    What is deployed: the dashboard. Stacks whose resources it shows get outputs with their names, which it reads when
    it is deployed. These are not exports, so that the stacks can be changed and deleted independently. The dashboard
    depends on all of them: put it into its own stack.

    Stacks of other Regions are shown. Stacks of other accounts and stages are not: an info at synth, and the last line
    of the dashboard, name them.

    The guide is docs/observability.md.

    Args:
        scope: The construct to put it in: its own stack.
        construct_id: The construct's id, unique in its scope.
        of: The app, stage, stack or other construct to show, with all its children; default the stage that it is in,
            or else the app.
        dashboard_name: A name of 1 to 255 letters, digits, `-` and `_`; default one that CloudFormation generates. It
            must be unique in the account, over all Regions. Another name replaces the dashboard.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        dashboard: The dashboard. Widgets that you add are above its rows.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Dashboards.html
    """

    dashboard: Final[cloudwatch.Dashboard]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        of: Construct | None = None,
        dashboard_name: str | None = None,
    ) -> None:
        """Create the dashboard; the arguments are described at the class."""
        app = app_of(scope)
        if of is not None and (not isinstance(of, Construct) or app_of(of) is not app):
            got = path_of(of) if isinstance(of, Construct) else _validation.shown(of)
            raise InvalidPropsError(
                "of must be an app, a stage, a stack or another construct of the app that the dashboard is in, got "
                f"{got}."
            )
        if dashboard_name is not None:
            _validation.check_pattern(
                "dashboard_name",
                dashboard_name,
                _defaults.DASHBOARD_NAME_PATTERN,
                "1 to 255 letters, digits, hyphens and underscores",
                source=_defaults.PUT_DASHBOARD,
            )

        super().__init__(scope, construct_id)
        check_app_of(self, scope)
        location.note(scope, self)
        self.dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=dashboard_name,
            period_override=cloudwatch.PeriodOverride.INHERIT,  # a threshold is for the minute of its alarm
        )
        stage = cast("Construct", Stage.of(self) or node_of(self).root)
        Aspects.of(self).add(cast("IAspect", _Filling(self, stage if of is None else of)))


@jsii.implements(IAspect)
class _Filling:
    """Fills a dashboard when the app is synthesized, when all constructs are there."""

    def __init__(self, owner: AppDashboard, of: Construct) -> None:
        self._owner = owner
        self._of = of

    def visit(self, node: IConstruct) -> None:
        """Fill the dashboard."""
        if node is self._owner:
            _fill(self._owner, self._of)


# --- what is shown ---------------------------------------------------------------------------------------


@dataclass
class _Place:
    """A stack, as the dashboard sees it."""

    stack: Stack
    here: Stack
    """The stack of the dashboard."""
    foreign: str = ""
    """Why it is not shown: its account, or its stage."""
    region: str | None = None
    """Its Region, if it differs."""
    _name: str = ""
    """Its name, when the dashboard reads outputs of it."""
    _outputs: dict[str, str] = field(default_factory=dict)
    """What stands for a value of the stack, of each that was asked for."""

    @property
    def outputs(self) -> int:
        """How many outputs of it the dashboard reads."""
        return len(set(self._outputs.values()))

    def local(self, value: str) -> str:
        """A value of a resource, as the dashboard's own stack can read it.

        A reference of the CDK would be an export, which keeps the other stack from removing its resource.
        Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getstackoutput.html
        """
        if self.stack is self.here or not _validation.is_unresolved(value):
            return value
        return _TOKEN.sub(lambda match: self._output(match[0]), value)

    def _output(self, value: str) -> str:
        if value not in self._outputs:
            self._outputs[value] = self._new_output(value)
        return self._outputs[value]

    def _new_output(self, value: str) -> str:
        if not self._name:
            self._link()
            self._name = self.stack.stack_name
        text = json.dumps([self.stack.resolve(value), *_referred_to(value, self.stack)], sort_keys=True)
        name = f"Dashboard{hashlib.sha256(text.encode()).hexdigest()[:16]}"
        if node_of(self.stack).try_find_child(name) is None:
            CfnOutput(self.stack, name, value=value, description="Shown by a dashboard of another stack.")
        return Fn.get_stack_output(self._name, name, self.region)

    def alarm(self, owner: Construct, alarm: cloudwatch.AlarmBase) -> cloudwatch.IAlarm:
        """An alarm, as the dashboard's own stack can name it."""
        if self.stack is self.here:
            return alarm
        return cloudwatch.Alarm.from_alarm_arn(owner, path_of(alarm), self.local(alarm.alarm_arn))

    def _link(self) -> None:
        """Deploy the stack before the dashboard, which reads its outputs."""
        try:
            self.here.add_stack_dependency(self.stack, "the dashboard shows its resources")
        except RuntimeError as error:
            raise InvalidPropsError(
                f"the dashboard cannot be in the stack {path_of(self.here)}, on which {path_of(self.stack)} depends: "
                "it shows resources of that one, and must be deployed after it. Put it into a stack of its own. "
                f"See {_defaults.STACK_OUTPUTS}"
            ) from error


def _referred_to(value: str, stack: Stack) -> list[str]:
    """The resources that a value refers to: in two stacks, nested ones too, they may have the same logical id."""
    token = Tokenization.reverse_string(value).first_token
    if Reference.is_reference(token):  # as most are; the other way calls Python for each token
        return [path_of(cast("Reference", token).target)]
    found = _References()
    Tokenization.resolve(value, scope=stack, resolver=found)
    return sorted(found.paths)


class _References(DefaultTokenResolver):
    """Collects the resources that the parts of a value refer to."""

    def __init__(self) -> None:
        super().__init__(StringConcat())
        self.paths: set[str] = set()

    def resolve_token(self, t: IResolvable, context: IResolveContext, post_processor: IPostProcessor) -> Any:
        """Note a reference on its way."""
        if Reference.is_reference(t):
            self.paths.add(path_of(cast("Reference", t).target))
        return super().resolve_token(t, context, post_processor)


@dataclass
class _Row:
    """What is shown of one construct."""

    place: _Place
    graphs: list[cloudwatch.GraphWidget] = field(default_factory=list)
    shown: set[str] = field(default_factory=set)
    """What `traffic` has shown already."""

    def graph(
        self,
        title: str,
        metrics: Sequence[cloudwatch.IMetric],
        annotations: Sequence[cloudwatch.HorizontalAnnotation] = (),
    ) -> None:
        """Add a graph."""
        self.graphs.append(
            cloudwatch.GraphWidget(
                title=title,
                left=list(metrics),
                left_annotations=list(annotations),
                region=self.place.region,
                width=_WIDTH,
                height=_HEIGHT,
            )
        )

    def alarm(self, alarm: cloudwatch.Alarm, title: str) -> None:
        """Add what an alarm watches, and the traffic in front of it."""
        metric = alarm.metric
        for stat in _stats(metric):
            for traffic in _TRAFFIC.get((stat.namespace, stat.metric_name), ()):
                self.traffic(traffic, stat)
        annotation = alarm.to_annotation()
        known = not _validation.is_unresolved(annotation.value)
        shown = _shown_by(self.place, metric)
        if shown is not metric and known:
            annotation = cloudwatch.HorizontalAnnotation(
                value=annotation.value,
                label=annotation.label and self.place.local(annotation.label),
                visible=annotation.visible,
            )
        self.graph(title, [shown], [annotation] if known else [])

    def traffic(self, traffic: "_Traffic", stat: cloudwatch.MetricStatConfig) -> None:
        """Add the traffic of what an alarm watches, once."""
        dimensions = {each.name: each.value for each in stat.dimensions or ()}
        key = f"{traffic.title} {dimensions}"
        if key not in self.shown:
            self.shown.add(key)
            self.lines(stat.namespace, traffic, dimensions)

    def function(self, dimensions: Mapping[str, str]) -> None:
        """Add the graphs of a function."""
        for each in _OF_FUNCTIONS:
            self.lines("AWS/Lambda", each, dimensions)
        self.lines("AWS/Lambda", _CONCURRENCY, {"FunctionName": dimensions["FunctionName"]})

    def lines(self, namespace: str, traffic: "_Traffic", dimensions: Mapping[str, str]) -> None:
        """Add a graph of several metrics with the same dimensions."""
        local = {name: self.place.local(value) for name, value in dimensions.items()}
        self.graph(
            traffic.title,
            [
                cloudwatch.Metric(
                    namespace=namespace,
                    metric_name=name,
                    statistic=statistic,
                    period=alarms.PERIOD,
                    dimensions_map=local,
                    label=f"{name} {statistic}" if traffic.title == "Duration" else None,
                )
                for name, statistic in traffic.metrics
            ],
        )


@dataclass(frozen=True)
class _Traffic:
    title: str
    metrics: tuple[tuple[str, str], ...]
    """Names and statistics."""


_MESSAGES: Final = _Traffic(
    "Messages",
    (
        ("ApproximateNumberOfMessagesVisible", "Maximum"),
        ("ApproximateNumberOfMessagesNotVisible", "Maximum"),
    ),
)
_TRAFFIC: Final[dict[tuple[str, str], tuple[_Traffic, ...]]] = {
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): (_MESSAGES,),
    ("AWS/ApiGateway", "5XXError"): (_Traffic("Requests", (("Count", "Sum"), ("4XXError", "Sum"))),),
    ("AWS/ApiGateway", "5xx"): (_Traffic("Requests", (("Count", "Sum"), ("4xx", "Sum"))),),
    ("AWS/Lambda", "Url5xxCount"): (
        _Traffic("Requests", (("UrlRequestCount", "Sum"), ("Url4xxCount", "Sum"))),
    ),
}
"""What is shown in addition to a metric that an alarm watches, with its dimensions."""

_OF_FUNCTIONS: Final = (
    _Traffic("Invocations", (("Invocations", "Sum"), ("Errors", "Sum"), ("Throttles", "Sum"))),
    _Traffic("Duration", (("Duration", "p50"), ("Duration", "p99"))),
)
_CONCURRENCY: Final = _Traffic("Concurrent executions", (("ConcurrentExecutions", "Maximum"),))
"""Of the function as a whole: all its versions use the concurrency that it reserves."""

_TOKEN: Final = re.compile(r"\$\{Token\[[^\]]+\]\}")
"""What stands for a reference within a text of the CDK."""

_WIDTH: Final = 6
_HEIGHT: Final = 5
_WIDE: Final = 24
_ALARMS_IN_A_LINE: Final = 4


def _stats(metric: cloudwatch.IMetric) -> Iterator[cloudwatch.MetricStatConfig]:
    """The metrics that a metric is computed of, or itself."""
    config = metric.to_metric_config()
    if config.metric_stat is not None:
        yield config.metric_stat
    elif config.math_expression is not None:
        for each in config.math_expression.using_metrics.values():
            yield from _stats(each)


def _shown_by(place: _Place, metric: cloudwatch.IMetric) -> cloudwatch.IMetric:
    """A metric as the dashboard's own stack can name it."""
    if place.stack is place.here:
        return metric
    config = metric.to_metric_config()
    label = (config.rendering_properties or {}).get("label")
    label = label and place.local(label)
    stat, of_several = config.metric_stat, config.math_expression
    if stat is not None:
        return cloudwatch.Metric(
            namespace=place.local(stat.namespace),
            metric_name=place.local(stat.metric_name),
            account=stat.account_override,
            statistic=stat.statistic,
            period=stat.period,
            unit=stat.unit_filter,
            dimensions_map={each.name: place.local(each.value) for each in stat.dimensions or ()},
            label=label,
        )
    assert of_several is not None  # noqa: S101 - an alarm has one or the other
    return cloudwatch.MathExpression(
        expression=place.local(of_several.expression),
        using_metrics={name: _shown_by(place, each) for name, each in of_several.using_metrics.items()},
        period=Duration.seconds(of_several.period),
        label=label,
    )


# --- filling ---------------------------------------------------------------------------------------------


def _fill(owner: AppDashboard, of: Construct) -> None:
    below = node_of(of).find_all()
    stacks = {path_of(each): each for each in below if isinstance(each, Stack)}
    places = _places(location.stack_of(owner), stacks.values() or [location.stack_of(of)])
    left_out = [each for each in alarms.left_out if app_of(each) is app_of(owner) and _is_below(each, of)]
    watched = [each for each in below if isinstance(each, cloudwatch.AlarmBase)] + left_out
    owners = {_parent(each) for each in watched} - stacks.keys() - {""}
    rows: dict[str, _Row] = {}
    not_shown: set[str] = set()

    def row_of(construct: IConstruct) -> _Row | None:
        place = places[max((path for path in places if _is_at_or_below(path_of(construct), path)), key=len)]
        if place.foreign:
            not_shown.add(f"{place.stack.node.path} ({place.foreign})")
            return None
        path = path_of(construct) if _parent(construct) not in owners else _parent(construct)
        return rows.setdefault(path, _Row(place))

    for function, dimensions in _functions(below):
        row = row_of(function)
        if row is not None:
            row.function(dimensions)
    status: list[cloudwatch.IAlarm] = []
    for alarm in watched:
        row = row_of(alarm)
        if row is None:
            continue
        if isinstance(alarm, cloudwatch.Alarm):
            row.alarm(alarm, _title(alarm))
        if alarm not in alarms.left_out:
            status.append(row.place.alarm(owner, alarm))
    _lay_out(owner, rows, status, sorted(not_shown))
    for path, place in sorted(places.items()):
        if place.outputs > _defaults.STACK_OUTPUTS_MAX:
            Annotations.of(owner).add_error(
                f"The dashboard reads {place.outputs} outputs of {path}, and a template has at most "
                f"{_defaults.STACK_OUTPUTS_MAX}. Divide the stack, or put a dashboard of it into the stack "
                f"itself, which needs none: AppDashboard(..., of=stack). See {_defaults.STACK_OUTPUTS}"
            )


def _places(stack: Stack, stacks: Iterable[Stack]) -> dict[str, _Place]:
    """The outermost stacks by their paths, as the dashboard's own sees them."""
    here = _outermost(stack)
    account, region, stage = here.account, here.region, Stage.of(here)
    places = {}
    for each in {_outermost(each) for each in stacks}:
        place = places[path_of(each)] = _Place(each, here)
        if each is here:
            continue
        theirs = each.account
        if theirs != account and not _validation.has_unresolved([theirs, account]):
            place.foreign = f"account {theirs}"
        elif Stage.of(each) is not stage:
            place.foreign = "another stage"
        if each.region != region and not _validation.is_unresolved(each.region):
            place.region = each.region
    return places


def _outermost(stack: Stack) -> Stack:
    while isinstance(stack, NestedStack):
        parent = stack.nested_stack_parent
        assert parent is not None  # noqa: S101 - that is what makes it a nested one
        stack = parent
    return stack


def _functions(below: Sequence[IConstruct]) -> Iterator[tuple[IConstruct, dict[str, str]]]:
    """Each alias, and each function without one, with the dimensions of its metrics."""
    behind = set()
    for alias in below:
        if isinstance(alias, lambda_.Alias):
            invoked = Invoked.of(alias)
            behind.add(invoked.path)
            name = invoked.base.function_name
            yield alias, {"FunctionName": name, "Resource": f"{name}:{invoked.qualifier}"}
    for function in below:
        if isinstance(function, lambda_.Function) and path_of(function) not in behind:
            yield function, {"FunctionName": function.function_name}


def _lay_out(
    owner: AppDashboard,
    rows: Mapping[str, _Row],
    status: Sequence[cloudwatch.IAlarm],
    not_shown: Sequence[str],
) -> None:
    widgets: list[list[cloudwatch.IWidget]] = [
        [
            cloudwatch.AlarmStatusWidget(
                title="Alarms",
                alarms=list(part),
                sort_by=cloudwatch.AlarmStatusWidgetSortBy.STATE_UPDATED_TIMESTAMP,  # what is in alarm comes first
                width=_WIDE,
                height=2 + math.ceil(len(part) / _ALARMS_IN_A_LINE),
            )
        ]
        for part in _parts(status, _defaults.ALARM_WIDGET_ALARMS_MAX)
    ]
    for path in sorted(rows):
        region = rows[path].place.region
        widgets.append([_text(f"### {path}{f' in {region}' if region else ''}")])
        widgets.append([*rows[path].graphs])
    if not_shown:
        text = f"Not shown: {', '.join(not_shown)}."
        widgets.append([_text(text)])
        Annotations.of(owner).add_info_v2(
            "constructs-lib:not-on-the-dashboard",
            f"{text} A dashboard shows the stacks of its own account and stage: create one in each.",
        )
    count = sum(len(row) for row in widgets)
    if count > _defaults.DASHBOARD_WIDGETS_MAX:
        Annotations.of(owner).add_error(
            f"The dashboard has {count} widgets, and CloudWatch allows {_defaults.DASHBOARD_WIDGETS_MAX}. Create "
            f"several, each of a part of the app: AppDashboard(..., of=stack). See {_defaults.DASHBOARD_BODY}"
        )
    for row in widgets:
        owner.dashboard.add_widgets(*row)


def _parts(values: Sequence[cloudwatch.IAlarm], size: int) -> Iterator[Sequence[cloudwatch.IAlarm]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _text(markdown: str) -> cloudwatch.TextWidget:
    return cloudwatch.TextWidget(
        markdown=markdown, width=_WIDE, height=1, background=cloudwatch.TextWidgetBackground.TRANSPARENT
    )


def _title(alarm: IConstruct) -> str:
    """The id of an alarm as words: `OldestMessageAlarm` becomes "Oldest message"."""
    name = re.sub(r"(?<=.)Alarm(?=\d*$)", "", path_of(alarm).rpartition("/")[2])
    return re.sub(r"(?<=[a-z])([A-Z])(?=[a-z])", lambda match: f" {match[1].lower()}", name)


def _parent(construct: IConstruct) -> str:
    return path_of(construct).rpartition("/")[0]


def _is_below(construct: IConstruct, of: Construct) -> bool:
    return _is_at_or_below(path_of(construct), path_of(of))


def _is_at_or_below(path: str, above: str) -> bool:
    return not above or path == above or path.startswith(f"{above}/")
