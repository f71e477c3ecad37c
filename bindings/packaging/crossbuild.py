#!/usr/bin/env python3
"""Builds libthinkwire.so or thinkwire-mock for x86_64 or aarch64 and the C library of a sysroot.

crossbuild.py [OPTION…] ARCH SYSROOT CURL_HEADERS OUTPUT: a library if OUTPUT ends in .so.

SwiftPM cannot do this: Embedded Swift has no standard library for aarch64-unknown-linux-gnu, only
for aarch64-none-none-elf, which has the same code. Targets, their order and all flags come from
Package.swift (`swift package dump-package`), so the library is built as `make` builds it.

The library is linked with a stub of libcurl.so.4 that contains only the names it uses. It works
with every libcurl that has them, with or without symbol versions. With --libraries, it contains the
static libcurl that curl.sh has built there.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
#: The target of Swift, for which the toolchain has an embedded standard library.
SWIFT_TARGETS = {"x86_64": "x86_64-unknown-linux-gnu", "aarch64": "aarch64-none-none-elf"}

#: How SwiftPM links a program.
PROGRAM = ["-pie", "-fuse-ld=lld", "-Wl,--gc-sections"]

#: What a static libcurl is linked with.
BUNDLED = ("nghttp2", "mbedtls", "z")


def run(*command: object) -> str:
    """Runs a command in the root directory and returns its output."""
    result = subprocess.run([str(word) for word in command], cwd=ROOT, stdout=subprocess.PIPE)
    if result.returncode != 0:
        sys.exit(f"crossbuild: {command[0]} failed with status {result.returncode}")
    return result.stdout.decode()


def settings(target: dict[str, Any], tool: str) -> list[str]:
    """Returns the flags of a target that apply to a release build for Linux."""
    flags: list[str] = []
    for setting in target["settings"]:
        condition = setting.get("condition", {})
        applies = condition.get("config", "release") == "release"
        applies = applies and "linux" in condition.get("platformNames", ["linux"])
        if setting["tool"] != tool or not applies:
            continue
        kind = setting["kind"]
        if "unsafeFlags" in kind:
            flags += kind["unsafeFlags"]["_0"]
        elif "enableExperimentalFeature" in kind:
            flags += ["-enable-experimental-feature", kind["enableExperimentalFeature"]["_0"]]
        elif "linkedLibrary" in kind:
            flags.append(f"-l{kind['linkedLibrary']['_0']}")
        else:
            sys.exit(f"crossbuild: unknown setting {kind} in Package.swift")
    return flags


def dependencies(targets: dict[str, Any], name: str) -> list[str]:
    """Returns the names of the targets that a target needs, and itself, in the order to build."""
    order: list[str] = []
    for dependency in targets[name]["dependencies"]:
        order += dependencies(targets, dependency["byName"][0])
    return list(dict.fromkeys([*order, name]))


class Build:
    def __init__(self, arch: str, sysroot: Path, headers: Path, work: Path) -> None:
        swift = shutil.which("swift")
        if not swift:
            sys.exit("crossbuild: Swift is not in the PATH")
        tools = Path(swift).resolve().parent
        self.swiftc, self.clang = tools / "swiftc", tools / "clang"
        self.arch, self.work = arch, work
        self.platform = [f"--target={arch}-linux-gnu", f"--sysroot={sysroot}"]
        # Debian's compiler finds the headers of the architecture; the importer of Swift does not.
        include = sysroot / "usr/include"
        self.includes = [
            f"-I{headers}",
            "-isystem",
            f"{include}/{arch}-linux-gnu",
            "-isystem",
            str(include),
        ]
        self.maps = [ROOT / "include/module.modulemap"]
        self.objects: list[Path] = []

    def c_target(self, target: dict[str, Any], flags: list[str]) -> None:
        name = target["name"]
        include = ROOT / "Sources" / name / "include"
        self.includes.append(f"-I{include}")
        self.maps.append(self.work / f"{name}.modulemap")
        self.maps[-1].write_text(
            f'module {name} {{\n    umbrella header "{include}/{name}.h"\n    export *\n}}\n'
        )
        for source in sorted((ROOT / "Sources" / name).glob("*.c")):
            output = self.work / f"{name}-{source.stem}.o"
            self.compile_c(source, output, [*settings(target, "c"), *flags])

    def compile_c(self, source: Path, output: Path, flags: list[str]) -> None:
        run(
            self.clang,
            *self.platform,
            "-O2",
            "-fPIC",
            "-fblocks",
            *self.includes,
            *flags,
            "-c",
            source,
            "-o",
            output,
        )
        self.objects.append(output)

    def swift_target(self, target: dict[str, Any]) -> None:
        name = target["name"]
        output = self.work / f"{name}.o"
        sources = sorted((ROOT / "Sources" / name).rglob("*.swift"))
        has_main = any(source.name == "main.swift" for source in sources)
        importer = [*self.platform[1:], "-fPIC", *self.includes]
        importer += [f"-fmodule-map-file={path}" for path in self.maps]
        run(
            self.swiftc,
            "-target",
            SWIFT_TARGETS[self.arch],
            "-clang-target",
            f"{self.arch}-unknown-linux-gnu",
            "-module-name",
            name.replace("-", "_"),
            "-package-name",
            "thinkwire",
            "-swift-version",
            "6",
            *([] if has_main else ["-parse-as-library"]),
            "-O",
            "-wmo",
            "-I",
            self.work,
            "-module-cache-path",
            self.work / "cache",
            "-emit-module",
            "-emit-module-path",
            self.work / f"{name}.swiftmodule",
            "-c",
            "-o",
            output,
            *settings(target, "swift"),
            *(word for flag in importer for word in ("-Xcc", flag)),
            *sources,
        )
        self.objects.append(output)

    def stub(self) -> Path:
        """Creates a libcurl.so that has the functions of libcurl that the objects call."""
        names = run("nm", "--undefined-only", "--no-demangle", *self.objects).split()
        names = sorted({name for name in names if name.startswith("curl_")})
        source, library = self.work / "stub.c", self.work / "libcurl.so"
        source.write_text("".join(f"void {name}(void) {{}}\n" for name in names))
        run(
            self.clang,
            *self.platform,
            "-fuse-ld=lld",
            "-shared",
            "-nostdlib",
            "-fno-builtin",
            "-Wl,-soname,libcurl.so.4",
            source,
            "-o",
            library,
        )
        return library

    def link(self, flags: list[str], libraries: Path, output: Path) -> None:
        flags = [flag.replace("-use-ld=", "-fuse-ld=") for flag in flags]
        output.parent.mkdir(parents=True, exist_ok=True)
        kind = ["-shared"] if output.suffix == ".so" else PROGRAM
        run(
            self.clang,
            *self.platform,
            *kind,
            *self.objects,
            f"-L{libraries}",
            *flags,
            "-Wl,--no-undefined",
            "-lpthread",
            "-ldl",
            "-o",
            output,
        )

    def archive(self, output: Path) -> None:
        """Makes the static library of the objects, with the tools of GNU for the architecture."""
        prefix = "" if self.arch == platform.machine() else f"{self.arch}-linux-gnu-"
        tools = {name.upper(): f"{prefix}{name}" for name in ("ld", "objcopy", "ar")}
        listed = self.work / "objects"
        listed.write_text("\n".join(map(str, self.objects)))
        script, header = ROOT / "bindings/packaging/static.sh", ROOT / "include/thinkwire.h"
        run("env", *(f"{k}={v}" for k, v in tools.items()), script, listed, header, output)


def main() -> None:
    parser = argparse.ArgumentParser(description="Builds libthinkwire.so for another system.")
    parser.add_argument("--target", default="Thinkwire", help="the target in Package.swift")
    parser.add_argument("--archive", type=Path, help="the static library, to be made, too")
    parser.add_argument("--libraries", type=Path, help="the directory of a static libcurl")
    parser.add_argument("arch", choices=SWIFT_TARGETS)
    parser.add_argument("sysroot", type=Path)
    parser.add_argument("headers", type=Path, help="the directory that contains curl/curl.h")
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    os.environ["THINKWIRE_OLD_LIBC"] = "yes"
    package = json.loads(run("swift", "package", "dump-package"))
    targets = {target["name"]: target for target in package["targets"]}
    needed = [targets[name] for name in dependencies(targets, arguments.target)]
    with tempfile.TemporaryDirectory(prefix="thinkwire-") as work:
        sysroot, headers = arguments.sysroot.resolve(), arguments.headers.resolve()
        build = Build(arguments.arch, sysroot, headers, Path(work))
        own_flags = ["-DBUNDLED_CURL"] if arguments.libraries else []
        for target in needed:
            if target["type"] == "system":
                continue
            if list((ROOT / "Sources" / target["name"]).glob("*.c")):
                build.c_target(target, own_flags)
            else:
                build.swift_target(target)
        flags = [flag for target in needed for flag in settings(target, "linker")]
        if arguments.libraries:
            flags += [f"-l{name}" for name in BUNDLED]
        libraries = arguments.libraries or build.stub().parent
        build.link(flags, libraries.resolve(), arguments.output.resolve())
        if arguments.archive:
            build.archive(arguments.archive.resolve())
    print(f"{arguments.output}: {arguments.output.stat().st_size} bytes")


if __name__ == "__main__":
    main()
