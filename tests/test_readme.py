"""What the README shows is run, and what it says is so."""

import base64
import doctest
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
import pytest
import yaml
from aws_cdk import App, Environment, Stack
from aws_cdk.assertions import Match, Template

import constructs_lib
from constructs_lib import PythonFunction
from constructs_lib.local.extension.postgres.server import PostgresServer
from constructs_lib.runtime import application_user
from constructs_lib.runtime.database import Database
from constructs_lib.runtime.once import Once
from constructs_lib.runtime.secret_login import SecretLogin
from tests.foundation.wheels import handler, wheel
from tests.template import warnings
from tests.workspace import write_workspace

PROJECT = Path(__file__).parents[1]
README = (PROJECT / "README.md").read_text()
HANDLER = "def handle(event, context):\n    return {'batchItemFailures': []}\n"


DATABASE = (PROJECT / "docs" / "database.md").read_text()
API = (PROJECT / "docs" / "api.md").read_text()
EDGE = (PROJECT / "docs" / "edge.md").read_text()
ENDPOINT = (PROJECT / "docs" / "function-url.md").read_text()
FUNCTION = (PROJECT / "docs" / "function.md").read_text()
ASYNCHRONOUS = (PROJECT / "docs" / "asynchronous-invocation.md").read_text()
DURABLE = (PROJECT / "docs" / "durable.md").read_text()
LONG_JOBS = (PROJECT / "docs" / "long-jobs.md").read_text()
BROKERS = (PROJECT / "docs" / "brokers.md").read_text()
MANAGED = (PROJECT / "docs" / "managed-instances.md").read_text()
QUEUE = (PROJECT / "docs" / "queue.md").read_text()
LOAD_BALANCER = (PROJECT / "docs" / "load-balancer.md").read_text()
USER_POOLS = (PROJECT / "docs" / "user-pools.md").read_text()
DSQL = (PROJECT / "docs" / "dsql.md").read_text()
CACHE = (PROJECT / "docs" / "cache.md").read_text()
IDEMPOTENCY = (PROJECT / "docs" / "idempotency.md").read_text()
OBSERVABILITY = (PROJECT / "docs" / "observability.md").read_text()
CONFIGURATION = (PROJECT / "docs" / "configuration.md").read_text()
ALARMS = (PROJECT / "docs" / "alarms.md").read_text()
CONCURRENCY = (PROJECT / "docs" / "concurrency.md").read_text()
STREAMS = (PROJECT / "docs" / "streams.md").read_text()


