"""Calls the executors: servers of other teams that run workflows."""
