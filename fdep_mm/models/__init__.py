"""Networks, old and new; :mod:`fdep_mm.registry` imports them."""
