"""The conversation of Client.run and AsyncClient.run, without sending its requests."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any, Union

from ._enums import Status
from ._request import Message, Messages, message_list
from .errors import InvalidArgumentError, LimitError
from .reply import Reply
from .reply_values import ToolCall
from .tools import Tool, ToolFunction

#: The finish reasons of answers whose tool calls may be incomplete.
_CUT_OFF = ("length", "content_filter")


class ToolRun:
    """A conversation in which the answers of the model alternate with the results of its tools."""

    def __init__(
        self,
        messages: Messages,
        tools: Iterable[Union[Tool, ToolFunction]],
        max_rounds: int,
        *,
        allow_async: bool = False,
    ) -> None:
        if max_rounds < 1:
            raise InvalidArgumentError(f"max_rounds must be at least 1, not {max_rounds}")
        self._rounds_left = max_rounds
        self._max_rounds = max_rounds
        self._by_name: dict[str, Tool] = {}
        for function in tools:
            tool = function if isinstance(function, Tool) else Tool(function)
            if inspect.iscoroutinefunction(tool.function) and not allow_async:
                raise InvalidArgumentError(
                    f"the tool {tool.name} is async; run() does not await tools, "
                    "so pass a regular function, or use AsyncClient"
                )
            if self._by_name.setdefault(tool.name, tool) is not tool:
                raise InvalidArgumentError(f"two tools have the name {tool.name}")
        self.tools = list(self._by_name.values())
        # The caller's list receives plain messages. The requests contain the replies themselves,
        # with their reasoning.
        self._plain: list[Any] = messages if isinstance(messages, list) else []
        # An answer and the results of its calls, of which servers require all or none.
        self._round: list[Message] = []
        self.history: list[Message] = list(message_list(messages))

    def add_reply(self, reply: Reply) -> list[ToolCall]:
        """Appends an answer and returns the tool calls to execute, after which end_round() follows.

        Without any, the conversation has ended. A cancelled exchange ends it, too, and is not
        appended; and an answer that was cut off, because its calls may lack arguments.
        """
        if reply.status is not Status.OK:
            return []
        self.history.append(reply)
        self._round = [reply.as_message()]
        self._rounds_left -= 1
        calls = [call for call in reply.tool_calls if call.choice == 0]
        if reply.finish_reason in _CUT_OFF:
            for call in calls:
                self._add_result(call, "Error: not executed, because the answer was cut off")
            calls = []
        if not calls:
            self._plain += self._round
        return calls

    def end_round(self, reply: Reply) -> None:
        """Gives the caller the messages of a round.

        Raises LimitError if the last permitted answer still requested tools.
        """
        self._plain += self._round
        if self._rounds_left == 0:
            raise LimitError(
                f"the model still requested tools after {self._max_rounds} answers",
                reply,
                Status.LIMIT,
            )

    def execute(self, call: ToolCall) -> None:
        """Calls the tool and appends its result."""
        tool = self._by_name.get(call.name)
        self._add_result(call, tool.call(call.arguments) if tool else _unknown(call))

    async def execute_async(self, call: ToolCall) -> None:
        """Does the same as execute(), and awaits the result if it is awaitable."""
        tool = self._by_name.get(call.name)
        self._add_result(call, await tool.call_async(call.arguments) if tool else _unknown(call))

    def _add_result(self, call: ToolCall, result: str) -> None:
        if call.arguments.strip() and call.valid_arguments() != call.arguments:
            # The conversation contains {} in their place.
            result += f"\nThe call has these arguments, which are not a JSON object: {_shown(call)}"
        # The model may have written half of a surrogate pair, which cannot be sent.
        text = result.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        message = {"role": "tool", "tool_call_id": call.id, "content": text}
        self.history.append(message)
        self._round.append(message)


def _shown(call: ToolCall) -> str:
    """Returns the arguments of a call for an error message: not more than the model needs."""
    arguments = call.arguments
    return arguments if len(arguments) <= 2000 else arguments[:1999] + "…"


def _unknown(call: ToolCall) -> str:
    return f"Error: there is no tool {call.name}"
