"""Starts the model servers."""

import http.client
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = HERE.parents[1] / ".build" / "real"
MODEL = HERE / "model"
START_SECONDS = 180


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class ModelServer:
    """A process that serves a model. Subclasses have its command."""

    #: The name of the server and its environment, and the command to which the address is added.
    name, command = "", ()
    #: The name of the model in requests, and the key.
    model, key = str(MODEL), "unused"
    #: Environment variables.
    variables = {}
    #: White space that begins streamed answers without thinking.
    lead = ""

    def __init__(self, directory):
        self.port, self.log = free_port(), directory / f"{self.name}.log"
        self.directory = directory
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self.start()

    def options(self):
        """The arguments after the address."""
        return []

    def start(self):
        """Starts the process and waits until it lists its models."""
        # Without the directory, mlx_lm.server answers a request for the models with an empty body.
        home = ENVIRONMENTS / self.name / "home"
        hub = home / "hub"
        hub.mkdir(parents=True, exist_ok=True)
        programs = ENVIRONMENTS / self.name / "bin"
        program, *arguments = self.command
        address = ["--host", "127.0.0.1", "--port", self.port]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(each) for each in (programs / program, *arguments, *address, *self.options())],
                cwd=self.directory,
                env={
                    "PATH": f"{programs}:{os.environ['PATH']}",
                    "HOME": str(home),
                    "HF_HUB_OFFLINE": "1",
                    "HF_HUB_CACHE": str(hub),
                    **self.variables,
                },
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError(self.log.read_text()[-3000:])
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
        # Its children may end later.
        while self._accepts_connections():
            time.sleep(0.01)

    def _accepts_connections(self):
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True
        except ConnectionError:
            return False

    def stop(self):
        if self.process.poll() is None:
            self.kill()


class MLX(ModelServer):
    """mlx_lm.server: HTTP/1.0, comments while it reads the prompt, `reasoning`."""

    name, command = "mlx", ("mlx_lm.server", "--model", MODEL)


class Transformers(ModelServer):
    """transformers serve: streams without [DONE], usage in the chunk with the finish_reason."""

    name = "transformers"
    command = ("transformers", "serve", MODEL, "--device", "cpu", "--dtype", "float32")
    lead = "\n\n"


class LlamaCpp(ModelServer):
    """llama.cpp's llama-server: closes the connection after every stream."""

    name, command = "llama", ("llama-cpp-server",)
    model, key = "tiny", "sk-llama-key"

    def options(self):
        file = self.directory / "tiny.gguf"
        python = ENVIRONMENTS / self.name / "bin" / "python"
        subprocess.run([python, HERE / "to_gguf.py", MODEL, file], check=True)
        # The options after -- are those of the program that llama-cpp-server starts: four slots of
        # 4096 tokens; one thread, because two wait for each other on a busy machine; thinking as
        # the default, because it does not find out that the template knows enable_thinking.
        return [
            "--model", file, "--", "--alias", self.model, "--api-key", self.key, "--jinja",
            "--no-webui", "--ctx-size", 16384, "--parallel", 4, "--threads", 1, "--reasoning", "on",
        ]  # fmt: skip


class VLLM(ModelServer):
    """vLLM on the CPU: `reasoning`, errors in streams with status 200."""

    name = "vllm"
    command = ("python", "-m", "vllm.entrypoints.openai.api_server", "--model", MODEL)
    model, key = "tiny", "sk-vllm-key"
    variables = {
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "OMP_NUM_THREADS": "1",
    }

    def options(self):
        return [
            "--served-model-name", self.model, "--api-key", self.key, "--dtype", "float32",
            "--max-model-len", 4096, "--enforce-eager", "--reasoning-parser", "qwen3",
            "--enable-auto-tool-choice", "--tool-call-parser", "hermes",
        ]  # fmt: skip


class LiteLLM(ModelServer):
    """LiteLLM's proxy in front of another server; the model `fixed` has an answer without one."""

    name, command = "litellm", ("litellm",)
    model, key = "tiny", "sk-proxy-key"
    variables = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    FIXED_ANSWER = "A fixed answer 🦊 of the proxy."

    def __init__(self, directory, upstream=None):
        self.own_upstream = None if upstream else MLX(directory)
        self.upstream = upstream or self.own_upstream
        super().__init__(directory)

    def options(self):
        settings = {"api_base": self.upstream.url, "api_key": "unused"}
        models = {
            self.model: {"model": f"openai/{self.upstream.model}", **settings},
            "fixed": {"model": "openai/fixed", "mock_response": self.FIXED_ANSWER, **settings},
        }
        # JSON is YAML.
        configuration = {
            "model_list": [
                {"model_name": name, "litellm_params": parameters}
                for name, parameters in models.items()
            ],
            "general_settings": {"master_key": self.key},
            "litellm_settings": {"num_retries": 0},
        }
        file = self.directory / "litellm.yaml"
        file.write_text(json.dumps(configuration, ensure_ascii=False))
        return ["--config", file]

    def stop(self):
        super().stop()
        if self.own_upstream:
            self.own_upstream.stop()


#: The servers by the names of their environments.
BY_NAME = {each.name: each for each in (MLX, Transformers, LlamaCpp, VLLM, LiteLLM)}


@contextmanager
def running(name, directory):
    """A server of its own, which is stopped at the end."""
    server = BY_NAME[name](directory)
    try:
        yield server
    finally:
        server.stop()
