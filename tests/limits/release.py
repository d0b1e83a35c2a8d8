"""The limits of LiveAlias, and of SnapStart."""

from typing import Any, Final

from aws_cdk import Duration, RemovalPolicy, Size, Stack
from aws_cdk import aws_applicationautoscaling as appscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_lambda as lambda_

from constructs_lib import LiveAlias, PythonFunction
from tests.gallery.durable import durable_function
from tests.gallery.plain_function import HANDLERS, function
from tests.limits.table import Arguments, Limits, args

ALL_AT_ONCE: Final = codedeploy.LambdaDeploymentConfig.ALL_AT_ONCE


def reserved(most: int, **arguments: Any) -> Arguments:
    return lambda stack: {
        "function": function(stack, "Reserved", reserved_concurrent_executions=most),
        **arguments,
    }


def schedule(expression: str = "cron(0 8 * * ? *)", **capacity: Any) -> dict[str, Any]:
    when = appscaling.Schedule.expression(expression)
    return {
        "provisioned_concurrency": 2,
        "provisioned_concurrency_schedule": {"Day": appscaling.ScalingSchedule(schedule=when, **capacity)},
    }


def imported(stack: Stack) -> dict[str, Any]:
    return {"function": lambda_.Function.from_function_name(stack, "Imported", "somebody-elses")}


def alias(stack: Stack) -> dict[str, Any]:
    version = function(stack, "Aliased").current_version
    return {"function": lambda_.Alias(stack, "OfAlias", alias_name="live", version=version)}


def aliased_twice(stack: Stack) -> dict[str, Any]:
    released = function(stack, "Twice")
    LiveAlias(stack, "First", function=released)
    return {"function": released}


def itself_as_hook(stack: Stack) -> dict[str, Any]:
    released = function(stack, "Itself")
    return {"function": released, "before_traffic": released}


def its_version_as_hook(stack: Stack) -> dict[str, Any]:
    released = function(stack, "Itself")
    return {"function": released, "after_traffic": released.current_version}


def snap_start(stack: Stack) -> dict[str, Any]:
    return {"function": function(stack, "Snap", snap_start=True), "provisioned_concurrency": 1}


def alarms(stack: Stack, count: int) -> list[cloudwatch.IAlarm]:
    return [cloudwatch.Alarm.from_alarm_name(stack, f"Alarm{n}", f"alarm-{n}") for n in range(count)]


def of_tenants(stack: Stack) -> dict[str, Any]:
    isolated = lambda_.Function(
        stack,
        "Isolated",
        runtime=lambda_.Runtime.NODEJS_22_X,
        handler="index.handle",
        code=lambda_.Code.from_inline("exports.handle = async () => 1"),
        tenancy_config=lambda_.TenancyConfig.PER_TENANT,
    )
    return {"function": isolated, "provisioned_concurrency": 1}


