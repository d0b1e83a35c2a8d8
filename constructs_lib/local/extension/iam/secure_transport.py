"""Plain loopback counts as TLS where IAM is enforced.

Policies of buckets, queues and topics deny requests without it (the CDK's own bootstrap bucket does), and nobody reads
what this machine says to itself.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from ministack import app as gateway


def install() -> None:
    """Let `aws:SecureTransport` be true for every request."""
    pin_origin = gateway.pin_request_origin
    gateway.pin_request_origin = lambda address, _secure: pin_origin(address, True)
