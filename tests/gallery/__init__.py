"""The scenes: small stacks, each a construct in a telling configuration.

Everything that must hold for every template walks this list (test_gallery.py): a pattern that adds scenes gets
all of it for nothing. A scene is a function that fills a stack; its name is the snapshot's. One file a construct.
"""

from collections.abc import Callable
from typing import Final

from aws_cdk import Stack

from tests.gallery import api as _api
from tests.gallery import database as _database
from tests.gallery import destinations as _destinations
from tests.gallery import event_sources as _event_sources
from tests.gallery import function as _function
from tests.gallery import kill_switch as _kill_switch
from tests.gallery import queue as _queue
from tests.gallery import release as _release

SCENES: Final[dict[str, Callable[[Stack], None]]] = {
    scene.__name__: scene
    for scene in (
        *_function.SCENES,
        *_queue.SCENES,
        *_database.SCENES,
        *_release.SCENES,
        *_api.SCENES,
        *_destinations.SCENES,
        *_event_sources.SCENES,
        *_kill_switch.SCENES,
    )
}
