"""URIs as users write them: which schemes, and which contains which. Nothing is opened here."""

from pathlib import PurePosixPath
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

READABLE = ("file", "s3", "hf", "memory")
"""Schemes that inputs may have; a plain path is a file."""
WRITABLE = ("file", "s3", "memory")
"""Schemes that an output may have; a hub gets finished data sets only, by `dart push`."""


def scheme(uri: str) -> str:
    """The scheme of a URI; "file" for a plain path."""
    return uri.split("://", 1)[0].lower() if "://" in uri else "file"


def canonical(uri: str) -> str:
    """One spelling per place, for comparing: scheme, then path without empty, "." and ".." parts."""
    head, path = scheme(uri), uri.split("://", 1)[-1]
    if head == "file" and path.startswith("localhost/"):
        path = path.removeprefix("localhost")
    parts: list[str] = []
    for part in PurePosixPath(path).parts:
        if part == ".." and parts and parts[-1] not in ("/", ".."):
            parts.pop()
        elif part != ".":
            parts.append(part)
    root = "/" if parts and parts[0] == "/" else ""
    return f"{head}://{root}" + "/".join(part for part in parts if part != "/")


def within(inner: str, outer: str) -> bool:
    """Whether `inner` is `outer` or lies below it."""
    a, b = canonical(inner), canonical(outer)
    return a == b or a.startswith(b.rstrip("/") + "/")


def _check(uri: str, schemes: tuple[str, ...]) -> str:
    """Give the URI back, or say what is wrong with it without repeating credentials."""
    listed = ", ".join(f"{name}://" for name in schemes)
    if not uri.strip() or uri != uri.strip():
        raise ValueError(f"{uri!r} is empty or has white space around it; give a path or one of {listed}")
    if "://" not in uri:
        if ":/" in uri.split("/", 1)[0] + "/" and len(uri.split(":", 1)[0]) > 1:
            raise ValueError(f"{uri!r} has a scheme but no '//'; write SCHEME://... with one of {listed}")
        return uri
    if scheme(uri) not in schemes:
        raise ValueError(f"scheme {scheme(uri)!r} is not known here; give a path or one of {listed}")
    parts = urlsplit(uri)
    if "@" in parts.netloc:
        raise ValueError("it holds credentials (the part before '@'); leave them out and set them in the environment")
    if scheme(uri) == "file" and parts.netloc not in ("", "localhost"):
        raise ValueError(f"{uri!r} names a host; a file on this machine is file:///ABSOLUTE/PATH (three slashes)")
    if scheme(uri) in ("s3", "hf") and not parts.netloc:
        raise ValueError(f"{uri!r} has nothing between '//' and '/'; write s3://BUCKET/KEY or hf://OWNER/NAME")
    if scheme(uri) == "hf" and len([part for part in (parts.netloc + parts.path).split("/") if part]) < 2:
        raise ValueError(f"{uri!r} names no repository; write hf://OWNER/NAME")
    return uri


def _readable(uri: str) -> str:
    return _check(uri, READABLE)


def _writable(uri: str) -> str:
    return _check(uri, WRITABLE)


LONGEST = 2048
"""Characters of a URI."""

Place = Annotated[str, Field(max_length=LONGEST), AfterValidator(_readable)]
"""A URI that is read."""
OutputPlace = Annotated[str, Field(max_length=LONGEST), AfterValidator(_writable)]
"""A URI that is written."""

__all__ = ["READABLE", "WRITABLE", "OutputPlace", "Place", "canonical", "scheme", "within"]
