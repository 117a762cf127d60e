"""Who gets nothing from `smallblock view` and `serve`: requests without the token, of other sites, under other names; and
what other users get from any command, which is a refusal."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import unittest
from pathlib import Path
from typing import Any

from viewer import COMMAND, NO_PAGE, Client, ViewTest, clean_environment, has_page

NOBODY = 65534
NO_PERMISSION, USAGE = 4, 2
API = ("target", "frame?since=0", "blocks?units=0&what=state", "types", "pinned", "waste", "search?q=a")

ATTACKS = [
    "/../etc/passwd",
    "/../../../../../../etc/passwd",
    "/./../etc/passwd",
    "/..%2fetc%2fpasswd",
    "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "/..%252f..%252f..%252fetc%252fpasswd",
    "/..\\..\\..\\etc\\passwd",
    "/..%5c..%5c..%5cetc%5cpasswd",
    "/....//....//....//etc/passwd",
    "/..;/..;/..;/etc/passwd",
    "/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd",
    "/..%c0%af..%c0%af..%c0%afetc/passwd",
    "/..%ef%bc%8f..%ef%bc%8fetc/passwd",
    "//etc/passwd",
    "///etc/passwd",
    "/etc/passwd",
    "/etc/passwd%00.html",
    "/index.html/../../../etc/passwd",
    "/assets/../../../../etc/passwd",
    "/assets/..%2f..%2f..%2fetc/passwd",
    "/assets//etc/passwd",
    "/api/../../../etc/passwd",
    "/api/..%2f..%2f..%2fetc/passwd",
    "/api/target/../../../../etc/passwd",
    "/api/%2e%2e/%2e%2e/etc/passwd",
    "/api//etc/passwd",
    "/static/../../etc/passwd",
    "/file:///etc/passwd",
    "file:///etc/passwd",
    "/proc/self/environ",
    "/proc/self/cwd/../../etc/passwd",
    "/~root/.bashrc",
    "/.git/config",
    "/?file=../../../../etc/passwd",
    "/?token=../../../../etc/passwd",
]


def listening_on(port: int) -> list[str]:
    """Addresses as the kernel writes them."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [row[1] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "0A"]


class SecurityTest(ViewTest):
    def start_serve(self, *words: str, **options: Any) -> tuple[subprocess.Popen[str], Client]:
        process = subprocess.Popen(
            [options.pop("command", COMMAND), "serve", "--listen", "127.0.0.1:0", *words],
            stdout=subprocess.PIPE,
            text=True,
            env=clean_environment(),
            **options,
        )
        self.addCleanup(self.end, process)
        assert process.stdout is not None
        return process, Client(process.stdout.readline().strip().removesuffix("/metrics") + "/?token=none")

    def client(self, *words: str) -> Client:
        program, _, _ = self.start_program()
        return self.start_view(str(program.pid), *words)[1]

    def copy_for_all(self) -> Path:
        """The command where every user may run it, in a folder where every user may write."""
        self.folder.chmod(0o777)
        copy = self.folder / "smallblock"
        shutil.copy(COMMAND, copy)
        copy.chmod(0o755)
        return copy


