"""The local cloud: an emulator of AWS on this machine, driven by the real CDK CLI. Extra: `local`."""

from constructs_lib.local.cloud import LocalCloud
from constructs_lib.local.errors import LocalCloudError

__all__ = ["LocalCloud", "LocalCloudError"]
