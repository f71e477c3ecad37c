"""thinkwire.ray on a local cluster, against thinkwire-mock."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pyarrow
import pytest
import ray
import thinkwire.ray
from http_server import Server, content_length, response
from mock_process import Mock
from simulate import CountingLimits, LocalActor, Unlimited, simulate

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "bindings" / "python" / "examples" / "ray_data.py"


@pytest.fixture(scope="module")
def mock():
    server = Mock()
    os.environ.update(THINKWIRE_BASE_URL=server.url, THINKWIRE_API_KEY="test")
    # One cluster for all tests, with small stores and without a dashboard.
    ray.init(
        num_cpus=3,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=100 * 2**20,
    )
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield server
    ray.shutdown()
    server.stop()


def answers(rows, model, **options):
    dataset = ray.data.from_items(rows)
    return thinkwire.ray.map_batches(dataset, model, batch_size=10, **options).take_all()


def test_each_row_receives_its_answer(mock):
    rows = [{"number": n, "prompt": f"Question {n}"} for n in range(60)]
    results = answers(rows, "mock/echo", base_url=mock.url, workers=2)
    assert sorted(row["number"] for row in results) == list(range(60))
    for row in results:
        assert f'"Question {row["number"]}"' in row["content"]
        assert row["error"] is None and row["finish_reason"] == "stop"


def test_members_that_only_other_messages_have_are_not_sent(mock):
    messages = [[{"role": "user", "content": f"{n}"}] for n in range(2)]
    messages[1][0]["name"] = "Ada"
    results = answers([{"prompt": each} for each in messages], "mock/echo", base_url=mock.url)
    sent = [json.loads(row["content"])["messages"] for row in results]
    assert sorted(sent, key=lambda each: each[0]["content"]) == messages


class OptionsOfWorkers:
    """A data set that only returns the options of the workers."""

    def map_batches(self, worker, **options):
        return options


def test_workers_reserve_the_wanted_processors(mock):
    options = thinkwire.ray.map_batches(OptionsOfWorkers(), "mock/echo", num_cpus=0.25)
    assert options["num_cpus"] == 0.25
    rows = [{"prompt": f"{n}"} for n in range(40)]
    results = answers(rows, "mock/echo", base_url=mock.url, workers=4, num_cpus=0.25)
    assert [row["error"] for row in results] == [None] * 40


def test_failures_are_rows(mock):
    rows = [{"prompt": "a"}, {"prompt": "b"}]
    results = answers(rows, "no/such-model", base_url=mock.url)
    assert [row["content"] for row in results] == ["", ""]
    assert all("no/such-model" in row["error"] for row in results)


def test_prompts_that_cannot_be_sent_are_rows(mock):
    rows = [{"prompt": "a"}, {"prompt": None}]
    results = answers(rows, "mock/echo", base_url=mock.url)
    assert results[0]["error"] is None and '"a"' in results[0]["content"]
    assert results[1]["content"] is None and "cannot be sent" in results[1]["error"]


def test_earlier_answers_are_replaced(mock):
    results = answers([{"prompt": "a"}], "no/such-model", base_url=mock.url)
    columns = set(results[0])
    results = answers(results, "mock/echo", base_url=mock.url)
    assert set(results[0]) == columns
    assert results[0]["error"] is None and '"a"' in results[0]["content"]


def test_column_of_the_answers_cannot_contain_the_prompts(mock):
    with pytest.raises(ValueError, match="content"):
        answers([{"content": "a"}], "mock/echo", base_url=mock.url, prompt="content")


class Limited(Server):
    """Rejects the first requests, and then answers."""

    def __init__(self, rejections):
        self.rejections = rejections
        self.received = 0
        super().__init__()

    def serve(self, connection):
        while True:
            connection.read(content_length(connection.read_head()))
            self.received += 1
            if self.received <= self.rejections:
                answer = (b"{}", "429 Too Many Requests", "application/json", "Retry-After-Ms: 50")
            else:
                body = (
                    b'{"choices":[{"message":{"role":"assistant","content":"ok"},'
                    b'"finish_reason":"stop"}]}'
                )
                answer = (body, "200 OK", "application/json")
            connection.send(response(*answer))


def test_rejected_requests_are_sent_again(mock):
    server = Limited(rejections=5)
    rows = [{"prompt": f"{n}"} for n in range(20)]
    results = answers(rows, "m", base_url=server.url("127.0.0.1"))
    assert [row["content"] for row in results] == ["ok"] * 20
    assert server.received == 25
    server.stop()


class Rejecting(Server):
    """Rejects every request whose body contains "too long", and answers the others."""

    def __init__(self):
        self.rejected = 0
        super().__init__()

    def serve(self, connection):
        while True:
            if b"too long" in connection.read(content_length(connection.read_head())):
                self.rejected += 1
                answer = (b"{}", "429 Too Many Requests", "application/json", "Retry-After-Ms: 50")
            else:
                body = b'{"choices":[{"message":{"content":"ok"},"finish_reason":"stop"}]}'
                answer = (body, "200 OK", "application/json")
            connection.send(response(*answer))


def test_row_that_is_always_rejected_does_not_slow_the_others(monkeypatch):
    """A worker without a cluster, with short waits between attempts."""
    monkeypatch.setattr(thinkwire.ray, "backoff", lambda _: 0.01)
    server, limits = Rejecting(), CountingLimits(Unlimited())
    client = {"base_url": server.url("127.0.0.1"), "api_key": "test", "max_retries": 0}
    worker = thinkwire.ray._Worker(LocalActor(limits), client, "m", {}, "prompt", 4, 4)
    prompts = ["a"] * 50 + ["too long"] + ["a"] * 50
    answered = worker(pyarrow.table({"prompt": prompts}))
    server.stop()
    assert [row["content"] for row in answered.to_pylist() if row["error"] is None] == ["ok"] * 100
    assert "429" in answered["error"][50].as_py()
    # A few times, the cause may be that the server is overloaded.
    assert limits.rejections == 3
    assert server.rejected == 11


class Recording(Server):
    """Answers the first `delayed` requests when all have arrived, and records when each arrived."""

    def __init__(self, delayed=2):
        self.arrivals = []
        self.all = threading.Barrier(delayed) if delayed else None
        super().__init__()

    def serve(self, connection):
        is_first = True
        while True:
            connection.read(content_length(connection.read_head()))
            self.arrivals.append(time.monotonic())
            if is_first and self.all:
                self.all.wait(timeout=60)
            is_first = False
            body = b'{"choices":[{"message":{"content":"ok"},"finish_reason":"stop"}]}'
            connection.send(response(body, "200 OK", "application/json"))


def test_workers_share_one_limit(mock):
    """Each worker has one connection, so that both must send requests."""
    server = Recording()
    rows = [{"prompt": f"{n}"} for n in range(30)]
    url = server.url("127.0.0.1")
    options = {"workers": 2, "concurrency": 1, "rpm": 300, "base_url": url}
    results = answers(rows, "m", **options)
    server.stop()
    assert [row["content"] for row in results] == ["ok"] * 30
    # Five requests at once, and then five per second: five seconds. With a limit for each worker,
    # it would be two.
    assert max(server.arrivals) - min(server.arrivals) > 3.5


def test_tokens_of_the_answers_count_before_they_arrive(mock):
    server = Recording(delayed=0)
    rows = [{"prompt": f"{n}"} for n in range(4)]
    url = server.url("127.0.0.1")
    answers(rows, "m", tpm=6000, arguments={"max_tokens": 100}, base_url=url)
    server.stop()
    # Two at once, because the second one may use more than is left, and then one in each second.
    assert max(server.arrivals) - min(server.arrivals) > 1.5


def test_limits_continue_after_a_failure_of_their_actor(mock, monkeypatch):
    server = Recording(delayed=0)
    actors = []
    remote = ray.remote

    class Actor:
        """Creates an actor, and stores its handle."""

        def __init__(self, actor):
            self._actor = actor

        def remote(self, *arguments):
            actors.append(self._actor.remote(*arguments))
            return actors[0]

    dataset = ray.data.from_items([{"prompt": f"{n}"} for n in range(30)])
    with monkeypatch.context() as patch:
        patch.setattr(ray, "remote", lambda **options: lambda kind: Actor(remote(**options)(kind)))
        url = server.url("127.0.0.1")
        dataset = thinkwire.ray.map_batches(dataset, "m", rpm=600, base_url=url)

    def end_actor():
        while len(server.arrivals) < 15:
            time.sleep(0.05)
        ray.kill(actors[0], no_restart=False)

    thread = threading.Thread(target=end_actor)
    thread.start()
    results = dataset.take_all()
    thread.join()
    server.stop()
    assert [row["content"] for row in results] == ["ok"] * 30


def test_example_runs(mock):
    environment = {**os.environ, "RAY_ADDRESS": ray.get_runtime_context().gcs_address}
    completed = subprocess.run(
        [sys.executable, str(EXAMPLE)], env=environment, capture_output=True, text=True, timeout=300
    )
    assert completed.returncode == 0, completed.stderr
    lines = completed.stdout.splitlines()
    assert sorted(line.split(" ")[0] for line in lines) == ["0", "1", "2"]


def test_shared_rate_uses_the_limit_with_fewer_rejections():
    """A small version of Tests/bulk/simulate.py, without a cluster."""
    size = {"limit": 20, "answer": 0.5, "start": 5, "seconds": 6}
    answers, rejections = asyncio.run(simulate(20, True, **size))
    _, rejections_without = asyncio.run(simulate(20, False, **size))
    assert answers >= 0.5 * 20 * 6
    assert rejections < rejections_without / 2
