"""The log view: ring, filter, search, follow rules, selection and copying."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from rhaii_tui.deployment.logbook import LogBook
from screens.theme import FALLBACK_VARIABLES, THEMES
from screens.widgets.log_lines import LogLines, clean
from screens.widgets.log_pane import LogPane
from screens.widgets.log_view import LogView


class LogApp(App[None]):
    """One log pane over one book."""

    def __init__(self) -> None:
        super().__init__()
        self.book = LogBook()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = THEMES[0].name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return FALLBACK_VARIABLES

    def compose(self) -> ComposeResult:
        yield LogPane()

    def on_mount(self) -> None:
        self.query_one(LogPane).attach(self.book)
        self.query_one(LogView).focus()


def lines(count: int, start: int = 0) -> list[str]:
    return [f"line {i} {'ERROR bad' if i % 10 == 0 else 'fine'}" for i in range(start, start + count)]


def test_the_ring_keeps_the_newest_lines_and_says_how_many_left() -> None:
    ring = LogLines(limit=100, slack=10)
    assert ring.extend(lines(100)) == 0
    dropped = ring.extend(lines(5, 100))
    assert dropped == 15
    assert ring[len(ring) - 1].startswith("line 104")
    assert ring[0].startswith("line 15")


def test_filters_plain_expression_and_inverse() -> None:
    ring = LogLines()
    ring.extend(lines(100))
    ring.set_filter("error")
    assert len(ring) == 10
    ring.set_filter("!error")
    assert len(ring) == 90
    ring.set_filter(r"/line [12] /")
    assert [ring[0][:6], ring[1][:6]] == ["line 1", "line 2"]
    with pytest.raises(re.error):
        ring.set_filter("/(/")
    assert len(ring) == 2


def test_a_filter_survives_the_ring() -> None:
    ring = LogLines(limit=50, slack=10)
    ring.set_filter("ERROR")
    for start in range(0, 500, 25):
        ring.extend(lines(25, start))
    assert all("ERROR" in ring[y] for y in range(len(ring)))
    assert ring[len(ring) - 1].startswith("line 490")


@given(st.lists(st.text(max_size=30), max_size=60), st.integers(1, 20), st.text(max_size=3))
def test_what_is_shown_is_what_a_plain_filter_would_keep(batch: list[str], limit: int, wanted: str) -> None:
    ring = LogLines(limit=limit, slack=1)
    ring.set_filter(wanted)
    for line in batch:
        ring.extend([line])
    kept = [clean(line) for line in batch][-ring.total :] if ring.total else []
    expected = [k for k in kept if not wanted or _matches(wanted, k)]
    assert [ring[y] for y in range(len(ring))] == expected


def _matches(wanted: str, line: str) -> bool:
    from screens.widgets.log_lines import pattern

    found, inverted = pattern(wanted)
    return (found.search(line) is None) == inverted


@given(st.text())
def test_shown_lines_never_carry_control_characters(text: str) -> None:
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in clean(text))


def test_terminal_escapes_disappear() -> None:
    assert clean("\x1b[1;36m(EngineCore)\x1b[0m ok\x1b]0;title\x07") == "(EngineCore) ok"


async def test_it_follows_until_the_user_looks_up_and_end_returns() -> None:
    app = LogApp()
    async with app.run_test(size=(80, 24)) as pilot:
        view = app.query_one(LogView)
        app.book.extend("pod/main", lines(200))
        view.flush()
        assert view.following
        assert view.cursor == 199
        await pilot.press("up")
        assert not view.following
        top = view.scroll_offset.y
        app.book.extend("pod/main", lines(50, 200))
        view.flush()
        await pilot.pause()
        assert view.scroll_offset.y == top
        assert view.new_lines == 50
        assert "50 new lines" in str(app.query_one("#log-foot").render())
        await pilot.press("end")
        assert view.following
        assert view.cursor == 249


async def test_what_the_user_reads_stays_when_old_lines_leave() -> None:
    app = LogApp()
    async with app.run_test(size=(80, 24)):
        view = app.query_one(LogView)
        view.lines = LogLines(limit=300, slack=50)
        view.extend(lines(300))
        view.flush()
        view._go(150)
        reading = view.lines[view.cursor]
        view.extend(lines(20, 300))
        view.flush()
        assert view.lines[view.cursor] == reading


async def test_pause_holds_lines_back_and_lets_them_in() -> None:
    app = LogApp()
    async with app.run_test(size=(80, 24)) as pilot:
        view = app.query_one(LogView)
        app.book.extend("pod/main", lines(10))
        view.flush()
        await pilot.press("p")
        app.book.extend("pod/main", lines(5, 10))
        await pilot.pause()
        assert len(view.lines) == 10
        assert view.waiting == 5
        await pilot.press("p")
        assert len(view.lines) == 15


async def test_filter_search_select_and_copy_by_keyboard() -> None:
    app = LogApp()
    async with app.run_test(size=(100, 24)) as pilot:
        view = app.query_one(LogView)
        app.book.extend("pod/main", lines(100))
        view.flush()
        await pilot.press("f", *"error", "enter")
        assert len(view.lines) == 10
        await pilot.press("Y")
        assert app.clipboard.count("\n") == 9
        await pilot.press("escape")
        assert len(view.lines) == 100
        await pilot.press("slash", *"line 5", "enter")
        await pilot.press("N", "N")
        await pilot.press("y")
        assert app.clipboard.startswith("line 5")
        await pilot.press("home", "v", "down", "down", "y")
        assert app.clipboard.splitlines() == lines(3)
        assert "OSC 52" in str(app.query_one("#log-foot").render())


async def test_a_bad_expression_is_named_and_changes_nothing() -> None:
    app = LogApp()
    async with app.run_test(size=(100, 24)) as pilot:
        view = app.query_one(LogView)
        app.book.extend("pod/main", lines(20))
        view.flush()
        await pilot.press("f", "slash", "(", "slash", "enter")
        assert len(view.lines) == 20
        assert "not a regular expression" in str(app.query_one("#log-foot").render())


async def test_text_can_be_selected_with_the_mouse() -> None:
    app = LogApp()
    async with app.run_test(size=(80, 24)) as pilot:
        view = app.query_one(LogView)
        app.book.extend("pod/main", lines(5))
        view.flush()
        await pilot.pause()
        await pilot.mouse_down(view, offset=(1, 0))
        await pilot.hover(view, offset=(7, 1))
        await pilot.mouse_up(view, offset=(7, 1))
        text, what = view.selected()
        assert what == "selection"
        assert text.startswith("line 0 ERROR bad\nline 1")


async def test_the_newest_stream_is_shown_until_the_user_chooses() -> None:
    app = LogApp()
    async with app.run_test(size=(80, 24)) as pilot:
        view, pane = app.query_one(LogView), app.query_one(LogPane)
        app.book.extend("a/main", lines(3))
        app.book.extend("b/main", lines(7))
        assert pane.stream == "b/main"
        assert len(view.lines) == 7
        await pilot.press("left_square_bracket")
        assert pane.stream == "a/main"
        app.book.extend("c/main", lines(2))
        app.book.extend("a/main", lines(2, 3))
        view.flush()
        assert pane.stream == "a/main"
        assert len(view.lines) == 5
