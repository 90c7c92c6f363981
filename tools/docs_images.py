"""Draws the plans that ``docs/`` shows; ``make docs-images`` runs it."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

from plan_picture import draw
from run_docs import ROOT, blocks_of

from memstow import planners
from memstow.accelerator import Accelerator, load_accelerator
from memstow.planners import Effort, Problem
from memstow.program import Program
from memstow.schema import write_text

IMAGES = ROOT / "docs" / "images"
WORK = ROOT / "build" / "docs_images"
GAME_PAGE = ROOT / "docs" / "game.md"


def unet_picture() -> str:
    """The tiny U-Net of the zoo on an Ethos-U55 with 96 KiB, a long search's plan."""
    memstow = str(Path(sys.executable).parent / "memstow")
    options = ["--size", "tiny", "--accelerator", "ethos_u55", "--plan-only", "--out", str(WORK)]
    subprocess.run([memstow, "compile", "unet", *options], check=True, stdout=subprocess.DEVNULL)
    part = load_accelerator("ethos_u55").with_capacity(96 * 1024)
    return _picture(Program.load(WORK / "program.json"), part)


def game_picture() -> str:
    """The best plan of the game's worked example, whose files the page has."""
    files = {block.title: block.text for block in blocks_of(GAME_PAGE)}
    program = Program.parse(json.loads(files["block.program.json"]), where=str(GAME_PAGE))
    part = Accelerator.parse(tomllib.loads(files["toy.toml"]), where=str(GAME_PAGE))
    return _picture(program, part)


def _picture(program: Program, part: Accelerator) -> str:
    plan = planners.get("local-search").plan(Problem(program, part), Effort(iterations=3000), seed=0)
    return draw(program, plan, part.capacity)


def main() -> None:
    """Write both files."""
    for name, picture in (("plan.svg", unet_picture), ("game.svg", game_picture)):
        write_text(IMAGES / name, picture())
        print(IMAGES / name)


if __name__ == "__main__":
    main()
