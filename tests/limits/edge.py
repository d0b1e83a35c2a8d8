"""The limits of EdgeFunction: of the code of CloudFront Functions, and of a function of Lambda@Edge."""

import tempfile
from pathlib import Path
from typing import Any, Final

from aws_cdk import App, Duration, Environment, Size, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs

from constructs_lib import ContainerFunction, Durable, EdgeFunction, LiveAlias, ManagedInstances
from tests.gallery.edge import JAVASCRIPT, at_edge
from tests.gallery.function import provider
from tests.gallery.parts import live
from tests.gallery.plain_function import HANDLERS, function
from tests.limits.table import Arguments, Limits, args, by_name_instead

_FOLDER = tempfile.TemporaryDirectory()
"""Deleted when the tests end."""

HANDLER: Final = "function handler(event) { return event.request; }\n"


def javascript(text: str, *, handler: str = HANDLER) -> Arguments:
    """A file with this code, and a handler unless it brings its own."""

    def arguments(stack: Stack) -> dict[str, Any]:
        del stack
        file = Path(_FOLDER.name) / "edge.js"
        file.write_text(text + handler)
        return {"code": file}

    return arguments


def binary(stack: Stack) -> dict[str, Any]:
    del stack
    file = Path(_FOLDER.name) / "binary.js"
    file.write_bytes(b"\xff\xfe")
    return {"code": file}


_ROWS: list[tuple[str, Arguments, str]] = [
    *by_name_instead(key_value_store="a key value store", alarm_topic="a topic"),
    ("another event", args(event="viewer_request"),
     "origin-response, got 'viewer_request'. Did you mean 'viewer-request'?"),
    ("neither code nor function", args(code=None), "code or function must be passed, a JavaScript file for"),
    ("both", lambda stack: {"function": at_edge(stack)}, "for Lambda@Edge, got both"),
    ("an origin event", args(event="origin-request"),
     "event of code must be viewer-request or viewer-response, got origin-request"),
    ("the body", args(include_body=True), "include_body cannot be combined with code"),
    ("a body of another type", args(include_body="yes"), "include_body must be True or False"),
    ("code that is text", args(code=HANDLER), "code must be a JavaScript file, got 'function handler(event)"),
    ("code that is not a path", args(code=3), "code must be a path of a JavaScript file, got 3 (int)"),
    ("a folder", args(code=JAVASCRIPT), "code must be a JavaScript file, got "),
    ("a file in another encoding", binary, "code must be text in UTF-8, got "),
    ("too much code", javascript("// " + 10_200 * "x" + "\n"), "code must be at most 10,240 bytes, got 10,254 in "),
    ("no handler", javascript("", handler="function handle(event) {}"), "code must have a function named handler"),
    ("a handler in a comment", javascript("", handler=f"// {HANDLER}"), "code must have a function named handler"),
    ("a module of Node.js", javascript("const fs = require('fs');\n"),
     "code must load no modules but cloudfront, crypto, querystring, buffer, and "),
    ("an import of a module", javascript('import axios from "axios";\n'), "loads 'axios'"),
    ("a handler of Lambda@Edge", javascript("exports.handler = handler;\n"), "code must not export anything, and "),
    ("an exported handler", javascript("export const other = 1;\n"), "has 'export': CloudFront finds handler by its"),
    *[(f"{name}()", javascript(f"const x = {name}('a');\n"), f"code must not call {name}(), and ")
      for name in ("eval", "Function", "setTimeout", "setInterval", "setImmediate",
                   "clearTimeout", "fetch", "XMLHttpRequest")],
    ("a store that is not there", javascript("async function read(k) { return cf.kvs().get(k); }\n"),
     "code must not read a key value store without one"),
    ("retention as a number", args(log_retention=7), "log_retention must be a RetentionDays"),
    ("a removal policy by its name", args(log_removal_policy="DESTROY"), "log_removal_policy must be"),
]  # fmt: skip

EDGE_LIMITS: Final = Limits(
    EdgeFunction,
    otherwise={"event": lambda stack: "viewer-request", "code": lambda stack: JAVASCRIPT / "rewrite.js"},
    rows=_ROWS,
)


def having(**arguments: Any) -> Arguments:
    """A function that Lambda@Edge would take without this."""
    return lambda stack: {"function": at_edge(stack, **arguments)}


def plain(**arguments: Any) -> Arguments:
    """A function of CDK's own class."""
    given: dict[str, Any] = {
        "runtime": lambda_.Runtime.PYTHON_3_13,
        "handler": "app.handle",
        "code": lambda_.Code.from_asset(str(HANDLERS / "plain")),
    }
    return lambda stack: {"function": lambda_.Function(stack, "Function", **(given | arguments))}


