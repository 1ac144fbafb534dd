"""Buonomano (2005): the claims at a small size, and pictures."""

from caudate.training.reproduction import reproduce


def test_two_seeds_show_it_and_pictures_are_drawn(tmp_path):
    only = ("precise", "scaling")
    said: list[str] = []
    found = reproduce("buonomano2005", out=tmp_path, quick=True, only=only, say=said.append)
    failed = [claim.text for claim in found.claims if not claim.passed]
    # Two seeds do not settle how jitter correlates with latency.
    assert all("jitter" in text for text in failed)
    assert len(found.claims) == 13
    figures = {path.name for path in (found.path / "figures").glob("*.png")}
    assert figures == {"precise.png", "scaling.png"}
