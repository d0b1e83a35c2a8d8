"""Which API of an app answers at which path of a domain: at deployment, a second one at the same path fails."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from aws_cdk import Stack
from constructs import Construct, IConstruct

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError

if TYPE_CHECKING:
    from constructs_lib.patterns.api.custom_domain import AnyDomain

_Domain = tuple[str, str]
"""The name of a domain and its Region, or the path of its stack where the Region is not known."""


@dataclass(frozen=True)
class Place:
    """A path of a domain that is free."""

    domain: _Domain
    base_path: str | None
    is_made: bool
    """Whether the domain is made together with the API."""
    _taken: dict[tuple[_Domain, str | None], str]
    _made: dict[_Domain, str]

    def take(self, path: str) -> None:
        """Let no other API of the app have it.

        Args:
            path: The construct that has it from now on.
        """
        self._taken[self.domain, self.base_path] = path
        if self.is_made:
            self._made[self.domain] = path


_taken: Final[WeakKeyDictionary[IConstruct, dict[tuple[_Domain, str | None], str]]] = WeakKeyDictionary()
_made: Final[WeakKeyDictionary[IConstruct, dict[_Domain, str]]] = WeakKeyDictionary()


def place(scope: Construct, domain_name: "str | AnyDomain | None", base_path: str | None) -> Place | None:
    """Find the place of an API below a domain.

    Args:
        scope: Where the API is put.
        domain_name: The domain: a name to make, or one that is there.
        base_path: The path below it.

    Returns:
        The place; None without a domain.

    Raises:
        InvalidPropsError: Another API of the app has it.
    """
    if domain_name is None:
        return None
    is_made = isinstance(domain_name, str)
    stack = Stack.of(scope if isinstance(domain_name, str) else domain_name)
    region = stack.region
    name = domain_name if isinstance(domain_name, str) else _name(domain_name)
    domain = (name, stack.node.path if _validation.is_unresolved(region) else region)
    root = scope.node.root
    found = Place(
        domain, base_path, is_made, _taken.setdefault(root, {}), made_by := _made.setdefault(root, {})
    )
    if is_made and domain in made_by:
        raise InvalidPropsError(
            f"domain_name must be a domain that is not made yet, got {name!r}, which {made_by[domain]} makes. To share "
            f"it, pass the .domain of {made_by[domain]} as domain_name, and a base_path. See {_defaults.API_MAPPINGS}"
        )
    _refuse_same_path(found._taken, domain, base_path)
    return found


def _refuse_same_path(
    taken: Mapping[tuple[_Domain, str | None], str], domain: _Domain, base_path: str | None
) -> None:
    other = taken.get((domain, base_path))
    if other is not None:
        raise InvalidPropsError(
            f"base_path must be one that no other API of the domain has, got {base_path!r}, where {other} answers. "
            f"See {_defaults.API_MAPPINGS}"
        )


def _name(domain: "AnyDomain") -> str:
    """The text of its name where it is known, or the path of the construct."""
    resource = domain.node.default_child
    for holder in (resource, domain):
        for attribute in ("domain_name", "name"):
            name = getattr(holder, attribute, None)
            if isinstance(name, str) and not _validation.is_unresolved(name):
                return name
    return domain.node.path