def blocks(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


def example() -> str:
    return blocks(README)[0]


def handler_of(text: str) -> str:
    (found,) = [block for block in blocks(text) if "def handle(" in block and "def store(" in block]
    return found


def handler_with(text: str, name: str) -> str:
    (found,) = [block for block in blocks(text) if "def handle(" in block and name in block]
    return found


def migration_of(text: str) -> str:
    (found,) = [block for block in blocks(text) if "ensure_application_user" in block]
    return found


@pytest.fixture
def somebodys_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder outside the repository, with a handler and the README's app."""
    ship = tmp_path / "functions" / "ship"
    ship.mkdir(parents=True)
    (ship / "app.py").write_text(HANDLER)
    for name in ("complete_trip", "migrate"):
        (tmp_path / "functions" / name).mkdir()
    (tmp_path / "functions" / "complete_trip" / "handler.py").write_text(handler_of(DATABASE))
    (tmp_path / "functions" / "migrate" / "handler.py").write_text(migration_of(DATABASE))
    (tmp_path / "app.py").write_text(example())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_example_has_ten_lines() -> None:
    assert len([line for line in example().splitlines() if line.strip()]) <= 10


def test_the_handler_of_the_example_reports_what_failed() -> None:
    names: dict[str, Any] = {}
    exec(blocks(README)[1], names)  # noqa: S102
    event = {"Records": [{"messageId": "1", "body": "a"}, {"messageId": "2"}]}
    assert names["handle"](event, None) == {"batchItemFailures": [{"itemIdentifier": "2"}]}


def test_the_example_and_its_error_are_what_happens(somebodys_project: Path) -> None:
    names: dict[str, object] = {}
    exec(example().replace("app.synth()", ""), names)  # noqa: S102 - running it is the test
    (session,) = re.findall(r"```pycon\n(.*?)```", README, flags=re.DOTALL)
    parsed = doctest.DocTestParser().get_doctest(session, names, "README", "README.md", 0)
    result = doctest.DocTestRunner(verbose=False).run(parsed)
    assert (result.attempted, result.failed) == (1, 0)


def test_the_examples_of_a_function_are_what_happens(somebodys_project: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    index.mkdir()
    handler(somebodys_project / "layers" / "prices", index, wheel(index, "prices", "1.0"))
    (handler(somebodys_project / "functions" / "resize") / "Dockerfile").write_text("FROM scratch\n")
    names: dict[str, Any] = {}
    for block in blocks(FUNCTION):
        if not block.startswith("# "):  # a file of the workspace
            exec(block, names)  # noqa: S102
    template = Template.from_stack(names["stack"])
    template.has_resource_properties("AWS::Lambda::Function", {"MemorySize": 1024, "Timeout": 20})
    stack = Stack(names["app"], "WithoutPackaging")
    assert PythonFunction(stack, "Ship", entry="nowhere", handler="app.handle").package.is_placeholder


def test_the_examples_of_managed_instances_are_what_happens(somebodys_project: Path) -> None:
    names: dict[str, Any] = {}
    for block in blocks(MANAGED):
        exec(block, names)  # noqa: S102
    names["app"].synth()
    template = Template.from_stack(names["stack"])
    template.has_resource_properties(
        "AWS::Lambda::Function", {"MemorySize": 8192, "Timeout": 3600, "PublishToLatestPublished": False}
    )
    template.has_resource_properties(
        "AWS::Lambda::Version",
        {"FunctionScalingConfig": {"MinExecutionEnvironments": 3, "MaxExecutionEnvironments": 12}},
    )
    template.has_resource_properties(
        "AWS::Lambda::Function", {"TenancyConfig": {"TenantIsolationMode": "PER_TENANT"}}
    )
    tenant = {"integration.request.header.X-Amz-Tenant-Id": "context.authorizer.claims.sub"}
    template.has_resource_properties(
        "AWS::ApiGateway::Method", {"Integration": {"RequestParameters": tenant}}
    )


def test_callers_are_granted_the_alias_alone(somebodys_project: Path, tmp_path: Path) -> None:
    test_the_examples_of_a_function_are_what_happens(somebodys_project, tmp_path)
    names: dict[str, Any] = {}
    for block in blocks(FUNCTION):
        if "grant_invoke(" in block or ('entry="functions/ship"' in block and "App()" in block):
            exec(block, names)  # noqa: S102
    template = Template.from_stack(names["stack"]).to_json()["Resources"]
    (alias,) = (name for name, each in template.items() if each["Type"] == "AWS::Lambda::Alias")
    (permission,) = (each for each in template.values() if each["Type"] == "AWS::Lambda::Permission")
    assert permission["Properties"]["FunctionName"] == {"Ref": alias}
    assert permission["Properties"]["Principal"] == "arn:aws:iam::210987654321:role/partner"
    (policy,) = (each for name, each in template.items() if name.startswith("BillingDefaultPolicy"))
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == "lambda:InvokeFunction"
    assert statement["Resource"] == {"Ref": alias}


def test_the_workspace_in_the_docs_is_packaged_by_what_each_function_reaches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_workspace(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CDK_OUTDIR", str(tmp_path / "cdk.out"))

    def hashes() -> dict[str, str]:
        names: dict[str, Any] = {}
        exec((tmp_path / "app.py").read_text(), names)  # noqa: S102
        return {
            name: names["shop"].node.find_child(name).package.asset_hash for name in ("Quote", "Bill", "Ping")
        }

    before = hashes()
    for member, rebuilt in (("money", {"Quote", "Bill"}), ("pricing", {"Quote"})):
        with (tmp_path / "packages" / member / "src" / member / "__init__.py").open("a") as module:
            module.write("MORE = 1\n")
        after = hashes()
        assert {name for name in before if before[name] != after[name]} == rebuilt
        before = after


def test_the_examples_of_a_database_are_what_happens(somebodys_project: Path) -> None:
    del somebodys_project  # it is the current folder
    names: dict[str, Any] = {}
    for block in blocks(DATABASE):
        if "database.connect(" in block or "connect_administrator(" in block:
            exec(block, names)  # noqa: S102
    template = Template.from_stack(names["stack"])
    template.resource_count_is("AWS::RDS::DBProxy", 1)
    template.resource_count_is("Custom::Trigger", 1)
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {"Environment": {"Variables": Match.object_like({"DATABASE_HOST": Match.any_value()})}},
    )


def test_the_other_databases_in_the_docs_can_be_made() -> None:
    """Each in a stack of its own, in the Region that their zones are of."""
    made = [block for block in blocks(DATABASE) if "ProxiedDatabase(" in block and "App()" not in block]
    (override,) = [block for block in blocks(DATABASE) if "ClientPasswordAuthType" in block]
    (keep,) = [block for block in blocks(DATABASE) if "update_replace_policy" in block]
    assert len(made) == 4
    for block in made:
        stack = Stack(App(analytics_reporting=False), "Rides", env=Environment(region="us-east-1"))
        names: dict[str, Any] = {"stack": stack}
        exec(block + override + keep, names)  # noqa: S102
        template = Template.from_stack(stack)
        (proxy,) = template.find_resources("AWS::RDS::DBProxy").values()
        kinds = {each["ClientPasswordAuthType"] for each in proxy["Properties"]["Auth"]}
        assert kinds == {"MYSQL_NATIVE_PASSWORD"}
        kept = {
            resource["Type"]
            for resource in template.to_json()["Resources"].values()
            if resource.get("UpdateReplacePolicy") == "Retain"
        }
        assert {"AWS::RDS::DBProxy", "AWS::RDS::DBProxyTargetGroup"} <= kept


def test_the_examples_of_an_api_are_what_happens(somebodys_project: Path) -> None:
    (somebodys_project / "functions" / "accept_trip").mkdir()
    (somebodys_project / "functions" / "accept_trip" / "handler.py").write_text(HANDLER)
    names: dict[str, Any] = {"Route": constructs_lib.Route}
    for block in blocks(API):
        exec(block, names)  # noqa: S102
    template = Template.from_stack(names["stack"])
    template.resource_count_is("AWS::ApiGateway::RestApi", 5)
    template.resource_count_is("AWS::ApiGatewayV2::Api", 1)
    template.resource_count_is("AWS::ApiGateway::DomainName", 1)
    template.resource_count_is("AWS::Lambda::Alias", 1)
    template.has_resource_properties("AWS::ApiGateway::Method", {"AuthorizationType": "NONE"})


def test_the_examples_of_asynchronous_invocation_are_what_happens(somebodys_project: Path) -> None:
    for name in ("receipt", "notify"):
        (somebodys_project / "functions" / name).mkdir()
        (somebodys_project / "functions" / name / "app.py").write_text(HANDLER)
    names: dict[str, Any] = {}
    for block in blocks(ASYNCHRONOUS):
        exec(block, names)  # noqa: S102
    names["app"].synth()
    template = Template.from_stack(names["stack"])
    template.has_resource_properties(
        "AWS::Lambda::EventInvokeConfig",
        {
            "DestinationConfig": {"OnSuccess": Match.any_value(), "OnFailure": Match.any_value()},
            "Qualifier": "live",
        },
    )
    template.resource_count_is("AWS::Events::Rule", 4)  # of the two EventRules, the bucket and the switch
    template.resource_count_is("AWS::Scheduler::Schedule", 1)
    template.resource_count_is("AWS::SNS::Subscription", 1)


def test_the_example_of_a_durable_function_is_what_happens(somebodys_project: Path) -> None:
    (somebodys_project / "functions" / "settle_dispute").mkdir()
    (somebodys_project / "functions" / "settle_dispute" / "app.py").write_text(HANDLER)
    names: dict[str, Any] = {}
    (block,) = blocks(DURABLE)
    exec(block, names)  # noqa: S102
    names["app"].synth()
    template = Template.from_stack(names["stack"])
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {
            "DurableConfig": {"ExecutionTimeout": 4 * 86_400, "RetentionPeriodInDays": 30},
            "DeadLetterConfig": Match.any_value(),
        },
    )
    template.resource_count_is("AWS::SQS::Queue", 3)
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {
            "Environment": {
                "Variables": {"EXECUTION_KEY": "dispute_id", "DURABLE_FUNCTION": Match.any_value()}
            }
        },
    )


