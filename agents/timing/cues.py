"""What starts a clock: pulses seen in observations, and which cue they came with.

Channels are known by their names (``env.unwrapped.task_info["obs_names"]``), never by the task:

===========================================  =====================================================
Channel                                      Meaning
===========================================  =====================================================
``ready``, ``set``, ``go``, ``beat``,        a pulse: its onset starts the clock
``blank``
``cue_k``, ``context_k``                     1 for the cue that is shown (one-hot)
``cue``, ``tempo``                           the cue as a number
``prev_action_k``                            1 where the last action was k; 0 withholds
===========================================  =====================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from ..channels import find_channels
from ..errors import AgentError

Array = np.ndarray

PULSES = ("ready", "set", "go", "beat", "blank")
#: Pulses between which an interval passes that is to be measured.
MEASURED = ("ready", "beat")
_ONE_HOT = ("cue", "context")
_ANALOG = ("cue", "tempo")
_PRESS = re.compile(r"prev_action_[1-9]\d*")
_LEVELS = (0.25, 0.5, 0.75, 1.0)


class Seen(NamedTuple):
    """What observations of n columns tell.

    Attributes:
        lit: (n, P) bool, pulses that are on.
        pressed: (n,) bool, whether the last action was another than withholding.
        cue: (n,) which cue is shown, from 0.
        shown: (n, O) channels that are neither pulses, nor cues, nor the agent's own past.
        course: (n, H) channels whose recent course is held at a pulse.
    """

    lit: Array
    pressed: Array
    cue: Array
    shown: Array
    course: Array


class CueReader:
    """Finds the channels once, reads them at every step.

    Args:
        agent: whose name mistakes are told in.
        names: names of the channels.
        cues: names or numbers of the channels with pulses, separated by commas; None: by their
            names.
        identity: the same for the channels that tell cues apart, several (one-hot) or one (a
            number); None: by their names; "": there is one cue.
        values: values of such a number, separated by commas, the nearest counts; None: quarters.
        held: channels whose recent course is held at a pulse; None: those of ``analog`` if
            ``blank`` is a pulse, else none.
        analog: numbers of the channels that go below 0.

    Attributes:
        pulses: names of the pulses.
        n_cues: how many cues there are.
        press: numbers of the channels of the agent's own presses.

    Raises:
        AgentError: no pulse, an unknown channel, or values that are no numbers.
    """

    def __init__(
        self,
        agent: str,
        names: tuple[str, ...],
        cues: str | None = None,
        identity: str | None = None,
        values: str | None = None,
        held: str | None = None,
        analog: Iterable[int] = (),
    ):
        self._agent, self._names = agent, names
        if cues is None:
            self._pulse = [names.index(name) for name in PULSES if name in names]
        else:
            self._pulse = self._find(cues)
        if not self._pulse:
            raise AgentError(
                f"{agent} starts its clock at pulses ({', '.join(PULSES)}), and the environment "
                f"shows {', '.join(names)}: name the channels of its pulses in cues."
            )
        self.pulses = tuple(names[i] for i in self._pulse)
        self._identity = self._identities() if identity is None else self._find(identity)
        self._values = self._levels(values)
        analog_cue = len(self._identity) == 1 and self._is_number(self._identity[0], values)
        self._analog_cue = analog_cue
        self.n_cues = len(self._values) if analog_cue else max(len(self._identity), 1)
        self.press = [i for i, name in enumerate(names) if _PRESS.fullmatch(name)]
        if held is None:
            self._course = [i for i in analog if "blank" in self.pulses]
        else:
            self._course = self._find(held)
        known = {*self._pulse, *self._identity, *self.press}
        self._shown = [
            i
            for i, name in enumerate(names)
            if i not in known and not re.fullmatch(r"prev_(action_\d+|reward)", name)
        ]

    @property
    def n_shown(self) -> int:
        return len(self._shown)

    @property
    def n_course(self) -> int:
        return len(self._course)

    def _identities(self) -> list[int]:
        for group in _ONE_HOT:
            found = [i for i, name in enumerate(self._names) if re.fullmatch(rf"{group}_\d+", name)]
            if found:
                return found
        return [self._names.index(name) for name in _ANALOG if name in self._names][:1]

    def _is_number(self, channel: int, values: str | None) -> bool:
        return values is not None or self._names[channel] in _ANALOG

    def _levels(self, given: str | None) -> Array:
        if given is None:
            return np.array(_LEVELS)
        try:
            values = np.array([float(one) for one in given.split(",")])
        except ValueError:
            values = np.full(1, np.nan)
        if not np.isfinite(values).all():
            raise AgentError(
                f"{self._agent}: cue_values={given!r} must be numbers with commas between, like "
                "'0.5,1'."
            )
        return values

    def _find(self, given: str) -> list[int]:
        return find_channels(self._agent, self._names, given)

    def read(self, obs: Array) -> Seen:
        """What observations (n, D) tell."""
        n = len(obs)
        if self._analog_cue:
            shown = obs[:, self._identity[0], None]
            cue = np.abs(shown - self._values).argmin(axis=1)
        elif self._identity:
            cue = obs[:, self._identity].argmax(axis=1)
        else:
            cue = np.zeros(n, int)
        return Seen(
            lit=obs[:, self._pulse] > 0.5,
            pressed=np.logical_or.reduce(obs[:, self.press] > 0.5, axis=1),
            cue=cue,
            shown=obs[:, self._shown],
            course=obs[:, self._course],
        )
