"""Around the routes: keys, limits, health, metrics, logs, other origins, the page."""

import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from keras_colorize.serving import app as app_module
from keras_colorize.serving import middleware
from keras_colorize.serving.app import make_app
from keras_colorize.serving.limits import Limits
from keras_colorize.serving.observation import LOGGER, LOGGING, JsonFormatter, RateLimit
from keras_colorize.serving.pool import WorkerPool

PREDICT = "/v1/models/colorizer:predict"


def post(client: Any, picture: bytes, **options: Any) -> Any:
    return client.post("/colorize", files={"image": ("secret.png", picture)}, **options)


def test_health(client: Any) -> None:
    for path, status in (("/healthz", "ok"), ("/readyz", "ready")):
        answer = client.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": status})


def test_a_server_without_a_worker_lives_and_is_not_ready(make_grey: Any, make_worker: Any) -> None:
    worker = make_worker(make_grey())
    with TestClient(make_app(WorkerPool([worker], 1), Limits())) as client:
        client.base_url = "http://localhost"
        assert client.get("/readyz").status_code == 200
        worker.end()
        assert (client.get("/readyz").status_code, client.get("/healthz").status_code) == (503, 200)


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/colorize", "/no"]
)
def test_head_is_get_without_a_body(client: Any, path: str) -> None:
    head, answer = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (answer.status_code, b"")
    for header in ("content-type", "allow"):
        assert head.headers.get(header) == answer.headers.get(header)


