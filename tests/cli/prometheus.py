"""A Prometheus for tests: its own instance on 127.0.0.1 with its data in a temporary folder."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

from support import tool

WAIT_S = 30

Sample = tuple[dict[str, str], float]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass(frozen=True)
class Job:
    name: str
    address: str  # host:port
    interval: str  # which a scrape may take, too


class Prometheus:
    """Ends with `close`."""

    def __init__(self, folder: Path, jobs: list[Job]) -> None:
        config = {
            "scrape_configs": [
                {
                    "job_name": job.name,
                    "scrape_interval": job.interval,
                    "scrape_timeout": job.interval,
                    "static_configs": [{"targets": [job.address]}],
                }
                for job in jobs
            ],
        }
        file = folder / "prometheus.yml"
        file.write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
        self.base = f"http://127.0.0.1:{free_port()}"
        self.log = (folder / "prometheus.log").open("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [
                tool("prometheus"),
                f"--config.file={file}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={self.base.partition('//')[2]}",
                "--log.level=warn",
            ],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.log.close()

    def get(self, path: str, **parameters: str) -> Any:
        try:
            url = f"{self.base}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
            with urllib.request.urlopen(url, timeout=WAIT_S) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 503:
                    raise ConnectionError("it does not answer yet") from error
                raise AssertionError(f"{parameters}: {error.read().decode()}") from error

    def query(self, expression: str) -> list[Sample]:
        """The instant vector, or the one value of a scalar."""
        data = self.get("query", query=expression)
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(each["metric"], float(each["value"][1])) for each in data["result"]]

    def wait(self, expression: str, holds: Callable[[list[Sample]], bool]) -> list[Sample]:
        """The first answer of which that is true."""
        deadline = time.monotonic() + WAIT_S
        answer: list[Sample] = []
        while time.monotonic() < deadline:
            try:
                answer = self.query(expression)
                if holds(answer):
                    return answer
            except (urllib.error.URLError, ConnectionError):
                if self.process.poll() is not None:
                    break
            time.sleep(0.05)
        self.log.seek(0)
        raise AssertionError(f"{expression}: {answer}\n{self.log.read()}")
