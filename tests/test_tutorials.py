"""The tutorials, word for word: files are written and commands given as a reader would."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
CODE_LINES = 100  # of each file, at most
# The same commands on fewer runs.
FEWER = {"seeds = 5": "seeds = 1", "cpu_limit = 10": "cpu_limit = 1"}
FASTER = {"--seeds 3": "--seeds 1", "--cpu-limit 5": "--cpu-limit 0.5"}


def follow(page: str, smaller: dict[str, str], folder: Path) -> str:
    """Write the page's files, run its snippets and its commands; returns what they print."""
    text = (DOCS / page).read_text("utf-8")
    for large, small in smaller.items():
        assert large in text
        text = text.replace(large, small)
    printed = ""
    named = r"^[^\n]*`([\w.]+\.(?:py|toml))`[.:]\n\n```(?:python|toml)\n(.*?)^```"
    for name, content in re.findall(named, text, re.MULTILINE | re.DOTALL):
        assert content.count("\n") < CODE_LINES, name
        (folder / name).write_text(content, "utf-8")
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    for kind, block in blocks:
        if kind == "python":
            printed += run([sys.executable, "-c", block], folder)
        for line in block.splitlines() if not kind else []:
            words = [word for word in shlex.split(line) if word != "PYTHONPATH=."]
            if words[0] == "caudate":
                printed += run([sys.executable, "-m", "caudate.training", *words[1:]], folder)
    return printed


def run(command: list[str], folder: Path) -> str:
    env = os.environ | {"PYTHONPATH": ".", "WANDB_MODE": "disabled"}
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    return done.stdout


def test_from_installation_to_a_published_comparison(tmp_path):
    printed = follow("tutorial.md", FEWER, tmp_path)
    assert "probability of improvement" in printed
    page = (tmp_path / "runs/question/report.html").read_text("utf-8")
    assert "Does a trace help to remember?" in page
    assert (tmp_path / "tables/runs.csv").read_text("utf-8").count("\n") == 1 + 3 * 2


def test_a_task_a_rule_and_an_agent_of_ones_own(tmp_path):
    printed = follow("extending.md", FASTER, tmp_path)
    assert printed.count("cosine") == 3
    assert "DelayedXor-Long-v0" in printed
    assert len(list((tmp_path / "runs/compare").glob("*/*/result.json"))) == 4 * 2
    assert "no-trace" in (tmp_path / "runs/compare/report.html").read_text("utf-8")
