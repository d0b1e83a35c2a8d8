"""Code in front of CloudFront: a CloudFront function, or a Lambda function at the edge."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypedDict
from weakref import WeakKeyDictionary

from aws_cdk import Annotations, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct, IConstruct

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import location
from constructs_lib.foundation.alarms import Alarms, Watch
from constructs_lib.foundation.resource import path_of
from constructs_lib.patterns.edge import alarms as edge_alarms
from constructs_lib.patterns.edge import javascript, lambda_at_edge
from constructs_lib.practice.plugin import check_app_of

if TYPE_CHECKING:  # a service module costs time at import
    from aws_cdk import aws_cloudfront as cloudfront

EdgeEvent = Literal["viewer-request", "viewer-response", "origin-request", "origin-response"]
"""When CloudFront runs a function."""

CLOUDFRONT_FUNCTIONS: Final = "CloudFront Functions"
LAMBDA_AT_EDGE: Final = "Lambda@Edge"


class _Associations(TypedDict, total=False):
    """The arguments of `cloudfront.BehaviorOptions` that are about functions."""

    function_associations: "list[cloudfront.FunctionAssociation]"
    edge_lambdas: "list[cloudfront.EdgeLambda]"


class EdgeFunction(Construct):
    """A function that CloudFront runs for requests or responses, with CloudFront Functions or Lambda@Edge.

    A JavaScript file passed as `code` runs with CloudFront Functions, and a Lambda function passed as `function` with
    Lambda@Edge. The events differ, so that the same code cannot run with both. CloudFront Functions cost about a sixth
    of Lambda@Edge, run in every edge location and are deployed within seconds; use them for viewer events, unless you
    need the body, the network, Python, or more than 10 KB of code. An info at synth names a Lambda function that they
    could replace. Features that the one you use does not have are refused.

    What is deployed for `code`: the CloudFront function, published to LIVE; a log group with a retention; and alarms on
    errors, invalid results, throttles, and compute utilization. What is deployed for `function`: its
    current version. Replicas may assume the function's role, and write to the log group of its name in every Region.
    `watch(distribution)` adds the alarms, since CloudFront has these metrics by distribution.

    **An error reaches every viewer.** When the function fails, viewers get 503, or 502 if Lambda@Edge returns
    something invalid, for each request of the behavior. CloudFront does not retry, and new code is not deployed
    gradually: test it first, for example with a staging distribution.

    **Region.** Lambda@Edge requires us-east-1, for this construct and the function. CloudFront Functions may be in a
    stack of any Region, but their metrics and logs are in us-east-1: in another Region they get no alarms and no log
    group, and a warning is printed at synth.

    **Deletion.** Lambda refuses to delete a function that has replicas, which exist for hours after the distribution
    has stopped using it. Therefore the function and its versions are retained when they are replaced or their stack is
    deleted: delete them later.

    Args:
        scope: The construct to put it in.
        construct_id: The construct's id, unique in its scope.
        event: The event for which CloudFront runs it: `viewer-request`, `viewer-response`, `origin-request` or
            `origin-response`. The latter two, which run only on a cache miss, require `function`.
        code: CloudFront Functions: a JavaScript file with a function `handler`, of at most 10 KB, for runtime 2.0.
        key_value_store: CloudFront Functions: the store that `cf.kvs()` reads; default None: no store.
        function: Lambda@Edge: a function of this app, in Python or Node.js, for x86_64, without environment variables,
            tracing, layers and VPC, and with a timeout of at most 30 seconds.
        include_body: Lambda@Edge: whether the event of a request has the body, its first 40 KB (viewer) or 1 MB
            (origin); default False.
        log_retention: CloudFront Functions: how long the log group keeps logs; default two months.
        log_removal_policy: CloudFront Functions: what happens to the log group when the stack is deleted; default
            RETAIN_ON_UPDATE_OR_DELETE. The log group has a fixed name: delete it before you deploy the stack again.
        alarm_topic: The topic that the alarms notify, of the same Region. None: that of `AlarmSettings`, or else one
            that is created, for you to subscribe to.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        kind: `CloudFront Functions` or `Lambda@Edge`.
        event: The event for which CloudFront runs it.
        cloudfront_function: The CloudFront function. None for Lambda@Edge.
        version: The version that CloudFront replicates. None for CloudFront Functions.
        log_group: The log group of a CloudFront function in us-east-1. None otherwise.
        alarm_topic: The topic that the alarms notify: the one that you passed, that of `AlarmSettings`, or one that was
            created. None for CloudFront Functions in another Region than us-east-1.
        alarms: The alarms of a CloudFront function in us-east-1, by name: `errors`, `validation`, `throttles` and
            `utilization`. Empty otherwise.

    Source: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-functions-choosing.html (which one),
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-functions-restrictions.html,
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html,
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-503-service-unavailable.html and
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-edge-delete-replicas.html
    """

    kind: Final[str]
    event: Final[EdgeEvent]
    cloudfront_function: "Final[cloudfront.Function | None]"
    version: Final[lambda_.Version | None]
    log_group: Final[logs.LogGroup | None]
    alarm_topic: Final[sns.ITopic | None]
    alarms: Final[Mapping[str, cloudwatch.Alarm]]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        event: EdgeEvent,
        code: str | Path | None = None,
        key_value_store: "cloudfront.IKeyValueStore | cloudfront.KeyValueStore | None" = None,
        function: lambda_.Function | None = None,
        include_body: bool = False,
        log_retention: logs.RetentionDays | None = None,
        log_removal_policy: RemovalPolicy | None = None,
        alarm_topic: sns.ITopic | sns.Topic | None = None,
    ) -> None:
        """Create it; the arguments are described at the class."""
        _validation.check_choice("event", event, _defaults.EDGE_EVENTS, source=_defaults.EDGE_FUNCTIONS)
        _validation.check_flag("include_body", include_body)
        _check_which(code, function)
        _validation.check_part("key_value_store", key_value_store, "key_value_store_arn", "a key value store")
        _validation.check_type(
            "log_retention", log_retention, logs.RetentionDays, "logs.RetentionDays.ONE_MONTH"
        )
        _validation.check_member("log_removal_policy", log_removal_policy, RemovalPolicy, without="SNAPSHOT")
        Alarms.check_topic(scope, alarm_topic)
        region = location.stack_of(scope).region
        text = ""
        if function is None:
            _check_cloudfront_functions(event, include_body=include_body)
            text = javascript.read(code, has_store=key_value_store is not None)
        else:
            _validation.check_not_with(
                "function",
                "they are for CloudFront Functions. Set the logs of a Lambda function where it is made.",
                key_value_store=key_value_store,
                log_retention=log_retention,
                log_removal_policy=log_removal_policy,
            )
            if include_body and not event.endswith("-request"):
                raise InvalidPropsError(
                    f"include_body requires the event of a request, got {event}: a response has its body only where "
                    f"the function makes one. See {_defaults.LAMBDA_AT_EDGE_RESTRICTIONS}"
                )
            lambda_at_edge.check(scope, function)

        super().__init__(scope, construct_id)
        check_app_of(self, scope)
        location.note(scope, self)
        self.event = event
        self._include_body = include_body
        self.kind = CLOUDFRONT_FUNCTIONS if function is None else LAMBDA_AT_EDGE
        is_elsewhere = not _validation.is_unresolved(region) and region != _defaults.CLOUDFRONT_REGION
        _tell(self, region)

        self.version = None if function is None else lambda_at_edge.publish(self, function)
        self._alarms = None if is_elsewhere else Alarms(self, alarm_topic)
        self.alarm_topic = None if self._alarms is None else self._alarms.topic
        self.cloudfront_function = None if function is not None else _published(self, text, key_value_store)
        self.log_group = (
            None
            if self.cloudfront_function is None or is_elsewhere
            else _logging(self, self.cloudfront_function, log_retention, log_removal_policy)
        )
        self.alarms = (
            {}
            if self.cloudfront_function is None
            else _added(
                self._alarms, "", edge_alarms.of_cloudfront_function(self.cloudfront_function.function_name)
            )
        )

    @staticmethod
    def associations(*functions: "EdgeFunction") -> _Associations:
        """The functions of one behavior, as arguments of `cloudfront.BehaviorOptions` or `distribution.add_behavior`.

        For example `BehaviorOptions(origin=origin, **EdgeFunction.associations(rewrite, headers))`.

        Args:
            *functions: At most one for each event. Functions for viewer events are all of one kind.

        Returns:
            `function_associations` and `edge_lambdas`, each where there are any.

        Raises:
            InvalidPropsError: CloudFront does not support this combination.

        Source: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
        """
        from aws_cdk import aws_cloudfront as cloudfront

        _check_together(functions)
        associations = _Associations()
        of_cloudfront = [
            cloudfront.FunctionAssociation(
                function=each.cloudfront_function,
                event_type=cloudfront.FunctionEventType[_as_member(each.event)],
            )
            for each in functions
            if each.cloudfront_function is not None
        ]
        of_lambda = [
            cloudfront.EdgeLambda(
                function_version=each.version,
                event_type=cloudfront.LambdaEdgeEventType[_as_member(each.event)],
                include_body=each._include_body or None,
            )
            for each in functions
            if each.version is not None
        ]
        if of_cloudfront:
            associations["function_associations"] = of_cloudfront
        if of_lambda:
            associations["edge_lambdas"] = of_lambda
        return associations

    def watch(
        self, distribution: "cloudfront.IDistribution | cloudfront.Distribution"
    ) -> Mapping[str, cloudwatch.Alarm]:
        """Add alarms on all Lambda@Edge functions of a distribution, whose metrics CloudFront publishes together.

        Args:
            distribution: One that runs this function, in the same stack, or an imported one. One function of each
                distribution is enough.

        Returns:
            The alarms by name: `errors`, `validation` and `throttles`; those that exist already, if another
            function watches the distribution.

        Raises:
            InvalidPropsError: It is not a distribution or it is in another stack, or this is a CloudFront function,
                which has its alarms already.
        """
        _validation.check_part(
            "distribution", distribution, "distribution_id", "a CloudFront distribution", required=True
        )
        if self.version is None or self._alarms is None:
            raise InvalidPropsError(
                f"watch is for Lambda@Edge, and {self.node.path} runs with CloudFront Functions: its metrics are its "
                f"own, and .alarms watch them. See {_defaults.CLOUDFRONT_METRICS}"
            )
        stack = location.stack_of(self)
        if location.stack_of(distribution) is not stack:
            raise InvalidPropsError(
                f"distribution must be in the stack of {self.node.path}, got {distribution.node.path}: its stack "
                "depends on that of the function, and the alarms would make the latter depend on it. Put both into one "
                f"stack, or import the distribution by its id. See {_defaults.CLOUDFRONT_METRICS}"
            )
        if distribution not in _watched:
            place = path_of(distribution).removeprefix(f"{path_of(stack)}/").replace("/", "-")
            _watched[distribution] = _added(
                self._alarms,
                place,
                edge_alarms.of_distribution(distribution.distribution_id),
            )
        Annotations.of(self).acknowledge_warning(_UNWATCHED, "watch(distribution) was called.")
        return _watched[distribution]


_watched: Final[WeakKeyDictionary[IConstruct, Mapping[str, cloudwatch.Alarm]]] = WeakKeyDictionary()
"""The alarms of each distribution that has some."""

_UNWATCHED: Final = "constructs-lib:edge-function-without-alarms"


def _published(
    scope: Construct, code: str, key_value_store: "cloudfront.IKeyValueStore | None"
) -> "cloudfront.Function":
    from aws_cdk import aws_cloudfront as cloudfront

    return cloudfront.Function(
        scope,
        "Function",
        code=cloudfront.FunctionCode.from_inline(code),
        runtime=cloudfront.FunctionRuntime.JS_2_0,
        key_value_store=key_value_store,
    )


def _logging(
    scope: Construct,
    function: "cloudfront.Function",
    retention: logs.RetentionDays | None,
    removal_policy: RemovalPolicy | None,
) -> logs.LogGroup:
    """Create the log group that CloudFront would create at the first line of a log, and without a retention.

    Source: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-functions-logs.html
    """
    log_group = logs.LogGroup(
        scope,
        "LogGroup",
        log_group_name=f"/aws/cloudfront/function/{function.function_name}",
        retention=retention or logs.RetentionDays.TWO_MONTHS,
        removal_policy=removal_policy or RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    )
    function.node.add_dependency(log_group)
    return log_group


def _added(alarms: Alarms | None, prefix: str, watches: Mapping[str, Watch]) -> dict[str, cloudwatch.Alarm]:
    if alarms is None:
        return {}
    return {name: alarms.add(f"{prefix}{name.capitalize()}Alarm", watch) for name, watch in watches.items()}


def _as_member(event: str) -> str:
    """The name that CDK's enumerations have for an event."""
    return event.upper().replace("-", "_")


