"""Tables and verdicts from the runs of `compare`; nothing here runs anything.

"Held" is what is resident above the baseline, in % of the same at the peak; only in (e) it is the whole process, as
there is nothing else to compare a Python program by. Only smallblock is judged. bench/retention/judge_test.py.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Optional

from expected import clustered, scattered, turned
from processes import DECAY_OFF, GLIBC, GLIBC_TRIM, OURS_PRELOADED, PYMALLOC, Run
from scenarios import CELLS, CHILDREN, TEETH, TITLES, Cell
from verdict import Verdict

MB = 1e6
DROP_TOLERANCE = 3.0  # points above the expected figure
TURNOVER_TOLERANCE = 5.0
LIVE_RATIO_MAX = 1.3  # held over live bytes after ten turnovers
TOOTH_RATIO_MAX = 1.02
TOOTH_TIME_RATIO_MAX = 1.1
RECORDS_AT_ONCE_MAX, RECORDS_TURNED_MAX = 45.0, 20.0
DIRTIED_RATIO_MAX = 0.05
TRIM_MS_MAX = 150.0
VMAS_MORE_MAX = 4  # a stack, a heap or a table of the process itself may have come or been split
Table = list[list[str]]


@dataclass
class Section:
    scenario: str
    tables: list[Table] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        return TITLES[self.scenario]

    @property
    def verdict_lines(self) -> list[str]:
        """One for each verdict that no table shows, after a count of those that one does."""
        tabled = [verdict for verdict in self.verdicts if verdict.tabled]
        lines = [verdict.line for verdict in self.verdicts if not verdict.tabled]
        if tabled:
            met = sum(verdict.passed for verdict in tabled)
            lines.insert(0, f"{'pass' if met == len(tabled) else 'MISS'}  {met} of {len(tabled)} lines of the table")
        return lines


def peers_of(runs: Sequence[Run]) -> list[str]:
    return list(dict.fromkeys(run.peer for run in runs))


def pick(runs: Sequence[Run], cell: str, peer: str) -> Optional[Run]:
    return next((run for run in runs if (run.cell, run.peer) == (cell, peer)), None)


def above_baseline(run: Run, phase: str) -> int:
    return run.at(phase).rss_bytes - run.baseline_bytes


def held(run: Run, phase: str) -> float:
    return 100 * above_baseline(run, phase) / above_baseline(run, "full")


def live_share(run: Run, phase: str) -> float:
    return 100 * run.at(phase).live_bytes / run.at("full").live_bytes


def number(value: Optional[float], digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def held_row(runs: Sequence[Run], cell: Cell, phase: str, label: str, target: Optional[float]) -> list[str]:
    """The live share is a peer's; all drop the same blocks."""
    row_runs = [pick(runs, cell.label, peer) for peer in peers_of(runs)]
    some = next(run for run in row_runs if run is not None)
    figures = [number(held(run, phase)) if run else "-" for run in row_runs]
    ours = pick(runs, cell.label, OURS_PRELOADED)
    mark = "" if ours is None or target is None else "pass" if held(ours, phase) <= target else "MISS"
    return [label, number(live_share(some, phase)), number(target), *figures, mark]


def peak_table(runs: Sequence[Run], cells: Sequence[str]) -> Table:
    peers = peers_of(runs)
    rows = [["peak, MB", *peers]]
    for cell in cells:
        row = [pick(runs, cell, peer) for peer in peers]
        rows.append([cell, *(number(above_baseline(run, "full") / MB, 0) if run else "-" for run in row)])
    return rows


def judge_drop(scenario: str, runs: Sequence[Run]) -> Section:
    expect = scattered if scenario == "a" else clustered
    section = Section(scenario)
    table = [["held after trim, % of peak", "live", "target", *peers_of(runs), ""]]
    for cell in CELLS:
        if not any(run.cell == cell.label for run in runs):
            continue
        limit = expect(cell.size, cell.live) + DROP_TOLERANCE
        table.append(held_row(runs, cell, "trimmed", cell.label, limit))
        ours = pick(runs, cell.label, OURS_PRELOADED)
        if ours is not None:
            section.verdicts.append(Verdict(f"({scenario}) {cell.label}", held(ours, "trimmed"), limit, "%", tabled=True))
    section.tables = [table, peak_table(runs, [row[0] for row in table[1:]])]
    return section


