# SPDX-License-Identifier: Apache-2.0
"""Firmware and its updates under pytest, on Updraft's virtual boards. See plugin.py for the fixtures."""

from .board import Board, BoardDefect, BoardEnded, ExpectTimeout, UpdateRefused
from .server import OtaServer
from .tool import CommandFailed, CommandNotFound, Updraft

__all__ = ["Board", "BoardDefect", "BoardEnded", "CommandFailed", "CommandNotFound", "ExpectTimeout", "OtaServer",
           "UpdateRefused", "Updraft"]
