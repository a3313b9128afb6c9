"""Networks whose widest convolutions compute with 8-bit numbers: calibrated, trained further, measured."""
