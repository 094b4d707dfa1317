"""What axe-core finds on a page, once nothing fades any more."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def violations(page: Page) -> list[str]:
    """Rule, impact and element of each violation on the page as it is."""
    # Halfway through a fade, which may begin a frame late, text has less contrast than anybody gets
    # to read.
    page.evaluate("new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")
    page.evaluate(
        "Promise.all(document.getAnimations()"
        ".filter((one) => one.effect.getComputedTiming().endTime < Infinity)"
        ".map((one) => one.finished.catch(() => {})))"
    )
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {node['html'][:160]}"
        for one in found
        for node in one["nodes"]
    ]
