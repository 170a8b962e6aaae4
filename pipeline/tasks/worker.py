"""Luigi's worker as a build uses it: it watches the clock, and starts no process for a task that has nothing to do.

What belongs here: what Luigi's own worker lacks. What must not come in: which tasks there are, what is done with the
figures (`operations.build` puts them on record).

A dimension that may change makes the enriched tasks of every month wait for it; mostly it did not change for them, and
a process for each, to find that out, made a new month cost more the more months there were.
"""

from __future__ import annotations

import time

import luigi.interface
import luigi.scheduler
import luigi.worker


class Watch(luigi.interface._WorkerSchedulerFactory):
    """What `luigi.build` takes as worker_scheduler_factory.

    `waited` are seconds that went by while tasks ran; the rest of a run is Luigi's own time. `tasks` were run, `settled`
    had nothing to do.
    """

    def __init__(self) -> None:
        self.waited = 0.0
        self.tasks = self.settled = 0

    def create_worker(self, scheduler, worker_processes, assistant=False):
        """The worker, as Luigi calls for it."""
        return _Worker(self, scheduler=scheduler, worker_processes=worker_processes, assistant=assistant)


class _Worker(luigi.worker.Worker):
    """Luigi's own, which tells when it waits for a task: for its process, or, with one worker, while it runs it itself."""

    def __init__(self, watch: Watch, **options):
        super().__init__(**options)
        self._watch = watch
        self._began = False
        self._task_result_queue = _Results(self._task_result_queue, watch)

    def add(self, task, multiprocess=False, processes=0):
        # A build asks for hundreds of tasks that need one another: from each Luigi would walk through all that it needs.
        if not self._began and task.task_id in self._scheduled_tasks:
            return self.add_succeeded
        return super().add(task, multiprocess, processes)

    def run(self):
        self._began = True
        return super().run()

    def _run_task(self, task_id):
        task = self._scheduled_tasks[task_id]
        settled = getattr(task, "skip_if_current", None)
        if settled is not None and settled():
            self._watch.settled += 1
            self._done(task)
            while not self._task_result_queue.empty():  # whoever waits for what ended meanwhile goes before the next
                self._handle_next_task()
            return
        self._watch.tasks += 1
        began = time.monotonic()
        super()._run_task(task_id)
        if not self._running_tasks[task_id].use_multiprocessing:
            self._watch.waited += time.monotonic() - began

    def _done(self, task: luigi.Task) -> None:
        """Tell the scheduler that a task is done, as Luigi does when the task's process says so."""
        self._add_task(
            worker=self._id,
            task_id=task.task_id,
            status=luigi.scheduler.DONE,
            expl=None,
            resources=task.process_resources(),
            runnable=None,
            params=task.to_str_params(),
            family=task.task_family,
            module=task.task_module,
            new_deps=[],
            assistant=self._assistant,
            retry_policy_dict=luigi.worker._get_retry_policy_dict(task),
        )


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

    def empty(self) -> bool:
        """Whether nothing was reported that was not taken."""
        return self._inner.empty()

    def put(self, report) -> None:
        """Report; called in the task's process."""
        self._inner.put(report)

    def close(self) -> None:
        """Close it."""
        self._inner.close()
