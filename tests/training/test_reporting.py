"""Reports: what is on the page, and that no text on it is taken for HTML."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest

from caudate.training import UsageError, compare, make_report
from caudate.training.comparison_spec import Comparison, Entrant, Row, comparison_from_names
from caudate.training.comparison_status import Status
from caudate.training.reporting.charts import Series, amount, line_chart
from caudate.training.reporting.markup import tag
from caudate.training.reporting.material import gather
from caudate.training.runs import Run

from .conftest import one_sentence

TASKS = ["caudate/ReversalBandit-v0", "caudate/Bandit-v0"]
HOSTILE = '<script>alert("1")</script>'
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
VOID = {"meta", "img", "input"}


class Page(HTMLParser):
    """Elements of a page; fails where they are not closed in order."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def named(self, name):
        return [attributes for tag, attributes in self.elements if tag == name]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Two agents on two tasks, both seeds."""
    folder = tmp_path_factory.mktemp("report")
    comparison = comparison_from_names(
        ["rescorla-wagner", "win-stay-lose-shift"], TASKS, seeds=2, steps=300
    )
    return compare(comparison, out=folder, jobs=2, say=lambda text: None).path


@pytest.fixture(scope="module")
def report(done):
    return make_report(done, trials=100)


def test_a_page_has_all_parts_and_loads_nothing(report, done):
    text = report.read_text("utf-8")
    page = Page(text)
    assert report == done / "report.html"
    for title in ("Over all tasks", "Tasks", "Runs", "Configuration", "Behaviour"):
        assert f">{title}</h" in text
    assert "8 of 8 runs finished" in text
    for name in ("img", "script", "link", "iframe"):
        sources = [one.get("src") or one.get("href") for one in page.named(name)]
        assert all(source is None or source.startswith("data:") for source in sources)
    assert not re.search(r"https?://(?!www\.w3\.org)", text)
    links = [one["href"] for one in page.named("a") if not str(one["href"]).startswith("#")]
    assert len(links) == 8
    assert all((done / str(link)).is_dir() for link in links)
    assert all(one.get("scope") in ("col", "row") for one in page.named("th"))
    assert len(page.named("caption")) == len(page.named("table"))
    assert '"learning_rate"' in text.replace("&quot;", '"') or "learning_rate" in text
    assert "numpy" in text


def test_the_same_folder_has_the_same_page(report, done, tmp_path):
    again = make_report(done, done / "again.html", trials=100)
    assert again.read_bytes() == report.read_bytes()
    again.unlink()
    plain = make_report(done, tmp_path / "plain.html", trials=0).read_text("utf-8")
    assert "Behaviour" not in plain


def test_single_runs_and_folders_of_runs_have_pages(done, tmp_path):
    run = done / "bandit-v0" / "rescorla-wagner-seed0"
    text = make_report(run, tmp_path / "one.html", trials=0).read_text("utf-8")
    assert "Run: 1 of 1 run finished." in text
    shutil.copytree(done / "bandit-v0", tmp_path / "runs")
    config = tmp_path / "runs/rescorla-wagner-seed1/config.json"
    content = json.loads(config.read_text())
    content["options"]["learning_rate"] = 0.125
    config.write_text(json.dumps(content))
    (tmp_path / "runs/win-stay-lose-shift-seed1/config.json").write_text("{}")
    (tmp_path / "runs/win-stay-lose-shift-seed0/result.json").unlink()
    text = make_report(tmp_path / "runs", trials=0).read_text("utf-8")
    assert "2 of 3 runs finished" in text
    assert "rescorla-wagner, learning_rate=0.125" in text
    assert "1 unfinished" in text
    assert "is not a run" in text


def change(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_runs_with_other_settings_are_other_agents(done, tmp_path):
    settings = [
        {},
        {"seed": 1},
        {"num_envs": 7},
        {"eval_every": 50},
        {"cpu_limit": 9.0},
        {"steps": 500},
        {"until": 0.9},
        {"until": 0.9, "steps": 500},
    ]
    for i, values in enumerate(settings):
        run = tmp_path / "runs" / str(i)
        shutil.copytree(done / "bandit-v0" / "rescorla-wagner-seed0", run)
        change(run / "config.json", **values)
    comparison = gather(tmp_path / "runs").table.comparison
    usual = "cpu_limit=30.0, eval_every=100000, num_envs=8"
    assert [(one.label, one.seeds) for one in comparison.agents] == [
        (f"rescorla-wagner, {usual}", [0, 1]),
        (f"rescorla-wagner, {usual.replace('num_envs=8', 'num_envs=7')}", [0]),
        (f"rescorla-wagner, {usual.replace('100000', '50')}", [0]),
        (f"rescorla-wagner, {usual.replace('30.0', '9.0')}", [0]),
        (f"rescorla-wagner, {usual}, steps=300", [0]),
        (f"rescorla-wagner, {usual}, steps=500", [0]),
    ]
    assert [row.label for row in comparison.rows] == [
        "Bandit-v0, steps=300", "Bandit-v0, steps=500", "Bandit-v0",
    ]  # fmt: skip
    text = make_report(tmp_path / "runs", trials=0).read_text("utf-8")
    assert "8 of 8 runs finished" in text


def test_a_folder_below_one_of_wandb_has_a_page(done, tmp_path):
    folder = tmp_path / "wandb" / "runs"
    shutil.copytree(done / "bandit-v0" / "rescorla-wagner-seed0", folder / "a")
    (folder / "a" / "wandb" / "run-1").mkdir(parents=True)
    (folder / "a" / "wandb" / "run-1" / "config.json").write_text("{}")
    assert "1 of 1 run finished" in make_report(folder, trials=0).read_text("utf-8")


def test_links_lead_to_folders_whose_names_are_no_text(done, tmp_path):
    run = tmp_path / os.fsdecode(b"caf\xe9 #1")
    try:
        shutil.copytree(done / "bandit-v0" / "rescorla-wagner-seed0", run)
    except OSError:
        pytest.skip("names are texts on this file system")
    page = Page(make_report(tmp_path, trials=0).read_text("utf-8"))
    links = [str(one["href"]) for one in page.named("a") if not str(one["href"]).startswith("#")]
    assert links == ["./caf%E9%20%231/"]
    assert os.path.isdir(os.fsencode(tmp_path) + b"/" + unquote_to_bytes(links[0]))


DAMAGED = ["{", "[]", "{}", "null", '{"confirmed": 3}', "null score"]


@pytest.mark.parametrize("damaged", DAMAGED)
def test_a_damaged_result_is_a_problem_and_ends_nothing(done, tmp_path, damaged):
    shutil.copytree(done, tmp_path / "c")
    file = tmp_path / "c" / "bandit-v0" / "rescorla-wagner-seed0" / "result.json"
    if damaged == "null score":
        change(file, confirmed={"value": None, "low": 0.0, "high": 1.0})
    else:
        file.write_text(damaged)
    for folder, n in ((tmp_path / "c", 8), (tmp_path / "c" / "bandit-v0", 4)):
        text = make_report(folder, trials=0).read_text("utf-8")
        assert f"{n - 1} of {n} runs finished" in text
        assert "1 unfinished" in text
        assert str(file.parent) in text or damaged == "null"  # which stands for no result


def test_damaged_records_and_configurations_are_problems(done, tmp_path):
    shutil.copytree(done, tmp_path / "c")
    runs = tmp_path / "c" / "bandit-v0"
    (runs / "rescorla-wagner-seed0" / "metrics.jsonl").write_text('{"timesteps": []}\n{\n')
    (runs / "rescorla-wagner-seed1" / "config.json").write_text("[")
    for folder in (tmp_path / "c", runs):
        text = make_report(folder, trials=0).read_text("utf-8")
        assert "rescorla-wagner-seed0/metrics.jsonl" in text
        assert "rescorla-wagner-seed1/config.json" in text


def test_a_run_whose_scores_are_no_numbers_has_a_page(done, tmp_path):
    for name in ("rescorla-wagner-seed0", "rescorla-wagner-seed1"):
        run = tmp_path / "runs" / name
        shutil.copytree(done / "bandit-v0" / name, run)
        if name.endswith("1"):
            records = Run(run).records()
            lines = [json.dumps(record | {"score": math.nan}) + "\n" for record in records]
            (run / "metrics.jsonl").write_text("".join(lines))
            change(run / "result.json", confirmed=dict.fromkeys(("value", "low", "high"), math.nan))
    for folder in (tmp_path / "runs", run):
        text = make_report(folder, trials=0).read_text("utf-8")
        assert "nan [nan, nan]" in text
        assert not re.search(r'd="[^"]*nan', text)


def test_no_text_is_taken_for_html(tmp_path):
    agents = [Entrant(name="eprop", label=HOSTILE, seeds=1), Entrant(name="ppo", seeds=1)]
    rows = [Row(task=TASKS[0], label='"><img src=x onerror=alert(2)>', steps=10)]
    comparison = Comparison(name="few", title=HOSTILE, agents=agents, rows=rows)
    run = "img-src-x-onerror-alert-2/script-alert-1-script-seed0"
    Status(tmp_path, comparison).failed(run, f"no such {HOSTILE}\ud800")
    text = make_report(tmp_path).read_text("utf-8")
    page = Page(text)
    assert len(page.named("script")) == 1
    assert page.named("img") == []
    assert not any(name.startswith("on") for _, given in page.elements for name in given)
    assert "no such &lt;script&gt;" in text
    assert "1 failed, 1 missing" in text
    policy = next(one["content"] for one in page.named("meta") if "http-equiv" in one)
    assert "'unsafe-inline'" not in str(policy)


def test_folders_without_anything_are_one_sentence(cli, tmp_path):
    assert "neither a comparison nor runs" in one_sentence(cli("report", tmp_path))
    assert "There is no folder" in one_sentence(cli("report", tmp_path / "x"))
    (tmp_path / "comparison.json").write_text("[]")
    assert "is not a comparison's" in one_sentence(cli("report", tmp_path))
    with pytest.raises(UsageError, match="trials=-1"):
        make_report(tmp_path, trials=-1)


def test_charts_keep_to_their_frame():
    x = np.array([1.0, 100.0, 1e6])
    line = Series(8, "a", x, np.array([0.0, 0.5, 2.0]), np.zeros(3), np.full(3, 3.0))
    for log in (False, True):
        chart = line_chart([line], name="n", x_label="x", y_label="y", y_range=(0, 1), log=log)
        places = re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", chart)
        assert all(0 <= float(a) <= 420 and 0 <= float(b) <= 270 for a, b in places)
        assert "c1 dashed" in chart
    one = Series(0, "a", *[np.zeros(1)] * 4)
    assert "nan" not in line_chart([one], name="n", x_label="x", y_label="y")
    gaps = np.array([np.nan, 1.0, np.inf])
    some = Series(0, "some", x, gaps, gaps, gaps)
    none = Series(1, "none", x, *[np.full(3, np.nan)] * 3)
    chart = line_chart([some, none], name="n", x_label="x", y_label="y", marks={"m": math.nan})
    assert "some" in chart
    assert not re.search("nan|inf|none", chart)
    assert "line" in line_chart([none], name="n", x_label="x", y_label="y")
    huge = Series(0, "huge", np.ones(2), *[np.array([1e20, 1e20])] * 3)
    assert "huge" in line_chart([huge], name="n", x_label="x", y_label="y")
    assert [amount(v) for v in (0, 0.25, 20_000, 1.5e6)] == ["0", "0.25", "20k", "1.5M"]
    assert tag("p", "<", title='"', hidden=True) == '<p title="&quot;" hidden>&lt;</p>'


# -- in a browser ----------------------------------------------------------------------------


def browse(page, folder, *options, fragment=""):
    command = [
        str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
        "--no-first-run", "--disable-background-networking", "--disable-component-update",
        "--disable-sync", "--virtual-time-budget=2000", f"--user-data-dir={folder / 'profile'}",
        *options, f"{page.as_uri()}{fragment}",
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=120).stdout


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_a_browser_hides_what_is_not_chosen(report, tmp_path):
    text = browse(report, tmp_path, "--dump-dom", fragment="#hide=agent0,task1")
    page = Page(text)
    for _, given in page.elements:
        numbers = given.get("data-agent"), given.get("data-task")
        if any(numbers):
            assert ("hidden" in given) == (numbers[0] == "0" or numbers[1] == "1")
    chooser = next(given for _, given in page.elements if given.get("id") == "chooser")
    assert "hidden" not in chooser


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_a_browser_sorts_by_a_click_and_fits_a_phone(report, tmp_path):
    # A copy without the policy that allows no script but the page's.
    text, n = re.subn(r'<meta http-equiv="[^>]*>', "", report.read_text("utf-8"))
    assert n == 1
    script = """<script>
        const head = document.querySelectorAll("#runs th[scope=col]")[3];
        head.querySelector("button").click(); head.querySelector("button").click();
        document.querySelector("#chooser input").click();
        document.body.style.width = "390px";
        document.title = "width " + document.body.scrollWidth;
    </script></body>"""
    copy = tmp_path / "copy.html"
    copy.write_text(text.replace("</body>", script), "utf-8")
    dom = browse(copy, tmp_path, "--dump-dom", "--window-size=1280,900")
    assert "<title>width 390</title>" in dom
    assert 'aria-sort="descending"' in dom
    runs = dom[dom.index('id="runs"') : dom.index('id="configuration"')]
    scores = [float(one) for one in re.findall(r"<td>(\d\.\d{3}) \[", runs)]
    assert len(scores) == 8
    assert scores == sorted(scores, reverse=True)
    assert re.search(r'<tr data-agent="0"[^>]* hidden', runs)
