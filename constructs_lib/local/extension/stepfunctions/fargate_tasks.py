"""Step Functions: a step that runs a Fargate task and waits for its end. No container runs.

MiniStack runs tasks in Docker, and without it waits ten minutes for the end of a task that never begins. Here the task
has run and has ended well as soon as it was started; what a container would do is nobody's. The call itself is made:
a task definition that is not there, and overrides that are too large, are refused. A fault of ECS's `RunTask` whose
code begins with `States.` stands for what the container ends with; any other is the answer of ECS.
Sources: https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html,
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
"""

import json
from typing import Any

from ministack.services import ecs, stepfunctions

from ..process import control

_RUN_TASK = "arn:aws:states:::ecs:runTask"
_OVERRIDES_CHARACTERS_MAX = 8192


def install() -> None:
    """Replace what runs a task."""
    stepfunctions._SERVICE_DISPATCH[_RUN_TASK] = _run


def _run(resource: str, parameters: dict[str, Any]) -> Any:
    fault = control.match("ecs", "RunTask", json.dumps(parameters).encode())
    if fault is not None:
        code = fault["error_code"]
        raise stepfunctions._ExecutionError(
            code if code.startswith("States.") else f"ECS.{code}", control.MESSAGE
        )
    if len(json.dumps(parameters.get("Overrides", {}), separators=(",", ":"))) > _OVERRIDES_CHARACTERS_MAX:
        raise stepfunctions._ExecutionError(
            "ECS.InvalidParameterException", "Container Overrides length must be at most 8192"
        )
    status, _, body = ecs._run_task(stepfunctions._pascal_to_camel(parameters))
    answer = json.loads(body)
    if status >= 400:
        error = str(answer.get("__type", "AmazonECSException")).rpartition("#")[2]
        raise stepfunctions._ExecutionError(f"ECS.{error}", answer.get("message", ""))
    if resource.endswith(".sync"):
        for task in answer["tasks"]:
            _end(ecs._tasks[task["taskArn"]])
    return answer


def _end(task: dict[str, Any]) -> None:
    """Let a task have ended well."""
    task.update(lastStatus="STOPPED", desiredStatus="STOPPED", stopCode="EssentialContainerExited")
    task.update(stoppedReason="Essential container in task exited", stoppedAt=ecs._iso())
    for container in task["containers"]:
        container.update(lastStatus="STOPPED", exitCode=0)
