"""Which errors of AWS may pass by themselves."""


def may_pass(error: Exception) -> bool:
    """Tell whether AWS may well answer another time; without botocore, which may not be there.

    Args:
        error: What a call through boto3 has raised.

    Returns:
        True for a throttled call, an error of AWS's own, and a connection that failed or was cut off.
    """
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        code = str(response.get("Error", {}).get("Code"))
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return "Throttling" in code or "TooManyRequests" in code or status >= 500
    names = {base.__name__ for base in type(error).__mro__ if base.__module__ == "botocore.exceptions"}
    return not names.isdisjoint({"ConnectionError", "HTTPClientError", "IncompleteReadError"})
