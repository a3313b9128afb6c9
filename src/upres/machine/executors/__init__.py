"""Where jobs of a ledger are run: an executor starts commands, `drive` hands the ledger's jobs to it."""
