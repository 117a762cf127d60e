"""Who gets nothing from `smallblock view`: requests without the token, of other sites, under other names; other users."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import unittest
from pathlib import Path

from viewer import COMMAND, Client, ViewTest, clean_environment

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


class SecurityTest(ViewTest):
    def client(self, *words: str) -> Client:
        program, _, _ = self.start_program()
        return self.start_view(str(program.pid), *words)[1]


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
        self.assertIn(b'id="smallblock-data"', body)
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
                self.assertTrue(policy.startswith("default-src 'none'; script-src 'sha256-"), policy)
                self.assertNotIn("unsafe-eval", policy)
                self.assertNotIn("'unsafe-inline'", policy.partition("style-src")[0])


class Sites(SecurityTest):
    def answer(self, client: Client, *headers: str, path: str = "/api/waste", method: str = "GET") -> int:
        lines = [f"{method} {path} HTTP/1.1", f"X-Smallblock-Token: {client.token}", "Connection: close", *headers]
        return int(client.raw("\r\n".join(lines) + "\r\n\r\n").split(b" ")[1])

    def test_other_names_for_this_machine(self) -> None:
        client = self.client()
        for good in (f"127.0.0.1:{client.port}", f"localhost:{client.port}"):
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
        listening = [
            line.split()[1]
            for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
            if line.split()[1].endswith(f":{client.port:04X}") and line.split()[3] == "0A"
        ]
        self.assertEqual(listening, [f"0100007F:{client.port:04X}"])

    def test_on_all_addresses_when_told_so(self) -> None:
        program, _, _ = self.start_program()
        view, client = self.start_view(str(program.pid), "--listen", "0.0.0.0:0")
        assert view.stderr is not None
        self.assertIn("warning: whoever can reach 0.0.0.0:0", view.stderr.readline())
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


class Users(SecurityTest):
    def test_a_process_of_another_user(self) -> None:
        if os.geteuid() != 0:
            result = subprocess.run([COMMAND, "view", "1"], capture_output=True, text=True, timeout=60, check=False)
            self.assert_one_line_error(result, NO_PERMISSION, "process 1")
            return
        program, live, _ = self.start_program()
        self.folder.chmod(0o755)
        copy = self.folder / "smallblock"
        shutil.copy(COMMAND, copy)
        copy.chmod(0o755)
        for words in (("view", "--no-browser", str(program.pid)), ("pinned", str(program.pid))):
            self.assert_refused(copy, *words)
        self.assert_refused(copy, "explain", str(program.pid), live)

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
