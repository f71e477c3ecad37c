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
    """An image for the model: the path or the bytes of a file, or (a str) an http(s) or data URL.

    JPEG, PNG, GIF and WEBP files are recognized by their first bytes.
    """

    source: Union[Path, bytes, str]
    #: "low", "high" or "auto"; None leaves the choice to the server.
    detail: Optional[str] = None

    def part(self, library: CDLL) -> Any:
        """Returns the content part with the image.

        The library builds it in a temporary request, so that only one implementation checks images.
        """
        request = Handle(library.tw_request_create(b"-"), library.tw_request_destroy)
        detail = None if self.detail is None else c_string("detail", self.detail)
        if isinstance(self.source, bytes):
            size = len(self.source)
            status = library.tw_request_add_image(request.address, self.source, size, detail)
        elif isinstance(self.source, str):
            url = c_string("the URL of an image", self.source)
            status = library.tw_request_add_image_url(request.address, url, detail)
        else:
            path = c_path("the path of an image", self.source)
            status = library.tw_request_add_image_file(request.address, path, detail)
        check(library, status)
        length = c_size_t()
        body = sized_text(library.tw_request_json(request.address, byref(length)), length.value)
        return json.loads(body)["messages"][0]["content"][0]