def layered(stack: Stack) -> dict[str, Any]:
    arn = "arn:aws:lambda:us-east-1:123456789012:layer:any:1"
    return {
        "function": at_edge(stack, layers=[lambda_.LayerVersion.from_layer_version_arn(stack, "Any", arn)])
    }


def in_a_vpc(stack: Stack) -> dict[str, Any]:
    from tests.gallery.database import imported_vpc

    return {"function": at_edge(stack, vpc=imported_vpc(stack))}


def with_letters(stack: Stack) -> dict[str, Any]:
    queue = sqs.Queue(stack, "Letters")
    return plain(dead_letter_queue=queue)(stack)


def with_variables(stack: Stack) -> dict[str, Any]:
    return {"function": at_edge(stack, environment={"TABLE": "trips"})}


def with_a_key_for_its_package(stack: Stack) -> dict[str, Any]:
    made = at_edge(stack)
    resource = made.node.default_child
    assert isinstance(resource, lambda_.CfnFunction)
    resource.code = lambda_.CfnFunction.CodeProperty(s3_bucket="b", s3_key="k", source_kms_key_arn="any")
    return {"function": made}


def on_instances(stack: Stack) -> dict[str, Any]:
    instances = ManagedInstances(capacity_provider=provider(stack))
    return {"function": at_edge(stack, managed_instances=instances, memory_size=2048)}


def elsewhere(stack: Stack) -> dict[str, Any]:
    del stack
    there = Stack(App(analytics_reporting=False), "There", env=Environment(region="eu-west-1"))
    return {"function": at_edge(there)}


_LAMBDA_ROWS: list[tuple[str, Arguments, str]] = [
    *by_name_instead(function="a function of this app"),
    ("an alias", lambda stack: {"function": live(at_edge(stack))}, "function must be a function of this app, got "),
    ("a LiveAlias", lambda stack: {"function": LiveAlias(stack, "Live", function=at_edge(stack))},
     "function must be a function of this app, got Stack/Live (LiveAlias)"),
    ("an imported function",
     lambda stack: {"function": lambda_.Function.from_function_name(stack, "Theirs", "theirs")},
     "function must be a function of this app, got Stack/Theirs"),
    ("another Region", elsewhere, "CloudFront replicates it, got There/Function in eu-west-1"),
    ("the defaults", lambda stack: {"function": function(stack)},
     "function Stack/Function has the architecture arm64, which Lambda@Edge does not have. Pass architecture="),
    ("tracing", having(tracing=lambda_.Tracing.ACTIVE), "has X-Ray tracing"),
    ("variables", with_variables, "has environment variables (TABLE)"),
    ("a VPC", in_a_vpc, "has a VPC"),
    ("layers", layered, "has layers"),
    ("an image", lambda stack: {"function": ContainerFunction(stack, "Image", entry=HANDLERS / "container")},
     "function Stack/Image has a container image"),
    ("a large /tmp", having(ephemeral_storage_size=Size.gibibytes(1)), "has 1024 MB of /tmp"),
    ("a longer timeout", having(timeout=Duration.seconds(31)),
     "timeout of function Stack/Function must be at most 30 seconds at the edge, got 31"),
    ("a durable function", having(durable=Durable(execution_timeout=Duration.seconds(20))), "has durable executions"),
    ("managed instances", on_instances, "has managed instances"),
    ("tenants", having(tenant_isolation=True), "has tenant isolation"),
    ("a dead-letter queue", with_letters, "has a dead-letter queue"),
    ("another runtime", plain(runtime=lambda_.Runtime.JAVA_21), "has the runtime java21"),
    ("a runtime of your own", plain(runtime=lambda_.Runtime.PROVIDED_AL2023), "has the runtime provided.al2023"),
    ("a runtime that stays",
     plain(runtime_management_mode=lambda_.RuntimeManagementMode.FUNCTION_UPDATE),
     "has a runtime that is not updated automatically"),
    ("a package under a key", with_a_key_for_its_package, "has a package under a key of your own"),
    ("the body of a response", args(event="origin-response", include_body=True),
     "include_body requires the event of a request, got origin-response"),
    ("logs of its own", args(log_retention=logs.RetentionDays.ONE_WEEK),
     "log_retention cannot be combined with function: they are for CloudFront Functions"),
]  # fmt: skip

LAMBDA_AT_EDGE_LIMITS: Final = Limits(
    EdgeFunction,
    otherwise={
        "event": lambda stack: "origin-request",
        "function": lambda stack: at_edge(stack, "Otherwise"),
    },
    rows=_LAMBDA_ROWS,
)
