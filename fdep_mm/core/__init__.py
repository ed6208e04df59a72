"""The ground floor: what every other part of fdep_mm stands on."""
