"""The keyword arguments of the functions that send a request.

They are written down once, as TypedDicts, from which type checkers and editors take the names and
the types. The functions check the names again when they are called.
"""

from __future__ import annotations

from _collections_abc import Mapping

from ._typing import TYPE_CHECKING, Any, Optional, TypedDict, Union
from .options import ReasoningTags, TimeoutLike, check_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ._enums import Thinking
    from .tools import Tool, ToolFunction

#: True and False switch thinking on and off; "none", "minimal", "low", "medium", "high", "xhigh"
#: and "max" select the effort; None leaves the choice to the model.
ThinkingMode = Union[bool, str, "Thinking", None]

_Object = Mapping[str, Any]


class Fields(TypedDict, total=False):
    """Fields of the request body, sent as JSON. None is sent as null."""

    audio: Optional[_Object]
    enable_thinking: Optional[bool]
    frequency_penalty: Optional[float]
    function_call: Union[str, _Object, None]
    functions: Optional[Sequence[_Object]]
    logit_bias: Optional[Mapping[str, float]]
    logprobs: Optional[bool]
    max_completion_tokens: Optional[int]
    max_tokens: Optional[int]
    metadata: Optional[Mapping[str, str]]
    modalities: Optional[Sequence[str]]
    n: Optional[int]
    parallel_tool_calls: Optional[bool]
    #: {"type": "content", "content": …}: the expected answer.
    prediction: Optional[_Object]
    presence_penalty: Optional[float]
    prompt_cache_key: Optional[str]
    prompt_cache_retention: Optional[str]
    reasoning_effort: Optional[str]
    repetition_penalty: Optional[float]
    #: The format of the answer: as in the API, or a dataclass, a TypedDict or a pydantic model.
    response_format: Union[_Object, type, None]
    safety_identifier: Optional[str]
    seed: Optional[int]
    service_tier: Optional[str]
    stop: Union[str, Sequence[str], None]
    store: Optional[bool]
    stream_options: Optional[_Object]
    temperature: Optional[float]
    #: "none", "auto", "required", or an object that names a tool.
    tool_choice: Union[str, _Object, None]
    top_logprobs: Optional[int]
    top_p: Optional[float]
    user: Optional[str]
    verbosity: Optional[str]
    web_search_options: Optional[_Object]


class RunArguments(Fields, total=False):
    """The fields of the body, and arguments that are not fields."""

    #: A system message that precedes the messages.
    system: Optional[str]
    thinking: ThinkingMode
    #: The maximum number of reasoning tokens.
    thinking_budget: Optional[int]
    #: The chat template of the model contains the opening <think>.
    starts_thinking: bool
    #: Tags that enclose reasoning, in place of those of the client.
    reasoning_tags: ReasoningTags
    #: Timeouts of this exchange, in place of those of the client.
    timeout: TimeoutLike
    #: Headers of this request, in addition to those of the client.
    extra_headers: Optional[Mapping[str, str]]
    #: Fields of the body that have no argument. They take precedence over those that have one.
    extra_body: Optional[_Object]


class Arguments(RunArguments, total=False):
    """The keyword arguments of Client.send, Client.stream and chat.completions.create."""

    #: Functions, or definitions in the format of the API.
    tools: Optional[Iterable[Union[ToolFunction, Tool, _Object]]]


#: The arguments that are not fields of the body.
NOT_FIELDS = frozenset(RunArguments.__optional_keys__ - Fields.__optional_keys__)


def fields_of(arguments: Arguments) -> dict[str, Any]:
    """Returns the fields of the body. Raises TypeError for an unknown argument."""
    check_names(
        arguments,
        Arguments.__optional_keys__,
        " (extra_body={…} sends fields that have no argument)",
    )
    fields = {name: value for name, value in arguments.items() if name not in NOT_FIELDS}
    return {**fields, **(arguments.get("extra_body") or {})}
