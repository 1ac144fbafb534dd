"""Spiking convolutional front ends for frames; PyTorch comes with the extra ``atari``."""

from .adjoint import Regularisers
from .front import LAYERS, ConvLayer, SpikingVision
from .tape import VisionTape

__all__ = ["LAYERS", "ConvLayer", "Regularisers", "SpikingVision", "VisionTape"]