def test_the_example_of_user_pools_is_what_happens(somebodys_project: Path) -> None:
    del somebodys_project  # it is the current folder
    names: dict[str, Any] = {}
    for block in blocks(USER_POOLS):
        exec(block, names)  # noqa: S102
    Template.from_stack(names["stack"]).has_resource_properties(
        "AWS::Cognito::UserPool", {"LambdaConfig": {"PreSignUp": Match.any_value()}}
    )

    def event(address: str) -> dict[str, Any]:
        return {"request": {"userAttributes": {"email": address}}, "response": {}}

    assert names["handle"](event("ann@example.com"), None)["response"] == {"autoConfirmUser": True}
    with pytest.raises(ValueError, match="Sign up with your address"):
        names["handle"](event("ann@example.org"), None)


def test_the_example_of_the_edge_is_what_happens(somebodys_project: Path) -> None:
    """The JavaScript of the page runs in tests/patterns/test_edge_function.py."""
    (script,) = re.findall(r"```javascript\n(.*?)```", EDGE, flags=re.DOTALL)
    app_, handler_, log_groups = blocks(EDGE)
    for name, text in (("edge/redirect.js", script), ("functions/choose_origin/handler.py", handler_)):
        (somebodys_project / name).parent.mkdir(exist_ok=True)
        (somebodys_project / name).write_text(text)
    names: dict[str, Any] = {}
    for block in (app_, handler_, log_groups):
        exec(block, names)  # noqa: S102
    assert names["redirect"].kind == "CloudFront Functions"
    assert names["origin"].kind == "Lambda@Edge"
    assert warnings(names["stack"]) == []
    site = Template.from_stack(names["stack"])
    site.has_resource_properties(
        "AWS::CloudFront::Distribution",
        {
            "DistributionConfig": {
                "DefaultCacheBehavior": {
                    "FunctionAssociations": [
                        {"EventType": "viewer-request", "FunctionARN": Match.any_value()}
                    ],
                    "LambdaFunctionAssociations": [
                        {"EventType": "origin-request", "LambdaFunctionARN": Match.any_value()}
                    ],
                }
            }
        },
    )
    site.resource_count_is("AWS::CloudWatch::Alarm", 4 + 3)
    (irish,) = [each for each in names["stack"].dependencies if each.region == "eu-west-1"]
    Template.from_stack(irish).has_resource_properties(
        "AWS::Logs::LogGroup", {"LogGroupName": "/edge/choose-origin", "RetentionInDays": 60}
    )

    def request(uri: str) -> dict[str, Any]:
        origin = {"custom": {"domainName": "www.example.com"}}
        return {
            "uri": uri,
            "headers": {"host": [{"key": "Host", "value": "www.example.com"}]},
            "origin": origin,
        }

    def asked(uri: str) -> Any:
        return names["handle"]({"Records": [{"cf": {"request": request(uri)}}]}, None)

    assert asked("/") == request("/")
    assert asked("/beta/")["origin"]["custom"]["domainName"] == "beta.example.com"
    assert asked("/beta/")["headers"]["host"] == [{"key": "Host", "value": "beta.example.com"}]


