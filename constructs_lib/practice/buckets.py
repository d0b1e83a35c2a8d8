"""Notifications of buckets."""

from collections.abc import Iterator
from typing import Final

from constructs_lib import _defaults
from constructs_lib.practice.flows import CUSTOM_NOTIFICATIONS, Flows
from constructs_lib.practice.rule import Finding, Rule


def _overwritten(flows: Flows) -> Iterator[Finding]:
    for custom in flows.assembly.of_type(CUSTOM_NOTIFICATIONS):
        bucket = flows.assembly.find(f"arn:aws:s3:::{custom.text('BucketName')}")
        written = custom.get("NotificationConfiguration")
        own = bucket.get("NotificationConfiguration") if bucket is not None else None
        if (
            bucket is None
            or not isinstance(own, dict)
            or not isinstance(written, dict)
            or custom.get("Managed") in (False, "false")
        ):
            continue
        lost = sorted(set(own) - set(written) - {"LambdaConfigurations"})
        if "LambdaConfigurations" in own and "LambdaFunctionConfigurations" not in written:
            lost.append("LambdaConfigurations")
        if lost:
            yield Finding(
                bucket,
                f"{custom.path} sets all notifications of the bucket, and deletes its {' and '.join(lost)}.",
            )


NOTIFICATIONS_OVERWRITTEN: Final = Rule(
    id="notifications-overwritten",
    severity="error",
    reason="S3 keeps one configuration of notifications, and the one that is written last replaces the other: the "
    "events that only the bucket's own property asks for are not sent.",
    fix="Make the notifications (add_event_notification and the like) before BucketEvents, which then adds to them, or "
    "call bucket.enable_event_bridge_notification().",
    source=_defaults.BUCKET_EVENTS,
    find=_overwritten,
)

RULES: Final = (NOTIFICATIONS_OVERWRITTEN,)
