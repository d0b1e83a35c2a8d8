"""Types of resources: what CloudFormation calls to create, update and delete one.

MiniStack has a table of such handlers. `add` puts a type into it; the other functions change a type that is there.
"""

from collections.abc import Callable
from typing import Any

from ministack.services.cloudformation import provisioners, stacks

Properties = dict[str, Any]
"""The properties of a resource, as the template has them."""

Resource = tuple[str, dict[str, Any]]
"""A resource's physical id, which is what `Ref` gives, and its attributes."""

Create = Callable[[str, Properties, str], Resource]
"""Called with the logical id, the properties and the stack's name."""

Update = Callable[..., Resource]
"""Called with the physical id, the properties before and now, and the stack's name; MiniStack's may want more."""

Delete = Callable[[str, Properties], object]
"""Called with the physical id and the properties."""


def add(
    type_: str,
    *,
    create: Create,
    delete: Delete,
    update: Update | None = None,
    replaced_by: tuple[str, ...] = (),
) -> None:
    """Add a type, in the place of MiniStack's if it has one.

    Args:
        type_: As a template names it.
        create: Makes the resource.
        delete: Deletes it.
        update: Changes it; without one, every change makes another resource of it.
        replaced_by: Properties whose change makes another resource of it in spite of `update`.
    """
    provisioners._RESOURCE_HANDLERS[type_] = {"create": create, "delete": delete}
    if update is not None:
        provisioners._RESOURCE_HANDLERS[type_]["update"] = update
    if replaced_by:
        provisioners._REPLACING_PROPERTIES[type_] = replaced_by


def wrap(
    type_: str,
    *,
    create: Callable[[Create], Create] | None = None,
    update: Callable[[Update], Update] | None = None,
    delete: Callable[[Delete], Delete] | None = None,
) -> None:
    """Change handlers of a type.

    Args:
        type_: As a template names it.
        create: Takes the handler that is there, and returns the one to call in its place.
        update: The same.
        delete: The same.
    """
    handlers = provisioners._RESOURCE_HANDLERS[type_]
    for name, around in (("create", create), ("update", update), ("delete", delete)):
        if around is not None:
            handlers[name] = around(handlers[name])


def after(type_: str, do: Callable[[str, Properties, Properties | None], None]) -> None:
    """Do more after each creation and update.

    Args:
        type_: As a template names it.
        do: Called with the physical id, the properties, and those before the update; None for a new resource.
    """

    def creating(create: Create) -> Create:
        def create_and_do(logical_id: str, props: Properties, stack: str) -> Resource:
            resource = create(logical_id, props, stack)
            do(resource[0], props, None)
            return resource

        return create_and_do

    def updating(update: Update) -> Update:
        def update_and_do(physical_id: str, old: Properties, new: Properties, *rest: str) -> Resource:
            resource = update(physical_id, old, new, *rest)
            do(resource[0], new, old if resource[0] == physical_id else None)
            return resource

        return update_and_do

    wrap(type_, create=creating, update=updating)


def add_attributes(type_: str, attributes_of: Callable[[str], dict[str, Any]]) -> None:
    """Give a type attributes that MiniStack's has not.

    Args:
        type_: As a template names it.
        attributes_of: Called with the physical id.
    """

    def with_more(make: Callable[..., Resource]) -> Callable[..., Resource]:
        def make_with_more(*arguments: Any) -> Resource:
            physical_id, attributes = make(*arguments)
            return physical_id, {**attributes_of(physical_id), **attributes}

        return make_with_more

    wrap(type_, create=with_more, update=with_more)


def run_in_thread(*types: str) -> None:
    """Let the emulator answer requests while handlers of these types run.

    Args:
        types: As a template names them.
    """
    runs_in_thread = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda type_: type_ in types or runs_in_thread(type_)
