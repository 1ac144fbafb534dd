"""The learners of bandits by name: one for each filter, and win-stay/lose-shift."""

from __future__ import annotations

from dataclasses import dataclass

from ..filters import (
    Behrens,
    BinaryHGF,
    BinaryVolatileKalman,
    ChangePointObserver,
    ContinuousHGF,
    GaussianChangePoint,
    JointParticle,
    Kalman,
    PearceHall,
    RescorlaWagner,
    ReversalObserver,
    VolatileKalman,
)
from .agent import ReadingOptions, TrialAgent, reader_of
from .choice import WinStayLoseShift
from .coding import make_coding
from .learner import BanditLearner
from .player import BanditPlayer, Player


class RescorlaWagnerLearner(BanditLearner):
    """Learns a fixed share of every prediction error."""

    filter_class = RescorlaWagner


class PearceHallLearner(BanditLearner):
    """Learns a share of prediction errors that follows their size (Pearce-Hall hybrid)."""

    filter_class = PearceHall


class KalmanLearner(BanditLearner):
    """The exact observer of Gaussian arms whose drift and noise are known."""

    filter_class = Kalman


class VolatileKalmanLearner(BanditLearner):
    """A Kalman filter that estimates the drift (Piray & Daw 2020)."""

    filter_class = VolatileKalman


class BinaryVolatileKalmanLearner(BanditLearner):
    """The same for arms that pay or do not (Piray & Daw 2020)."""

    filter_class = BinaryVolatileKalman


class BinaryHGFLearner(BanditLearner):
    """The hierarchical Gaussian filter of three levels (Mathys et al. 2011)."""

    filter_class = BinaryHGF


class ContinuousHGFLearner(BanditLearner):
    """The hierarchical Gaussian filter of graded outcomes."""

    filter_class = ContinuousHGF


class BehrensLearner(BanditLearner):
    """Bayes on a grid over probability, volatility and its change (Behrens et al. 2007)."""

    filter_class = Behrens


class ReversalObserverLearner(BanditLearner):
    """The exact observer of arms that change roles, given its odds and hazard."""

    filter_class = ReversalObserver


class ChangePointLearner(BanditLearner):
    """Bayesian detection of changes of probabilities (Adams & MacKay 2007)."""

    filter_class = ChangePointObserver


class GaussianChangePointLearner(BanditLearner):
    """The same of means of Gaussian outcomes."""

    filter_class = GaussianChangePoint


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
