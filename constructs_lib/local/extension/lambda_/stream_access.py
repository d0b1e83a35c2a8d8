"""What a function's role must be allowed on a stream, before a mapping is created and whenever it reads.

Where IAM is enforced. Kinesis grants no `ListStreams` on one stream, so that is not asked for.
Sources: https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-create.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
"""

from ..iam import role_permissions
from . import streams

_KINESIS = ("GetRecords", "GetShardIterator", "DescribeStream", "ListShards")
_TABLE = ("GetRecords", "GetShardIterator", "DescribeStream", "ListStreams")


def is_allowed(arn: str, role: str) -> bool:
    """Whether a role may read.

    Args:
        arn: The event source's.
        role: The function's.
    """
    service, region = arn.split(":")[2:4]
    wanted = [
        (f"{service}:{action}", streams.stream_of(arn))
        for action in (_TABLE if service == "dynamodb" else _KINESIS)
    ]
    if streams.is_consumer(arn):
        wanted.append(("kinesis:SubscribeToShard", arn))
    return all(role_permissions.allows(role, action, on, region=region) for action, on in wanted)


def refusal(arn: str) -> str:
    """What Lambda says of a role that may not read."""
    named = "GetRecords, GetShardIterator, DescribeStream, "
    named += "and ListStreams" if arn.split(":")[2] == "dynamodb" else "ListShards, and ListStreams"
    return (
        f"Cannot access stream {arn}. Please ensure the role can perform the {named} "
        "Actions on your stream in IAM."
    )
