"""Step Functions: `RedriveExecution`, which runs a failed execution again from the state that it has failed in.

MiniStack does not have it, and leaves the number of redrives out of the context object.
Sources: https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html,
https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
"""

import contextvars
import json
from typing import Any

from ministack.services import stepfunctions

from . import current_execution

_COUNT = "$$.Execution.RedriveCount"


def install() -> None:
    """Add the call, and the number of redrives."""
    resolve, answer = stepfunctions._resolve_ctx_path, stepfunctions.handle_request

    def resolve_count_too(path: str, context: dict[str, Any]) -> Any:
        if path != _COUNT:
            return resolve(path, context)
        return current_execution.get().get("redriveCount", 0)

    stepfunctions._resolve_ctx_path = resolve_count_too

    async def answer_redrive_too(
        method: str, path: str, headers: dict[str, str], body: bytes, query: Any
    ) -> Any:
        if not headers.get("x-amz-target", "").endswith(".RedriveExecution"):
            return await answer(method, path, headers, body, query)
        return _redrive(json.loads(body)["executionArn"])

    stepfunctions.handle_request = answer_redrive_too


def _redrive(arn: str) -> Any:
    execution = stepfunctions._executions.get(arn)
    if execution is None:
        return stepfunctions.error_response_json("ExecutionDoesNotExist", f"Execution {arn} not found", 400)
    if execution["status"] in ("RUNNING", "SUCCEEDED"):
        return stepfunctions.error_response_json(
            "ExecutionNotRedrivable", f"Execution is {execution['status']} and cannot be redriven", 400
        )
    entered = [event for event in execution["events"] if event["type"].endswith("StateEntered")][-1]
    count = execution["redriveCount"] = execution.get("redriveCount", 0) + 1
    execution.update(status="RUNNING", stopDate=None, output=None, error=None, cause=None)
    stepfunctions._add_event(
        execution, "ExecutionRedriven", {"executionRedrivenEventDetails": {"redriveCount": count}}
    )
    stepfunctions._emit_execution_status_event(execution)
    context = contextvars.copy_context()
    stepfunctions.threading.Thread(
        target=context.run, args=(_run, execution, entered["stateEnteredEventDetails"]), daemon=True
    ).start()
    return stepfunctions.json_response({"redriveDate": stepfunctions.time.time()})


def _run(execution: dict[str, Any], entered: dict[str, str]) -> None:
    current_execution.ARN.set(execution["executionArn"])
    machine = stepfunctions._state_machines[execution["stateMachineArn"]]
    definition = json.loads(machine["definition"])
    context = {
        "QueryLanguage": definition.get("QueryLanguage", "JSONPath"),
        "Execution": {
            "Id": execution["executionArn"],
            "Input": json.loads(execution["input"]),
            "Name": execution["name"],
            "StartTime": execution["startDate"],
        },
        "StateMachine": {"Id": execution["stateMachineArn"], "Name": machine["name"]},
        "variables": {},
    }
    try:
        output = stepfunctions._run_sub_machine(
            definition["States"], entered["name"], json.loads(entered["input"]), execution, context
        )
    except stepfunctions._ExecutionError as error:
        stepfunctions._fail_execution(execution, error.error, error.cause)
        return
    execution.update(status="SUCCEEDED", output=json.dumps(output), stopDate=stepfunctions.now_iso())
    stepfunctions._add_event(
        execution, "ExecutionSucceeded", {"executionSucceededEventDetails": {"output": execution["output"]}}
    )
    stepfunctions._emit_execution_status_event(execution)
