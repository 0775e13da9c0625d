"""Acting: what may be done, evidence first, one service at a time, and whether it helped."""