_ROWS: list[tuple[str, Arguments, str]] = [
    ("imported function", imported, "function must be a lambda_.Function defined in this app"),
    ("an alias in place of a function", alias, "must be a lambda_.Function defined in this app, got Alias"),
    ("alias named by a number", args(alias_name="7"), "and not a number alone, got '7'"),
    ("alias named $LATEST", args(alias_name="$LATEST"), "alias_name must be 1 to 128 letters"),
    ("alias name too long", args(alias_name="a" * 129), "alias_name must be 1 to 128 letters"),
    ("provisioned 0", args(provisioned_concurrency=0), "provisioned_concurrency must be at least 1, got 0"),
    ("provisioned a fraction", args(provisioned_concurrency=1.5), "must be a whole number, got 1.5"),
    ("provisioned above reserved", reserved(2, provisioned_concurrency=5), "executions of 2, got 5"),
    ("provisioned for a function that is off", lambda stack: {"function": function(stack, "Off", disabled=True),
     "provisioned_concurrency": 1}, "provisioned_concurrency requires a function that is on, got Stack/Off with"),
    ("maximum above reserved", reserved(9, provisioned_concurrency=5, maximum_provisioned_concurrency=10),
     "reserved_concurrent_executions of 9, got 10"),
    ("schedule above reserved", reserved(9, **schedule(min_capacity=10)), "executions of 9, got 10"),
    ("maximum below its minimum", args(provisioned_concurrency=5, maximum_provisioned_concurrency=4),
     "maximum_provisioned_concurrency must not be below provisioned_concurrency, got 4 < 5"),
    ("maximum without minimum", args(maximum_provisioned_concurrency=4), "requires provisioned_concurrency, which is"),
    ("schedule without a start", args(**schedule(min_capacity=1) | {"provisioned_concurrency": None}),
     "provisioned_concurrency_schedule requires provisioned_concurrency"),
    ("schedule that scales to 0", args(**schedule(min_capacity=0)),
     "min_capacity of provisioned_concurrency_schedule['Day'] must be at least 1, got 0"),
    ("schedule that says a maximum only", args(**schedule(max_capacity=3)), "requires min_capacity"),
    ("schedule with its maximum below", args(**schedule(min_capacity=3, max_capacity=2)), "got 2 < 3"),
    ("schedule above what is scaled to", args(**schedule(min_capacity=9), maximum_provisioned_concurrency=8),
     "got 8 < 9"),
    ("schedule of five fields", args(**schedule("cron(0 8 * * *)", min_capacity=1)), "must have six fields"),
    ("schedule of each minute", args(**schedule("cron(* 8 * * ? *)", min_capacity=1)), "must have its minutes"),
    ("schedule as a dictionary", args(provisioned_concurrency=1,
     provisioned_concurrency_schedule={"Day": {"min_capacity": 1}}), "ScalingSchedule, got dict"),
    ("target below 0.1", args(provisioned_concurrency=1, maximum_provisioned_concurrency=2, target_utilization=0.05),
     "target_utilization must be 0.1 to 0.9, got 0.05"),
    ("target above 0.9", args(provisioned_concurrency=1, maximum_provisioned_concurrency=2, target_utilization=0.95),
     "target_utilization must be 0.1 to 0.9, got 0.95"),
    ("target of nothing", args(provisioned_concurrency=1, target_utilization=0.7), "requires maximum_provisioned"),
    ("provisioned and SnapStart", snap_start, "provisioned_concurrency cannot be combined with SnapStart"),
    ("provisioned and weights", args(provisioned_concurrency=1, stable_version="7", new_version_weight=0.1),
     "stable_version and provisioned_concurrency cannot be combined"),
    ("scaled and weights", args(provisioned_concurrency=1, maximum_provisioned_concurrency=2, stable_version="7"),
     "stable_version and provisioned_concurrency cannot be combined"),
    ("weight below 0", args(stable_version="7", new_version_weight=-0.1), "must be 0 to 1, got -0.1"),
    ("weight above 1", args(stable_version="7", new_version_weight=10), "new_version_weight must be 0 to 1, got 10"),
    ("weight without a stable version", args(new_version_weight=0.1), "requires stable_version"),
    ("stable version $LATEST", args(stable_version="$LATEST"), "cannot point at $LATEST"),
    ("stable version by an alias", args(stable_version="live"), "the number of a published version"),
    ("stable version 0", args(stable_version="0"), "the number of a published version"),
    ("weights and CodeDeploy", args(stable_version="7", deployment_config=ALL_AT_ONCE),
     "stable_version and deployment_config cannot be combined"),
    ("weights and a hook", lambda stack: {"stable_version": "7", "before_traffic": function(stack, "Hook")},
     "stable_version and before_traffic cannot be combined"),
    ("weights and rollback alarms", lambda stack: {"stable_version": "7", "rollback_alarms": alarms(stack, 1)},
     "stable_version and rollback_alarms cannot be combined"),
    ("the function as its own hook", itself_as_hook, "before_traffic must be another function"),
    ("its version as its hook", its_version_as_hook, "after_traffic must be another function"),
    ("more than 10 alarms", lambda stack: {"rollback_alarms": alarms(stack, 9)}, "must be at most 8 alarms, got 9"),
    ("latency as a number", args(latency_threshold=3), "latency_threshold must be a Duration"),
    ("latency 0", args(latency_threshold=Duration.seconds(0)), "timeout of 29 seconds, got 0 seconds."),
    ("latency above the timeout", args(latency_threshold=Duration.seconds(30)), "got 30 seconds: no invocation"),
    # kinds: CDK would refuse these when parts are made already
    ("release in words", args(deployment_config="CANARY"),
     "deployment_config must be a codedeploy.LambdaDeploymentConfig, such as"),
    ("stable version as a number", args(stable_version=7), "such as '7', got 7"),
    ("schedule as a list", args(provisioned_concurrency=1, provisioned_concurrency_schedule=["Day"]), "must be a dict"),
    ("an alarm alone", lambda stack: {"rollback_alarms": alarms(stack, 1)[0]}, "rollback_alarms must be a list of"),
    ("an alarm by its name", args(rollback_alarms=["TooFewOrders"]), "must be alarms, got 'TooFewOrders' (str)"),
    ("a hook by its name", args(before_traffic="check"), "before_traffic must be a function, version or alias, got"),
    ("a hook's LiveAlias", lambda stack: {"after_traffic": LiveAlias(stack, "Hook", function=function(stack, "H"))},
     "after_traffic must be a function, version or alias, got Stack/Hook (LiveAlias). Pass its .alias."),
    ("a hook in another stack", lambda stack: {"before_traffic": function(Stack(stack, "Other"), "H")},
     "before_traffic must be in the stack Stack, got Stack/Other/H"),
    ("snapshot of a version", args(version_removal_policy=RemovalPolicy.SNAPSHOT), "RemovalPolicy other than SNAPSHOT"),
    ("deleting the versions of a durable function", lambda stack: {"function": durable_function(stack, "Durable"),
     "version_removal_policy": RemovalPolicy.DESTROY}, "cannot be DESTROY for the durable function Stack/Durable"),
    ("a second alias of one name", aliased_twice, "'live' is already used by another LiveAlias of Stack/Twice"),
    ("provisioned for each tenant", of_tenants, "which has tenant isolation. Leave it out."),
]  # fmt: skip

RELEASE_LIMITS: Final = Limits(LiveAlias, otherwise={"function": function}, rows=_ROWS)

SNAP_START_LIMITS: Final = Limits(
    PythonFunction,
    otherwise={
        "entry": lambda stack: HANDLERS / "plain",
        "handler": lambda stack: "app.handle",
        "bytecode": lambda stack: False,
        "snap_start": lambda stack: True,
    },
    rows=[
        (
            "SnapStart of Python 3.11",
            args(runtime=lambda_.Runtime.PYTHON_3_11),
            "runtime of a function with snap_start must be one of python3.12, python3.13, python3.14",
        ),
        (
            "SnapStart with more than 512 MB of /tmp",
            args(ephemeral_storage_size=Size.mebibytes(513)),
            "ephemeral_storage_size of a function with snap_start must be at most 512 MB, got 513",
        ),
    ],
)
