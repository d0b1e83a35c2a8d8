"""What the topic of all alarms would send to somebody's telephone."""

import json
from dataclasses import dataclass
from typing import Final

from constructs_lib.local import LocalCloud
from sample_app.demo.listening_queue import make_queue, take


@dataclass(frozen=True)
class Alarm:
    """An alarm that went off.

    Attributes:
        metric: What it looks at.
        of: Whose, as the values of its dimensions.
    """

    metric: str
    of: frozenset[str]


class AlarmNotices:
    """Listens to the alarms of one stack, from now on.

    Args:
        cloud: With the sample app deployed.
        topic: The ARN of the topic that all alarms notify.
        stack: The name of the stack: the names of its alarms begin with it.
    """

    def __init__(self, cloud: LocalCloud, topic: str, *, stack: str) -> None:
        self._sqs: Final = cloud.client("sqs")
        self._names: Final = f"{stack}-"
        self._heard: Final[set[Alarm]] = set()
        self._url, arn = make_queue(self._sqs, f"demo-hears-of-{stack}", "sns.amazonaws.com")
        cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def heard(self) -> frozenset[Alarm]:
        """The alarms that went off so far.

        Returns:
            Each of them once.
        """
        for body in take(self._sqs, self._url):
            notice = json.loads(json.loads(body)["Message"])
            if notice["NewStateValue"] == "ALARM" and notice["AlarmName"].startswith(self._names):
                trigger = notice["Trigger"]
                of = frozenset(dimension["value"] for dimension in trigger.get("Dimensions", ()))
                self._heard.add(Alarm(trigger.get("MetricName", notice["AlarmName"]), of))
        return frozenset(self._heard)

    def metrics(self) -> frozenset[str]:
        """The metrics whose alarms went off so far.

        Returns:
            Their names.
        """
        return frozenset(alarm.metric for alarm in self.heard())
