"""Lambda: functions, versions, aliases, the processes that handlers run in, asynchronous invocation, streams."""

from . import (
    alias_weights,
    async_invocation,
    cold_starts,
    credentials,
    durable,
    error_types,
    function_properties,
    function_urls,
    import_tracebacks,
    invocation_metrics,
    log_end,
    mapping_filters,
    running_time,
    stream_mappings,
    stream_poller,
    versions,
)


def install() -> None:
    """Install all changes."""
    function_properties.install()
    function_urls.install()
    versions.install()
    credentials.install()
    import_tracebacks.install()
    error_types.install()
    log_end.install()
    running_time.install()
    cold_starts.install()
    invocation_metrics.install()
    async_invocation.install()
    mapping_filters.install()
    stream_poller.install()
    stream_mappings.install()
    # After asynchronous invocation: it wraps `invoke_async_with_retry`, which that replaces.
    alias_weights.install()
    # Last: it starts an execution before a version is chosen, and names what the API has to answer.
    durable.install()