def test_the_examples_of_load_balancers_are_what_happens(somebodys_project: Path) -> None:
    """The handler runs in tests/local/test_load_balancer.py."""
    blocks_here = blocks(LOAD_BALANCER)
    quote = somebodys_project / "functions" / "quote"
    quote.mkdir(parents=True)
    (handler_text,) = [block for block in blocks_here if "def handle(" in block]
    (quote / "app.py").write_text(handler_text)
    names: dict[str, Any] = {}
    for block in blocks_here:
        exec(block.replace('Stack(app, "Fares")', _IN_US_EAST_1), names)  # noqa: S102
    template = Template.from_stack(names["stack"])
    template.resource_count_is("AWS::ElasticLoadBalancingV2::LoadBalancer", 4)
    template.resource_count_is("AWS::ElasticLoadBalancingV2::TargetGroup", 4)
    template.has_resource_properties("AWS::ElasticLoadBalancingV2::ListenerRule", {"Priority": 10})
    template.has_resource_properties(
        "AWS::CodeDeploy::DeploymentGroup",
        {"AlarmConfiguration": {"Alarms": Match.array_with([{"Name": {"Ref": Match.any_value()}}])}},
    )
    answer = names["handle"]({"multiValueQueryStringParameters": {"kilometres": ["10"]}}, None)
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {"fare": 18.0}


_IN_US_EAST_1 = """Stack(
    app, "Fares", env={"account": "123456789012", "region": "us-east-1"}
)"""


def test_the_example_of_idempotency_is_what_happens(somebodys_project: Path) -> None:
    """The handler runs in tests/local/test_idempotency.py."""
    del somebodys_project  # it is the current folder
    names: dict[str, Any] = {}
    exec(blocks(IDEMPOTENCY)[0], names)  # noqa: S102
    Template.from_stack(names["stack"]).has_resource_properties(
        "AWS::Lambda::Function", {"Environment": {"Variables": {"IDEMPOTENCY_TABLE": Match.any_value()}}}
    )


def test_the_example_of_configuration_is_what_happens(somebodys_project: Path) -> None:
    """The handler runs in tests/local/test_configuration.py."""
    charge = somebodys_project / "functions" / "charge"
    charge.mkdir()
    (charge / "app.py").write_text(handler_with(CONFIGURATION, "pay("))
    names: dict[str, Any] = {}
    app, *others = blocks(CONFIGURATION)
    for block in (app, *(each for each in others if "ec2.Vpc(" in each or "FeatureFlags(" in each)):
        exec(block, names)  # noqa: S102
    template = Template.from_stack(names["stack"])
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {
            "Environment": {
                "Variables": dict.fromkeys(("PAYMENT_KEY", "FEES", "FEATURE_FLAGS"), Match.any_value())
            }
        },
    )
    template.resource_count_is("AWS::EC2::VPCEndpoint", 2)


def test_the_examples_of_a_dsql_cluster_are_what_happens(somebodys_project: Path) -> None:
    """The handler and the migration run in tests/runtime/test_dsql.py."""
    place = next(block for block in blocks(DSQL) if "def place(" in block)
    handler(somebodys_project / "functions" / "place_order").joinpath("handler.py").write_text(place)
    names: dict[str, Any] = {}
    for block in blocks(DSQL):
        if ".connect(" in block and "def " not in block:
            exec(block, names)  # noqa: S102
    template = Template.from_stack(names["stack"])
    template.has_resource_properties("AWS::DSQL::Cluster", {"DeletionProtectionEnabled": True})
    template.resource_count_is("Custom::Trigger", 1)
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {"Environment": {"Variables": Match.object_like({"DATABASE_USER": "admin"})}},
    )
    template.has_resource_properties("AWS::EC2::VPCEndpoint", {"PrivateDnsEnabled": True})


