"""Starts the model servers, and records what passes between them and the library."""

import http.client
import io
import json
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from thinkwire import Client

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = HERE.parents[1] / ".build" / "real"
MODEL = HERE / "model"
START_SECONDS = 120


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class ModelServer:
    """A process that serves a model. Subclasses have its command."""

    #: The name of the model in requests, and the key.
    model, key = str(MODEL), "unused"

    def __init__(self, directory):
        self.port, self.log = free_port(), directory / f"{type(self).__name__}.log"
        self.directory = directory
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self.start()

    def start(self):
        """Starts the process and waits until it lists its models."""
        # Without the directory, mlx_lm.server answers a request for the models with an empty body.
        cache = self.directory / "hub"
        cache.mkdir(exist_ok=True)
        environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "HF_HUB_OFFLINE": "1",
            "HF_HUB_CACHE": str(cache),
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        }
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(part) for part in self.command()],
                cwd=self.directory,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            assert time.monotonic() < deadline, self.log.read_text()[-3000:]
            time.sleep(0.05)

    def _is_ready(self):
        request = urllib.request.Request(
            f"{self.url}/models", headers={"authorization": f"Bearer {self.key}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status == 200
        except (OSError, http.client.HTTPException):
            return False

    def kill(self):
        """Ends all processes of the server immediately (SIGKILL)."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.kill()


class MLX(ModelServer):
    """mlx_lm.server: HTTP/1.0, comments while it reads the prompt, `reasoning`."""

    def command(self):
        program = ENVIRONMENTS / "mlx" / "bin" / "mlx_lm.server"
        return [program, "--model", MODEL, "--host", "127.0.0.1", "--port", self.port]


class LiteLLM(ModelServer):
    """LiteLLM's proxy in front of another server; the model `fixed` has an answer without one."""

    model, key = "tiny", "sk-proxy-key"
    FIXED_ANSWER = "A fixed answer 🦊 of the proxy."

    def __init__(self, directory, upstream):
        settings = {"api_base": upstream.url, "api_key": "unused"}
        models = {
            self.model: {"model": f"openai/{upstream.model}", **settings},
            "fixed": {"model": "openai/fixed", "mock_response": self.FIXED_ANSWER, **settings},
        }
        self.configuration = directory / "litellm.yaml"
        # JSON is YAML.
        configuration = {
            "model_list": [
                {"model_name": name, "litellm_params": parameters}
                for name, parameters in models.items()
            ],
            "general_settings": {"master_key": self.key},
            "litellm_settings": {"num_retries": 0},
        }
        self.configuration.write_text(json.dumps(configuration, ensure_ascii=False))
        super().__init__(directory)

    def command(self):
        program = ENVIRONMENTS / "litellm" / "bin" / "litellm"
        return [
            program, "--config", self.configuration, "--host", "127.0.0.1", "--port", self.port
        ]  # fmt: skip


class Exchange:
    """The bytes of one connection, and the requests and responses that they contain."""

    def __init__(self):
        self.sent, self.received = bytearray(), bytearray()

    def requests(self):
        """The bodies of the requests."""
        found, rest = [], bytes(self.sent)
        while rest:
            head, _, rest = rest.partition(b"\r\n\r\n")
            fields = (line.partition(b":") for line in head.split(b"\r\n")[1:])
            headers = {name.lower(): value.strip() for name, _, value in fields}
            length = int(headers.get(b"content-length", 0))
            found.append(json.loads(rest[:length]))
            rest = rest[length:]
        return found

    def responses(self):
        """The responses, as http.client reads them: status, headers with small names, body."""
        stream, found = _OpenStream(bytes(self.received)), []
        while stream.tell() < len(self.received):
            response = http.client.HTTPResponse(_Received(stream))
            response.begin()
            headers = {name.lower(): value for name, value in response.getheaders()}
            found.append((response.status, headers, response.read()))
        return found


class _OpenStream(io.BytesIO):
    """Stays open when http.client closes it after a response."""

    def close(self):
        pass


class _Received:
    """A socket, as far as http.client reads it."""

    def __init__(self, stream):
        self.stream = stream

    def makefile(self, mode):
        return self.stream


class Recorder:
    """Passes connections on to a server, and records the bytes of each."""

    def __init__(self, server):
        self.target = ("127.0.0.1", server.port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/v1"
        self.exchanges, self.threads, self.sockets = [], [], []
        self.accepting = threading.Thread(target=self._accept, daemon=True)
        self.accepting.start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            exchange = Exchange()
            self.exchanges.append(exchange)
            server = socket.create_connection(self.target)
            self.sockets += [client, server]
            for source, sink, record in (
                (client, server, exchange.sent),
                (server, client, exchange.received),
            ):
                thread = threading.Thread(target=_copy, args=(source, sink, record), daemon=True)
                thread.start()
                self.threads.append(thread)

    def close(self):
        """Waits for the end of all connections; the clients must have been closed."""
        # shutdown, unlike close, ends a pending accept.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.accepting.join()
        for thread in self.threads:
            thread.join()
        for each in self.sockets:
            each.close()


@contextmanager
def recorded(server, key=""):
    """A client, and the recorder of its connections. At the end, all bytes are recorded."""
    recorder = Recorder(server)
    try:
        with Client(recorder.url, key or server.key, timeout=60, max_retries=0) as client:
            yield client, recorder
    finally:
        recorder.close()


def _copy(source, sink, record):
    try:
        while data := source.recv(65536):
            record += data
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        # The other side is gone: both connections end.
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