class Tokens(SecurityTest):
    def test_nothing_without_the_token(self) -> None:
        client = self.client()
        wrong = [{}, {"X-Smallblock-Token": ""}, {"X-Smallblock-Token": client.token[:-1]}]
        wrong += [{"X-Smallblock-Token": client.token + "0"}, {"X-Smallblock-Token": "0" * len(client.token)}]
        wrong += [{"Cookie": f"token={client.token}"}, {"Authorization": f"Bearer {client.token}"}]
        for headers in wrong:
            for path in API:
                status, body, _ = client.request(f"/api/{path}", headers=headers)
                self.assertEqual(status, 403, (headers, path))
                self.assertEqual(list(json.loads(body)), ["error"])
            self.assertEqual(client.request("/api/trim", "POST", headers)[0], 403)
        self.assertEqual(client.request(f"/api/target?token={client.token}", headers={})[0], 403)
        self.assertEqual(client.request("/api/target")[0], 200)

    def test_tokens_are_long_and_differ(self) -> None:
        program, _, _ = self.start_program()
        tokens = {self.start_view(str(program.pid))[1].token for _ in range(3)}
        self.assertEqual(len(tokens), 3)
        self.assertEqual({len(bytes.fromhex(token)) for token in tokens}, {16})

    def test_the_page(self) -> None:
        client = self.client()
        status, body, headers = client.request(f"/?token={client.token}", headers={})
        self.assertEqual((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        self.assertEqual(b'id="smallblock-data"' in body, has_page())
        self.assertEqual(body == NO_PAGE.read_bytes(), not has_page())
        self.assertNotIn(b"smallblock-data", NO_PAGE.read_bytes())  # so that no file is written that shows nothing
        for path in ("/", "/?token=", "/?token=1", f"/?token={client.token}&token=1"):
            status, body, headers = client.request(path, headers={})
            self.assertEqual(status, 403)
            self.assertIn(b"Token missing", body)
            self.assertNotIn(client.token.encode(), body)

    def test_headers_of_all_answers(self) -> None:
        client = self.client()
        for path in (f"/?token={client.token}", "/", "/api/waste", "/nothing"):
            _, _, headers = client.request(path)
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            self.assertEqual(headers["Referrer-Policy"], "no-referrer")
            self.assertEqual(headers["Cross-Origin-Resource-Policy"], "same-origin")
            self.assertEqual(headers["Cache-Control"], "no-store")
            self.assertNotIn("Access-Control-Allow-Origin", headers)
            if path.startswith("/?") or path == "/":
                policy = headers["Content-Security-Policy"]
                scripts = "'sha256-" if has_page() or path == "/" else "'none'"
                self.assertTrue(policy.startswith(f"default-src 'none'; script-src {scripts}"), policy)
                self.assertNotIn("unsafe-eval", policy)
                self.assertNotIn("'unsafe-inline'", policy.partition("style-src")[0])


class Sites(SecurityTest):
    def answer(self, client: Client, *headers: str, path: str = "/api/waste", method: str = "GET") -> int:
        lines = [f"{method} {path} HTTP/1.1", f"X-Smallblock-Token: {client.token}", "Connection: close", *headers]
        return int(client.raw("\r\n".join(lines) + "\r\n\r\n").split(b" ")[1])

    def test_other_names_for_this_machine(self) -> None:
        client = self.client()
        for good in (f"127.0.0.1:{client.port}", f"localhost:{client.port}", f"LocalHost:{client.port}"):
            self.assertEqual(self.answer(client, f"Host: {good}"), 200)
        bad = ["evil.example", f"evil.example:{client.port}", "127.0.0.1", f"127.0.0.1:{client.port + 1}", ""]
        bad += [f"127.0.0.1.evil.example:{client.port}", f"localhost.:{client.port}", f"[::1]:{client.port}"]
        bad += [f"0.0.0.0:{client.port}", f"2130706433:{client.port}", f"user@127.0.0.1:{client.port}"]
        for host in bad:
            self.assertEqual(self.answer(client, f"Host: {host}"), 403, host)
            self.assertEqual(self.answer(client, f"Host: {host}", path=f"/?token={client.token}"), 403, host)
        self.assertEqual(self.answer(client), 403)
        self.assertEqual(self.answer(client, f"Host: 127.0.0.1:{client.port}", "Host: evil.example"), 403)

    def test_requests_of_other_sites(self) -> None:
        client = self.client("--allow-actions")
        host = f"Host: 127.0.0.1:{client.port}"
        good = f"http://127.0.0.1:{client.port}"
        self.assertEqual(self.answer(client, host, f"Origin: {good}"), 200)
        for origin in ("null", "http://evil.example", f"https://127.0.0.1:{client.port}", f"{good}0", f"{good}.evil"):
            self.assertEqual(self.answer(client, host, f"Origin: {origin}"), 403, origin)
            refused = self.answer(client, host, f"Origin: {origin}", "Content-Length: 0", path="/api/trim", method="POST")
            self.assertEqual(refused, 403, origin)
        accepted = self.answer(client, host, f"Origin: {good}", "Content-Length: 0", path="/api/trim", method="POST")
        self.assertEqual(accepted, 200)

    def test_other_methods(self) -> None:
        client = self.client()
        host = f"Host: 127.0.0.1:{client.port}"
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "JUNK"):
            self.assertIn(self.answer(client, host, "Content-Length: 0", method=method), (400, 405), method)

    def test_no_path_leads_to_a_file(self) -> None:
        client = self.client()
        self.assertGreaterEqual(len(ATTACKS), 30)
        for path in ATTACKS:
            lines = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\nConnection: close\r\n"
            answer = client.raw(f"{lines}X-Smallblock-Token: {client.token}\r\n\r\n")
            self.assertIn(answer.split(b" ")[1], (b"400", b"403", b"404"), path)
            self.assertNotIn(b"root:", answer, path)

    def test_what_is_no_request(self) -> None:
        client = self.client()
        for text in ("", "\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\x00" * 100, "A" * 20000):
            self.assertNotIn(b" 200 ", client.raw(text, ends=True)[:20])
        long_path = "/api/search?q=" + "a" * 20000
        self.assertNotIn(b" 200 ", client.raw(f"GET {long_path} HTTP/1.1\r\nHost: x\r\n\r\n", ends=True)[:20])
        self.assertEqual(client.request("/api/target")[0], 200)


class Actions(SecurityTest):
    def test_refused_unless_allowed(self) -> None:
        client = self.client()
        status, body, _ = client.request("/api/trim", "POST")
        self.assertEqual(status, 403)
        self.assertIn(b"--allow-actions", body)
        client = self.client("--allow-actions")
        self.assertTrue(client.get_json("/api/target")["actions"])
        self.assertEqual(json.loads(client.request("/api/trim", "POST")[1]), {"asked": True})
        self.assertEqual(client.request("/api/trim")[0], 404)
        self.assertEqual(client.request("/api/everything", "POST")[0], 404)


class Addresses(SecurityTest):
    def test_listens_on_this_machine_only(self) -> None:
        client = self.client()
        self.assertEqual(listening_on(client.port), [f"0100007F:{client.port:04X}"])

    def test_on_all_addresses_when_told_so(self) -> None:
        program, _, _ = self.start_program()
        view, client = self.start_view(str(program.pid), "--listen", "0.0.0.0:0")
        assert view.stderr is not None
        self.assertIn(f"warning: whoever can reach 0.0.0.0:{client.port} ", view.stderr.readline())
        self.assertEqual(client.request("/api/target")[0], 200)
        for host, status in ((f"192.0.2.1:{client.port}", b"200"), (f"evil.example:{client.port}", b"403")):
            lines = f"GET /api/waste HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
            answer = client.raw(f"{lines}X-Smallblock-Token: {client.token}\r\n\r\n")
            self.assertEqual(answer.split(b" ")[1], status)

    def test_addresses_that_cannot_be(self) -> None:
        program, _, _ = self.start_program()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            busy = f"127.0.0.1:{taken.getsockname()[1]}"
            for address in (busy, "192.0.2.1:8080", "127.0.0.1:99999", "127.0.0.1:", ":80", "127.0.0.1:8x"):
                result = self.view(str(program.pid), "--listen", address)
                self.assert_one_line_error(result, USAGE, "listen")

    def view(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, "view", "--no-browser", *words],
            capture_output=True,
            text=True,
            env=clean_environment(),
            timeout=60,
            check=False,
        )


