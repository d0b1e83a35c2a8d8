"""A stage's access log: a line for each request, in the format that the stage declares.

MiniStack keeps the setting and writes nothing. Variables that are not known here are written as `-`, as on AWS
those without a value are.
Sources: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html,
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html
"""

import re
import time
from typing import Any

from ministack.services import apigateway, apigateway_v1, cloudwatch_logs

_VARIABLE = re.compile(r"\$context\.([A-Za-z]+(?:\.[A-Za-z]+)*)")
_STREAM = "access"


def install() -> None:
    """Write a line after each answer of a REST or HTTP API."""
    rest, http = apigateway_v1._handle_execute_in_scope, apigateway._handle_execute_in_scope

    async def rest_and_log(api_id: str, stage: str, method: str, path: str, headers: Any, *rest_: Any) -> Any:
        answer = await rest(api_id, stage, method, path, headers, *rest_)
        settings = apigateway_v1._stages_v1.get(api_id, {}).get(stage, {}).get("accessLogSettings")
        matched, _ = apigateway_v1._match_resource_tree(api_id, [part for part in path.split("/") if part])
        known = {"resourcePath": (matched or {}).get("path", "-"), "path": f"/{stage}{path}"}
        _write_line(settings, api_id, stage, method, headers, answer, known)
        return answer

    async def http_and_log(api_id: str, stage: str, path: str, method: str, headers: Any, *rest_: Any) -> Any:
        answer = await http(api_id, stage, path, method, headers, *rest_)
        settings = apigateway._stages.get(api_id, {}).get(stage, {}).get("accessLogSettings")
        _write_line(settings, api_id, stage, method, headers, answer, {"path": path})
        return answer

    apigateway_v1._handle_execute_in_scope = rest_and_log
    apigateway._handle_execute_in_scope = http_and_log


def _write_line(
    settings: dict[str, str] | None,
    api_id: str,
    stage: str,
    method: str,
    headers: dict[str, Any],
    answer: tuple[int, dict[str, Any], Any],
    known: dict[str, str],
) -> None:
    if not settings:
        return
    name = settings["destinationArn"].rpartition(":log-group:")[2].removesuffix(":*")
    group = cloudwatch_logs._log_groups.get(name)
    if group is None:  # deleted since, or a delivery stream
        return
    status, out, body = answer
    now = time.time()
    values = known | {
        "apiId": api_id,
        "httpMethod": method,
        "identity.sourceIp": "127.0.0.1",
        "identity.userAgent": str(headers.get("user-agent", "-")),
        "protocol": "HTTP/1.1",
        "requestId": str(out.get("x-amzn-requestid") or out.get("apigw-requestid") or "-"),
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "requestTimeEpoch": str(int(now * 1000)),
        "responseLength": str(len(body or b"")),
        "stage": stage,
        "status": str(status),
    }
    values["extendedRequestId"] = values["requestId"]
    line = _VARIABLE.sub(lambda found: values.get(found[1], "-"), settings.get("format", ""))
    stream = group["streams"].setdefault(
        _STREAM,
        {
            "events": [],
            "uploadSequenceToken": "1",
            "creationTime": int(now * 1000),
            **dict.fromkeys(("firstEventTimestamp", "lastEventTimestamp", "lastIngestionTime")),
        },
    )
    at = int(now * 1000)
    cloudwatch_logs._append_log_events(stream, [{"timestamp": at, "message": line, "ingestionTime": at}])
