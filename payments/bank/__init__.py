"""Money that comes in on the office's bank accounts: read, matched with what was asked, or
left to the cashier. Nothing that a bank reports is ever dropped."""