def test_the_examples_of_a_cache_are_what_happens(
    somebodys_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    construct, handle = blocks(CACHE)
    handler(somebodys_project / "functions" / "quote").joinpath("handler.py").write_text(handle)
    names: dict[str, Any] = {}
    exec(construct, names)  # noqa: S102
    template = Template.from_stack(names["stack"])
    template.has_resource_properties(
        "AWS::ElastiCache::ServerlessCache",
        {
            "CacheUsageLimits": {
                "DataStorage": {"Maximum": 2, "Unit": "GB"},
                "ECPUPerSecond": {"Maximum": 20_000},
            }
        },
    )
    template.has_resource_properties(
        "AWS::ElastiCache::User", {"AccessString": Match.string_like_regexp("^on ~price:\\* -@all ")}
    )

    stored: dict[str, Any] = {}

    class ValkeyCluster:
        def __init__(self, **arguments: Any) -> None:
            assert arguments.pop("credential_provider").get_credentials()[0] == "quote"
            assert arguments == {"host": "h", "port": 6379, "ssl": True}

        get = staticmethod(stored.get)

        @staticmethod
        def set(key: str, value: object, ex: int) -> None:
            assert ex
            stored[key] = value

    monkeypatch.setitem(sys.modules, "valkey", ModuleType("valkey"))
    monkeypatch.setattr("valkey.ValkeyCluster", ValkeyCluster, raising=False)
    for name, value in (("HOST", "h"), ("PORT", "6379"), ("NAME", "prices"), ("USER", "quote")):
        monkeypatch.setenv(f"CACHE_{name}", value)
    for name in ("AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "any")
    of_handler: dict[str, Any] = {"look_up": lambda article: len(article)}
    exec(handle, of_handler)  # noqa: S102
    assert [of_handler["handle"]({"article": "pen"}, None) for _ in range(2)] == [{"price": 3.0}] * 2
    assert stored == {"price:pen": 3}


def test_the_examples_of_long_jobs_are_what_happens(
    somebodys_project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = somebodys_project / "jobs" / "settle_day"
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\n")
    names: dict[str, Any] = {}
    job, container, batch = blocks(LONG_JOBS)
    exec(job.replace("jobs/settle_day", str(folder)), names)  # noqa: S102 - jsii was started elsewhere
    exec(batch, names)  # noqa: S102
    names["app"].synth()
    template = Template.from_stack(names["stack"])
    template.resource_count_is("AWS::StepFunctions::StateMachine", 1)
    template.has_resource_properties(
        "AWS::Scheduler::Schedule",
        {
            "Target": {
                "Arn": Match.any_value(),
                "DeadLetterConfig": Match.any_value(),
                "Input": '{"time":"<aws.scheduler.scheduled-time>"}',
            }
        },
    )
    template.has_resource_properties(
        "AWS::ECS::TaskDefinition",
        {
            "ContainerDefinitions": [
                Match.object_like({"Environment": [{"Name": "CURRENCY", "Value": "EUR"}]})
            ]
        },
    )
    of_batch = Template.from_stack(names["renders"])
    of_batch.resource_count_is("AWS::Batch::JobQueue", 1)
    of_batch.has_resource_properties("AWS::Batch::JobDefinition", {"RetryStrategy": {"Attempts": 3}})

    monkeypatch.setenv("JOB_INPUT", '{"time": "2026-11-28T02:00:00Z"}')
    monkeypatch.setenv("JOB_EXECUTION_ARN", "execution-1")
    exec(container, {})  # noqa: S102
    assert capsys.readouterr().out == "settling 2026-11-28 for execution-1\n"


def test_the_examples_of_a_queue_are_what_happens(somebodys_project: Path) -> None:
    (somebodys_project / "functions" / "shop").mkdir()
    (somebodys_project / "functions" / "shop" / "app.py").write_text(HANDLER)
    names: dict[str, Any] = {}
    for block in blocks(QUEUE):
        if "def handle(" not in block:
            exec(block, names)  # noqa: S102
    assert not [
        entry.data
        for construct in names["stack"].node.find_all()
        for entry in construct.node.metadata
        if entry.type == "aws:cdk:warning"
    ], "the one that the page acknowledges"
    template = Template.from_stack(names["stack"])
    template.resource_count_is("AWS::Lambda::EventSourceMapping", 3)
    template.resource_properties_count_is(
        "AWS::Lambda::EventSourceMapping", {"FilterCriteria": Match.any_value()}, 1
    )


def test_the_examples_of_kafka_and_brokers_are_what_happens(somebodys_project: Path) -> None:
    for name in ("track", "pay"):
        (somebodys_project / "functions" / name).mkdir()
        (somebodys_project / "functions" / name / "app.py").write_text(HANDLER)
    names: dict[str, Any] = {}
    for block in blocks(BROKERS):
        if "def handle(" not in block:
            exec(block, names)  # noqa: S102
    template = Template.from_stack(names["stack"])
    template.resource_count_is("AWS::Lambda::EventSourceMapping", 3)
    for properties in (
        {"Topics": ["trips"], "FunctionResponseTypes": ["ReportBatchItemFailures"]},
        {"Topics": ["payments"], "FunctionResponseTypes": Match.absent()},
        {"Queues": ["orders"]},
    ):
        template.has_resource_properties("AWS::Lambda::EventSourceMapping", properties)


def test_the_examples_of_alarms_are_what_happens(somebodys_project: Path) -> None:
    names: dict[str, Any] = {}
    for block in blocks(ALARMS):
        exec(block, names)  # noqa: S102
    left_out = Stack(names["test"], "LeftOut")
    constructs_lib.QueueConsumer(
        left_out,
        "ToShip",
        function=PythonFunction(left_out, "Ship", entry="functions/ship", handler="app.handle"),
    )
    names["app"].synth()
    Template.from_stack(names["orders"]).resource_count_is("AWS::SNS::Topic", 0)
    Template.from_stack(left_out).resource_count_is("AWS::CloudWatch::Alarm", 0)
    report = json.loads((Path(names["app"].outdir) / "validation-report.json").read_text())
    assert "nobody-subscribed" not in json.dumps([each["violations"] for each in report["pluginReports"]])


@pytest.mark.parametrize("limit", ["2_000", "1_000"])
def test_the_examples_of_concurrency_are_what_happens(somebodys_project: Path, limit: str) -> None:
    for name in ("complete", "price", "report"):
        (somebodys_project / "functions" / name).mkdir()
        (somebodys_project / "functions" / name / "app.py").write_text(HANDLER)
    names: dict[str, Any] = {}
    for block in blocks(CONCURRENCY):
        exec(block.replace("account_limit=2_000", f"account_limit={limit}"), names)  # noqa: S102
    (shown,) = re.findall(r"```text\n(.*?)```", CONCURRENCY, flags=re.DOTALL)
    if limit == "2_000":
        template = Template.from_stack(names["stack"])
        template.has_resource_properties("AWS::Lambda::Function", {"ReservedConcurrentExecutions": 0})
    else:
        with pytest.raises(RuntimeError, match="concurrency-budget-exceeded") as raised:
            names["app"].synth()
        said = [line.strip() for line in str(raised.value).splitlines()]
        for line in shown.splitlines():
            assert any(line.strip() in each for each in said), said


def test_the_examples_of_a_function_url_are_what_happens(somebodys_project: Path) -> None:
    folder = somebodys_project / "functions" / "download_receipt"
    folder.mkdir()
    (folder / "handler.py").write_text("def handle(event, context):\n    return {'statusCode': 200}\n")
    names: dict[str, Any] = {}
    for block in blocks(ENDPOINT):
        exec(block, names)  # noqa: S102
    template = Template.from_stack(names["stack"])
    urls = template.find_resources("AWS::Lambda::Url").values()
    assert [each["Properties"]["AuthType"] for each in urls] == ["AWS_IAM", "AWS_IAM"]
    template.resource_count_is("AWS::CloudFront::Distribution", 1)
    theirs = {"Principal": "arn:aws:iam::210987654321:role/accounting"}
    for action in ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction"):
        template.has_resource_properties("AWS::Lambda::Permission", theirs | {"Action": action})


def test_the_examples_of_observability_are_what_happens(somebodys_project: Path) -> None:
    names: dict[str, Any] = {}
    for block in blocks(OBSERVABILITY):
        exec(block, names)  # noqa: S102
    names["app"].synth()
    (mine,) = names["app"].node.find_child("Operations").node.find_all()[:1]
    Template.from_stack(mine).resource_count_is("AWS::CloudWatch::Dashboard", 1)
    template = Template.from_stack(names["orders"])
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {
            "Layers": [names["ADOT"]],
            "Environment": {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/otel-instrument"}},
        },
    )
    assert "application-signals" in json.dumps(template.find_resources("AWS::IAM::Policy"))


def kafka_event(*values: str) -> dict[str, Any]:
    return {
        "eventSource": "aws:kafka",
        "records": {
            "trips-0": [
                {
                    "topic": "trips",
                    "partition": 0,
                    "offset": 100 + number,
                    "timestamp": 1,
                    "timestampType": "CREATE_TIME",
                    "value": base64.b64encode(value.encode()).decode(),
                    "headers": [],
                }
                for number, value in enumerate(values)
            ]
        },
    }


@pytest.mark.parametrize("worker", ["pay", "track"])
def test_the_handlers_of_kafka_report_failures_as_their_mode_takes_them(worker: str) -> None:
    (block,) = [block for block in blocks(BROKERS) if f"def {worker}(" in block]
    names: dict[str, Any] = {}
    exec(block, names)  # noqa: S102
    worked: list[str] = []

    def work(record: Any) -> None:
        value = (record if isinstance(record, bytes) else record.decoded_value).decode()
        worked.append(value)
        if value == "poison":
            raise ValueError(value)

    names[worker] = work
    event = kafka_event("a", "poison", "b")
    if worker == "pay":
        with pytest.raises(ValueError, match="poison"):
            names["handle"](event, None)
        return
    identifier = {"partition": "trips-0", "offset": 101}
    assert names["handle"](event, None) == {"batchItemFailures": [{"itemIdentifier": identifier}]}
    assert worked == ["a", "poison", "b"]


def test_the_handler_of_a_broker_processes_each_message() -> None:
    (block,) = [block for block in blocks(BROKERS) if "def ship(" in block]
    names: dict[str, Any] = {}
    exec(block, names)  # noqa: S102
    shipped: list[bytes] = []
    names["ship"] = shipped.append
    messages = [{"data": base64.b64encode(text).decode(), "redelivered": False} for text in (b"a", b"b")]
    names["handle"]({"eventSource": "aws:rmq", "rmqMessagesByQueue": {"orders::shop": messages}}, None)
    assert shipped == [b"a", b"b"]


def queue_handler(*, worker: str) -> tuple[Callable[[dict[str, Any]], Any], list[str]]:
    """A handler of docs/queue.md whose work fails for "poison", and the bodies that it has worked on."""
    (block,) = [block for block in blocks(QUEUE) if f"def {worker}(" in block]
    names: dict[str, Any] = {}
    exec(block, names)  # noqa: S102
    worked: list[str] = []

    def work(record: Any) -> None:
        body = record if isinstance(record, str) else record.body
        worked.append(body)
        if body == "poison":
            raise ValueError(body)

    names[worker] = work
    return lambda event: names["handle"](event, None), worked


def messages(*bodies: str) -> dict[str, Any]:
    return {
        "Records": [
            {
                "messageId": f"id-{number}",
                "body": body,
                "eventSource": "aws:sqs",
                "attributes": {"MessageGroupId": "one"},
            }
            for number, body in enumerate(bodies)
        ]
    }


@pytest.mark.parametrize("worker", ["ship_in_order", "ship_one"])
def test_the_handlers_of_a_fifo_queue_stop_at_the_first_failure(worker: str) -> None:
    handle, worked = queue_handler(worker=worker)
    answer = handle(messages("a", "poison", "b", "c"))
    assert worked == ["a", "poison"], "what follows would overtake the one that is retried"
    assert [each["itemIdentifier"] for each in answer["batchItemFailures"]] == ["id-1", "id-2", "id-3"]
    assert handle(messages("a", "b")) == {"batchItemFailures": []}


def test_the_handler_of_a_standard_queue_continues(capsys: pytest.CaptureFixture[str]) -> None:
    handle, worked = queue_handler(worker="ship")
    answer = handle(messages("a", "poison", "b"))
    assert worked == ["a", "poison", "b"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": "id-1"}]}


def test_the_examples_of_streams_are_what_happens(somebodys_project: Path) -> None:
    for name in ("track", "notify"):
        (somebodys_project / "functions" / name).mkdir()
        (somebodys_project / "functions" / name / "app.py").write_text(HANDLER)
    names: dict[str, Any] = {}
    for block in blocks(STREAMS):
        if "def handle(" not in block:
            exec(block, names)  # noqa: S102
    assert warnings(names["stack"]) == []
    template = Template.from_stack(names["stack"])
    template.resource_count_is("AWS::Lambda::EventSourceMapping", 2)
    template.resource_count_is("AWS::S3::Bucket", 2)
    template.resource_properties_count_is(
        "AWS::Lambda::EventSourceMapping",
        {"MaximumRecordAgeInSeconds": 36 * 3600, "ParallelizationFactor": 4},
        1,
    )
    template.resource_properties_count_is(
        "AWS::Lambda::EventSourceMapping", {"FilterCriteria": Match.any_value()}, 1
    )


def positions(*drivers: str) -> dict[str, Any]:
    return {
        "Records": [
            {
                "eventSource": "aws:kinesis",
                "eventID": f"shardId-000000000000:{number}",
                "kinesis": {
                    "sequenceNumber": str(number),
                    "data": base64.b64encode(json.dumps({"driver": driver}).encode()).decode(),
                },
            }
            for number, driver in enumerate(drivers)
        ]
    }


def trips(*ids: str) -> dict[str, Any]:
    return {
        "Records": [
            {
                "eventID": f"event-of-{id_}",
                "dynamodb": {"SequenceNumber": str(number), "Keys": {"trip_id": {"S": id_}}},
            }
            for number, id_ in enumerate(ids)
        ]
    }


def stream_handler(worker: str) -> tuple[Callable[[dict[str, Any]], Any], list[str]]:
    """A handler of docs/streams.md whose work fails for "poison", and what it has worked on."""
    (block,) = [block for block in blocks(STREAMS) if f"def {worker}(" in block]
    names: dict[str, Any] = {}
    exec(block, names)  # noqa: S102
    real, worked = names[worker], []

    def work(record: Any) -> None:
        real(record)
        worked.append(str(record))
        if "poison" in str(record if isinstance(record, dict) else record.kinesis.data_as_json()):
            raise ValueError(record)

    names[worker] = work
    return lambda event: names["handle"](event, None), worked


@pytest.mark.parametrize(("worker", "event"), [("track", positions), ("notify", trips)])
def test_the_handlers_of_streams_stop_at_the_first_failure(
    worker: str, event: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    handle, worked = stream_handler(worker)
    answer = handle(event("a", "poison", "b", "poison"))
    assert len(worked) == 2, "what follows would overtake the one that is retried"
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert "1 failed: ValueError" in capsys.readouterr().out
    assert handle(event("a", "b")) == {"batchItemFailures": []}


def test_the_processor_of_powertools_goes_on_behind_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    """As the page warns: Lambda retries from the first failure, and those behind it are processed again."""
    handle, worked = stream_handler("count")
    answer = handle(positions("a", "poison", "b"))
    assert len(worked) == 3
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}


@pytest.fixture
def migrated(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[dict[str, Any]], Database]]:
    """A database that the migration of the docs has made ready; by the example of a unit test, one for the user."""
    secret = json.dumps({"username": "trips", "password": "of-trips"})
    for name, value in (("HOST", "proxy.example"), ("PORT", "5432"), ("NAME", "rides"), ("USER", "trips"),
                        ("APPLICATION_USER", "trips"), ("APPLICATION_SECRET_ARN", "arn")):  # fmt: skip
        monkeypatch.setenv(f"DATABASE_{name}", value)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setattr(
        application_user, "_read", lambda arn, stage: secret if stage == "AWSCURRENT" else None
    )
    where = f"dbname=postgres host={postgres.socket_folder} port={postgres.port} user={postgres.superuser}"
    with psycopg.connect(where, autocommit=True) as admin:
        admin.execute("CREATE DATABASE of_docs")
    opened: list[Database] = []

    def log_in(user: str, password: str) -> Database:
        login = SecretLogin("any", fetch=lambda _: json.dumps({"username": user, "password": password}))
        host = postgres.address if password else str(postgres.socket_folder)
        opened.append(
            Database(psycopg, host=host, port=postgres.port, name="of_docs", login=login, tls=False)
        )
        return opened[-1]

    names: dict[str, Any] = {}
    exec(migration_of(DATABASE), names)  # noqa: S102
    names["database"] = log_in(postgres.superuser, "")
    names["handle"]({}, None)
    names["handle"]({}, None)  # again does no harm
    yield lambda handler: handler.update(database=log_in("trips", "of-trips")) or opened[-1]
    for database in opened:
        database.close()
    with psycopg.connect(where, autocommit=True) as admin:
        admin.execute("DROP DATABASE of_docs WITH (FORCE)")
        admin.execute("DROP ROLE trips")


def test_the_handler_stores_each_message_once_and_reports_what_fails(
    migrated: Callable[[dict[str, Any]], Database], capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {}
    exec(handler_of(DATABASE), names)  # noqa: S102
    database = migrated(names)
    names["once"] = Once(database, consumer="readme")
    records = [
        {"messageId": id_, "body": body} for id_, body in (("1", "a"), ("2", "\0"), ("3", "b"), ("1", "a"))
    ]
    answer = names["handle"]({"Records": records}, None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "2"}]}
    assert "2 failed: DataError" in capsys.readouterr().out
    stored = database.run(
        lambda connection: connection.execute("SELECT body FROM trip ORDER BY body").fetchall()
    )
    assert stored == [("a",), ("b",)]


def test_the_handler_of_a_stream_stores_each_change_once_and_stops(
    migrated: Callable[[dict[str, Any]], Database], capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {}
    (block,) = [block for block in blocks(STREAMS) if "def store(" in block]
    exec(block, names)  # noqa: S102
    database = migrated(names)
    names["once"] = Once(database, consumer="trips-of-a-stream")
    answer = names["handle"](trips("a", "\0", "b"), None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert "failed: ValueError" in capsys.readouterr().out
    assert names["handle"](trips("a", "b"), None) == {"batchItemFailures": []}
    stored = database.run(
        lambda connection: connection.execute("SELECT body FROM trip ORDER BY body").fetchall()
    )
    assert stored == [("a",), ("b",)]


def test_the_example_of_a_unit_test_is_what_happens() -> None:
    names: dict[str, Any] = {"Database": Database, "Once": Once, "psycopg": psycopg}
    (example_of_test,) = [block for block in blocks(DATABASE) if "of_test = Database(" in block]
    exec(example_of_test, names)  # noqa: S102
    assert names["of_test"].driver is psycopg


@pytest.mark.parametrize("name", ["README.md", "docs/demo.md"])
def test_the_output_shown_is_that_of_the_demo(name: str) -> None:
    """Each text in a shown table, and the last line, is one that the demo writes."""
    sources = [*(PROJECT / "sample_app" / "demo").glob("*.py"), PROJECT / "constructs_lib/local/evidence.py"]
    written = "".join(file.read_text() for file in sources)
    text = (PROJECT / name).read_text()
    shown = re.findall(r"^│ (?!a caller)(\w[^│:\d]*[^│ ]) +│ +\d+ │", text, flags=re.MULTILINE)
    (last,) = re.findall(r"┘\n(?:\.{3}\n)?(\w.+)\n```\n", text)
    for each in (*shown, last):
        assert each in written, each


@pytest.mark.parametrize(
    "file",
    [
        "README.md",
        "CONTRIBUTING.md",
        *sorted(f"docs/{each.name}" for each in (PROJECT / "docs").glob("*.md")),
    ],
)
def test_every_link_leads_somewhere(file: str) -> None:
    """Each link leads to a file, and to a heading in it."""
    text = (PROJECT / file).read_text()
    for path, heading in re.findall(r"\]\((?!https://)([^)#]*)(?:#([^)]+))?\)", text):
        target = (PROJECT / file).parent / path if path else PROJECT / file
        assert target.exists(), path
        if heading:
            titles = re.findall(r"^#+ (.+)$", target.read_text(), flags=re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}, (
                heading
            )


def test_ci_runs_the_test_command_with_each_supported_python() -> None:
    job = yaml.safe_load((PROJECT / ".github" / "workflows" / "test.yml").read_text())["jobs"]["test"]
    assert "$ python3 dev.py test\n" in README
    assert [step["run"] for step in job["steps"] if "run" in step] == ["python3 dev.py test"]
    classifiers = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["classifiers"]
    assert job["strategy"]["matrix"]["python"] == [
        version for each in classifiers if re.fullmatch(r"3\.\d+", version := each.rpartition(" :: ")[2])
    ]


def test_no_lock_file_names_a_mirror() -> None:
    """A lock that was written behind a mirror must install elsewhere."""
    locks = [
        PROJECT / "uv.lock",
        PROJECT / "package-lock.json",
        PROJECT / "constructs_lib" / "local" / "emulator-requirements.txt",
        *(PROJECT / "sample_app" / "functions").glob("*/uv.lock"),
    ]
    for lock in locks:
        hosts = set(re.findall(r"https?://([^/\"\s]+)", lock.read_text()))
        assert hosts <= {"pypi.org", "files.pythonhosted.org", "registry.npmjs.org"}, lock
