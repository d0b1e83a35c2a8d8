"""Functions by the ARN that a service was given for its target, with the qualifier."""

from typing import Any

from ministack.services import lambda_svc


def exists(arn: str) -> bool:
    """Whether there is such a function, version or alias."""
    func, config, _ = lambda_svc._get_func_record_for_ref(arn)
    return bool(func and config)


def invoke_asynchronously(arn: str, event: Any) -> None:
    """Invoke a function that exists, by the configuration of the qualifier that is named."""
    func, config, _ = lambda_svc._get_func_record_for_ref(arn)
    lambda_svc.invoke_async_with_retry(lambda_svc._execution_record_for_config(func, config), event)
