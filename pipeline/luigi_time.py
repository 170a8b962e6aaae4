"""How long Luigi itself takes: the time of a run in which its worker is not waiting for a task.

What belongs here: a worker that watches the clock. What must not come in: which tasks there are, what is done with the
figure (`building` puts it on record).
"""

from __future__ import annotations

import time

import luigi.interface
import luigi.worker


class Watch(luigi.interface._WorkerSchedulerFactory):
    """What `luigi.build` takes as worker_scheduler_factory; `waited` are seconds that went by while tasks ran."""

    def __init__(self) -> None:
        self.waited = 0.0
        self.tasks = 0

    def create_worker(self, scheduler, worker_processes, assistant=False):
        """The worker, as Luigi calls for it."""
        return _Worker(self, scheduler=scheduler, worker_processes=worker_processes, assistant=assistant)


class _Worker(luigi.worker.Worker):
    """Luigi's own, which tells when it waits for a task: for its process, or, with one worker, while it runs it itself."""

    def __init__(self, watch: Watch, **options):
        super().__init__(**options)
        self._watch = watch
        self._task_result_queue = _Results(self._task_result_queue, watch)

    def _run_task(self, task_id):
        self._watch.tasks += 1
        began = time.monotonic()
        super()._run_task(task_id)
        if not self._running_tasks[task_id].use_multiprocessing:
            self._watch.waited += time.monotonic() - began


class _Results:
    """The queue on which ended tasks report: the time until one does is time in which tasks run."""

    def __init__(self, inner, watch: Watch):
        self._inner, self._watch = inner, watch

    def get(self, timeout: float):
        """The next report; queue.Empty after the timeout, as of the queue itself."""
        began = time.monotonic()
        try:
            return self._inner.get(timeout=timeout)
        finally:
            self._watch.waited += time.monotonic() - began

    def put(self, report) -> None:
        """Report; called in the task's process."""
        self._inner.put(report)

    def close(self) -> None:
        """Close it."""
        self._inner.close()
