"""What an office did: counted once a day, read for any period, printed, signed and kept."""
