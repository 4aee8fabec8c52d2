"""Who may do what, and what keeps staff and fraud in bounds: roles, approvals, audit, flags, velocity."""
