"""A real Prometheus scrapes `smallblock serve`; what it then knows is what the processes say of themselves. The panels
of docs/grafana-dashboard.json are evaluated by it too."""

from __future__ import annotations

import json
import re
import subprocess
import unittest
import urllib.request
from typing import Any

from outside import ROUNDING_ERROR_BYTES, OutsideTest
from prometheus import Job, Prometheus, Sample
from support import ROOT, find_python, tool

DASHBOARD = ROOT / "docs" / "grafana-dashboard.json"
LABEL_VALUES = re.compile(r"label_values\((.*), (\w+)\)")
BUSY = """
import time
kept = []
print("ready", flush=True)
while True:
    kept.append([bytes(100) for _ in range(5000)])
    del kept[:-10]
    time.sleep(0.05)
"""
METRIC = re.compile(r"\bsmallblock_\w+")
# By key of the report at exit; the same for both of its halves.
GAUGES = {
    "stats": {
        "region_bytes": "smallblock_region_bytes",
        "arenas_used_peak": "smallblock_arenas_used_peak",
        "arenas_opened_total": "smallblock_arenas_opened_total",
        "arenas_released_total": "smallblock_arenas_released_total",
        "next_allocations": "smallblock_next_allocations_total",
        "arenas_used": 'smallblock_arenas{state="used"}',
        "arenas_kept": 'smallblock_arenas{state="kept"}',
        "heaps": 'smallblock_heaps{kind="thread"}',
        "live_bytes": "smallblock_live_bytes",
        "cached_bytes": "smallblock_cached_bytes",
    },
    "memory": {
        "free_resident_bytes": "smallblock_free_bytes",
        "purged_bytes": "smallblock_purged_bytes",
        "empty_resident_bytes": "smallblock_empty_bytes",
        "metadata_bytes": "smallblock_metadata_bytes",
        "rounding_bytes": "smallblock_rounding_bytes",
        "next_bytes": "smallblock_next_bytes",
        "committed_bytes": "smallblock_committed_bytes",
        "peak_live_bytes": "smallblock_peak_live_bytes",
        "peak_committed_bytes": "smallblock_peak_committed_bytes",
    },
}


def selector(metric: str, **labels: str) -> str:
    """The metric with more labels."""
    name, _, rest = metric.rstrip("}").partition("{")
    more = [f"{key}={json.dumps(value)}" for key, value in labels.items()]
    return f"{name}{{{','.join([rest, *more] if rest else more)}}}"


