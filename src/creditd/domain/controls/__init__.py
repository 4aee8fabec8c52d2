"""Who may do what, and what keeps staff and fraud in bounds: access, approvals, audit, flags, velocity."""
