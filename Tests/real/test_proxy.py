"""What only a proxy does: answers of its own, and upstreams that are killed."""

import threading
import time
from types import SimpleNamespace

import compare
import pytest
from model_servers import MLX, LiteLLM
from recorder import Recorder, recorded
from thinkwire import Error


@pytest.mark.parametrize("server", ["litellm"], indirect=True)
def test_the_fixed_answer_of_the_proxy_arrives(server):
    with recorded(server) as (client, _):
        events = list(client.stream("fixed", "Hello"))
        sent = client.send("fixed", "Hello").content
    streamed = "".join(event.text for event in events if event.kind == "content")
    assert streamed == sent == LiteLLM.FIXED_ANSWER


def test_the_end_of_a_killed_upstream_is_what_the_proxy_sends(tmp_path):
    upstream = MLX(tmp_path)
    behind = Recorder(upstream)
    proxy = LiteLLM(tmp_path, SimpleNamespace(url=behind.url, model=upstream.model))

    def kill_within_the_answer():
        # The proxy lags behind: when its first chunk arrives, the upstream may have finished.
        while not behind.exchanges or len(behind.exchanges[-1].received) < 4000:
            time.sleep(0.001)
        upstream.kill()

    killer = threading.Thread(target=kill_within_the_answer)
    try:
        with recorded(proxy) as (client, recorder):
            killer.start()
            fields = {"thinking": False, "temperature": 0, "max_tokens": 900}
            try:
                reply = client.send(
                    proxy.model, "Count to fifty", on_event=lambda event: None, **fields
                )
            except Error as error:
                reply = error.reply
            status, found = f"TW_{reply.status.name}", compare.reported_by(reply)
    finally:
        killer.join()
        proxy.stop()
        upstream.stop()
        behind.close()
    [response] = recorder.exchanges[0].responses()
    assert (status, found) == compare.expected_of(response, True, True)
    assert b"fifty" not in response[2]