class Scraped(OutsideTest):
    """One idle process whose report at exit is kept, one that works, a server for the first and one for all."""

    def setUp(self) -> None:
        super().setUp()
        self.idle = self.start_program(run_words=("--stats=json", "--stats-file", str(self.report_file)))
        self.busy = self.start(find_python(), "-I", "-S", "-c", BUSY)
        self.addresses = {"one": self.serve(str(self.idle.pid))[1], "all": self.serve("--all")[1]}
        self.prometheus = Prometheus(
            self.folder, [Job("one", self.addresses["one"], "500ms"), Job("all", self.addresses["all"], "2s")]
        )
        self.addCleanup(self.prometheus.close)
        pids = f"{self.idle.pid}|{self.busy.pid}"
        self.prometheus.wait(
            f'count_over_time(smallblock_process_info{{pid=~"{pids}"}}[1m]) >= 2', lambda found: len(found) == 3
        )

    def metrics(self, job: str) -> str:
        with urllib.request.urlopen(f"http://{self.addresses[job]}/metrics", timeout=30) as answer:
            return str(answer.read().decode())

    @staticmethod
    def last(metric: str, **labels: str) -> str:
        """What was scraped last, even if a busy machine let the newest scrape fail."""
        return f"last_over_time({selector(metric, **labels)}[1m])"

    def value(self, metric: str, **labels: str) -> float:
        found = self.prometheus.query(self.last(metric, **labels))
        self.assertEqual(len(found), 1, (metric, labels, found))
        return found[0][1]

    def test_it_knows_what_the_process_says_of_itself(self) -> None:
        with self.subTest("promtool has nothing to say"):
            for job in self.addresses:
                checked = subprocess.run(
                    [tool("promtool"), "check", "metrics"],
                    input=self.metrics(job),
                    capture_output=True,
                    text=True,
                    check=False,
                )
                self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, "", ""))
        with self.subTest("everything that is at /metrics"):
            metrics = self.metrics("one")
            names = set(METRIC.findall(re.sub("^#.*$", "", metrics, flags=re.MULTILINE)))
            stored = self.prometheus.query('last_over_time({job="one",__name__=~"smallblock_.*"}[1m])')
            self.assertEqual({labels["__name__"] for labels, _ in stored}, names)
            self.assertEqual(len(stored), sum(line.startswith("smallblock_") for line in metrics.splitlines()))
            self.assertEqual({labels["pid"] for labels, _ in stored}, {str(self.idle.pid)})
        pid = str(self.idle.pid)
        known: dict[str, dict[str, list[Sample]]] = {}
        figures: dict[str, dict[str, float]] = {}
        for job in self.addresses:
            figures[job] = {
                metric: self.value(metric, job=job, pid=pid) for half in GAUGES.values() for metric in half.values()
            }
            known[job] = {
                family: self.prometheus.query(self.last(f"smallblock_class_{family}", job=job, pid=pid))
                for family in ("blocks", "pools", "bytes")
            }
        refills = selector("smallblock_class_refills_total", job="all", pid=str(self.busy.pid))
        self.prometheus.wait(f"sum(rate({refills}[20s])) > 0", bool)
        self.dashboard()
        assert self.idle.stdin is not None
        self.idle.stdin.close()
        self.assertEqual(self.idle.wait(60), 0)
        report = self.read_report()
        for job in self.addresses:
            with self.subTest(job=job):
                for half, metrics_by_key in GAUGES.items():
                    said = report if half == "stats" else report["memory"]
                    for key, metric in metrics_by_key.items():
                        error = ROUNDING_ERROR_BYTES if key == "rounding_bytes" else 0
                        self.assertAlmostEqual(figures[job][metric], said[key], delta=error, msg=metric)
                self.assert_classes(known[job], report)
        with self.subTest("it is gone"):
            self.prometheus.wait('up{job="one"}', lambda found: [value for _, value in found] == [0])
            gone = selector("smallblock_live_bytes", job="all", pid=pid)
            self.prometheus.wait(f"absent({gone})", lambda found: len(found) == 1)

    def assert_classes(self, known: dict[str, list[Sample]], report: dict[str, Any]) -> None:
        def of(family: str, block_bytes: int) -> dict[str, float]:
            return {
                labels.get("state", ""): value
                for labels, value in known[family]
                if labels["block_bytes"] == str(block_bytes)
            }

        rows = [row for row in report["classes"] if row["pools_used"] != 0]
        self.assertGreater(len(rows), 20)
        for row in rows:
            block_bytes = row["block_bytes"]
            states = {"live": row["blocks_in_use"], "cached": row["blocks_cached"], "free": row["blocks_free"]}
            self.assertEqual(of("blocks", block_bytes), states)
            self.assertEqual(of("bytes", block_bytes), {state: each * block_bytes for state, each in states.items()})
            self.assertEqual(of("pools", block_bytes), {"": row["pools_used"]})

    def dashboard(self) -> None:
        """Each query of each panel has an answer, for these two processes."""
        board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
        pids = {str(self.idle.pid), str(self.busy.pid)}
        for variable in board["templating"]["list"][1:]:
            with self.subTest(variable=variable["name"]):
                found = LABEL_VALUES.fullmatch(variable["query"]["query"])
                assert found is not None
                series, label = found.groups()
                values = self.prometheus.get(f"label/{label}/values", **{"match[]": series.replace("$command", ".*")})
                self.assertLessEqual(pids if label == "pid" else set(), set(values))
                self.assertTrue(values)
        for panel in board["panels"]:
            for target in panel["targets"]:
                with self.subTest(panel=panel["title"], query=target["refId"]):
                    expression = target["expr"].replace("$pid", "|".join(sorted(pids)))
                    expression = expression.replace("$command", ".*").replace("$__rate_interval", "20s")
                    answer = self.prometheus.wait(expression, bool)
                    for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
                        self.assertIn(label, answer[0][0])
                    self.assertTrue(all(value >= 0 for _, value in answer), answer)


class Dashboard(unittest.TestCase):
    def test_its_metrics_are_all_that_there_are(self) -> None:
        used = set()
        for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
            for target in panel["targets"]:
                used.update(METRIC.findall(target["expr"]))
        source = (ROOT / "cli" / "openmetrics.cpp").read_text(encoding="utf-8")
        written = set(re.findall(r'Family{"(\w+)"', source))
        named = {re.sub("_(total|info)$", "", name) for name in used}
        without_info = {re.sub("_info$", "", name) for name in written}
        self.assertEqual(named - without_info, set())
        self.assertEqual(without_info - named, {"smallblock_region_bytes"})

    def test_grafana_can_draw_it(self) -> None:
        board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
        panels = board["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        taken: set[tuple[int, int]] = set()
        for panel in panels:
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
            across = range(place["x"], place["x"] + place["w"])
            cells = {(x, y) for x in across for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(taken & cells, panel["title"])
            taken |= cells
            self.assertTrue(panel["description"])
            self.assertEqual(panel["datasource"], {"type": "prometheus", "uid": "${datasource}"})

    def test_the_page_lists_every_metric(self) -> None:
        page = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")
        source = (ROOT / "cli" / "openmetrics.cpp").read_text(encoding="utf-8")
        for name, kind in re.findall(r'Family{"(\w+)",\s*Kind::k(\w+)', source):
            suffix = {"Counter": "_total", "Info": "_info"}.get(kind, "")
            self.assertTrue(f"`{name}{suffix}`" in page, name)


if __name__ == "__main__":
    unittest.main()
