"""The live window: a text streams while its sliders are moved; every token can be looked at, taken back and chosen.

A text is streamed by one asyncio task on the kernel's own loop. A task lets the kernel take messages between two
tokens, which a blocking cell does not; unlike a thread it never runs while another cell does.
"""

from __future__ import annotations

import asyncio
import contextvars
import math
import os
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from helpers import checks, sentences
from helpers.interventions import AS_IT_IS, Change, can_change, checked_heads, units_of
from helpers.protocols import LanguageModel, TokenizerProtocol
from helpers.records import TokenStep
from helpers.sampling import SamplingSettings
from helpers.streaming import Generation
from helpers.window.controls import SPEEDS, make_controls, show_playing
from helpers.window.forks import Fork, Forks, common, tree_part
from helpers.window.journey import Frame, JourneyView, Message, Part, closed_part, inside_part, read_part
from helpers.window.page import checked_path, page_of, write_page
from helpers.window.views import display_widget

if TYPE_CHECKING:  # compare.py builds on this module
    from helpers.window.compare import Comparison

TASK = "token-journey live window"  # its name tells a window's stream from the kernel's other tasks
MESSAGE_SECONDS = 0.09  # from message to message: each is shown in two halves, and costs more than what is in it
SLOWLY_SECONDS = 1.0  # the plots' sentences, which are read and not watched, may lag that much
ENDED_SECONDS = 1.0  # ignore Play just after a text's own end: the click aimed at Pause
SLOW_SECONDS = 0.015  # a model that takes longer for a token computes beside the loop
LENS_LIMIT = 10_000  # of a larger vocabulary the lens ranks only the step's own candidates, which costs far less
CLOSED_MODEL = "This model does not say what is inside it."
BEGIN = SamplingSettings(temperature=0.8, top_p=0.9)