def _tell(construct: EdgeFunction, region: str) -> None:
    """Tell at synth what may be meant so, and cannot be seen from here."""
    annotations = Annotations.of(construct)
    home = _defaults.CLOUDFRONT_REGION
    if _validation.is_unresolved(region):
        needs = (
            "its alarms and its log group are" if construct.kind == CLOUDFRONT_FUNCTIONS else "Lambda@Edge is"
        )
        annotations.add_warning_v2(
            "constructs-lib:edge-region",
            f"The Region of the stack is not known, and {needs} in {home} alone. Set "
            f"env=Environment(region={home!r}), or acknowledge this if it is deployed there. "
            f"See {_defaults.LAMBDA_AT_EDGE_RESTRICTIONS}",
        )
    elif region != home:
        annotations.add_warning_v2(
            "constructs-lib:edge-region",
            f"The metrics and logs of CloudFront Functions are in {home}: this one, in {region}, has no alarms, and "
            f"its logs never expire. Put it into a stack of {home}, or acknowledge this. "
            f"See {_defaults.EDGE_FUNCTION_LOGS}",
        )
    if construct.kind == CLOUDFRONT_FUNCTIONS:
        return
    annotations.add_warning_v2(
        _UNWATCHED,
        "Nobody is told if this Lambda@Edge function fails. Call watch(distribution) with the distribution that runs "
        f"it. See {_defaults.CLOUDFRONT_METRICS}",
    )
    if construct.event.startswith("viewer-") and not construct._include_body:
        annotations.add_info_v2(
            "constructs-lib:edge-cheaper",
            f"This {construct.event} function runs with Lambda@Edge. If it needs no network and fits into 10 KB of "
            "JavaScript, CloudFront Functions run it for about a sixth of the price, with less latency: pass code. "
            f"See {_defaults.EDGE_FUNCTIONS}",
        )


