#!/usr/bin/env python3
"""Prints what a C compiler makes of include/thinkwire.h: lines of a name and a number.

Names are those of structs (their sizes) and of fields, such as tw_event.text (their offsets).
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

description = json.loads((ROOT / "bindings" / "thinkwire.json").read_text(encoding="utf-8"))
statements = []
for struct in description["structs"]:
    name = struct["name"]
    statements.append(f'printf("{name} %zu\\n", sizeof({name}));')
    for field in (each["name"] for each in struct["fields"]):
        statements.append(f'printf("{name}.{field} %zu\\n", offsetof({name}, {field}));')
body = "\n".join(statements)
with tempfile.TemporaryDirectory() as directory:
    program = Path(directory, "layout")
    subprocess.run(
        [os.environ.get("CC", "cc"), "-I", ROOT / "include", "-x", "c", "-", "-o", program],
        input=f"#include <stdio.h>\n#include <thinkwire.h>\nint main(void) {{\n{body}\n}}\n",
        text=True,
        check=True,
    )
    subprocess.run([program], check=True)
