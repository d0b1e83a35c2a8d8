"""The scenes: small stacks, each a construct in a telling configuration.

Everything that must hold for every template walks this list (test_gallery.py, test_aliases.py): a pattern that adds
scenes is checked by all of it. A scene is a function that fills a stack; its name is that of the snapshot. One file per
construct. Most scenes get a stack of their own in the app; `places.py` says which ones lie elsewhere.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from aws_cdk import App, Environment, Stack, Stage

from tests.gallery import alarms as _alarms
from tests.gallery import api as _api
from tests.gallery import brokers as _brokers
from tests.gallery import cache as _cache
from tests.gallery import concurrency as _concurrency
from tests.gallery import dashboard as _dashboard
from tests.gallery import database as _database
from tests.gallery import destinations as _destinations
from tests.gallery import dsql as _dsql
from tests.gallery import durable as _durable
from tests.gallery import edge as _edge
from tests.gallery import endpoint as _endpoint
from tests.gallery import event_sources as _event_sources
from tests.gallery import feature_flags as _feature_flags
from tests.gallery import function as _function
from tests.gallery import idempotency as _idempotency
from tests.gallery import kill_switch as _kill_switch
from tests.gallery import load_balancer as _load_balancer
from tests.gallery import long_job as _long_job
from tests.gallery import parameters_and_secrets as _parameters_and_secrets
from tests.gallery import places as _places
from tests.gallery import queue as _queue
from tests.gallery import release as _release
from tests.gallery import streams as _streams
from tests.gallery import user_pools as _user_pools

SCENES: Final[dict[str, Callable[[Stack], None]]] = {
    scene.__name__: scene
    for scene in (
        *_function.SCENES,
        *_queue.SCENES,
        *_database.SCENES,
        *_release.SCENES,
        *_api.SCENES,
        *_endpoint.SCENES,
        *_edge.SCENES,
        *_destinations.SCENES,
        *_durable.SCENES,
        *_idempotency.SCENES,
        *_parameters_and_secrets.SCENES,
        *_feature_flags.SCENES,
        *_dsql.SCENES,
        *_cache.SCENES,
        *_user_pools.SCENES,
        *_load_balancer.SCENES,
        *_event_sources.SCENES,
        *_kill_switch.SCENES,
        *_long_job.SCENES,
        *_concurrency.SCENES,
        *_streams.SCENES,
        *_brokers.SCENES,
        *_places.SCENES,
        *_alarms.SCENES,  # last: where there are settings, every construct asks for its path
        *_dashboard.SCENES,
    )
}


def stack_of(app: App, scene: str, environment: Environment | None = None) -> Stack:
    """Make the stack that a scene fills, in the place where the scene lies."""
    place = _places.PLACES.get(scene, Stack)
    return place(app, scene.replace("_", "-"), env=environment)


def built(
    app: App, environment: Environment | None = None, scenes: Iterable[str] = SCENES
) -> dict[str, Stack]:
    """Build scenes, by default every one; the stacks by the names of the scenes."""
    stacks = {}
    for name in scenes:
        stacks[name] = stack_of(app, name, environment)
        SCENES[name](stacks[name])
    return stacks


def template_of(stack: Stack) -> dict[str, Any]:
    """Read the template of a synthesized stack, wherever it lies."""
    stage = Stage.of(stack)
    assert stage is not None
    template: dict[str, Any] = json.loads((Path(stage.outdir) / stack.template_file).read_text())
    return template
