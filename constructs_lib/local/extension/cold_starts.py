"""A burst of requests starts no more execution environments than this machine can start.

MiniStack starts one for every request that finds none free, all at once: fifty imports of a handler on two cores,
for a burst that two environments serve in the time that one import takes. Here a request waits a moment for an
environment that becomes free, and only so many start at the same time. Nothing is refused because of it: what
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

_AT_ONCE = max(2, os.cpu_count() or 1)
_PATIENCE = 0.2
"""Seconds to wait for an environment that serves already: as long as a plain request takes, and some."""

_GIVE_UP = 10.0
"""Seconds to wait for others to start: a handler whose import invokes its own function would wait for ever."""

_lock = threading.Lock()
_free: defaultdict[str, threading.Condition] = defaultdict(lambda: threading.Condition(_lock))
_starting: set[Any] = set()


def take_turns() -> None:
    """Wait for a free environment before a new one is started."""
    acquire, release = lambda_svc.acquire_worker, lambda_svc.release_worker
    spawn = lambda_runtime.Worker._spawn

    def acquire_in_turn(
        func_name: str, config: dict[str, Any], code_zip: bytes, qualifier: str = "$LATEST", **more: Any
    ) -> Any:
        key = lambda_runtime._worker_key(func_name, config, qualifier)
        came = time.monotonic()
        with _lock:
            while not _may_take(key, waited=time.monotonic() - came):
                _free[key].wait(_PATIENCE)
            worker, reason = acquire(func_name, config, code_zip, qualifier=qualifier, **more)
            if reason == "spawn" and type(worker) is lambda_runtime.Worker:
                _starting.add(worker)
        return worker, reason

    def release_and_tell(worker: Any) -> None:
        release(worker)
        if worker is not None:
            config = worker.config
            _tell(lambda_runtime._worker_key(worker.func_name, config, config.get("Version", "$LATEST")))

    def spawn_and_tell(worker: Any) -> None:
        try:
            spawn(worker)
        finally:
            with _lock:
                _starting.discard(worker)
                keys = list(_free)
            for key in keys:
                _tell(key)

    lambda_svc.acquire_worker, lambda_svc.release_worker = acquire_in_turn, release_and_tell
    lambda_runtime.Worker._spawn = spawn_and_tell


def _may_take(key: str, *, waited: float) -> bool:
    workers = lambda_runtime._workers.get(key, [])
    if waited > _GIVE_UP or any(not worker.in_use for worker in workers):
        return True
    if len(_starting) >= _AT_ONCE:
        return False
    return waited > _PATIENCE or not any(worker not in _starting for worker in workers)


def _tell(key: str) -> None:
    with _lock:
        _free[key].notify()
