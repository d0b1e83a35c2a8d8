"""A job of more than 15 minutes: Step Functions runs a Fargate task, and what fails is kept."""

from collections.abc import Sequence
from typing import Final

from aws_cdk import Aws, Duration, Fn, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import alarms, dead_letters, destination, location, permissions, subnets
from constructs_lib.foundation.acknowledgment import acknowledge
from constructs_lib.foundation.alarms import Alarms, Watch
from constructs_lib.foundation.resource import resource_of
from constructs_lib.practice.plugin import check_app_of

_RUN: Final = "Run the job"
_KEEP: Final = "Keep the failure"
_FAILED: Final = "Failed - redrive to run the job again"


_REDRIVE_THE_EXECUTION: Final = (
    "Jobs have failed for good, and what is known of them is in the dead-letter queue. Find the cause, then redrive "
    "the execution that the message names, within 14 days."
)


class LongJob(Construct):
    """A container that runs for minutes, hours or days on Fargate, started and watched by Step Functions.

    What is deployed: a standard state machine that runs the task and waits for its end; its role, which may start and
    stop this task and nothing else; its log group, for errors; a dead-letter queue, encrypted, over TLS only, that
    keeps failures for 14 days; alarms on executions that failed or could not start, and on the first dead letter; the
    topic that they go to; a security group without a way in. Unless you pass your own: a cluster, and a task definition
    for Linux on arm64, with a log group that ends after two months.

    The container gets the execution's input as JSON in the environment variable `JOB_INPUT`, and the execution's ARN in
    `JOB_EXECUTION_ARN`, which is the same for each retry and redrive. ECS allows 8,192 characters for all overrides
    together: store a large input in S3, and pass its key as the input. With `heartbeat` it also gets
    `JOB_TASK_TOKEN`, for `SendTaskHeartbeat`.

    A job that ends with another exit code than 0, that takes too long or that cannot be started is sent to the
    dead-letter queue, as JSON with `execution_arn`, `input` and `error`. Then the execution fails, in a state
    from which Step Functions' own redrive runs the job again, within 14 days: `aws stepfunctions redrive-execution
    --execution-arn ...`. A redrive uses the newest revision of the task definition.

    By default only errors with which no container has started are retried. A job may also be started twice, as by an
    event that is delivered twice: make it idempotent, by what its input names.

    The guide is docs/long-jobs.md.

    Args:
        scope: The construct to put it in.
        construct_id: The construct's id, unique in its scope.
        vpc: Where the container runs.
        timeout: How long one attempt may last, with the start of the container; 1 minute to 365 days, in whole seconds.
        image: What runs, such as `ecs.ContainerImage.from_asset("jobs/settle", platform=Platform.LINUX_ARM64)`. Pass
            either this or `task_definition`.
        cpu: CPU units of `image`: 256, 512, 1024, 2048, 4096, 8192 or 16384; default 256, a quarter of a vCPU.
        memory: Memory of `image` in MiB, as Fargate has it for `cpu`; default 512.
        task_definition: Your own, for Fargate: for x86, several containers, or volumes. Its default container is the
            job. It must end by itself, and log where you set it.
        command: What the container runs in place of its image's command.
        cluster: Your own cluster, of the same Region and account. None: one is created.
        vpc_subnets: Which subnets of `vpc`; default those with a NAT gateway, or else the isolated ones, which need
            endpoints for ECR, S3 and CloudWatch Logs.
        assign_public_ip: Run in public subnets, with a public address. Requires `vpc_subnets` that are public.
        heartbeat: How long the container may be silent, in whole seconds, less than `timeout`: it has to call
            `SendTaskHeartbeat` more often. None: nothing is expected of it until it ends.
        retry_attempts: How many times a failed attempt is repeated, 0 to 20; default 5. The waits grow from 30 seconds
            to 15 minutes, each shortened at random.
        retry_on: Errors to retry in addition to those with which nothing has started: `States.TaskFailed` for a job
            that has failed, `States.Timeout`, `States.HeartbeatTimeout`. Only for a job that is idempotent.
        dead_letter_queue: Your own standard queue, of the same Region and account. None: a queue is created.
        encryption_key: Of the dead-letter queue that is created, of the same Region; default is a key that SQS manages,
            without cost.
        alarm_topic: The topic that the alarms notify, of the same Region. None: a topic is created, for you to
            subscribe to.
        removal_policy: What happens to the dead-letter queue and the log groups that are created when the stack is
            deleted; default RETAIN.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        state_machine: An execution runs the job once: `grant_start_execution`, `grant_redrive_execution`.
        role: The role of `state_machine`.
        log_group: Of `state_machine`: errors, without input and output.
        task_definition: The `task_definition` that you passed, or the one that was created.
        container: The job's container in `task_definition`: `add_environment`, `add_secret`.
        task_role: What the container may do: the role of `task_definition`.
        cluster: The cluster that you passed, or the one that was created.
        security_group: Of the container: nothing comes in, everything may go out.
        dead_letter_queue: The dead-letter queue that you passed, or the one that was created.
        alarm_topic: Notified by the alarms: the `alarm_topic` that you passed, or the one that was created.
        failed_alarm: On an execution that failed or timed out.
        throttled_alarm: On executions or steps that Step Functions throttles.
        dead_letter_alarm: On the first failure in `dead_letter_queue`.

    Source: https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html
    """

    state_machine: Final[stepfunctions.StateMachine]
    role: Final[iam.Role]
    log_group: Final[logs.LogGroup]
    task_definition: Final[ecs.FargateTaskDefinition]
    container: Final[ecs.ContainerDefinition]
    task_role: Final[iam.IRole]
    cluster: Final[ecs.ICluster]
    security_group: Final[ec2.SecurityGroup]
    dead_letter_queue: Final[sqs.IQueue]
    alarm_topic: Final[sns.ITopic]
    failed_alarm: Final[cloudwatch.Alarm]
    throttled_alarm: Final[cloudwatch.Alarm]
    dead_letter_alarm: Final[cloudwatch.Alarm | None]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc | ec2.Vpc,
        timeout: Duration,
        image: ecs.ContainerImage | None = None,
        cpu: float | None = None,
        memory: float | None = None,
        task_definition: ecs.FargateTaskDefinition | None = None,
        command: Sequence[str] | None = None,
        cluster: ecs.ICluster | ecs.Cluster | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        assign_public_ip: bool = False,
        heartbeat: Duration | None = None,
        retry_attempts: float = _defaults.JOB_RETRY_ATTEMPTS,
        retry_on: Sequence[str] = (),
        dead_letter_queue: sqs.IQueue | sqs.Queue | None = None,
        encryption_key: kms.IKey | kms.Key | None = None,
        alarm_topic: sns.ITopic | sns.Topic | None = None,
        removal_policy: RemovalPolicy | None = None,
    ) -> None:
        """Create the job; the arguments are described at the class."""
        _check_times(timeout, heartbeat)
        _check_task(scope, image, cpu, memory, task_definition)
        if command is not None:
            _validation.check_texts("command", command)
        _check_place(scope, cluster, vpc)
        chosen = _subnets(vpc, vpc_subnets, assign_public_ip=assign_public_ip)
        _check_retries(retry_attempts, retry_on)
        dead_letters.check(
            scope,
            dead_letter_queue,
            removal_policy,
            source=_defaults.JOB_ERRORS,
            same_account=True,
            encryption_key=encryption_key,
        )
        Alarms.check_topic(scope, alarm_topic)

        super().__init__(scope, construct_id)
        check_app_of(self, scope)
        location.note(scope, self)
        removal = removal_policy or RemovalPolicy.RETAIN
        self.dead_letter_queue = dead_letter_queue or dead_letters.queue(
            self, "DeadLetterQueue", encryption_key=encryption_key, removal_policy=removal_policy
        )
        self.task_definition = task_definition or self._make_task_definition(image, cpu, memory, removal)
        container = self.task_definition.default_container
        assert container is not None  # noqa: S101 - checked
        self.container = container
        self.task_role = self.task_definition.task_role
        self.cluster = cluster or self._make_cluster(vpc)
        self.security_group = ec2.SecurityGroup(
            self, "SecurityGroup", vpc=vpc, description="The container of a long job"
        )
        self.role = self._make_role()
        self.log_group = logs.LogGroup(
            self,
            "LogGroup",
            log_group_name=_log_group_name(self),
            retention=logs.RetentionDays.TWO_MONTHS,
            removal_policy=removal,
        )
        run = self._run(timeout, heartbeat, command, chosen, assign_public_ip=assign_public_ip)
        run["Retry"] = _retry(retry_attempts, retry_on)
        self.state_machine = self._make_state_machine({key: value for key, value in run.items() if value})
        if heartbeat is not None:
            permissions.allow_role(
                self,
                self.task_role,
                ["states:SendTaskHeartbeat"],
                self.state_machine.state_machine_arn,
                resource=self.state_machine,
            )
        alarms_here = Alarms(self, alarm_topic, findings=dead_letters.findings(dead_letter_queue))
        self.alarm_topic = alarms_here.topic
        self.failed_alarm = alarms_here.add("FailedAlarm", _failed(self.state_machine))
        self.throttled_alarm = alarms_here.add("ThrottledAlarm", _throttled(self.state_machine))
        self.dead_letter_alarm = alarms_here.add(
            "DeadLetterAlarm",
            dead_letters.watch(
                self, self.dead_letter_queue, passed=dead_letter_queue, description=_REDRIVE_THE_EXECUTION
            ),
        )

    def _make_task_definition(
        self,
        image: ecs.ContainerImage | None,
        cpu: float | None,
        memory: float | None,
        removal_policy: RemovalPolicy,
    ) -> ecs.FargateTaskDefinition:
        assert image is not None  # noqa: S101 - checked
        made = ecs.FargateTaskDefinition(
            self,
            "TaskDefinition",
            cpu=_defaults.FARGATE_CPU if cpu is None else cpu,
            memory_limit_mib=_defaults.FARGATE_MEMORY_MB if memory is None else memory,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.ARM64,
                operating_system_family=ecs.OperatingSystemFamily.LINUX,
            ),
        )
        made.add_container(
            "Job",
            image=image,
            logging=ecs.LogDrivers.aws_logs(
                stream_prefix="job",
                log_group=logs.LogGroup(
                    self,
                    "JobLogGroup",
                    retention=logs.RetentionDays.TWO_MONTHS,
                    removal_policy=removal_policy,
                ),
            ),
        )
        return made

    def _make_cluster(self, vpc: ec2.IVpc) -> ecs.Cluster:
        cluster = ecs.Cluster(self, "Cluster", vpc=vpc)
        acknowledge(
            cluster,
            {
                "AwsSolutions-ECS4": "Container Insights costs for each task; a job has alarms on its executions. Pass "
                "cluster= for one with insights."
            },
        )
        return cluster

    def _make_role(self) -> iam.Role:
        """What AWS lists for a task that is run and waited for, with the cluster in place of `*`.

        Source: https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html
        """
        stack = location.stack_of(self)
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("states.amazonaws.com").with_conditions(
                {"StringEquals": {"aws:SourceAccount": stack.account}}
            ),
        )
        here = {"ArnEquals": {"ecs:cluster": self.cluster.cluster_arn}}
        family = stack.format_arn(
            service="ecs", resource="task-definition", resource_name=self.task_definition.family
        )
        rule = stack.format_arn(
            service="events", resource="rule", resource_name="StepFunctionsGetEventsForECSTaskRule"
        )
        task_roles = [self.task_role.role_arn, self.task_definition.obtain_execution_role().role_arn]
        for actions, resources, conditions in (
            (["ecs:RunTask"], [f"{family}:*"], here),
            (["ecs:StopTask", "ecs:DescribeTasks"], ["*"], here),
            (
                ["iam:PassRole"],
                task_roles,
                {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
            ),
            (["events:PutTargets", "events:PutRule", "events:DescribeRule"], [rule], {}),
        ):
            role.add_to_policy(
                iam.PolicyStatement(actions=actions, resources=resources, conditions=conditions)
            )
        queue = self.dead_letter_queue
        permissions.allow_role(
            self,
            role,
            ["sqs:SendMessage"],
            queue.queue_arn,
            resource=queue,
            key=queue.encryption_master_key,
            key_actions=["kms:GenerateDataKey", "kms:Decrypt"],
        )
        acknowledge(
            role,
            {
                "AwsSolutions-IAM5[Resource::*]": "Tasks have no name before they run, so they are limited by the "
                "cluster; log delivery and X-Ray know no resource."
            },
        )
        destination.acknowledge_wildcard(
            role,
            family,
            ":*",
            "All revisions of one task definition: a deployment that changes it makes another.",
        )
        return role

    def _run(
        self,
        timeout: Duration,
        heartbeat: Duration | None,
        command: Sequence[str] | None,
        chosen: ec2.SelectedSubnets,
        *,
        assign_public_ip: bool,
    ) -> dict[str, object]:
        """The step that runs the task and waits for its end.

        By the family and not by a revision: CloudFormation deregisters a revision when it replaces it, and a redrive
        is to run what was fixed.
        """
        job: dict[str, object] = {
            "Name": self.container.container_name,
            "Environment": [
                {"Name": "JOB_INPUT", "Value.$": "States.JsonToString($$.Execution.Input)"},
                {"Name": "JOB_EXECUTION_ARN", "Value.$": "$$.Execution.Id"},
                *([{"Name": "JOB_TASK_TOKEN", "Value.$": "$$.Task.Token"}] if heartbeat is not None else []),
            ],
        }
        if command is not None:
            job["Command"] = list(command)
        return {
            "Type": "Task",
            "Resource": f"arn:{Aws.PARTITION}:states:::ecs:runTask.sync",
            "Parameters": {
                "Cluster": self.cluster.cluster_arn,
                "TaskDefinition": self.task_definition.family,
                "LaunchType": "FARGATE",
                "NetworkConfiguration": {
                    "AwsvpcConfiguration": {
                        "AssignPublicIp": "ENABLED" if assign_public_ip else "DISABLED",
                        "SecurityGroups": [self.security_group.security_group_id],
                        "Subnets": chosen.subnet_ids,
                    }
                },
                "Overrides": {"ContainerOverrides": [job]},
            },
            "TimeoutSeconds": timeout.to_seconds(),
            "HeartbeatSeconds": None if heartbeat is None else heartbeat.to_seconds(),
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": _KEEP}],
            "End": True,
        }

    def _make_state_machine(self, run: dict[str, object]) -> stepfunctions.StateMachine:
        """The states: run the job; keep its failure; fail so that a redrive runs the job again.

        A redrive starts where the execution has failed. A Fail state would fail again; the rules of a Choice state are
        evaluated again, and by then the execution has been redriven once more often than when the failure was kept.
        Sources: https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html and
        https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
        """
        definition = {
            "Comment": "Runs a container to its end",
            "StartAt": _RUN,
            "States": {
                _RUN: run,
                _KEEP: {
                    "Type": "Task",
                    "Resource": f"arn:{Aws.PARTITION}:states:::sqs:sendMessage",
                    "Parameters": {
                        "QueueUrl": self.dead_letter_queue.queue_url,
                        "MessageBody": {
                            "execution_arn.$": "$$.Execution.Id",
                            "input.$": "$$.Execution.Input",
                            # As a whole: AWS promises a Cause for no error.
                            "error.$": "$",
                        },
                    },
                    "ResultSelector": {"redrives.$": "$$.Execution.RedriveCount"},
                    "Retry": _retry(_defaults.JOB_RETRY_ATTEMPTS, ["States.ALL"], more=()),
                    "Next": _FAILED,
                },
                _FAILED: {
                    "Type": "Choice",
                    "Choices": [
                        {
                            "Variable": "$$.Execution.RedriveCount",
                            "NumericGreaterThanPath": "$.redrives",
                            "Next": _RUN,
                        }
                    ],
                },
            },
        }
        state_machine = stepfunctions.StateMachine(
            self,
            "StateMachine",
            definition_body=stepfunctions.DefinitionBody.from_string(
                Stack.of(self).to_json_string(definition)
            ),
            role=self.role,
            # Without the data: the input and the cause may be personal, and are in the dead-letter queue.
            logs=stepfunctions.LogOptions(
                destination=self.log_group, level=stepfunctions.LogLevel.ERROR, include_execution_data=False
            ),
            tracing_enabled=True,
        )
        # Not on the whole construct: with a heartbeat, the task's role refers to the state machine.
        resource_of(state_machine, stepfunctions.CfnStateMachine).node.add_dependency(
            resource_of(self.task_definition, ecs.CfnTaskDefinition)
        )
        acknowledge(
            state_machine,
            dict.fromkeys(
                ("AwsSolutions-SF1", "Serverless-StepFunctionStateMachineAllLogsToCloudWatch"),
                "Step Functions keeps the history of each execution for 90 days; the log has what failed.",
            ),
        )
        return state_machine


def _retry(
    attempts: float, errors: Sequence[str], *, more: Sequence[str] = _defaults.JOB_NOT_STARTED
) -> list[object]:
    """One retrier with full jitter; none for no attempts."""
    return (
        [
            {
                "ErrorEquals": list(dict.fromkeys([*more, *errors])),
                "IntervalSeconds": _defaults.JOB_RETRY_SECONDS,
                "BackoffRate": 2,
                "MaxDelaySeconds": _defaults.JOB_RETRY_SECONDS_MAX,
                "MaxAttempts": attempts,
                "JitterStrategy": "FULL",
            }
        ]
        if attempts
        else []
    )


def _log_group_name(construct: Construct) -> str:
    """A name under the prefix that CloudWatch Logs lets its services write to, whatever else the account logs.

    Source: https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html
    """
    end_of_stack_id = Fn.select(2, Fn.split("/", Aws.STACK_ID))
    return f"/aws/vendedlogs/states/{construct.node.addr[-8:]}-{end_of_stack_id}"


# --- arguments -----------------------------------------------------------------------------------------


def _check_times(timeout: Duration, heartbeat: Duration | None) -> None:
    if timeout is None:
        raise InvalidPropsError(
            "timeout must be a Duration, got None: without one, a job that hangs runs for a year. "
            f"See {_defaults.JOB_QUOTAS}"
        )
    seconds = _validation.read_seconds(
        "timeout",
        timeout,
        low=_defaults.JOB_SECONDS_MIN,
        high=_defaults.JOB_SECONDS_MAX,
        whole="seconds",
        source=_defaults.JOB_QUOTAS,
    )
    silence = _validation.read_seconds(
        "heartbeat",
        heartbeat,
        low=1,
        high=_defaults.JOB_SECONDS_MAX,
        whole="seconds",
        source=_defaults.JOB_HEARTBEAT,
    )
    for name, duration, known in (("timeout", timeout, seconds), ("heartbeat", heartbeat, silence)):
        if duration is not None and known is None and duration.unit_label() != "seconds":
            raise InvalidPropsError(
                f"{name} that is known only at deployment must be Duration.seconds(...), got "
                f"Duration.{duration.unit_label()}(...): a token cannot be converted."
            )
    if seconds is not None and silence is not None and silence >= seconds:
        raise InvalidPropsError(
            f"heartbeat must be less than timeout, got {silence:,g} and {seconds:,g} seconds. "
            f"See {_defaults.JOB_HEARTBEAT}"
        )


def _check_task(
    scope: Construct,
    image: ecs.ContainerImage | None,
    cpu: float | None,
    memory: float | None,
    task_definition: ecs.FargateTaskDefinition | None,
) -> None:
    _validation.check_type("image", image, ecs.ContainerImage, 'ecs.ContainerImage.from_asset("jobs/settle")')
    _validation.check_type(
        "task_definition", task_definition, ecs.FargateTaskDefinition, "one of this app with a container"
    )
    if (image is None) == (task_definition is None):
        raise InvalidPropsError(
            f"LongJob requires image or task_definition, and not both. See {_defaults.JOB_TASKS}"
        )
    if task_definition is None:
        _check_size(
            _defaults.FARGATE_CPU if cpu is None else cpu,
            _defaults.FARGATE_MEMORY_MB if memory is None else memory,
        )
        return
    _validation.check_not_with("task_definition", "Set them where it is created.", cpu=cpu, memory=memory)
    location.check(
        scope,
        "task_definition",
        task_definition,
        way_out="Pass one of this Region and account.",
        source=_defaults.JOB_TASKS,
    )
    if task_definition.default_container is None:
        raise InvalidPropsError(
            f"task_definition {task_definition.node.path} must have an essential container, got none. Call "
            f"add_container(...) before. See {_defaults.JOB_TASKS}"
        )


def _check_size(cpu: float, memory: float) -> None:
    sizes = _defaults.FARGATE_MEMORY_OF_CPU
    _validation.check_range("cpu", cpu, min(sizes), max(sizes), whole=True, source=_defaults.FARGATE_SIZES)
    largest = sizes[max(sizes)][-1]
    _validation.check_range(
        "memory",
        memory,
        _defaults.FARGATE_MEMORY_MB,
        largest,
        unit="MiB",
        whole=True,
        source=_defaults.FARGATE_SIZES,
    )
    if _validation.is_unresolved(cpu) or _validation.is_unresolved(memory):
        return
    if cpu not in sizes:
        raise InvalidPropsError(
            f"cpu must be one of {', '.join(str(each) for each in sizes)}, got {cpu:g}. See {_defaults.FARGATE_SIZES}"
        )
    fitting = sizes[int(cpu)]
    if memory not in fitting:
        raise InvalidPropsError(
            f"memory must be {fitting[0]:,} to {fitting[-1]:,} MiB in steps of {fitting[1] - fitting[0]:,} for "
            f"{cpu:g} CPU units, got {memory:,g}. See {_defaults.FARGATE_SIZES}"
        )


def _check_place(scope: Construct, cluster: ecs.ICluster | None, vpc: ec2.IVpc) -> None:
    _validation.check_part("cluster", cluster, "cluster_arn", "a cluster")
    for name, part in (("cluster", cluster), ("vpc", vpc)):
        location.check(
            scope,
            name,
            part,
            same_account=name == "cluster",
            way_out="Pass one of the place where the job is to run.",
            source=_defaults.JOB_TASKS,
        )


def _subnets(
    vpc: ec2.IVpc, vpc_subnets: ec2.SubnetSelection | None, *, assign_public_ip: bool
) -> ec2.SelectedSubnets:
    _validation.check_flag("assign_public_ip", assign_public_ip)
    chosen = subnets.selected(vpc, vpc_subnets)
    if chosen.has_public and not assign_public_ip:
        raise InvalidPropsError(
            f"vpc_subnets must select private or isolated subnets, got public ones of vpc {vpc.node.path}: without a "
            "public address nothing there reaches the internet, not even to get its image. Select others, or pass "
            f"assign_public_ip=True. See {_defaults.FARGATE_NETWORK}"
        )
    if assign_public_ip and not chosen.has_public:
        raise InvalidPropsError(
            f"assign_public_ip requires vpc_subnets that are public, got private ones of vpc {vpc.node.path}, where a "
            "public address is of no use. Pass vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC), or "
            f"leave assign_public_ip out. See {_defaults.FARGATE_NETWORK}"
        )
    return chosen


def _check_retries(retry_attempts: float, retry_on: Sequence[str]) -> None:
    if retry_attempts is None:
        raise InvalidPropsError(f"retry_attempts must be a number, got None. See {_defaults.JOB_ERRORS}")
    _validation.check_range(
        "retry_attempts",
        retry_attempts,
        _defaults.JOB_RETRY_ATTEMPTS_MIN,
        _defaults.JOB_RETRY_ATTEMPTS_MAX,
        whole=True,
        source=_defaults.JOB_ERRORS,
    )
    _validation.check_texts("retry_on", retry_on)
    if "States.ALL" in retry_on:
        raise InvalidPropsError(
            "retry_on cannot contain States.ALL, which Step Functions takes only by itself. Name what may be retried: "
            f"States.TaskFailed, States.Timeout, States.HeartbeatTimeout. See {_defaults.JOB_ERRORS}"
        )
    never = [error for error in retry_on if error in _defaults.JOB_NEVER_RETRIED]
    if never:
        raise InvalidPropsError(
            f"retry_on cannot contain {never[0]}, which Step Functions never retries. See {_defaults.JOB_ERRORS}"
        )
    if retry_on and not retry_attempts:
        raise InvalidPropsError(
            f"retry_on cannot be combined with retry_attempts=0: nothing is retried then. See {_defaults.JOB_ERRORS}"
        )


# --- alarms --------------------------------------------------------------------------------------------
#
# Source: https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html


def _failed(state_machine: stepfunctions.StateMachine) -> Watch:
    """The first execution that ended without success; one that somebody has stopped is known to them."""
    return Watch(
        metric=cloudwatch.MathExpression(
            expression="FILL(failed, 0) + FILL(timed_out, 0)",
            label="Executions without success",
            using_metrics={
                "failed": state_machine.metric_failed(period=alarms.PERIOD, statistic="Sum"),
                "timed_out": state_machine.metric_timed_out(period=alarms.PERIOD, statistic="Sum"),
            },
            period=alarms.PERIOD,
        ),
        threshold=0,
        # FILL takes a minute whose figures come late for 0, and would keep an alarm on one minute at OK.
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
        periods=5,
        datapoints=1,
        description="A long job has failed. Its input and error are in the dead-letter queue, and the history of the "
        "execution has each step. Fix the cause, then: aws stepfunctions redrive-execution --execution-arn ...",
    )


def _throttled(state_machine: stepfunctions.StateMachine) -> Watch:
    """Starts of steps or executions that Step Functions put off."""
    return Watch(
        metric=state_machine.metric_throttled(period=alarms.PERIOD, statistic="Sum"),
        threshold=0,
        description="Step Functions throttles the state machine of a long job: the account's quota of state "
        "transitions or executions is used up. Ask for a higher one.",
    )
