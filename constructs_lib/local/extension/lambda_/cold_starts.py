"""No more execution environments start at once than this machine has processors, and no more than serve a burst.

MiniStack starts one for every request that finds none free, all at once: fifty imports of a handler on two cores,
for a burst that two environments serve in the time that one import takes. Here a request waits for an environment
that becomes free, as long as its function's become free quickly; and so many start at the same time as there are
processors. All of these waits are longer where everything takes longer. Nothing is refused because of them: what
counts against a function's concurrency is counted before. On AWS a burst meets more cold starts than here.
Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
"""

import os
import threading
import time
from collections import defaultdict
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from ..process import pace

_PROCESSORS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

_PATIENCE = 0.2
"""Seconds to wait for an environment that serves already: as long as a plain request takes, and some."""

_LONGEST = 2.0
"""Seconds after which another one starts although some become free again and again: too few for those who wait."""

_GIVE_UP = 10.0
"""Seconds without any start that ends, after which one more begins: an import may invoke a function and wait for it."""

_lock = threading.Lock()
_free: defaultdict[str, threading.Condition] = defaultdict(lambda: threading.Condition(_lock))
_freed: defaultdict[str, float] = defaultdict(float)
_starting: set[Any] = set()
_moved = 0.0
"""The time at which a start last began or ended."""


def install() -> None:
    """Wait for a free environment before a new one is started, and for one's turn to start it."""
    acquire, release = lambda_svc.acquire_worker, lambda_svc.release_worker
    spawn = lambda_runtime.Worker._spawn

    def acquire_in_turn(
        func_name: str, config: dict[str, Any], code_zip: bytes, qualifier: str = "$LATEST", **more: Any
    ) -> Any:
        key = lambda_runtime._worker_key(func_name, config, qualifier)
        came = time.monotonic()
        with _lock:
            while not _may_take(key, came):
                _free[key].wait(_PATIENCE * pace.slowness())
            worker, reason = acquire(func_name, config, code_zip, qualifier=qualifier, **more)
            if reason == "spawn" and type(worker) is lambda_runtime.Worker:
                _begin(worker)
        return worker, reason

    def release_and_tell(worker: Any) -> None:
        release(worker)
        if worker is not None:
            config = worker.config
            key = lambda_runtime._worker_key(worker.func_name, config, config.get("Version", "$LATEST"))
            with _lock:
                _freed[key] = time.monotonic()
                _free[key].notify()

    def spawn_in_turn(worker: Any) -> None:
        with _lock:
            if worker not in _starting:  # it has served already, and its process has ended
                while not _may_start():
                    _free[""].wait(_PATIENCE * pace.slowness())
                _begin(worker)
        try:
            spawn(worker)
        finally:
            with _lock:
                _end(worker)

    lambda_svc.acquire_worker, lambda_svc.release_worker = acquire_in_turn, release_and_tell
    lambda_runtime.Worker._spawn = spawn_in_turn


def kill(function_name: str) -> int:
    """Kill the processes of a function: a kill cannot be caught, and nothing is finished.

    Args:
        function_name: In whichever account, Region and version.

    Returns:
        How many there were.
    """
    workers = [worker for pool in list(lambda_runtime._workers.values()) for worker in list(pool)]
    processes = [
        worker._proc for worker in workers if worker.func_name == function_name and worker._proc is not None
    ]
    running = [process for process in processes if process.poll() is None]
    for process in running:
        process.kill()
    return len(running)


def _begin(worker: Any) -> None:
    global _moved
    _starting.add(worker)
    _moved = time.monotonic()


def _end(worker: Any) -> None:
    global _moved
    _starting.discard(worker)
    _moved = time.monotonic()
    for waiting in _free.values():
        waiting.notify()


def _may_start() -> bool:
    return len(_starting) < _PROCESSORS or time.monotonic() - _moved > _GIVE_UP * pace.slowness()


def _may_take(key: str, came: float) -> bool:
    workers = lambda_runtime._workers.get(key, [])
    if any(not worker.in_use for worker in workers):
        return True
    if not _may_start():
        return False
    serving = sum(worker not in _starting for worker in workers)
    if not serving:
        return True
    now, slowness = time.monotonic(), pace.slowness()
    waited = now - came if serving < _PROCESSORS else now - max(came, _freed[key])
    return waited > _PATIENCE * slowness or now - came > _LONGEST * slowness
