"""A model hub on 127.0.0.1 that speaks what `hf_hub_download` of a config needs, faults included."""

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import unquote

MAIN, CONFIG = "main", "config.json"


@dataclass(frozen=True)
class Answer:
    """What the hub says about one revision of a repository."""

    body: bytes = b""
    status: int = 200
    code: str = ""  # X-Error-Code
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""  # half, failing, silent, boast, anonymous, endless (-refusal, -hop), drip, slow-head, modest
    commit: str = ""


MISSING = Answer(status=404, code="RepoNotFound")
NO_REVISION = Answer(status=404, code="RevisionNotFound")
NO_FILE = Answer(status=404, code="EntryNotFound")


class Hub:
    """A running hub; `requests` lists what was asked.

    `answers` maps repository and revision to an Answer, that of a config; of another file revision/file does.
    """

    def __init__(self, answers: Mapping[str, Mapping[str, Answer]]) -> None:
        self.answers = answers
        self.requests: list[tuple[str, str]] = []
        self.tokens: list[str] = []  # of each request
        self.sent = 0  # bytes of what has no end
        self.closing = threading.Event()
        self.server = _Server(("127.0.0.1", 0), _Handler)
        self.server.hub = self
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        """The address for HF_ENDPOINT."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def paths(self, repository: str) -> set[str]:
        """What was asked of a repository, below its name."""
        return {path.removeprefix(f"/{repository}/") for _, path in self.requests if path.startswith(f"/{repository}/")}

    def answer(self, repository: str, revision: str, file: str = CONFIG) -> Answer:
        """The answer for a file in a revision of a repository."""
        known = self.answers.get(repository)
        if known is None:
            return MISSING
        config = known.get(revision, known[MAIN] if known[MAIN].status != 200 else NO_REVISION)
        if file == CONFIG:
            return config
        if f"{revision}/{file}" in known:
            return known[f"{revision}/{file}"]
        if "Location" in config.headers:
            return replace(config, headers={"Location": config.headers["Location"].replace(CONFIG, file)})
        return replace(NO_FILE, commit=config.commit) if config.status == 200 else config

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *exc: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.closing.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    hub: Hub

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no failure of the hub."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_HEAD(self) -> None:
        self.reply(send_body=False)

    def do_GET(self) -> None:
        self.reply(send_body=True)

    def reply(self, send_body: bool) -> None:
        """Answer one request as the repository's entry says."""
        path = unquote(self.path)
        self.server.hub.requests.append((self.command, path))
        self.server.hub.tokens.append(self.headers.get("Authorization", ""))
        repository, _, rest = path.removeprefix("/").partition("/resolve/")
        revision, _, file = rest.rpartition("/")
        answer = self.server.hub.answer(repository, revision, file)
        if answer.fault == "silent":
            self.server.hub.closing.wait(60)
            self.close_connection = True
        elif answer.fault == "slow-head":
            self.drip(b"HTTP/1.1 200 OK\r\nX-Filler: ", b"x")
        elif answer.fault == "endless-refusal" and send_body:
            self.head(replace(answer, status=500, fault="endless"), repository, revision)
            self.body(replace(answer, fault="endless"))
        elif answer.fault == "endless-hop" and send_body:
            headers = {"Location": self.path}
            self.head(replace(answer, status=307, fault="endless", headers=headers), repository, revision)
            self.body(replace(answer, fault="endless"))
        elif answer.fault == "failing" and send_body:
            self.head(Answer(status=500), repository, revision)
        else:
            self.head(answer, repository, revision)
            if send_body:
                self.body(answer)

    def head(self, answer: Answer, repository: str, revision: str) -> None:
        """Status line and headers."""
        self.send_response(answer.status)
        lengths = {"boast": 10**15, "modest": 10} if self.command == "HEAD" else {"drip": 10**6}
        if answer.fault == "endless":
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(lengths.get(answer.fault, len(answer.body))))
        if answer.fault != "anonymous":
            commit = answer.commit or hashlib.sha1(f"{repository}@{revision}".encode()).hexdigest()
            self.send_header("X-Repo-Commit", commit)
            self.send_header("ETag", f'"{hashlib.sha1(answer.body).hexdigest()}"')
        if answer.code:
            self.send_header("X-Error-Code", answer.code)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def body(self, answer: Answer) -> None:
        """The body, or half of it and then a closed connection."""
        if answer.fault == "half":
            self.wfile.write(answer.body[: len(answer.body) // 2])
            self.wfile.flush()
            self.close_connection = True
        elif answer.fault == "endless":
            self.drip(b"", b"100000\r\n" + b" " * 2**20 + b"\r\n", pause=0)
        elif answer.fault == "drip":
            self.drip(answer.body, b" ")
        else:
            self.wfile.write(answer.body)

    def drip(self, first: bytes, then: bytes, pause: float = 0.1) -> None:
        """Something, and something more again and again, until the client hangs up or the hub closes."""
        self.wfile.write(first)
        self.close_connection = True
        while not self.server.hub.closing.wait(pause):
            self.wfile.write(then)
            self.wfile.flush()
            self.server.hub.sent += len(then)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""
