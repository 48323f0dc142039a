"""Serves the folder of a site to this machine alone, and tells its pages when it changed."""

from __future__ import annotations

import errno
import mimetypes
import os
import socketserver
import sys
import threading
import time
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

from ablations.cli.serving.pages import EVENTS, reloading
from ablations.errors import StudyError

HOST = "127.0.0.1"
_UNSAID = ":80"
"""The port that browsers leave out."""

_PATIENCE = 15.0
"""Seconds after which a page that listens is told that nothing happened."""


class Versions:
    """The version of the site that is served; pages wait here for the next one."""

    def __init__(self) -> None:
        self.now = time.time_ns()  # no page that an earlier server sent has it
        self._changed = threading.Condition()

    def advance(self) -> None:
        """Tells all pages that wait that there is a new version."""
        with self._changed:
            self.now = max(time.time_ns(), self.now + 1)
            self._changed.notify_all()

    def is_another(self, seen: str, patience: float) -> bool:
        """Waits until there is another version than the one that was seen, or for so long."""
        with self._changed:
            return self._changed.wait_for(lambda: str(self.now) != seen, patience)


class SiteServer(ThreadingHTTPServer):
    """A server of one folder on this machine.

    Args:
        folder: Of the site.
        port: Where to listen; 0 takes a free one.

    Raises:
        StudyError: if the port is taken or not allowed.
    """

    daemon_threads = True

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.versions = folder, Versions()
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            raise StudyError(
                f"port {port} of this machine cannot be listened at",
                received=str(error.strerror),
                cure="Stop what uses it, or name another one; --port 0 takes one that is free",
            ) from error

    def server_bind(self) -> None:
        """Binds without asking for this machine's name, which may take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"http://{HOST}:{self.server_port}/"

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing of a page that went away; all else is a bug, and shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD with files of the folder."""

    server: SiteServer
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        """Answers with a file, or with the events of the site."""
        address = urlsplit(self.path)
        if not self._is_for_us():
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST, "This name is not served here")
        elif address.path == EVENTS:
            self._send_events(parse_qs(address.query).get("seen", [""])[0])
        else:
            self._send_path(unquote(address.path, errors="surrogateescape"))

    def do_HEAD(self) -> None:
        """Answers as to GET, without the content."""
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in http.server
        """Keeps quiet: what matters here are builds."""

    def _is_for_us(self) -> bool:
        """Whether the browser asked for this machine: else another host's name may lead here."""
        port = f":{self.server.server_port}"
        asked = self.headers.get("Host", "")
        if port == _UNSAID and ":" not in asked:
            asked += port
        return asked in (f"{HOST}{port}", f"localhost{port}")

    def _send_path(self, path: str) -> None:
        root = self.server.folder.resolve()
        file = _within(root, path)
        if file is None:
            self.send_error(HTTPStatus.NOT_FOUND)
        elif file.is_dir():
            self.send_response(HTTPStatus.MOVED_PERMANENTLY)
            self.send_header("Location", f"/{quote(os.fsencode(file.relative_to(root)))}/")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._send_file(file)

    def _send_file(self, file: Path) -> None:
        version = self.server.versions.now
        try:
            content = file.read_bytes()
        except OSError:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        if kind == "text/html":
            content = reloading(content, version)
        self.send_response(HTTPStatus.OK)
        self._send_kind(kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _send_kind(self, kind: str) -> None:
        is_text = kind.startswith("text/") or kind.endswith(("json", "xml"))
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if is_text else kind)
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")

    def _send_events(self, seen: str) -> None:
        """Sends an event once there is another version than the one of the page that listens."""
        self.send_response(HTTPStatus.OK)
        self._send_kind("text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "HEAD":
            return
        with suppress(ConnectionError):
            while not self.server.versions.is_another(seen, _PATIENCE):
                self.wfile.write(b": nothing new\n\n")
            self.wfile.write(b"data: new\n\n")


def _within(root: Path, path: str) -> Path | None:
    """Returns the file of a path, or a folder where that lacks its slash; none outside the root."""
    name = f"{path}index.html" if path.endswith("/") else path
    try:
        file = (root / name.lstrip("/")).resolve()
        return file if file.is_relative_to(root) and file.exists() else None
    except (OSError, ValueError):  # such as a name with a NUL, or one that is too long
        return None
