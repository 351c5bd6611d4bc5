"""The content type of a file by its name, as Postman tells it (it uses the npm package mime-types)."""

from __future__ import annotations

import mimetypes
from functools import lru_cache
from pathlib import PurePath

# Where Python's built-in table has nothing, or an answer of its own.
_DIFFERENT = {
    "7z": "application/x-7z-compressed",
    "aac": "audio/x-aac",
    "apk": "application/vnd.android.package-archive",
    "bz2": "application/x-bzip2",
    **dict.fromkeys(("c", "cc", "cpp", "cxx", "dic", "h", "hh"), "text/x-c"),
    "cer": "application/pkix-cert",
    "cjs": "application/node",
    "conf": "text/plain",
    "crt": "application/x-x509-ca-cert",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "geojson": "application/geo+json",
    "gpx": "application/gpx+xml",
    "gz": "application/gzip",
    "ics": "text/calendar",
    "ini": "text/plain",
    "jar": "application/java-archive",
    "js": "application/javascript",
    "jsonld": "application/ld+json",
    "kml": "application/vnd.google-earth.kml+xml",
    "log": "text/plain",
    "m4a": "audio/mp4",
    "md": "text/markdown",
    "mjs": "application/javascript",
    "odt": "application/vnd.oasis.opendocument.text",
    "ogg": "audio/ogg",
    "otf": "font/otf",
    "pem": "application/x-x509-ca-cert",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "rar": "application/vnd.rar",
    "rtf": "application/rtf",
    "sql": "application/x-sql",
    "toml": "application/toml",
    "ts": "video/mp2t",
    "ttf": "font/ttf",
    "wav": "audio/wave",
    "webp": "image/webp",
    "woff": "font/woff",
    "woff2": "font/woff2",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xml": "application/xml",
    "yaml": "text/yaml",
    "yml": "text/yaml",
}


def content_type_of(name: str) -> str | None:
    """The content type that goes with a file name's ending, None when unknown. A bare `json` counts as an ending."""
    base = PurePath(name).name.lower()
    ending = base.rpartition(".")[2]
    return _DIFFERENT.get(ending) or _table().get(f".{ending}")


@lru_cache(maxsize=1)
def _table() -> dict[str, str]:
    """Python's own table, without what this machine's files add, so that requests are the same everywhere."""
    return mimetypes.MimeTypes().types_map[True]
