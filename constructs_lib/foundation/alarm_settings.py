"""Where the alarms of a whole app, stage or stack go, and whether they are created."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from aws_cdk import NestedStack, Stack, Stage
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import alarm_topic, location
from constructs_lib.foundation.resource import path_of
from constructs_lib.practice.plugin import app_of


class AlarmSettings:
    """The topic of all alarms below an app, a stage, a stack or a construct, and a way to leave alarms out.

    Call it before you create what is below: `AlarmSettings.of(app).notify(topic)`. What is set nearest to a construct
    counts for it, topic and leaving out separately.
    """

    def __init__(self, scope: Construct) -> None:
        """Use `AlarmSettings.of(scope)`."""
        if not isinstance(scope, Construct):
            raise InvalidPropsError(
                f"scope must be a construct, such as an app, a stage or a stack, got {_validation.shown(scope)}."
            )
        app = app_of(scope)
        if app is None:
            raise InvalidPropsError(f"scope must be in an app, got {path_of(scope)!r}, which is not.")
        self._app: Final = app
        self._scope: Final = scope
        self._path: Final = path_of(scope)

    @staticmethod
    def of(scope: Construct) -> "AlarmSettings":
        """The settings for everything below a scope.

        Args:
            scope: An app, a stage, a stack or any other construct.

        Returns:
            The settings.

        Raises:
            InvalidPropsError: It is not a construct of an app.
        """
        return AlarmSettings(scope)

    def notify(self, topic: sns.ITopic | sns.Topic) -> None:
        """Let all alarms below notify one topic, in place of a topic for each construct.

        `alarm_topic=` of a construct still comes first. The topic must be in the Region of the alarms: where an app has
        several, call this for the stages or stacks of each. A topic of a stage cannot be used in another stage.

        Args:
            topic: The topic. It gets the statement that allows CloudWatch, where it has a policy; so does its key.

        Raises:
            InvalidPropsError: It is not a topic, is under the key that SNS manages, or a construct with alarms is below
                already.
        """
        if topic is None:
            raise InvalidPropsError("topic must be a topic, got None.")
        _validation.check_part("topic", topic, "topic_arn", "a topic")
        alarm_topic.check_key("topic", topic)
        self._check_early("notify")
        _of(self._app, self._path).topic = topic

    def leave_out(self, *, left_out: bool = True) -> None:
        """Create no alarms below, as in a stage for development.

        What something else needs stays: the alarms by which `LiveAlias` rolls a deployment back, and all alarms of
        `KillSwitch` and `ConcurrencyBudget`, which do not work without them. Topics stay too; they cost nothing. The
        attributes of the constructs stay what they are, but an alarm that is left out is in no template: nothing can
        refer to it, such as your own composite alarm.

        Args:
            left_out: Default True. False: create them, although they are left out above.

        Raises:
            InvalidPropsError: `left_out` is neither True nor False, or a construct with alarms is below already.
        """
        _validation.check_flag("left_out", left_out)
        self._check_early("leave_out")
        _of(self._app, self._path).left_out = left_out

    def _check_early(self, method: str) -> None:
        for construct in _alarmed.get(self._app, ()):
            stack = location.stack_of(construct)  # known already, unlike the path
            if (
                isinstance(self._scope, Stack)
                and not isinstance(stack, NestedStack)
                and stack is not self._scope
            ):
                continue
            path = path_of(construct)
            if _is_at_or_below(path, self._path):
                raise InvalidPropsError(
                    f"{method} must be called before {path} is created: its alarms are there already. Call it right "
                    f"after the app, the stage or the stack is created. See {_defaults.ALARM_ACTIONS}"
                )


@dataclass
class _Setting:
    topic: sns.ITopic | None = None
    left_out: bool | None = None


_settings: Final[dict[Stage, dict[str, _Setting]]] = {}
"""What is set for each path of an app. The app must stay: jsii would make another Python object of it, which is not
found here."""

_alarmed: Final[dict[Stage, list[Construct]]] = {}
"""The constructs of each app that have alarms: they stay for the same reason. Their paths are asked for only when
somebody is late."""


def _of(app: Stage, path: str) -> _Setting:
    return _settings.setdefault(app, {}).setdefault(path, _Setting())


def note_alarmed(construct: Construct) -> None:
    """Remember a construct that has alarms.

    Args:
        construct: The construct.
    """
    app = app_of(construct)
    if app is not None:
        _alarmed.setdefault(app, []).append(construct)


def topic_of(scope: Construct) -> sns.ITopic | None:
    """The topic that was set for a scope or above it.

    Args:
        scope: The scope. In an app without settings this makes no call to Node.

    Returns:
        The topic; None if none was set.
    """
    return next((each.topic for each in _nearest(scope) if each.topic is not None), None)


def is_left_out(scope: Construct) -> bool:
    """Whether alarms are left out at a scope or above it.

    Args:
        scope: The scope. In an app without settings this makes no call to Node.

    Returns:
        What was set nearest; False if nothing was.
    """
    return next((each.left_out for each in _nearest(scope) if each.left_out is not None), False)


def _nearest(scope: Construct) -> Iterator[_Setting]:
    app = app_of(scope)
    of_app = {} if app is None else _settings.get(app, {})
    if not of_app:
        return
    path = path_of(scope)
    for above in sorted(of_app, key=len, reverse=True):
        if _is_at_or_below(path, above):
            yield of_app[above]


def _is_at_or_below(path: str, above: str) -> bool:
    return not above or path == above or path.startswith(f"{above}/")
