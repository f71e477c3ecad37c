#!/usr/bin/env python3
"""Makes an archive of a directory with an installed library, with checksums and an SBOM (SPDX 2.3).

dist.py ARCH DIRECTORY OUTPUT: DIRECTORY is where `make install` has installed with PREFIX=/.
OUTPUT is a .tar.xz, which contains DIRECTORY under its own name; OUTPUT.sha256 has its checksum.
The same sources give the same bytes: times are SOURCE_DATE_EPOCH, and owners are root.
"""

from __future__ import annotations

import datetime
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CREATED = int(os.environ["SOURCE_DATE_EPOCH"])
HEADER = (ROOT / "include/thinkwire.h").read_text(encoding="utf-8")
VERSION = re.findall(r'^#define TW_VERSION "(.*)"$', HEADER, re.MULTILINE)[0]
#: The packages whose libraries an ELF file may need, by the beginning of the library's name.
SUPPLIERS = {
    "libcurl": ("curl", "curl"),
    "libc.": ("glibc", "LGPL-2.1-or-later"),
    "libm.": ("glibc", "LGPL-2.1-or-later"),
    "libdl": ("glibc", "LGPL-2.1-or-later"),
    "libpthread": ("glibc", "LGPL-2.1-or-later"),
    "ld-linux": ("glibc", "LGPL-2.1-or-later"),
}


def output(*command: object) -> str:
    words = [str(word) for word in command]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


def complete(folder: Path) -> None:
    """Adds the licence and the README, and makes the file for pkg-config relative to itself."""
    for source, target in (
        ("LICENSE", "share/licenses/thinkwire/LICENSE"),
        ("bindings/c/README.md", "share/doc/thinkwire/README.md"),
    ):
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / source, folder / target)
        (folder / target).chmod(0o644)
    package = folder / "lib/pkgconfig/thinkwire.pc"
    paths = ("${pcfiledir}/../..", "${prefix}/lib", "${prefix}/include")
    template = ROOT / "bindings/c/thinkwire.pc.in"
    output(ROOT / "bindings/c/configure.sh", template, package, VERSION, *paths)


def regular_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def digest(path: Path, algorithm: str) -> str:
    return hashlib.new(algorithm, path.read_bytes()).hexdigest()


def needed(folder: Path) -> set[str]:
    """The shared libraries that the programs and the library need from the system."""
    names: set[str] = set()
    for path in regular_files(folder):
        if path.read_bytes()[:4] == b"\x7fELF":
            found = re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-dW", path))
            names |= set(found)
    return {name for name in names if not name.startswith("libthinkwire")}


def package(name: str, licence: str, **members: Any) -> dict[str, Any]:
    return {
        "SPDXID": f"SPDXRef-Package-{name}",
        "name": name,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": licence,
        "licenseDeclared": licence,
        "copyrightText": "NOASSERTION",
        **members,
    }


def described_file(folder: Path, path: Path) -> dict[str, Any]:
    name = str(path.relative_to(folder))
    sums = {"SHA1": digest(path, "sha1"), "SHA256": digest(path, "sha256")}
    return {
        "SPDXID": f"SPDXRef-File-{sums['SHA256'][:12]}-{re.sub('[^A-Za-z0-9.-]', '-', name)}",
        "fileName": f"./{name}",
        "checksums": [{"algorithm": k, "checksumValue": v} for k, v in sums.items()],
        "licenseConcluded": "MIT",
        "licenseInfoInFiles": ["NOASSERTION"],
        "copyrightText": "NOASSERTION",
    }


def bill_of_materials(folder: Path) -> dict[str, Any]:
    files = [described_file(folder, path) for path in regular_files(folder)]
    sums = sorted(file["checksums"][0]["checksumValue"] for file in files)
    verification = hashlib.sha1("".join(sums).encode()).hexdigest()
    swift = re.findall(r"Swift version (\S+)", output("swift", "--version"))[0]
    own = package(
        "thinkwire",
        "MIT",
        versionInfo=VERSION,
        filesAnalyzed=True,
        licenseInfoFromFiles=["NOASSERTION"],
        packageVerificationCode={"packageVerificationCodeValue": verification},
    )
    # Embedded Swift copies what it uses of the standard library into the objects.
    library = package("swift-stdlib", "Apache-2.0 WITH Swift-exception", versionInfo=swift)
    suppliers = {
        next(supplier for start, supplier in SUPPLIERS.items() if name.startswith(start))
        for name in needed(folder)
    }
    others = [package(name, licence) for name, licence in sorted(suppliers)]
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", own), (own["SPDXID"], "STATIC_LINK", library)]
    relations += [(own["SPDXID"], "DYNAMIC_LINK", other) for other in others]
    relations += [(own["SPDXID"], "CONTAINS", file) for file in files]
    created = datetime.datetime.fromtimestamp(CREATED, datetime.timezone.utc)
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": folder.name,
        "documentNamespace": f"https://spdx.org/spdxdocs/{folder.name}-{verification}",
        "creationInfo": {
            "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": ["Organization: The Thinkwire authors", "Tool: thinkwire-dist.py"],
        },
        "packages": [own, library, *others],
        "files": files,
        "relationships": [
            {"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b["SPDXID"]}
            for a, kind, b in relations
        ],
    }


def normalized(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mtime = CREATED
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return member


def main() -> None:
    arch, folder, archive = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    complete(folder)
    machine = re.findall(r"Machine: +(.*)", output("readelf", "-h", folder / "bin/thinkwire-mock"))
    assert machine[0].replace("-", "_").lower().endswith(arch), (arch, machine)
    text = json.dumps(bill_of_materials(folder), indent=1) + "\n"
    (folder / "sbom.spdx.json").write_text(text, encoding="utf-8")
    sums = [f"{digest(p, 'sha256')}  {p.relative_to(folder)}\n" for p in regular_files(folder)]
    (folder / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz", preset=9, format=tarfile.GNU_FORMAT) as tar:
        for path in [folder, *sorted(folder.rglob("*"))]:
            name = path.relative_to(folder.parent)
            tar.add(path, str(name), recursive=False, filter=normalized)
    archive.write_bytes(packed.getvalue())
    sums_file = archive.with_name(f"{archive.name}.sha256")
    sums_file.write_text(f"{digest(archive, 'sha256')}  {archive.name}\n", encoding="utf-8")
    print(f"{archive}: {archive.stat().st_size} bytes, {len(sums)} files")


if __name__ == "__main__":
    main()
