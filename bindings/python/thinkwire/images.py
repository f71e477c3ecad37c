"""Images in messages."""

from __future__ import annotations

import json
from ctypes import CDLL, byref, c_size_t
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional, Union

from ._handle import Handle, c_path, c_string, check, sized_text


@dataclass(frozen=True)
class Image:
    """A picture for the model to look at: a file's path, the bytes of one, or (a str) an http, https or data URL.

    JPEG, PNG, GIF and WEBP are recognised by their first bytes.
    """

    source: Union[Path, bytes, str]
    #: "low", "high" or "auto"; None leaves the choice to the server.
    detail: Optional[str] = None

    def part(self, library: CDLL) -> Any:
        """The content part that carries it, as the library writes it: one place decides what an image is."""
        scratch = Handle(library.tw_request_create(b"-"), library.tw_request_destroy)
        detail = None if self.detail is None else c_string("detail", self.detail)
        if isinstance(self.source, bytes):
            check(
                library,
                library.tw_request_add_image(
                    scratch.address, self.source, len(self.source), detail
                ),
            )
        elif isinstance(self.source, str):
            check(
                library,
                library.tw_request_add_image_url(
                    scratch.address, c_string("an image's URL", self.source), detail
                ),
            )
        else:
            path = c_path("an image's path", self.source)
            check(library, library.tw_request_add_image_file(scratch.address, path, detail))
        length = c_size_t()
        body = json.loads(
            sized_text(library.tw_request_json(scratch.address, byref(length)), length.value)
        )
        return body["messages"][0]["content"][0]
