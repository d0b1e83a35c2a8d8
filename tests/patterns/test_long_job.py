"""The promises of LongJob, one test each; none rests on a snapshot."""

import json
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Environment, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_sns as sns

from constructs_lib import LongJob
from tests.gallery.long_job import image, task_definition, vpc
from tests.gallery.parts import key, queue, topic
from tests.template import granted, logical_id, of_type, properties, resource, statements, the

RUN, KEEP, FAILED = "Run the job", "Keep the failure", "Failed - redrive to run the job again"


def job(stack: Stack, **more: Any) -> LongJob:
    given: dict[str, Any] = {"image": image(), "timeout": Duration.hours(2)} | more
    return LongJob(stack, "Job", vpc=given.pop("vpc", None) or vpc(stack), **given)


def states(of: LongJob) -> dict[str, Any]:
    """The states of a machine; a reference is the logical id that it refers to."""
    text = properties(of.state_machine)["DefinitionString"]
    parts = [text] if isinstance(text, str) else text["Fn::Join"][1]
    plain = "".join(
        part if isinstance(part, str) else str(part.get("Ref") or part["Fn::GetAtt"][0]) for part in parts
    )
    definition: dict[str, Any] = json.loads(plain)
    assert definition["StartAt"] == RUN
    found: dict[str, Any] = definition["States"]
    return found


def environment(of: LongJob) -> dict[str, str]:
    (container,) = states(of)[RUN]["Parameters"]["Overrides"]["ContainerOverrides"]
    assert container["Name"] == "Job"
    return {each["Name"]: each["Value.$"] for each in container["Environment"]}


# --- the task --------------------------------------------------------------------------------------------


def test_the_state_machine_waits_for_the_end_of_the_task(stack: Stack) -> None:
    made = job(stack)
    run = states(made)[RUN]
    assert run["Resource"] == "arn:AWS::Partition:states:::ecs:runTask.sync"
    assert run["Parameters"]["Cluster"] == logical_id(made.cluster)
    assert run["Parameters"]["LaunchType"] == "FARGATE"
    assert properties(made.state_machine).get("StateMachineType", "STANDARD") == "STANDARD"


def test_the_newest_revision_runs_and_is_there_first(stack: Stack) -> None:
    """By the family: CloudFormation deregisters a revision that it replaces, and a redrive would not find it."""
    made = job(stack)
    family = properties(made.task_definition)["Family"]
    assert states(made)[RUN]["Parameters"]["TaskDefinition"] == family
    assert logical_id(made.task_definition) in resource(made.state_machine)["DependsOn"]


def test_a_task_definition_is_made_from_an_image(stack: Stack) -> None:
    made = job(stack, cpu=1024, memory=4096, removal_policy=RemovalPolicy.DESTROY)
    task = properties(made.task_definition)
    assert (task["Cpu"], task["Memory"], task["RequiresCompatibilities"]) == ("1024", "4096", ["FARGATE"])
    assert task["RuntimePlatform"] == {"CpuArchitecture": "ARM64", "OperatingSystemFamily": "LINUX"}
    group = task["ContainerDefinitions"][0]["LogConfiguration"]["Options"]["awslogs-group"]["Ref"]
    assert of_type(stack, "AWS::Logs::LogGroup")[group]["RetentionInDays"] == 60


def test_your_own_task_definition_runs_its_default_container(stack: Stack) -> None:
    own = task_definition(stack)
    made = job(stack, image=None, task_definition=own)
    assert made.task_definition is own
    assert len(of_type(stack, "AWS::ECS::TaskDefinition")) == 1
    assert made.container.container_name == "Job"
    assert set(environment(made)) == {"JOB_INPUT", "JOB_EXECUTION_ARN"}


def test_the_container_gets_the_input_and_the_execution(stack: Stack) -> None:
    assert environment(job(stack)) == {
        "JOB_INPUT": "States.JsonToString($$.Execution.Input)",
        "JOB_EXECUTION_ARN": "$$.Execution.Id",
    }


def test_a_command_replaces_that_of_the_image(stack: Stack) -> None:
    (container,) = states(job(stack, command=["python", "settle.py"]))[RUN]["Parameters"]["Overrides"][
        "ContainerOverrides"
    ]
    assert container["Command"] == ["python", "settle.py"]


