"""The key that a resource is encrypted with, where it is the user's own."""

from typing import TYPE_CHECKING

from constructs import Construct

from constructs_lib import _validation
from constructs_lib.foundation import location

if TYPE_CHECKING:  # a service module costs time at import
    from aws_cdk import aws_kms as kms


def check_key(
    scope: Construct, encryption_key: "kms.IKey | None", *, of: str, source: str, words: str = "a KMS key"
) -> None:
    """Refuse what cannot encrypt a resource that is created.

    Args:
        scope: Where the construct is going to be.
        encryption_key: What was given as `encryption_key`.
        of: The service that uses it, such as `DynamoDB`.
        source: The page that gives the rule.
        words: What it must be.

    Raises:
        InvalidPropsError: It is not a key, or one of another Region.
    """
    _validation.check_part("encryption_key", encryption_key, "key_arn", words)
    location.check(
        scope,
        "encryption_key",
        encryption_key,
        same_account=False,
        way_out=f"{of} uses keys of its own Region only: pass one of that Region.",
        source=source,
    )
