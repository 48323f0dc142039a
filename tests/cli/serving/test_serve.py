"""The preview answers this machine alone, with the site and nothing else, and follows its sources."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ablations.cli.serving.pages import EVENTS, reloading
from ablations.cli.serving.server import SiteServer
from ablations.cli.serving.watching import snapshot
from ablations.errors import StudyError

COMMITTED = Path(__file__).parents[3] / "reports"
PAGE = b"""<head>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'sha256-x'">
</head><body><p>one</p></body>"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A site of two pages, with a secret beside it that a link leads to."""
    site = tmp_path / "site"
    (site / "a b").mkdir(parents=True)
    (site / "index.html").write_bytes(PAGE)
    (site / "a b" / "index.html").write_bytes(PAGE.replace(b"one", b"two"))
    (site / "feed.xml").write_text("<feed/>")
    (tmp_path / "secret").write_text("secret")
    (site / "link").symlink_to(tmp_path / "secret")
    (site / "beside").symlink_to(tmp_path)
    return site


@pytest.fixture
def server(folder: Path) -> Iterator[SiteServer]:
    with SiteServer(folder, 0) as own:
        threading.Thread(target=own.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield own
        own.shutdown()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    content: bytes


def ask(port: int, path: str, *, method: str = "GET", host: str = "") -> Answer:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.putrequest(method, path, skip_host=True)
        connection.putheader("Host", host or f"127.0.0.1:{port}")
        connection.putheader("Connection", "close")
        connection.endheaders()
        with connection.getresponse() as found:
            return Answer(found.status, found.headers, found.read())


def test_files_are_served_with_their_kind_and_never_kept(server: SiteServer):
    for path, kind, words in [("/", "text/html", b"one"), ("/a%20b/", "text/html", b"two"), ("/feed.xml?x=1", "xml", b"<feed/>")]:  # fmt: skip
        found = ask(server.server_port, path)
        assert (found.status, found.headers["Cache-Control"]) == (200, "no-store")
        assert kind in found.headers["Content-Type"]
        assert words in found.content
    moved = ask(server.server_port, "/a%20b")
    assert (moved.status, moved.headers["Location"]) == (301, "/a%20b/")
    head = ask(server.server_port, "/feed.xml", method="HEAD")
    assert (head.headers["Content-Length"], head.content) == ("7", b"")
    assert ask(server.server_port, "/", method="POST").status == 501


@pytest.mark.parametrize("path", ["/../secret", "/%2e%2e/secret", "/a%20b/../../secret", "//etc/passwd", "/..%2fsecret", "/link", "/beside/secret", "/beside/", "/none", "/%00", "/" + "a" * 5000, "/a\\..\\..\\secret", "/%ff"])  # fmt: skip
def test_nothing_but_the_site_is_served(server: SiteServer, path: str):
    found = ask(server.server_port, path)
    assert found.status == 404
    assert b"root:" not in (text := found.content)
    assert text != b"secret"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example", "[::1]:8000"])  # fmt: skip
def test_the_name_of_another_host_is_refused(server: SiteServer, host: str):
    for path in ("/", EVENTS):
        found = ask(server.server_port, path, host=host)
        assert found.status == 421
        assert b"one" not in found.content
    assert ask(server.server_port, "/", host=f"localhost:{server.server_port}").status == 200


def test_browsers_leave_out_port_80(server: SiteServer):
    port, server.server_port = server.server_port, 80
    for host, status in {"localhost": 200, "127.0.0.1:80": 200, "evil.example": 421}.items():
        assert ask(port, "/", host=host).status == status


def test_who_asks_for_the_kind_of_the_events_need_not_wait(server: SiteServer):
    found = ask(server.server_port, f"{EVENTS}?seen={server.versions.now}", method="HEAD")
    assert (found.status, found.content) == (200, b"")


def test_it_listens_on_this_machine_alone(server: SiteServer):
    assert server.socket.getsockname()[0] == "127.0.0.1"


def test_a_taken_port_is_one_line_with_its_cure(folder: Path, server: SiteServer):
    with pytest.raises(StudyError) as error:
        SiteServer(folder, server.server_port)
    assert str(error.value) == (
        f"port {server.server_port} of this machine cannot be listened at. Received: Address already "
        "in use. Stop what uses it, or name another one; --port 0 takes one that is free."
    )
    with SiteServer(folder, 0) as other:  # the cure
        assert other.server_port != server.server_port


def test_a_page_that_is_served_allows_its_script_and_the_file_has_none(
    folder: Path, server: SiteServer
):
    text = ask(server.server_port, "/").content.decode()
    (script,) = re.findall(r"<script>(.*?)</script></body>", text)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-x' 'sha256-{digest}'; connect-src 'self'\"" in text
    assert "default-src 'none'" in text
    assert (folder / "index.html").read_bytes() == PAGE


def test_only_pages_change_and_odd_bytes_stay():
    assert reloading(b"no page", 1) == b"no page"
    odd = reloading(b"\xff</body></body>", 1)
    assert odd.startswith(b"\xff</body><script>")


def test_a_page_hears_of_a_new_version_and_one_of_another_server_at_once(server: SiteServer):
    now = server.versions.now
    assert ask(server.server_port, f"{EVENTS}?seen=1").content == b"data: new\n\n"
    threading.Timer(0.2, server.versions.advance).start()
    assert ask(server.server_port, f"{EVENTS}?seen={now}").content == b"data: new\n\n"
    assert server.versions.now > now


def test_what_changed_is_noticed_and_what_is_built_is_not(tmp_path: Path):
    (tmp_path / "reports" / ".new").mkdir(parents=True)
    site, file = tmp_path / "reports" / "site", tmp_path / "reports" / "a.json"
    places = [tmp_path / "reports", tmp_path / "missing.toml"]

    def now():
        return snapshot(places, apart=site)

    empty = now()
    for path in (
        site / "index.html",
        tmp_path / "reports" / ".new" / "x",
        tmp_path / "reports" / ".y",
    ):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert now() == empty == {}
    states = [empty]
    file.write_text("1")
    states.append(now())
    file.write_text("12")
    states.append(now())
    (tmp_path / "missing.toml").touch()
    states.append(now())
    file.unlink()
    states.append(now())
    assert all(one != other for i, one in enumerate(states) for other in states[:i])


@contextmanager
def serving(*words: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Starts the command in the present folder; gives its process and port."""
    command = [sys.executable, "-m", "ablations", "serve", *words, "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # as in a terminal, also where these tests run in the background, which ignores Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    ) as own:  # fmt: skip
        try:
            assert own.stdout is not None
            address = own.stdout.readline().strip()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
            yield own, urlsplit(address).port or 0
        finally:
            own.kill()


def get(port: int, path: str) -> bytes:
    return ask(port, path).content


def test_the_command_follows_its_sources_survives_a_bad_build_and_ends_with_130(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(COMMITTED / "posts" / "post-a", "reports/post-a")
    with serving() as (process, port):
        seen = re.findall(r"seen=(\d+)", get(port, "/").decode())[0]
        shutil.copytree(COMMITTED / "posts" / "post-b", "reports/post-b")
        assert get(port, f"{EVENTS}?seen={seen}").endswith(b"data: new\n\n")
        assert b"Post b as published" in get(port, "/")
        summary = Path("reports/post-b/report.json")
        good = summary.read_text()
        summary.write_text("{")
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        assert any("this is not the summary of a report" in line for line in lines)
        assert b"Post b as published" in get(port, "/")
        assert b"Post b as published" in get(port, "/post-b/index.html")
        summary.write_text(json.dumps({**json.loads(good), "title": "Cured"}))
        assert any("built again" in line for line in lines)
        assert b"Cured" in get(port, "/")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert "stopped" in "".join(lines)
    assert not Path("site").exists()


def test_a_first_build_that_fails_and_a_taken_port_end_with_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    command = [sys.executable, "-m", "ablations", "serve", "--port"]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for words in ([port], ["0"]):
            done = subprocess.run([*command, *words], capture_output=True, text=True, check=False)
            assert done.returncode == 2
            assert "Traceback" not in done.stderr
            assert len(done.stderr.splitlines()) == 1
