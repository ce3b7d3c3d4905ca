# Filled in by the house.
