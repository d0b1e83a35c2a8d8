"""The scenes: small stacks, each a construct in a telling configuration.

Everything that must hold for every template walks this list (test_gallery.py): a pattern that adds scenes gets
all of it for nothing. A scene is a function that fills a stack; its name is the snapshot's. One file a construct.
"""

from collections.abc import Callable
from typing import Final

from aws_cdk import Stack

from tests.gallery import database as _database
from tests.gallery import function as _function
from tests.gallery import queue as _queue

SCENES: Final[dict[str, Callable[[Stack], None]]] = {
    scene.__name__: scene for scene in (*_function.SCENES, *_queue.SCENES, *_database.SCENES)
}
