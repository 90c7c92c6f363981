"""Photograph a page of ``memstow report`` for the documentation: python tools/report_images.py REPORT.html FOLDER."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

SIZE = {"width": 1280, "height": 1120}
TENSOR = "encoder_layer_5_attention_output_dense_weight"
OFFLINE = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")


def compare(page: Page) -> None:
    """Leave the page as it opens."""


def follow(page: Page) -> None:
    """Zoom to a tensor and follow it through both plans."""
    page.keyboard.press("/")
    page.keyboard.type(TENSOR)
    page.keyboard.press("Enter")
    page.locator(".event.copy").last.click()
    for _ in range(5):
        page.locator("#stage").press("-")
    page.locator("#stage").blur()
    page.locator("#picture").evaluate("node => window.scrollTo(0, node.getBoundingClientRect().top + scrollY - 3)")
    page.set_viewport_size({"width": 1280, "height": 850})


def main(report: Path, folder: Path) -> None:
    """Write ``report_light.png`` and ``report_dark.png`` into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=browser_path, args=list(OFFLINE))
        for scheme, prepare in (("light", compare), ("dark", follow)):
            context = browser.new_context(viewport=SIZE, color_scheme=scheme)
            page = context.new_page()
            page.goto(report.resolve().as_uri())
            prepare(page)
            target = folder / f"report_{scheme}.png"
            page.screenshot(path=target)
            Image.open(target).convert("RGB").save(target, optimize=True)
            print(f"{target}: {target.stat().st_size // 1000} kB")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