def turnover_limit(cell: Cell, ours: Optional[Run], times: int) -> Optional[float]:
    if times < 10:
        return turned(cell.size, cell.live, times) + TURNOVER_TOLERANCE
    if ours is None:
        return None
    live_bytes = ours.at("turned_10x_trimmed").live_bytes
    return 100 * LIVE_RATIO_MAX * live_bytes / above_baseline(ours, "full")


def judge_turnover(runs: Sequence[Run]) -> Section:
    section = Section("c", notes=["after 10x the target is 1.3 times the live bytes, here in % of smallblock's peak"])
    table = [["held after trim, % of peak", "live", "target", *peers_of(runs), ""]]
    for cell in CELLS:
        if not any(run.cell == cell.label for run in runs):
            continue
        ours = pick(runs, cell.label, OURS_PRELOADED)
        for times in (1, 3, 10):
            phase, label = f"turned_{times}x_trimmed", f"{cell.label} {times}x"
            limit = turnover_limit(cell, ours, times)
            table.append(held_row(runs, cell, phase, label, limit))
            if ours is not None and limit is not None:
                section.verdicts.append(Verdict(f"(c) {label}", held(ours, phase), limit, "%", tabled=True))
    section.tables = [table]
    return section


def tooth_ms(run: Run, clock: str) -> float:
    return float(sum(getattr(phase, clock) for phase in run.phases if phase.phase.startswith("tooth")))


def judge_sawtooth(runs: Sequence[Run]) -> Section:
    section = Section("d", notes=["times are the least of the rounds; processor time is judged, the machine is shared"])
    table = [["", "first peak, MB", f"peak {TEETH}, MB", "ratio", "foot, MB", "wall s", "processor s"]]
    cpu_ms: dict[str, float] = {}
    for peer in peers_of(runs):
        rounds = [run for run in runs if run.peer == peer]
        first, last = (max(run.at("tooth_top", i).rss_bytes - run.baseline_bytes for run in rounds) for i in (1, TEETH))
        foot = min(run.at("tooth_foot", TEETH).rss_bytes - run.baseline_bytes for run in rounds)
        wall_ms = min(tooth_ms(run, "took_ms") for run in rounds)
        cpu_ms[peer] = min(tooth_ms(run, "cpu_ms") for run in rounds)
        sizes = [number(first / MB, 0), number(last / MB, 0), number(last / first, 3), number(foot / MB, 0)]
        table.append([peer, *sizes, number(wall_ms / 1e3, 2), number(cpu_ms[peer] / 1e3, 2)])
        if peer == OURS_PRELOADED:
            what = f"(d) peak of tooth {TEETH} over the first's"
            section.verdicts.append(Verdict(what, last / first, TOOTH_RATIO_MAX))
    if OURS_PRELOADED in cpu_ms and DECAY_OFF in cpu_ms:
        ratio = cpu_ms[OURS_PRELOADED] / cpu_ms[DECAY_OFF]
        section.verdicts.append(Verdict("(d) time over never giving back", ratio, TOOTH_TIME_RATIO_MAX))
    section.tables = [table]
    return section


def judge_records(runs: Sequence[Run]) -> Section:
    section = Section("e", notes=["of the whole process, the interpreter included"])
    columns = ("full", "dropped", "trimmed", "turned_1x_trimmed", "turned_3x_trimmed")
    table = [["MB, and % of peak", "full", "dropped", "trimmed", "1x", "3x", "trim ms", "VMAs"]]
    for run in runs:
        peak = run.at("full").rss_bytes
        cells = [f"{run.at(c).rss_bytes / MB:.0f} ({100 * run.at(c).rss_bytes / peak:.0f}%)" for c in columns]
        cells[0] = number(peak / MB, 0)
        table.append([f"{run.cell}: {run.peer}", *cells, number(run.at("trimmed").took_ms, 0), str(run.at("turned_3x_trimmed").vmas)])
        if run.peer == OURS_PRELOADED:
            at_once, later = (100 * run.at(c).rss_bytes / peak for c in ("trimmed", "turned_3x_trimmed"))
            section.verdicts.append(Verdict(f"(e) {run.cell}: at once after trim", at_once, RECORDS_AT_ONCE_MAX, "%"))
            section.verdicts.append(Verdict(f"(e) {run.cell}: after 3x turnover", later, RECORDS_TURNED_MAX, "%"))
    section.tables = [table]
    return section