def test_it_runs_in_private_subnets_and_nothing_comes_in(stack: Stack) -> None:
    made = job(stack)
    network = states(made)[RUN]["Parameters"]["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert network["AssignPublicIp"] == "DISABLED"
    assert network["SecurityGroups"] == [logical_id(made.security_group)]
    assert "SecurityGroupIngress" not in properties(made.security_group)
    subnets = of_type(stack, "AWS::EC2::Subnet")
    assert network["Subnets"]
    assert not any(subnets[each]["MapPublicIpOnLaunch"] for each in network["Subnets"])


def test_it_runs_in_public_subnets_where_that_is_asked_for(stack: Stack) -> None:
    public = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)
    made = job(stack, vpc_subnets=public, assign_public_ip=True)
    network = states(made)[RUN]["Parameters"]["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert network["AssignPublicIp"] == "ENABLED"
    assert all(of_type(stack, "AWS::EC2::Subnet")[each]["MapPublicIpOnLaunch"] for each in network["Subnets"])


def test_your_own_cluster_runs_it(stack: Stack) -> None:
    network = vpc(stack)
    cluster = ecs.Cluster(stack, "Jobs", vpc=network)
    made = job(stack, vpc=network, cluster=cluster)
    assert made.cluster is cluster
    assert states(made)[RUN]["Parameters"]["Cluster"] == logical_id(cluster)
    assert len(of_type(stack, "AWS::ECS::Cluster")) == 1


# --- time and retries ------------------------------------------------------------------------------------


def test_an_attempt_ends_by_its_timeout(stack: Stack) -> None:
    run = states(job(stack, timeout=Duration.days(2)))[RUN]
    assert run["TimeoutSeconds"] == 172_800
    assert "HeartbeatSeconds" not in run


def test_a_timeout_may_be_known_only_at_deployment(stack: Stack) -> None:
    seconds = CfnParameter(stack, "Seconds", type="Number").value_as_number
    text = json.dumps(
        properties(job(stack, timeout=Duration.seconds(seconds)).state_machine)["DefinitionString"]
    )
    assert r'\"TimeoutSeconds\":", {"Ref": "Seconds"}' in text


def test_a_container_that_is_silent_has_failed(stack: Stack) -> None:
    made = job(stack, heartbeat=Duration.minutes(10))
    run = states(made)[RUN]
    assert run["HeartbeatSeconds"] == 600
    # Waited for all the same: a container that ends without a word has failed at once.
    assert run["Resource"].endswith("ecs:runTask.sync")
    assert environment(made)["JOB_TASK_TOKEN"] == "$$.Task.Token"
    machine = {"Ref": logical_id(made.state_machine)}
    assert granted(made.task_role, machine) == {"states:SendTaskHeartbeat"}


def test_without_a_heartbeat_the_container_may_do_nothing(stack: Stack) -> None:
    assert statements(job(stack).task_role) == []


def test_only_what_has_not_started_is_retried_with_full_jitter(stack: Stack) -> None:
    (retrier,) = states(job(stack))[RUN]["Retry"]
    assert retrier["ErrorEquals"] == ["AmazonECS.Unknown", "ECS.AmazonECSException", "ECS.ServerException"]
    assert (retrier["MaxAttempts"], retrier["IntervalSeconds"], retrier["BackoffRate"]) == (5, 30, 2)
    assert (retrier["MaxDelaySeconds"], retrier["JitterStrategy"]) == (900, "FULL")


def test_more_errors_are_retried_where_that_is_asked_for(stack: Stack) -> None:
    (retrier,) = states(job(stack, retry_on=["States.TaskFailed"], retry_attempts=2))[RUN]["Retry"]
    assert retrier["ErrorEquals"][-1] == "States.TaskFailed"
    assert len(retrier["ErrorEquals"]) == 4
    assert retrier["MaxAttempts"] == 2


def test_nothing_is_retried_where_that_is_asked_for(stack: Stack) -> None:
    assert "Retry" not in states(job(stack, retry_attempts=0))[RUN]


# --- failures --------------------------------------------------------------------------------------------


def test_every_failure_is_kept_with_its_execution_input_and_error(stack: Stack) -> None:
    made = job(stack)
    run, keep = states(made)[RUN], states(made)[KEEP]
    assert run["Catch"] == [{"ErrorEquals": ["States.ALL"], "Next": KEEP}]
    assert keep["Resource"] == "arn:AWS::Partition:states:::sqs:sendMessage"
    assert keep["Parameters"]["QueueUrl"] == logical_id(made.dead_letter_queue)
    assert keep["Parameters"]["MessageBody"] == {
        "execution_arn.$": "$$.Execution.Id",
        "input.$": "$$.Execution.Input",
        "error.$": "$",
    }
    assert keep["Retry"][0]["ErrorEquals"] == ["States.ALL"]
    assert keep["Next"] == FAILED


def test_a_failed_execution_can_be_redriven_and_runs_the_job_again(stack: Stack) -> None:
    """A redrive enters the state again in which the execution has failed: a Choice, which is not a Fail."""
    found = states(job(stack))
    keep, failed = found[KEEP], found[FAILED]
    assert keep["ResultSelector"] == {"redrives.$": "$$.Execution.RedriveCount"}
    assert failed == {
        "Type": "Choice",
        "Choices": [
            {
                "Variable": "$$.Execution.RedriveCount",
                "NumericGreaterThanPath": "$.redrives",
                "Next": RUN,
            }
        ],
    }


def test_the_queue_is_encrypted_over_tls_and_keeps_failures_for_14_days(stack: Stack) -> None:
    made = job(stack, encryption_key=key(stack))
    dead = properties(made.dead_letter_queue)
    assert dead["MessageRetentionPeriod"] == 1_209_600
    arn = {"Fn::GetAtt": ["Key961B73FD", "Arn"]}
    assert dead["KmsMasterKeyId"] == arn
    assert granted(made.role, arn) == {"kms:GenerateDataKey", "kms:Decrypt"}
    (statement,) = the(stack, "AWS::SQS::QueuePolicy")["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Condition"]) == (
        "Deny",
        {"Bool": {"aws:SecureTransport": "false"}},
    )
    assert resource(made.dead_letter_queue)["DeletionPolicy"] == "Retain"


