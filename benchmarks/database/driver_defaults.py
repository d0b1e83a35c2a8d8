"""A driver as people use it who know nothing of pinning."""

from types import ModuleType
from typing import Any


def with_its_own_defaults(driver: ModuleType) -> ModuleType:
    """A copy of the module whose `connect` ignores the argument for prepared statements.

    Args:
        driver: psycopg. By its default, a statement that is run for the sixth time gets a name.
    """
    copy = ModuleType(driver.__name__)
    copy.__dict__.update(vars(driver))

    def connect(*arguments: Any, prepare_threshold: object = None, **others: Any) -> Any:
        del prepare_threshold
        return driver.connect(*arguments, **others)

    copy.__dict__["connect"] = connect
    return copy
