"""The Urdu catalogue is complete, sound, and compiled from its source."""

from __future__ import annotations

import re
from string import Formatter

from tests.web import catalogue

ARABIC = re.compile(r"[\u0600-\u06ff]")
NAMED = re.compile(r"%\((\w+)\)s")


def test_every_text_of_the_pages_has_an_urdu_translation() -> None:
    known = catalogue.read()
    missing = [text for text in catalogue.wanted() if not getattr(known.get(text), "string", "")]
    assert missing == []


def test_no_translation_is_left_in_another_script() -> None:
    latin = {
        str(message.id): message.string
        for message in catalogue.read()
        if message.id and message.string and not ARABIC.search(str(message.string))
    }
    assert latin == {}


def test_translations_keep_every_placeholder() -> None:
    for message in catalogue.read():
        text, urdu = str(message.id), str(message.string)
        if not text or not urdu:
            continue
        assert sorted(NAMED.findall(text)) == sorted(NAMED.findall(urdu)), text
        if "%(" not in text:
            fields = [[name for _, name, _, _ in Formatter().parse(one)] for one in (text, urdu)]
            assert sorted(map(str, fields[0])) == sorted(map(str, fields[1])) or (
                set(filter(None, fields[0])) == set(filter(None, fields[1]))
            ), text


def test_the_compiled_catalogue_is_that_of_the_source() -> None:
    assert catalogue.compiled(catalogue.read()) == catalogue.MO.read_bytes()