def test_your_own_queue_gets_the_failures(stack: Stack) -> None:
    own = queue(stack, "Failures")
    made = job(stack, dead_letter_queue=own)
    assert made.dead_letter_queue is own
    assert states(made)[KEEP]["Parameters"]["QueueUrl"] == logical_id(own)
    assert granted(made.role, {"Fn::GetAtt": [logical_id(own), "Arn"]}) == {"sqs:SendMessage"}


def test_what_is_kept_may_be_deleted_with_the_stack(stack: Stack) -> None:
    made = job(stack, removal_policy=RemovalPolicy.DESTROY)
    groups = [each for each in stack.node.find_all() if each.node.id in ("LogGroup", "JobLogGroup")]
    assert {resource(part)["DeletionPolicy"] for part in (made.dead_letter_queue, *groups)} == {"Delete"}


# --- permissions -----------------------------------------------------------------------------------------


def test_the_role_may_run_this_task_in_this_cluster_and_nothing_else(stack: Stack) -> None:
    made = job(stack)
    cluster = {"Fn::GetAtt": [logical_id(made.cluster), "Arn"]}
    family = properties(made.task_definition)["Family"]
    by_action = {
        action: statement
        for statement in statements(made.role)
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    log_delivery = {action for action in by_action if action.startswith(("logs:", "xray:"))}
    assert by_action.keys() - log_delivery == {
        "ecs:RunTask",
        "ecs:StopTask",
        "ecs:DescribeTasks",
        "iam:PassRole",
        "events:PutTargets",
        "events:PutRule",
        "events:DescribeRule",
        "sqs:SendMessage",
    }
    run = by_action["ecs:RunTask"]
    assert run["Resource"]["Fn::Join"][1][-1].endswith(f":task-definition/{family}:*")
    assert (
        run["Condition"] == by_action["ecs:StopTask"]["Condition"] == {"ArnEquals": {"ecs:cluster": cluster}}
    )
    handed = by_action["iam:PassRole"]
    task = properties(made.task_definition)
    assert handed["Resource"] == [task["TaskRoleArn"], task["ExecutionRoleArn"]]
    assert handed["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    assert by_action["events:PutRule"]["Resource"]["Fn::Join"][1][-1].endswith(
        ":rule/StepFunctionsGetEventsForECSTaskRule"
    )


def test_step_functions_alone_assumes_the_role_for_this_account(stack: Stack) -> None:
    (statement,) = properties(job(stack).role)["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "states.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_redrive_can_be_granted(stack: Stack) -> None:
    from aws_cdk import aws_iam as iam

    made = job(stack)
    person = iam.Role(stack, "OnCall", assumed_by=iam.AccountRootPrincipal())
    made.state_machine.grant_redrive_execution(person)
    (statement,) = statements(person)
    assert statement["Action"] == "states:RedriveExecution"


# --- logs and alarms -------------------------------------------------------------------------------------


def test_errors_are_logged_without_data_and_traced(stack: Stack) -> None:
    made = job(stack)
    machine = properties(made.state_machine)
    assert (machine["LoggingConfiguration"]["Level"], machine["TracingConfiguration"]) == (
        "ERROR",
        {"Enabled": True},
    )
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False
    group = properties(made.log_group)
    assert group["RetentionInDays"] == 60
    assert group["LogGroupName"]["Fn::Join"][1][0].startswith("/aws/vendedlogs/states/")


def test_an_execution_without_success_alarms(stack: Stack) -> None:
    made = job(stack, alarm_topic=topic(stack, "Alarms"))
    alarm = properties(made.failed_alarm)
    machine = [{"Name": "StateMachineArn", "Value": {"Ref": logical_id(made.state_machine)}}]
    metrics = {each["Id"]: each["MetricStat"] for each in alarm["Metrics"] if "MetricStat" in each}
    assert {each["Metric"]["MetricName"] for each in metrics.values()} == {
        "ExecutionsFailed",
        "ExecutionsTimedOut",
    }
    assert all(each["Metric"]["Dimensions"] == machine for each in metrics.values())
    assert {each["Stat"] for each in metrics.values()} == {"Sum"}
    assert (alarm["Threshold"], alarm["DatapointsToAlarm"]) == (0, 1)
    assert alarm["AlarmActions"] == [{"Ref": logical_id(made.alarm_topic)}]


def test_throttles_and_kept_failures_alarm(stack: Stack) -> None:
    made = job(stack)
    throttled = properties(made.throttled_alarm)
    assert throttled["MetricName"] == "ExecutionThrottled"
    assert throttled["Dimensions"] == [
        {"Name": "StateMachineArn", "Value": {"Ref": logical_id(made.state_machine)}}
    ]
    assert made.dead_letter_alarm is not None
    kept = properties(made.dead_letter_alarm)
    assert (kept["MetricName"], kept["Threshold"]) == ("ApproximateNumberOfMessagesVisible", 0)
    assert isinstance(made.alarm_topic, sns.Topic)


def test_a_task_definition_of_another_stack_can_have_a_heartbeat(app: App) -> None:
    """Its role gets the permission from here, or each stack would depend on the other."""
    place = Environment(account="123456789012", region="us-east-1")
    theirs, ours = Stack(app, "Theirs", env=place), Stack(app, "Ours", env=place)
    own = task_definition(theirs)
    made = LongJob(
        ours,
        "Job",
        vpc=vpc(ours),
        task_definition=own,
        timeout=Duration.hours(2),
        heartbeat=Duration.minutes(5),
    )
    app.synth()
    machine = {"Ref": logical_id(made.state_machine)}
    allowed = [
        statement
        for policy in of_type(ours, "AWS::IAM::Policy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Resource"] == machine
    ]
    assert [statement["Action"] for statement in allowed] == ["states:SendTaskHeartbeat"]


@pytest.mark.parametrize(
    "part", ["cluster", "dead_letter_queue", "alarm_topic", "security_group", "log_group"]
)
def test_every_part_is_an_attribute(stack: Stack, part: str) -> None:
    assert logical_id(getattr(job(stack), part)).startswith("Job")
