"""The credit service: holds, spends and gives back credits, exact to the last one."""

from importlib.metadata import version

__version__ = version("creditd")
