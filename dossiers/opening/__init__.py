"""What looks into the files that people send: programs of `procedures.bounded`, without Django."""
