"""The application: one road of screens over one frozen run state. No domain logic lives here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from pathlib import Path
from typing import Any

from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.reactive import reactive
from textual.screen import Screen

from rhaii_tui.catalog.findings import Finding
from rhaii_tui.deployment.running_cost import usd_per_hour_now
from rhaii_tui.deployment.state import RunState
from rhaii_tui.endpoints import Endpoints, google_cloud
from rhaii_tui.settings import Settings, SettingsError, resolve
from screens.answers import Answers
from screens.bridge import Bridge
from screens.journey import Journey
from screens.subject import Subject
from screens.theme import FALLBACK_VARIABLES, THEMES

Connect = Callable[[], AbstractAsyncContextManager[Endpoints]]
"""Opens the cloud for as long as the application runs."""


def _lazily(module: str, name: str) -> Callable[[], Screen[Any]]:
    """A screen that is imported when it is first shown."""

    def make() -> Screen[Any]:
        screen: Screen[Any] = getattr(import_module(f"screens.{module}"), name)()
        return screen

    return make


class RhaiiApp(App[int]):
    """Exit code: 0 when the run is done or nothing was begun, 1 otherwise."""

    TITLE = "rhaii-tui"
    ENABLE_COMMAND_PALETTE = True
    CSS_PATH = ["theme/app.tcss", "theme/dialogs.tcss"]
    SCREENS = {
        "decide": _lazily("decide", "DecideScreen"),
        "preflight": _lazily("preflight", "PreflightScreen"),
        "plan": _lazily("plan", "PlanScreen"),
        "deploy": _lazily("deploy", "DeployScreen"),
        "console": _lazily("cache_console", "CacheConsoleScreen"),
        "done": _lazily("done", "DoneScreen"),
        "scale": _lazily("scale", "ScaleScreen"),
        "teardown": _lazily("teardown", "TeardownScreen"),
        "troubleshoot": _lazily("troubleshoot", "TroubleshootScreen"),
        "progress": _lazily("progress", "ProgressScreen"),
    }
    BINDINGS = [
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True, id="app.quit"),
        Binding("ctrl+c", "interrupt", "Copy or quit", show=False, priority=True, id="app.interrupt"),
        Binding("ctrl+t", "toggle_theme", "Light/dark", show=False, id="app.theme", tooltip="Light or dark theme"),
    ]

    answers: reactive[Answers] = reactive(Answers())
    settings: reactive[Settings | None] = reactive(None)
    run_state: reactive[RunState] = reactive(RunState())
    operation_state: reactive[RunState] = reactive(RunState())
    """The newest scale, stop, wake or teardown of this program; empty before the first."""
    cloud_words: reactive[str] = reactive("")
    spending: reactive[float | None] = reactive(None)
    connection: reactive[Finding | None] = reactive(None)
    """Why there is no cloud to talk to."""

    def __init__(self, connect: Connect, home: Path, *, practice: bool = False, light: bool = False) -> None:
        super().__init__()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = THEMES[1].name if light else THEMES[0].name
        self.practice = practice
        self.journey = Journey(self, connect, home)
        self.bridge = Bridge(self, self._take)
        self.settings_problem = ""
        self._resolve()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return FALLBACK_VARIABLES

    def on_mount(self) -> None:
        self.push_screen(self.first_screen())
        self.call_after_refresh(self.journey.start)

    def first_screen(self) -> str | Screen[Any]:
        """Where the application begins."""
        return "decide"

    def _take(self, state: RunState) -> None:
        with self.batch_update():
            if state.plan is not None and state.plan.kind != "setup":
                self.operation_state = state
            else:
                self.run_state = state
            self.spending = usd_per_hour_now(state)

    @property
    def newest(self) -> RunState:
        """What was worked on last: the road, or an operation after it."""
        return self.operation_state if self.operation_state.approved_at is not None else self.run_state

    @property
    def subject(self) -> Subject | None:
        """The service of the uppermost screen that is about one: scaling and troubleshooting from it mean that one."""
        return next((s.subject for s in reversed(self.screen_stack) if getattr(s, "subject", None)), None)

    def answer(self, answers: Answers) -> None:
        """Take a changed answer; everything that depends on it follows at once."""
        self.answers = answers
        self._resolve()

    def _resolve(self) -> None:
        endpoints = self.journey.endpoints or google_cloud()
        self.settings_problem = ""
        try:
            self.settings = resolve(self.answers.flags(), endpoints, os.environ, Path.cwd())
        except SettingsError as error:
            self.settings_problem = f"{error.what}: {error.why} {error.next}"

    def connected(self, endpoints: Endpoints) -> None:
        """The cloud is there."""
        speed = f" {endpoints.clock.rate:g}x" if endpoints.clock.rate != 1 else ""
        self.connection = None
        self._resolve()
        self.cloud_words = f"practice cloud{speed}" if endpoints.is_practice else "Google Cloud"

    def target_problem(self) -> str:
        """Why the answers do not make a deployment yet; empty when they do."""
        try:
            self.journey.target()
        except SettingsError as error:
            return f"{error.what}: {error.why} {error.next}"
        return ""

    def action_toggle_theme(self) -> None:
        self.theme = THEMES[0].name if self.theme == THEMES[1].name else THEMES[1].name

    def action_monitor(self) -> None:
        from screens.monitor import MonitorScreen
        from screens.subject import own_run

        self.push_screen(MonitorScreen(lambda endpoints: own_run(self)))

    def action_scale(self) -> None:
        self._above_road("scale")

    def action_troubleshoot(self) -> None:
        self._above_road("troubleshoot")

    def action_teardown(self) -> None:
        self._above_road("teardown")

    def _above_road(self, name: str) -> None:
        """Show a screen that is beyond the road, once."""
        wanted = self.get_screen(name)
        if wanted in self.screen_stack:
            while self.screen is not wanted:
                self.pop_screen()
        else:
            self.push_screen(name)

    def action_help(self) -> None:
        from screens.help_page import help_page

        self.push_screen(help_page(self.screen))

    def copy(self, text: str, what: str) -> str:
        """Put text on the terminal's clipboard; the sentence to show for it."""
        self.copy_to_clipboard(text)
        return f"{what} sent to the terminal's clipboard (OSC 52)."

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What is possible now on this screen, then theme and quit."""
        by_id = {active.binding.id: active for active in screen.active_bindings.values()}
        for active in by_id.values():
            binding = active.binding
            refusal = getattr(screen, "refusal", None)
            if active.enabled and binding.id and binding.tooltip and not (refusal and refusal(binding.action)):
                action, node = binding.action, active.node
                yield SystemCommand(
                    f"{binding.description} ({self.get_key_display(binding)})",
                    binding.tooltip,
                    lambda action=action, node=node: self.run_worker(self.run_action(action, node)),
                )
        yield SystemCommand("Monitor", "A running service as it is now", self.action_monitor)
        yield SystemCommand("Scale, stop or wake", "Another number of replicas, or none", self.action_scale)
        yield SystemCommand("Tear down", "Remove what was created; asks for the cluster's name", self.action_teardown)
        yield SystemCommand("Theme", "Choose another theme", self.action_change_theme)

    async def action_interrupt(self) -> None:
        """Ctrl-C: copy what is selected with the mouse, else quit like `q`; pressed again while asked, leave."""
        if text := self.screen.get_selected_text():
            self.copy_to_clipboard(text)
            return
        from screens.dialogs.confirm import Confirm

        if isinstance(self.screen, Confirm) and self.screen.interrupting:
            self.screen.dismiss(True)
        else:
            await self.action_quit()

    async def action_quit(self) -> None:
        """Leave at once when nothing is at stake, else ask, with the focus on staying."""
        from screens.quit_page import at_stake, quit_page

        state = self.newest if self.newest.approved_at is not None else self.journey.left_behind()
        if at_stake(state, self.journey.running):
            self.push_screen(quit_page(state, self.journey.running), self._quit_answered)
        else:
            self._quit_answered(True)

    def _quit_answered(self, leave: bool | None) -> None:
        if leave:
            self.exit(0 if self.newest.approved_at is None or self.newest.outcome == "done" else 1)

    async def _on_exit_app(self) -> None:
        await self.journey.close()
        await super()._on_exit_app()
