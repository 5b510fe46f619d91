"""How days are typed: day before month, in either language of a Vietnamese office."""

DATE_INPUT_FORMATS = ["%d/%m/%Y", "%d-%m-%Y", "%Y-%m-%d"]
