"""What Celery's and rq's workers run."""

import os

from celery import Celery

URL = "redis://127.0.0.1:%s/3" % os.environ.get("STAVE_PORT", "6379")
app = Celery("tasks", broker=URL, backend=URL)
app.conf.update(task_acks_late=True, worker_prefetch_multiplier=1, broker_transport_options={"visibility_timeout": 3600})


@app.task
def add(a, b):
    return a + b


@app.task
def total(numbers):
    return sum(numbers)


@app.task(bind=True, max_retries=3, default_retry_delay=0.1)
def third_time(self):
    if self.request.retries < 2:
        raise self.retry()
    return self.request.retries


def multiply(a, b):
    return a * b


def fail():
    raise ValueError("as it should")
