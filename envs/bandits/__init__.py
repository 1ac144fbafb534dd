"""Tasks of choosing among arms whose worth has to be learned."""

from .bandit import Bandit
from .contextual_bandit import ContextualBandit
from .criterion_reversal import CriterionReversal
from .horizon_bandit import HorizonBandit
from .information_sampling import InformationSampling
from .iowa_gambling import IowaGambling
from .restless_bandit import RestlessBandit
from .reversal_bandit import ReversalBandit
from .two_step import TwoStep
from .volatile_bandit import VolatileBandit
from .volatility_stochasticity import VolatilityStochasticity

__all__ = [
    "Bandit",
    "ContextualBandit",
    "CriterionReversal",
    "HorizonBandit",
    "InformationSampling",
    "IowaGambling",
    "RestlessBandit",
    "ReversalBandit",
    "TwoStep",
    "VolatileBandit",
    "VolatilityStochasticity",
]