class Serving(SecurityTest):
    """`serve` has no token: whoever may ask this machine may read its figures, but no site of a browser."""

    def serve_program(self) -> Client:
        return self.start_serve(str(self.start_program()[0].pid))[1]

    def answer(self, client: Client, *headers: str, path: str = "/metrics", method: str = "GET") -> bytes:
        lines = [f"{method} {path} HTTP/1.1", "Connection: close", *headers]
        return client.raw("\r\n".join(lines) + "\r\n\r\n")

    def test_listens_on_this_machine_only(self) -> None:
        client = self.serve_program()
        self.assertEqual(listening_on(client.port), [f"0100007F:{client.port:04X}"])

    def test_other_names_and_other_sites(self) -> None:
        client = self.serve_program()
        own = f"127.0.0.1:{client.port}"
        for path in ("/", "/metrics", "/stats"):
            for good in ((f"Host: {own}",), (f"Host: localhost:{client.port}", f"Origin: http://{own}")):
                self.assertIn(b" 200 ", self.answer(client, *good, path=path)[:20])
            for bad in (
                (),
                ("Host: evil.example",),
                (f"Host: evil.example:{client.port}",),
                (f"Host: {own}", "Host: evil.example"),
                (f"Host: {own}", "Origin: http://evil.example"),
                (f"Host: {own}", "Origin: null"),
            ):
                answer = self.answer(client, *bad, path=path)
                self.assertIn(b" 403 ", answer[:20], bad)
                self.assertNotIn(b"smallblock_", answer)

    def test_no_path_leads_to_a_file(self) -> None:
        client = self.serve_program()
        for path in ATTACKS:
            answer = self.answer(client, f"Host: 127.0.0.1:{client.port}", path=path)
            expected = (b"200",) if path.startswith("/?") else (b"400", b"403", b"404")
            self.assertIn(answer.split(b" ")[1], expected, path)
            self.assertNotIn(b"root:", answer, path)

    def test_only_reading(self) -> None:
        client = self.serve_program()
        for method in ("POST", "PUT", "DELETE", "PATCH", "CONNECT", "JUNK"):
            answer = self.answer(client, f"Host: 127.0.0.1:{client.port}", "Content-Length: 0", method=method)
            self.assertNotIn(b" 200 ", answer[:20], method)

    @unittest.skipIf(os.geteuid() != 0, "only root can be another user")
    def test_all_are_those_of_the_user(self) -> None:
        pid = self.start_program()[0].pid
        self.assertIn(f'"pid": {pid}'.encode(), self.start_serve("--all")[1].get("/stats"))
        copy = str(self.copy_for_all())
        _, other = self.start_serve("--all", command=copy, user=NOBODY, group=NOBODY, extra_groups=[])
        self.assertNotIn(str(pid).encode(), other.get("/stats"))


