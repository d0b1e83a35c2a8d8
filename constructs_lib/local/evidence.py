"""Who vouches for what is seen here: AWS's own code, the emulator's, or our reading of AWS's documents."""

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Voucher(Enum):
    """Whose code showed the behaviour."""

    AWS = "AWS's own code"
    EMULATOR = "the emulator (MiniStack)"
    EXTENSION = "our extension of it"
    NOBODY = "nobody: not modelled"


@dataclass(frozen=True)
class Evidence:
    """One behaviour and who vouches for it.

    Attributes:
        behaviour: What was seen.
        voucher: Whose code showed it.
    """

    behaviour: str
    voucher: Voucher


EVIDENCE: Final = (
    Evidence(
        "synthesis and deployment: the CDK CLI and aws-cdk-lib, the template that AWS would get", Voucher.AWS
    ),
    Evidence("the handler: Powertools and boto3, in a package for this machine", Voucher.AWS),
    Evidence("partial batch response, receive counts, the move to the dead-letter queue", Voucher.EMULATOR),
    Evidence("conditional writes of DynamoDB", Voucher.EMULATOR),
    Evidence("maximum concurrency of the mapping", Voucher.EMULATOR),
    Evidence(
        "reserved concurrency from a template; metric-math alarms are stored, not evaluated",
        Voucher.EXTENSION,
    ),
    Evidence("a failed message is visible again sooner than on AWS", Voucher.EXTENSION),
    Evidence("the writes that fail twice", Voucher.EXTENSION),
    Evidence("IAM, TLS, encryption, batching window, memory limit, X-Ray", Voucher.NOBODY),
)
"""What the demo of the sample app shows, and what it does not."""
