"""The pages of paying, and what gateways call."""