class Users(SecurityTest):
    def test_a_process_of_another_user(self) -> None:
        if os.geteuid() != 0:
            result = subprocess.run([COMMAND, "view", "1"], capture_output=True, text=True, timeout=60, check=False)
            self.assert_one_line_error(result, NO_PERMISSION, "process 1")
            return
        program, live, _ = self.start_program()
        copy = self.copy_for_all()
        pid = str(program.pid)
        target = self.folder / "file"
        for words in (
            ("view", "--no-browser", pid),
            ("view", pid, "--output", str(target)),
            ("pinned", pid),
            ("explain", pid, live),
            ("types", pid),
            ("snapshot", pid, "-o", str(target)),
            ("snapshot", pid, "--exact", "-o", str(target)),
            ("stats", pid),
            ("serve", pid, "--listen", "127.0.0.1:0"),
            ("trim", pid),
        ):
            with self.subTest(words=words):
                self.assert_refused(copy, *words)
        self.assertFalse(target.exists())

    def assert_refused(self, command: Path, *words: str) -> None:
        result = subprocess.run(
            [str(command), *words],
            capture_output=True,
            text=True,
            env=clean_environment(),
            timeout=60,
            check=False,
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
        )
        self.assert_one_line_error(result, NO_PERMISSION, "may not look into process", "another user")


if __name__ == "__main__":
    unittest.main()
