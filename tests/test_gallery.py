"""The gallery of formulas is what the script makes of today's models, and every link in it leads somewhere."""

import re

import gallery

import symroof


def test_the_gallery_is_up_to_date():
    assert gallery.gallery() == gallery.PATH.read_text()


def test_each_lineage_has_an_architecture_of_its_own():
    names = [name for models in gallery.LINEAGES.values() for name in models]
    assert len({symroof.load(name).architecture.structure for name in names}) == len(names) >= 40


def test_links_lead_to_sections():
    text = gallery.PATH.read_text()
    titles = re.findall(r"^### (.*)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", x.lower()).replace(" ", "-") for x in titles}
    links = re.findall(r"\]\(#(.*?)\)", text)
    assert len(links) == len(titles) == len(anchors)
    assert set(links) == anchors
