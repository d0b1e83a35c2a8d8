"""What the CDK and the local cloud want of packages: whether they are needed now, and for which machine."""

from typing import Final
from weakref import WeakKeyDictionary

from aws_cdk import Stack, Stage

PACKAGE_FOR_CONTEXT: Final = "constructs-lib:package-for"
"""Context of the local cloud alone: `host` packages for the Python and the machine that run the synth."""


def is_bundled(stack: Stack) -> bool:
    """Whether the CDK needs the assets of a stack, asked once: a context cannot change below what has children."""
    if stack not in _bundled:
        _bundled[stack] = stack.bundling_required
    return _bundled[stack]


_bundled: Final[WeakKeyDictionary[Stack, bool]] = WeakKeyDictionary()


def is_for_this_machine(app: Stage | None) -> bool:
    """Whether the local cloud runs this app, asked once: it passes its context to the app."""
    if app is None:
        return False
    if app not in _for_host:
        _for_host[app] = app.node.try_get_context(PACKAGE_FOR_CONTEXT) == "host"
    return _for_host[app]


_for_host: Final[WeakKeyDictionary[Stage, bool]] = WeakKeyDictionary()
