"""Engines: one file each, all behind the protocol of `engine`; `select` picks one."""