class Explorer:
    """The live window over one or more models.

    models: {name: (model, tokenizer)}; the first one is shown first. `generation` is the text that the window shows;
    `position` says how many of its steps are looked at. Only one window streams at a time. `large` is for projectors,
    `inside` opens what is inside at once.
    """

    def __init__(
        self,
        models: Mapping[str, tuple[LanguageModel, TokenizerProtocol]],
        prompt: str = "One day, Mia",
        seed: int = 0,
        settings: SamplingSettings = BEGIN,
        *,
        speed: str = "5/s",
        max_new_tokens: int = 200,
        large: bool = False,
        inside: bool = False,
    ) -> None:
        self._models = _checked_models(models)
        checks.text_of("the prompt", prompt)
        self._view = self._new_view()
        self._controls = make_controls(self._view, list(models), prompt, seed, settings, speed, max_new_tokens)
        if checks.true_or_false("large", large):
            self.widget.add_class("explorer-large")
        self._controls.inside.value = checks.true_or_false("inside", inside)
        self._loop, self._context = _running_loop(), contextvars.copy_context()
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stream: asyncio.Task[None] | None = None
        self._notice, self._trouble, self._token_seconds = "", "", math.inf
        self._slow, self._ended = -math.inf, -math.inf
        self._can = {name: can_change(model) for name, (model, _) in models.items()}
        self._change, self._begun_with, self._interrupted = AS_IT_IS, self._controls.beginning, False
        self._changed = self._model  # with this change in it
        self.generation = self._new_generation()
        self._forks = Forks()
        self.position = 0
        self._asked: int | None = None  # a place within the prompt that the page looks at
        self._pause_other_windows()
        self._connect()
        self._draw()

    # ------------------------------------------------------------------------------------------------ for lessons

    @staticmethod
    def compare(
        runs: Mapping[str, tuple],
        prompt: str = "One day, Mia",
        seed: int = 0,
        settings: SamplingSettings = BEGIN,
        *,
        speed: str = "5/s",
        max_new_tokens: int = 200,
        large: bool = False,
    ) -> Comparison:
        """A window over two runs of one prompt, which grow in step; it says where they part.

        runs: {name: (model, tokenizer, settings, seed)}, two of them. What is left out, or None, the window's sliders
        and its seed say.
        """
        from helpers.window.compare import Comparison

        return Comparison(runs, prompt, seed, settings, speed=speed, max_new_tokens=max_new_tokens, large=large)

    @property
    def widget(self) -> widgets.VBox:
        """The window as one widget."""
        return self._controls.whole

    @property
    def settings(self) -> SamplingSettings:
        """What the sliders say now."""
        return self._controls.settings

    @property
    def playing(self) -> bool:
        """True while a text streams in this window."""
        return self._stream is not None and not self._stream.done()

    @property
    def forks(self) -> tuple[Fork, ...]:
        """The branches that this text has left since it began, the latest 12, the oldest first."""
        return self._forks.beside(self.generation.steps)

    def run(self, steps: int) -> None:
        """Take up to `steps` steps at once, in this cell; stop where the text ends."""
        steps = checks.whole_number("steps", steps)
        self._check_idle()
        self._agree()
        self._fork()
        try:
            while steps and not self._at_end():
                self._take(self.generation.step(self.settings))
                steps -= 1
        finally:
            self._draw()  # after an interrupt, too

    def save_page(self, path: str | os.PathLike, *, overwrite: bool = False) -> Path:
        """Write this journey as one HTML file, which any browser opens without kernel and network; the path itself.

        path: ends in .html. A page that was saved before is replaced, any other file only if `overwrite` is True.
        ValueError or OSError says why there is no such file to be had.
        """
        target = checked_path(path, checks.true_or_false("overwrite", overwrite))
        self._check_idle()
        model, prompt, seed = self._begun_with
        beginning = f"‘{prompt}’, continued by the model ‘{model}’ with seed {seed}"
        write_page(target, page_of(self.generation, self.position, beginning, self._inside))
        return target

    def _check_idle(self) -> None:
        if self.playing or self._lock.locked():
            raise RuntimeError("the window is at work: press Pause first, and wait until it says so")

    # What the buttons do, for cells and tests. Each returns at once; the window acts as soon as the cell has ended.

    def play(self) -> None:
        """Let the text grow from the step that is looked at."""
        self._ask(self._go_on)

    def pause(self) -> None:
        """Stop after the token that is being computed."""
        self._ask(self._nothing)

    def step(self) -> None:
        """One token more or, where an older step is looked at, the next step."""
        self._ask(self._step)

    def back(self) -> None:
        """Look at the step before; nothing is lost."""
        self._ask(self._look_by, -1)

    def reset(self) -> None:
        """Back to the prompt and to the model as it is; the sliders stay as they are."""
        self._ask(self._reset)

    def choose(self, token_id: int) -> None:
        """Take this id in place of the one that came out at the step looked at; what came later is dropped."""
        model = self._models[self._controls.model.value][0]
        self._ask(self._choose, checks.token_id(token_id, model.vocab_size, "the model's vocabulary", "token_id"))

    def look(self, position: int) -> None:
        """Look at step number `position`, from 0 (the prompt) to the number of steps there are."""
        self._ask(self._look_to, checks.whole_number("position", position))

    def restore(self, number: int) -> None:
        """Bring back the branch of this number; the text that is shown becomes one in its place."""
        self._ask(self._restore, self._forks.checked(number))

    def mute(self, heads: Iterable[tuple[int, int]]) -> None:
        """Mute these attention heads, (layer, head) each, and no others; an empty list unmutes all.

        It holds from the next token on, also in a text that begins anew, until reset() or another model is chosen. A
        text that streams goes on. Tokens that are there stay; Play and Step fork after the step looked at.
        """
        self._ask(self._mute, checked_heads(self._model, heads))

    def flip(self, position: int, unit: int) -> None:
        """Turn the sign of a unit of the memory after the token at `position` (0 = bos) was read; twice turns it back.

        The window goes to the step that brought this token, and Play and Step fork after it; a text that streams goes
        on from there. It holds as long as `mute` does.
        """
        self._ask(self._flip, *self._checked_flip(position, unit))

    def _ipython_display_(self) -> None:
        """Show the window as a widget view and nothing else: stored notebooks leave widget views out."""
        display_widget(self.widget)

    # ---------------------------------------------------------------------------------- from the page to the loop

    def _connect(self) -> None:
        c = self._controls
        c.play.on_click(lambda _: self._play_pressed())
        c.step.on_click(lambda _: self.step())
        c.back.on_click(lambda _: self.back())
        c.reset.on_click(lambda _: self.reset())
        for widget in (c.prompt, c.seed, c.model):
            widget.observe(lambda _: self._ask(self._begin_afresh), names="value")
        for part in (c.inside, c.tree):
            part.observe(lambda _: self._open_inside(), names="value")

    def _play_pressed(self) -> None:
        just_ended = self.generation.finish_reason and time.monotonic() - self._ended < ENDED_SECONDS
        if self.playing:
            self.pause()
        elif not (just_ended and self._is_latest()):
            self.play()

    def _open_inside(self) -> None:
        """Open or fold the part. A text that streams goes on: its next message brings what is opened."""
        if self._loop is None:
            self._draw()
        else:
            self._loop.call_soon_threadsafe(self._draw_if_idle)

    def _receive(self, message: Message) -> None:
        """What the page sends: a press on a token or on a candidate, or a question for the whole text."""
        kind = message.get("kind")
        if kind == "whole":
            self._view.forget()
            self._open_inside()
        elif kind == "look":
            self.look(message["position"])
        elif kind == "read":
            self._ask(self._read, message["place"])
        elif kind == "choose":
            self._ask(self._choose_candidate, message["position"], message["token_id"])
        elif kind == "mute":
            self._ask(self._toggle_head, message["head"])
        elif kind == "unmute":
            self._ask(self._mute, ())
        elif kind == "flip":
            self._ask(self._flip, message["position"], message["unit"])
        elif kind == "restore":
            self._ask(self._restore, message["number"])

    def _draw_if_idle(self) -> None:
        if not self.playing and not self._lock.locked():
            self._draw()

    def _ask(self, action: Callable[..., Awaitable[None]], *arguments: Any) -> None:
        """Have something done on the loop's own thread: widgets' callbacks may come on any."""
        self._running().call_soon_threadsafe(self._start, self._carry_out(action, *arguments))

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            raise RuntimeError("no event loop runs here: open the window in a notebook, or use explorer.run(n)")
        return self._loop

    def _start(self, work: Coroutine[Any, Any, None], name: str | None = None) -> asyncio.Task[None]:
        task = self._running().create_task(work, name=name, context=self._context)
        self._tasks.add(task)  # the loop itself holds tasks only weakly
        task.add_done_callback(self._tasks.discard)
        return task

    async def _carry_out(self, action: Callable[..., Awaitable[None]], *arguments: Any) -> None:
        """Stop the stream, then do what was asked; an error is shown in the window."""
        async with self._lock:
            self._interrupted = self.playing
            await self._pause()
            self._notice = self._trouble = ""
            if action not in (self._mute, self._toggle_head, self._flip):  # they are shown at a prompt's token, too
                self._asked = None
            try:
                await action(*arguments)
            except Exception as error:
                self._trouble = _said(error)
            self._draw()

    def _pause_other_windows(self) -> None:
        for task in asyncio.all_tasks(self._loop) if self._loop else ():
            if task.get_name() == TASK and task is not self._stream:
                task.cancel()

    # ---------------------------------------------------------------------------------------------- what is done

    async def _pause(self) -> None:
        if self._stream is not None and not self._stream.done():
            self._stream.cancel()
            await asyncio.wait([self._stream])

    async def _go_on(self) -> None:
        self._agree()
        if self._is_latest() and self.generation.finish_reason:
            self._restart("Started again from the prompt.")
        self._fork()
        self._pause_other_windows()
        self._stream = self._start(self._play(), TASK)

    async def _play(self) -> None:
        """Stream until the end or a pause; at most 11 messages a second, 22 with the inside, and one at the end."""
        drawn = 0.0
        try:
            while not self._at_end():
                began = time.monotonic()
                await self._take_step()
                if time.monotonic() - drawn >= MESSAGE_SECONDS / (2 if self._controls.inside.value else 1):
                    drawn = time.monotonic()
                    self._draw()
                per_second = SPEEDS[self._controls.speed.value]
                await asyncio.sleep(max(0.0, 1 / per_second - (time.monotonic() - began)) if per_second else 0.0)
        except asyncio.CancelledError:
            pass  # this is how it is paused
        except Exception as error:
            self._trouble = _said(error)
        finally:
            self._stream, self._ended = None, time.monotonic()
            self._draw()

    async def _step(self) -> None:
        self._agree()
        if self._is_latest() and self.generation.finish_reason:
            self._notice = "The text has ended: Reset it, or go Back and play on from there."
        elif self._is_latest() or self.generation.steps[self.position].changed != str(self._change):
            self._fork()
            await self._take_step()
        else:
            self._show(self.position + 1)

    async def _take_step(self) -> None:
        """One token more; a slow model, and any model that reads the prompt, computes beside the loop."""
        settings, began = self.settings, time.monotonic()
        if self._token_seconds < SLOW_SECONDS:
            step = self.generation.step(settings)
        else:
            work = asyncio.ensure_future(asyncio.to_thread(self.generation.step, settings))
            try:
                step = await asyncio.shield(work)
            except asyncio.CancelledError:
                self._take(await _outlasting(work))  # a thread cannot be stopped: what it has begun is kept
                raise
        self._token_seconds = time.monotonic() - began
        self._take(step)

    async def _nothing(self) -> None:
        """To pause is all that was asked, and whatever is asked pauses first."""

    async def _look_to(self, position: int) -> None:
        self._show(position)

    async def _look_by(self, steps: int) -> None:
        self._show(self.position + steps)

    async def _choose_candidate(self, position: int, token_id: int) -> None:
        """A press on a candidate; one that comes late, when the step has others or is gone, does nothing."""
        steps = self.generation.steps
        if 1 <= position <= len(steps) and any(c.token_id == token_id for c in steps[position - 1].candidates):
            self._show(position)
            await self._choose(token_id)

    async def _choose(self, token_id: int) -> None:
        self._agree()
        step, before, dropped = self._shown_step(), self.generation.steps, len(self.generation.steps) - self.position
        settings = self.settings if step is None else step.settings
        self.generation.rewind(max(0, self.position - 1))
        try:
            chosen = self.generation.choose(token_id, settings)
        except BaseException:
            self.generation.restore(before)
            raise
        self._take(chosen)
        kept = self._keep(before) if before else ""
        self._notice = f"You chose {sentences.visible(chosen.output.piece)}{_dropped(dropped, kept)}."

    async def _reset(self) -> None:
        said = "Back to the prompt, with nothing changed in the model." if str(self._change) else "Back to the prompt."
        self._change = AS_IT_IS
        self._restart(said)

    async def _begin_afresh(self) -> None:
        self._restart("Started afresh.")

    async def _read(self, place: int) -> None:
        """What the model expected at a token of the prompt, for the page that asks; nothing else changes."""
        self._asked = place

    async def _mute(self, heads: Iterable[tuple[int, int]]) -> None:
        self._agree()
        muted = tuple(sorted(set(checked_heads(self._model, heads))))
        await self._go_on_changed(replace(self._change, muted=muted), "This acts from the next token on.")

    async def _toggle_head(self, head: Sequence[int]) -> None:
        await self._mute(set(self._change.muted) ^ {tuple(head)})  # type: ignore[arg-type]

    async def _flip(self, position: int, unit: int) -> None:
        self._agree()
        flipped = tuple(sorted({*self._change.flipped} ^ {self._checked_flip(position, unit)}))
        piece = sentences.quoted(self.generation.tokens[position].piece)
        self._asked = self._asked if self._asked == position else None
        self._show(position + 1 - len(self.generation.tokens) + len(self.generation.steps))
        await self._go_on_changed(replace(self._change, flipped=flipped), f"This acts after {piece}.")

    def _checked_flip(self, position: int, unit: int) -> tuple[int, int]:
        units, count = units_of(self._model), len(self.generation.tokens)
        position = checks.whole_number("position", position, 0, count - 1, ", one of the tokens of the text (0 = bos)")
        return position, checks.whole_number("unit", unit, 0, units - 1, ", one of the units of the memory")

    async def _go_on_changed(self, change: Change, notice: str) -> None:
        """Let the model with this change take the next steps; a stream that this interrupted goes on."""
        self._changed = await asyncio.to_thread(change.made, self._model)
        self._change, self._notice = change, notice if str(change) else "Nothing is changed from the next token on."
        self.generation.change(self._changed, str(change))
        if self._interrupted and not (self._is_latest() and self._at_end()):
            await self._go_on()

    @property
    def _model(self) -> LanguageModel:
        """The model that is shown, as it is."""
        return self._models[self._begun_with[0]][0]

    def _restart(self, notice: str) -> None:
        self.generation = self._new_generation()
        self._forks = Forks()
        self.position, self._token_seconds, self._notice = 0, math.inf, notice

    def _fork(self) -> None:
        """Go on from the step that is looked at; what came after it is dropped, and that is said."""
        dropped = len(self.generation.steps) - self.position
        if dropped:
            kept = self._keep(self.generation.steps)
            self.generation.rewind(self.position)
            self._notice = f"{self._notice} Forked after step {self.position}{_dropped(dropped, kept)}.".strip()

    def _keep(self, steps: tuple[TokenStep, ...]) -> str:
        """Keep what the text leaves as a branch of the tree; and say so."""
        return f" into the tree{', which let its oldest branch go' if self._forks.keep(steps) else ''}"

    async def _restore(self, number: int) -> None:
        """Bring back a branch; one that is gone by now leaves all as it is."""
        steps, before = self._forks.take(number), self.generation.steps
        self.generation.restore(steps)
        if common(before, steps) < len(before):
            self._forks.keep(before)
        self._token_seconds = math.inf  # the model reads the whole text next
        self._show(len(steps))
        self._notice = f"Branch {number} is back."

    def _new_view(self) -> JourneyView:
        return JourneyView(self._receive)

    def _new_generation(self) -> Generation:
        model, prompt, seed = named = self._controls.beginning
        generation = Generation(*self._models[model], prompt, seed)
        if model != self._begun_with[0]:
            self._change = AS_IT_IS
        if str(self._change):
            generation.change(self._changed, str(self._change))
        self._begun_with = named
        return generation

    def _agree(self) -> None:
        """What goes on is what the controls name; where that was refused, it is refused and said again."""
        if self._controls.beginning != self._begun_with:
            self._restart("Started afresh.")

    # ------------------------------------------------------------------------------------------------ what is shown

    def _take(self, step: TokenStep) -> None:
        self.position = step.index + 1

    def _show(self, position: int) -> None:
        self.position = min(max(position, 0), len(self.generation.steps))

    def _is_latest(self) -> bool:
        return self.position == len(self.generation.steps)

    def _at_end(self) -> bool:
        return bool(self.generation.finish_reason) or len(self.generation.steps) >= self._controls.length.value

    def _shown_step(self) -> TokenStep | None:
        return self.generation.steps[self.position - 1] if self.position else None

    def _draw(self) -> None:
        """Tell the page what is new, in one message; the button says whether a text streams."""
        said = not self.playing or time.monotonic() - self._slow >= SLOWLY_SECONDS
        state, trouble = self._state(), sentences.shortened(self._trouble, 300)
        can, inside = self._can[self._begun_with[0]], self._controls.inside.value
        tree = tree_part(self.generation.steps, self.forks) if said and self._controls.tree.value else None
        frame = Frame(self.position, self.playing, state, trouble, inside, said, can, self._change, tree)
        try:
            self._view.show(self.generation, frame, self._parts())
        except Exception as error:
            self._trouble = _said(error)
            self._view.fail(self._trouble)
        show_playing(self._controls, self.playing)
        if said:
            self._slow = time.monotonic()

    def _parts(self) -> list[Part]:
        """What the page shows of the place looked at alone: what was expected within the prompt, and the inside."""
        parts = [] if self._asked is None else [read_part(self.generation.expected(self._asked))]
        if self._controls.inside.value and (self.position or self._asked is not None):
            begin = len(self.generation.tokens) - len(self.generation.steps) - 1
            parts.append(self._inside(begin + self.position - 1 if self._asked is None else self._asked))
        return parts

    def _inside(self, place: int) -> Part:
        """What was inside at a place, or why there is nothing to show."""
        large = self._model.vocab_size > LENS_LIMIT
        try:
            inside = self.generation.inside_at(place, lens="candidates" if large else "vocabulary")
        except Exception as error:  # the text itself goes on
            return closed_part(place, _said(error))
        return inside_part(place, inside) if inside else closed_part(place, CLOSED_MODEL)

    def _state(self) -> tuple[str, str, str]:
        """What goes on, how far the text is, and what happened last."""
        steps, changed = len(self.generation.steps), str(self._change)
        shown = " · ".join(filter(None, [f"{len(self.generation.tokens)} tokens", changed]))
        if self.playing:
            return "● running", f"{shown} · {self._controls.speed.value}", self._notice
        if not self._is_latest():
            return f"❚❚ looking at step {self.position} of {steps} · Play goes on from here", changed, self._notice
        if self.generation.finish_reason:
            return f"■ {ENDS[self.generation.finish_reason]}", shown, self._notice
        if steps >= self._controls.length.value:
            return f"■ stopped at the limit of {self._controls.length.value} new tokens", shown, self._notice
        return "❚❚ paused", shown, self._notice

    def _status(self) -> str:
        """The line that the page shows."""
        return self._trouble or " · ".join(filter(None, self._state()))


async def _outlasting(work: asyncio.Future[TokenStep]) -> TokenStep:
    """The result of work that goes on although this task is cancelled, and cancelled again."""
    while not work.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait([work])
    return work.result()


ENDS = {
    "eos": "ended: the model drew its end token (eos)",
    "length": "ended at the limit",
    "context": "ended: the model can read no more tokens (context)",
}


def _checked_models(
    models: Mapping[str, tuple[LanguageModel, TokenizerProtocol]],
) -> dict[str, tuple[LanguageModel, TokenizerProtocol]]:
    example = '{"mine": (model, tokenizer)}'
    models = checks.mapping_of("models", models, example)
    for name, pair in models.items():
        if not isinstance(name, str) or not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError(f"models[{name!r}] is {checks.shown(pair)}: give a name and a pair, such as {example}")
    return models


def _dropped(count: int, where: str) -> str:
    return f"; {count} later token{'s were' if count > 1 else ' was'} dropped{where}" if count else ""


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