def test_errors_are_json_and_nothing_is_sniffed(client: Any) -> None:
    answer = client.get("/no/such/thing")
    assert (answer.status_code, list(answer.json())) == (404, ["error"])
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_half_of_a_surrogate_pair_is_no_fault_of_ours(client: Any) -> None:
    body = b'{"instances": [1], "signature_name": "\\ud800"}'
    answer = client.post("/v1/models/colorizer:predict", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"] == 'Serving signature name: "?" not found in signature def'


def test_the_openapi_document_names_the_routes(client: Any) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/colorize", "/v1/models/{name}:predict", "/v1/models/{name}/metadata"} <= set(paths)
    form = paths["/colorize"]["post"]["requestBody"]["content"]
    assert list(form) == ["multipart/form-data"]


def test_a_key_is_asked_for_by_all_but_health_and_page(
    make_client: Any, make_grey: Any, tiny: bytes
) -> None:
    client = make_client(make_grey(), api_key="key")
    assert client.get("/healthz").status_code == 200
    right = {"Authorization": "Bearer key"}
    document = client.get("/openapi.json", headers=right).json()
    for path in ("/openapi.json", *document["paths"]):
        path = path.format(name="colorizer", version=1)
        expected = 200 if path in ("/healthz", "/readyz") else 401
        assert client.get(path).status_code == expected, path
        assert client.get(path, headers=right).status_code != 401, path
    assert document["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
    for path, route in document["paths"].items():
        needs = "security" in next(iter(route.values()))
        assert needs == (path not in ("/healthz", "/readyz")), path
    for path in ("/no/such/thing", "/page.mjs/", "/docs", "/style.css%00"):
        assert client.get(path).status_code == 401, path
    for path in ("/", "/index.html", "/page.mjs"):
        assert client.get(path).status_code == 200, path
    for scheme in ("bearer", "BEARER", "Bearer "):
        assert client.get("/metrics", headers={"Authorization": f"{scheme} key"}).is_success
    for wrong in ({}, {"Authorization": "key"}, {"Authorization": "Bearer kez"}):
        answer = post(client, tiny, headers=wrong)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert "API key" in answer.json()["error"]
    assert post(client, tiny, headers=right).status_code == 200


def test_large_bodies_are_refused_however_they_come(make_client: Any, make_grey: Any) -> None:
    client = make_client(make_grey(), Limits(max_bytes=1000))

    def pieces(count: int) -> Any:
        for _ in range(count):
            yield b"x" * 100

    for path in (PREDICT, "/colorize"):
        headers = {"content-type": "multipart/form-data; boundary=x"}
        for body in (b"x" * 1001, b"x" * 9001, pieces(11), pieces(200)):
            answer = client.post(path, content=body, headers=headers)
            assert answer.status_code == 413
            assert "limit of 0.001 MB." in answer.json()["error"]
    assert Limits().megabytes == "32 MB"
    assert client.post(PREDICT, content=b"x" * 1000).status_code == 400  # no JSON


@pytest.fixture
def held(make_client: Any, make_grey: Any) -> Any:
    """A client whose only worker waits for `go`, and whose queue holds one."""
    go, begun = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        go.wait(600)

    client = make_client(make_grey(wait), Limits(waiting=1, timeout=60))
    client.go, client.begun = go, begun
    yield client
    go.set()


def test_a_full_queue_is_a_503_that_says_when(held: Any, tiny: bytes) -> None:
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(post, held, tiny)
        held.begun.wait(600)
        second = threads.submit(post, held, tiny)
        while "colorize_queue_length 1.0" not in held.get("/metrics").text:
            pass
        for refused in (
            post(held, tiny),
            held.post(PREDICT, json={"inputs": [[[[50.0]]]]}),
        ):
            assert refused.status_code == 503
            assert int(refused.headers["retry-after"]) >= 1
            assert "busy" in refused.json()["error"]
        held.go.set()
        assert [first.result().status_code, second.result().status_code] == [200, 200]
    assert post(held, tiny).status_code == 200


def test_bodies_have_a_limit_of_all_together(
    make_client: Any, make_grey: Any, tiny: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, begun = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        go.wait(600)

    monkeypatch.setattr(middleware, "HELD", 1)
    client = make_client(make_grey(wait), Limits(max_bytes=len(tiny) + 1000))
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(post, client, tiny)
        begun.wait(600)
        for ask in (lambda: post(client, tiny), lambda: client.post(PREDICT, content=tiny)):
            refused = ask()
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert "holds too many bytes" in refused.json()["error"]
        too_large = client.post(PREDICT, content=tiny + bytes(1001))
        assert too_large.status_code == 413
        go.set()
        assert first.result().status_code == 200
    assert post(client, tiny).status_code == 200  # it holds nothing any more


def test_what_takes_too_long_is_a_504(make_client: Any, make_grey: Any, tiny: bytes) -> None:
    go = threading.Event()
    client = make_client(make_grey(go.wait), Limits(timeout=0.2))
    answer = post(client, tiny)
    assert (answer.status_code, "time" in answer.json()["error"]) == (504, True)
    go.set()  # a slow machine may take its time for the next, too
    again = (client.post(PREDICT, json={"inputs": [[[[50.0]]]]}).status_code for _ in range(50))
    assert 200 in again


def test_a_fault_of_ours_is_a_500_without_its_reason(
    make_client: Any, make_grey: Any, tiny: bytes
) -> None:
    def fail() -> None:
        raise ZeroDivisionError("a secret")

    client = make_client(make_grey(fail))
    with pytest.raises(ZeroDivisionError):  # goes on to the log of the server
        post(client, tiny)
    client._transport.raise_server_exceptions = False
    answer = post(client, tiny)
    assert answer.status_code == 500
    assert answer.json() == {"error": "The server met a fault of its own."}


def test_requests_are_counted_by_route(make_client: Any, make_grey: Any, tiny: bytes) -> None:
    client = make_client(make_grey())
    post(client, tiny)
    post(client, b"x")
    client.get("/one")
    client.get("/other")
    text = client.get("/metrics").text
    for line in (
        'colorize_requests_total{interface="http",route="/colorize",status="200"} 1.0',
        'colorize_requests_total{interface="http",route="/colorize",status="400"} 1.0',
        'colorize_requests_total{interface="http",route="other",status="404"} 2.0',
        'colorize_request_seconds_count{interface="http",route="/colorize"} 2.0',
        "colorize_queue_length 0.0",
    ):
        assert line in text
    assert "process_resident_memory_bytes" in text
    assert "colorize_replaced_workers 0.0" in text


def test_a_request_is_a_line_of_json_without_its_content(
    client: Any, tiny: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, LOGGER.name):
        post(client, tiny, data={"format": "jpeg"})
    (record,) = [record for record in caplog.records if record.name == LOGGER.name]
    text = JsonFormatter().format(record)
    line = json.loads(text)
    assert (line["method"], line["path"], line["status"]) == ("POST", "/colorize", 200)
    assert line["bytes_read"] > len(tiny) and line["bytes_written"] > 100
    assert set(line) == {
        "time",
        "level",
        "message",
        "method",
        "path",
        "status",
        "milliseconds",
        "bytes_read",
        "bytes_written",
        "client",
    }
    assert "secret" not in text and "\n" not in text


def test_what_repeats_itself_is_logged_once_in_a_while() -> None:
    assert LOGGING["loggers"]["asyncio"]["filters"] == ["rate_limit"]  # type: ignore[index]
    rate_limit, passed = RateLimit(), []
    for second in range(25):
        for text in ("socket.accept() out of system resource\nsocket: 7", "another"):
            record = logging.LogRecord("asyncio", logging.ERROR, "", 0, text, None, None)
            record.created = 1e9 + second
            passed += [second] if rate_limit.filter(record) else []
    assert passed == [0, 0, 10, 10, 20, 20]


def test_other_origins_are_let_in_only_when_asked(make_client: Any, make_grey: Any) -> None:
    origin = {"Origin": "https://photos.example"}
    allow = "access-control-allow-origin"
    assert allow not in make_client(make_grey()).get("/healthz", headers=origin).headers
    client = make_client(make_grey(), cors_origins=["https://photos.example"], api_key="key")
    assert client.get("/healthz", headers=origin).headers[allow] == "https://photos.example"
    assert allow not in client.get("/healthz", headers={"Origin": "https://x.example"}).headers
    ask = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    assert client.options("/colorize", headers=origin | ask).status_code == 200


def test_a_page_is_served_where_there_is_one(
    make_client: Any, make_grey: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "index.html").write_text("<h1>Hello</h1>")
    (tmp_path / "secret").write_text("secret")
    monkeypatch.setattr(app_module, "PAGE", tmp_path / "page")
    client = make_client(make_grey(), api_key="key")
    page = client.get("/")
    assert page.text == "<h1>Hello</h1>"
    assert page.headers["Cache-Control"] == "no-cache"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    policy = dict(
        part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";")
    )
    assert policy.pop("default-src") == policy.pop("frame-ancestors") == "'none'"
    assert "unsafe" not in str(policy) and "*" not in str(policy)
    assert client.get("/healthz").json() == {"status": "ok"}
    right = {"Authorization": "Bearer key"}
    for path in ("/../secret", "/..%2fsecret", "/%2e%2e/secret", "//secret"):
        assert client.get(path, headers=right).text != "secret"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8501", 200),
        ("LOCALHOST.", 200),
        ("127.0.0.1:8501", 200),
        ("[::1]:8501", 200),
        ("192.168.1.7", 200),
        ("colour.example", 200),
        ("colour.example:443", 200),
        ("rebound.example:8501", 421),
        ("localhost.rebound.example", 421),
        ("127.0.0.1.rebound.example", 421),
        ("[rebound.example]", 421),
    ],
)
def test_a_page_that_names_this_host_for_its_own_gets_nothing(
    make_client: Any, make_grey: Any, host: str, status: int
) -> None:
    client = make_client(make_grey(), hosts=["Colour.example"])
    for path in ("/", "/healthz", "/metrics"):
        answer = client.get(path, headers={"Host": host})
        assert answer.status_code == status
    if status == 421:
        assert "--allowed-host" in answer.json()["error"]
