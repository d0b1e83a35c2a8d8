"""Start the pinned emulator with everything that the extension adds."""

import os
import sys
from importlib.metadata import version

PINNED = "1.5.33"


def main() -> None:
    """Check the release, apply the changes, tie the process to its parent, and serve."""
    found = version("ministack")
    if found != PINNED:
        sys.exit(f"the extension is written for ministack {PINNED}, this is {found}")

    from . import (
        alarm_events,
        alarm_states,
        alarms,
        alias_weights,
        api_access_logs,
        api_answers,
        api_callers,
        api_owners,
        api_permissions,
        api_templates,
        asynchronous,
        authority,
        cold_starts,
        control,
        crashes,
        databases,
        declared_types,
        error_types,
        event_sources,
        firewall,
        function_credentials,
        function_properties,
        in_flight,
        invocation_metrics,
        lifeline,
        log_end,
        network,
        pace,
        proxies,
        running_time,
        schedules,
        secrets_of_templates,
        secure_transport,
        state_machines,
        topic_policies,
        versions,
        visibility,
    )

    run_folder = os.environ["CONSTRUCTS_LIB_RUN_FOLDER"]
    lifeline.hold(run_folder=run_folder)
    pace.keep()
    in_flight.keep_count()
    alarms.accept_metric_math()
    alarm_events.send()
    alarm_states.watch()
    function_properties.keep()
    schedules.keep()
    topic_policies.close()
    visibility.shorten(factor=float(os.environ["CONSTRUCTS_LIB_TIME_SCALE"]))
    crashes.keep_tracebacks()
    error_types.keep()
    network.add_types()
    secrets_of_templates.add()
    authority.tell_functions(run_folder=run_folder)
    function_credentials.complete()
    secure_transport.count_loopback()
    databases.serve()
    proxies.serve()
    asynchronous.invoke_as_configured()
    running_time.stretch()
    invocation_metrics.count()
    event_sources.invoke_asynchronously()
    state_machines.set_concurrency()
    alias_weights.route()
    versions.keep()
    log_end.mark()
    cold_starts.take_turns()
    declared_types.accept()
    firewall.accept_association()
    api_templates.read_more()
    api_answers.change()
    api_permissions.require()
    api_callers.check()
    api_owners.find()
    api_access_logs.write()
    control.add()

    sys.argv = ["ministack"]
    from ministack.app import main as serve

    serve()
