"""The limits: each one that an argument can break is one line, of what is given and what the error must say.

test_limits.py walks them all. One file a construct.
"""

from typing import Final

from tests.limits.database import DATABASE_LIMITS
from tests.limits.function import FUNCTION_LIMITS
from tests.limits.queue import QUEUE_LIMITS
from tests.limits.table import Limits

ALL: Final[tuple[Limits, ...]] = (FUNCTION_LIMITS, QUEUE_LIMITS, DATABASE_LIMITS)
