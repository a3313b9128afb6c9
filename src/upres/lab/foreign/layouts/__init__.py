"""Layouts of other people's weight files, one module a family; `upres.lab.foreign.layouts.table` lists them."""
