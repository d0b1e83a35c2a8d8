"""The scenes of the gallery that are written by hand too."""

from collections.abc import Callable
from typing import Final

from constructs import Construct

from tests.gallery import api, database, destinations, function, queue, release

SCENES: Final[dict[str, Callable[[Construct], None]]] = {
    scene.__name__: scene
    for scene in (
        function.python_function,
        queue.queue_consumer,
        release.live_alias,
        destinations.async_destinations,
        api.rest_api,
        api.http_api,
        database.proxied_database,
    )
}