# --- arguments -----------------------------------------------------------------------------------------


def _check_which(code: object, function: object) -> None:
    if (code is None) == (function is None):
        got = "neither" if code is None else "both"
        raise InvalidPropsError(
            "code or function must be passed, a JavaScript file for CloudFront Functions or a Lambda function for "
            f"Lambda@Edge, got {got}. See {_defaults.EDGE_FUNCTIONS}"
        )


def _check_cloudfront_functions(event: str, *, include_body: bool) -> None:
    if not event.startswith("viewer-"):
        raise InvalidPropsError(
            f"event of code must be viewer-request or viewer-response, got {event}, which CloudFront Functions do not "
            f"have. Pass a Lambda function as function= for it. See {_defaults.EDGE_FUNCTIONS}"
        )
    if include_body:
        raise InvalidPropsError(
            "include_body cannot be combined with code: CloudFront Functions do not see the body. Pass a Lambda "
            f"function as function= for it. See {_defaults.CLOUDFRONT_FUNCTION_RESTRICTIONS}"
        )


def _check_together(functions: tuple[EdgeFunction, ...]) -> None:
    source = _defaults.EDGE_FUNCTION_RESTRICTIONS
    for each in functions:
        if not isinstance(each, EdgeFunction):
            raise InvalidPropsError(f"functions must be EdgeFunctions, got {_validation.shown(each)}.")
    events: dict[str, EdgeFunction] = {}
    for each in functions:
        other = events.setdefault(each.event, each)
        if other is not each:
            raise InvalidPropsError(
                f"functions must have one for each event, got {other.node.path} and {each.node.path} for {each.event}. "
                f"Do both in one function. See {source}"
            )
    viewer = {each.kind: each for each in functions if each.event.startswith("viewer-")}
    if len(viewer) > 1:
        one, another = viewer.values()
        raise InvalidPropsError(
            f"functions for viewer events must be of one kind, got {one.node.path} ({one.kind}) and "
            f"{another.node.path} ({another.kind}). Use one kind for both, or move one to an origin event. See {source}"
        )
