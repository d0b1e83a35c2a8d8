"""A standard queue as SQS is, in memory, with a clock that a test moves."""

import itertools
from dataclasses import dataclass, field
from typing import Any

_numbers = itertools.count()


@dataclass
class _Message:
    body: str
    sent: float
    identity: str = field(default_factory=lambda: f"id-{next(_numbers)}")
    receipt: str = ""
    hidden_until: float = 0.0


class FakeQueue:
    """Messages with visibility; only the receipt of the last delivery counts."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.forget_deletions = 0
        self.refuse_deletions = 0
        self._messages: list[_Message] = []

    def send(self, body: str) -> None:
        self._messages.append(_Message(body, self.now))

    def bodies(self) -> list[str]:
        return [message.body for message in self._messages]

    def visible(self) -> list[str]:
        return [message.body for message in self._messages if message.hidden_until <= self.now]

    def receive_message(
        self,
        *,
        QueueUrl: str,  # noqa: N803
        MaxNumberOfMessages: int,  # noqa: N803
        VisibilityTimeout: int,  # noqa: N803
        WaitTimeSeconds: int,  # noqa: N803
        MessageSystemAttributeNames: list[str],  # noqa: N803
    ) -> dict[str, Any]:
        assert QueueUrl == "queue"
        assert 1 <= MaxNumberOfMessages <= 10
        assert "SentTimestamp" in MessageSystemAttributeNames
        found = [message for message in self._messages if message.hidden_until <= self.now]
        for message in found[:MaxNumberOfMessages]:
            message.receipt = f"receipt-{next(_numbers)}"
            message.hidden_until = self.now + VisibilityTimeout
        if not found:
            return {}
        return {
            "Messages": [
                {
                    "MessageId": message.identity,
                    "ReceiptHandle": message.receipt,
                    "Body": message.body,
                    "Attributes": {"SentTimestamp": str(int(message.sent * 1000))},
                }
                for message in found[:MaxNumberOfMessages]
            ]
        }

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> None:  # noqa: N803
        message = self._of(ReceiptHandle)
        if self.refuse_deletions:
            self.refuse_deletions -= 1
            raise ConnectionError("try again")
        if self.forget_deletions:
            self.forget_deletions -= 1
            message.hidden_until = 0
        else:
            self._messages.remove(message)

    def change_message_visibility(
        self,
        *,
        QueueUrl: str,  # noqa: N803
        ReceiptHandle: str,  # noqa: N803
        VisibilityTimeout: int,  # noqa: N803
    ) -> None:
        message = self._of(ReceiptHandle)
        if message.hidden_until <= self.now:
            raise RuntimeError("MessageNotInflight")
        message.hidden_until = self.now + VisibilityTimeout

    def _of(self, receipt: str) -> _Message:
        (message,) = [message for message in self._messages if message.receipt == receipt]
        return message