def dirtied(run: Run, child: int) -> int:
    return run.at("child_end", child).private_dirty_bytes - run.at("child_begin", child).private_dirty_bytes


def dirtied_by_frees(run: Run) -> float:
    """The median child, less what a child dirties that only walks over the blocks."""
    return max(statistics.median(dirtied(run, child) for child in range(1, CHILDREN + 1)) - dirtied(run, 0), 0)


def judge_prefork(runs: Sequence[Run]) -> Section:
    section = Section("f")
    section.notes.append("a Python child that walks over its objects writes their reference counts: see 'walk only'")
    table = [["MB of a child's own", "peak", "walk only", "free half", "by the frees", "% of peak"]]
    for run in runs:
        peak = above_baseline(run, "full")
        freed = statistics.median(dirtied(run, child) for child in range(1, CHILDREN + 1))
        figures = [peak / MB, dirtied(run, 0) / MB, freed / MB, dirtied_by_frees(run) / MB]
        share = 100 * dirtied_by_frees(run) / peak
        table.append([f"{run.cell}: {run.peer}", *(number(figure) for figure in figures), number(share)])
    section.tables = [table]
    for cell, rivals in (("malloc", (GLIBC_TRIM, GLIBC)), ("python blocks", (PYMALLOC,))):
        ours = pick(runs, cell, OURS_PRELOADED)
        rival = next((run for name in rivals if (run := pick(runs, cell, name)) is not None), None)
        if ours is not None and rival is not None and dirtied_by_frees(rival) > 0:
            ratio = 100 * dirtied_by_frees(ours) / dirtied_by_frees(rival)
            name = "glibc" if rival.peer in (GLIBC, GLIBC_TRIM) else rival.peer
            section.verdicts.append(Verdict(f"(f) {cell}: dirtied, of {name}'s", ratio, 100 * DIRTIED_RATIO_MAX, "%"))
    return section


def judge_trims(runs: Sequence[Run]) -> Section:
    section = Section("trim", notes=["ms, least and median of the trials; the median is judged"])
    table = [["", "heap, MB", "held, %", "least ms", "median ms"]]
    for run in runs:
        trims = [phase for phase in run.phases if phase.phase == "trimmed"]
        peak = run.at("full", 1).rss_bytes - run.baseline_bytes
        share = 100 * (trims[0].rss_bytes - run.baseline_bytes) / peak
        times_ms = [phase.took_ms for phase in trims]
        middle_ms = statistics.median(times_ms)
        row = [number(peak / MB, 0), number(share), number(min(times_ms), 0), number(middle_ms, 0)]
        table.append([f"{run.cell}: {run.peer}", *row])
        if run.peer == OURS_PRELOADED:
            section.verdicts.append(Verdict(f"(trim) {run.cell}", middle_ms, TRIM_MS_MAX, " ms"))
    section.tables = [table]
    return section


def check_process(section: Section, runs: Sequence[Run]) -> None:
    """VMAs that stay constant, and no huge page behind which RSS could lie, over all runs of smallblock."""
    ours = [run for run in runs if run.peer == OURS_PRELOADED]
    if not ours:
        return
    more = max(max(phase.vmas for phase in run.phases) - run.phases[0].vmas for run in ours)
    section.verdicts.append(Verdict(f"({section.scenario}) VMAs more than at the start", more, VMAS_MORE_MAX, ""))
    huge = max(phase.anon_huge_bytes for run in ours for phase in run.phases)
    what = f"({section.scenario}) bytes in huge pages, which RSS would not show"
    section.verdicts.append(Verdict(what, huge, 0, ""))


def judge(scenario: str, runs: Sequence[Run]) -> Section:
    if scenario in ("a", "b"):
        section = judge_drop(scenario, runs)
    else:
        functions = {"c": judge_turnover, "d": judge_sawtooth, "e": judge_records, "f": judge_prefork}
        section = functions.get(scenario, judge_trims)(runs)
    check_process(section, runs)
    return section
