"""The learners of bandits by name: one for each filter, and win-stay/lose-shift."""

from __future__ import annotations

from dataclasses import dataclass

from ..filters import JointParticle, RescorlaWagner
from .agent import ReadingOptions, TrialAgent, reader_of
from .choice import WinStayLoseShift
from .learner import BanditLearner
from .player import BanditPlayer, Player, make_coding


class RescorlaWagnerLearner(BanditLearner):
    """Learns a fixed share of every prediction error."""

    filter_class = RescorlaWagner


class JointParticleLearner(BanditLearner):
    """Infers volatility and stochasticity together (Piray & Daw 2021)."""

    filter_class = JointParticle


@dataclass
class WinStayLoseShiftOptions(ReadingOptions):
    """Parameters of :class:`~.choice.WinStayLoseShift`, and how observations are read."""

    stay_after_win: float = 0.9
    shift_after_loss: float = 0.9
    threshold: float = 0.5  # an outcome above it is a win


class WinStayLoseShiftLearner(TrialAgent):
    """Repeats what won last and leaves what lost; without any belief about arms."""

    name = "win-stay-lose-shift"
    options_class = WinStayLoseShiftOptions

    def _make_player(self) -> Player:
        o = self.options
        rule = WinStayLoseShift(
            stay_after_win=o.stay_after_win,
            shift_after_loss=o.shift_after_loss,
            threshold=o.threshold,
        )
        reader = reader_of(self)
        coding = make_coding(self.name, None, o.reward_low, o.reward_high, reader)
        return BanditPlayer(None, rule, reader, coding)
