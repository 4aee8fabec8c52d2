"""The credit service: holds, spends and gives back credits, exact to the last one."""
