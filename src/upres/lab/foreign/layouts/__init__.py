"""Layouts of other people's weight files, one module a family; `upres.lab.foreign.recognise` lists the families."""
