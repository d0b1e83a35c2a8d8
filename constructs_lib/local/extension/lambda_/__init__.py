"""Lambda: functions, their versions and aliases, the processes that handlers run in, asynchronous invocation."""

from . import (
    alias_weights,
    async_invocation,
    cold_starts,
    credentials,
    error_types,
    function_properties,
    import_tracebacks,
    invocation_metrics,
    log_end,
    running_time,
    versions,
)


def install() -> None:
    """Install all changes."""
    function_properties.install()
    versions.install()
    credentials.install()
    import_tracebacks.install()
    error_types.install()
    log_end.install()
    running_time.install()
    cold_starts.install()
    invocation_metrics.install()
    async_invocation.install()
    # After asynchronous invocation: it wraps `invoke_async_with_retry`, which that replaces.
    alias_weights.install()
